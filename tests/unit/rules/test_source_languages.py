"""What people write in nine languages: every case of one table, and the measure of a second."""

from __future__ import annotations

import pytest

from repoint.rules.source_calls import known_calls
from repoint.rules.source_scan import scan_source
from tests.unit.rules import source_held_out_cases, source_language_cases
from tests.unit.rules.source_language_cases import Case

LOCAL = frozenset({"local-guc"})


def seen(case: Case) -> frozenset[str]:
    """The kinds of evidence that a snippet gives, drivers apart."""
    path, text, _ = case
    return frozenset(hazard.kind.value for hazard in scan_source(path, text)) - {"driver"}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{language} {case[0]}")
        for language, cases in source_language_cases.LANGUAGES.items()
        for case in cases
    ],
)
def test_the_table(case: Case) -> None:
    assert seen(case) == case[2]


def test_the_tables_hold_as_many_harmless_snippets_as_harmful_ones() -> None:
    for tables in (source_language_cases.LANGUAGES, source_held_out_cases.LANGUAGES):
        for language, cases in tables.items():
            harmful = sum(bool(kinds - LOCAL) for _, _, kinds in cases)
            assert len(cases) - harmful >= harmful, language


def test_the_measure_of_the_table_that_was_not_tuned_on() -> None:
    cases = [case for cases in source_held_out_cases.LANGUAGES.values() for case in cases]
    harmful = [case for case in cases if case[2] - LOCAL]
    missed = [case[:2] for case in harmful if seen(case) != case[2]]
    alarms = [case[:2] for case in cases if not case[2] - LOCAL and seen(case) - LOCAL]
    assert (len(harmful), len(missed), len(alarms)) == (50, 1, 0), (missed, alarms)


def test_every_call_of_the_data_names_its_fact() -> None:
    assert all(call.row and call.languages for call in known_calls())
    assert all(call.says or call.kind.value == "startup-setting" for call in known_calls())
