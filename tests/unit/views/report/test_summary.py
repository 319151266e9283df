"""The numbers of the first screen."""

from __future__ import annotations

from dataclasses import replace

from repoint.flows.dossier import Dossier
from repoint.model.dossier import RehearsalRecord
from repoint.model.rehearsal import Verdict
from repoint.views.report.summary import Figure, figures
from tests.unit.views.report.dossiers import dossier


def rehearsed(value: Dossier) -> Figure:
    return next(one for one in figures(value, (), ()) if one.noun == "rehearsed")


def test_an_environment_that_was_not_rehearsed_counts_as_one_that_did_not_pass() -> None:
    value = dossier()
    assert value.plan is not None
    made = value.rehearsals[0].rehearsal
    passed = replace(made, consumers=made.consumers[1:])
    assert passed.verdict is Verdict.PASS
    alone = replace(value, rehearsals=(RehearsalRecord("local", passed),))
    three = replace(value.plan, environments=("local", "staging", "production"))

    one, some = rehearsed(alone), rehearsed(replace(alone, plan=three))

    assert (one.number, one.text, one.tone) == ("1/1", "environments passed", "good")
    assert some.number == "1/3"
    assert some.text == "environments passed, 2 not rehearsed"
    assert some.tone == "warn"
    # A rehearsal tells of what it was asked to try.
    assert rehearsed(replace(alone, plan=three, command="rehearse")).number == "1/1"
