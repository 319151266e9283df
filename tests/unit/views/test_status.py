"""The screen of `repoint status`: what each cell says, in the same words without colour."""

from __future__ import annotations

import json
import re

import pytest

from repoint.flows.status import EnvironmentStatus, Status
from repoint.model.ledger import Entry, Phase
from repoint.model.rehearsal import Verdict
from repoint.promotion.content import untouched
from repoint.promotion.gates import GateResult
from repoint.promotion.next_step import NextStep
from repoint.views import comments
from repoint.views.status import cell, human, machine
from tests.unit.promotion.entries import entry, timeline

NOTHING = {"content": untouched("local")}
GATE = GateResult("data", Verdict.UNKNOWN, "not compared", "repoint data compare --env local")
STEP = NextStep(GATE.hint, GATE.observed)


def status(*ledger: Entry, **standing: object) -> EnvironmentStatus:
    return EnvironmentStatus(timeline(*ledger, **standing), (GATE,), STEP)


def whole(one: EnvironmentStatus) -> Status:
    return Status((one,), has_ledger=True, merges=True)


APPLIED = entry(Phase.APPLIED, 2)


@pytest.mark.parametrize(
    ("phase", "ledger", "standing", "expected"),
    [
        (Phase.APPLIED, (), NOTHING, "-"),
        (Phase.APPLIED, (APPLIED,), {}, "yes"),
        (Phase.APPLIED, (APPLIED,), {"verdict": Verdict.FAIL}, "drift"),
        (Phase.APPLIED, (APPLIED,), {"verdict": Verdict.UNKNOWN}, "unknown"),
        (Phase.APPLIED, (APPLIED, entry(Phase.TAKEN_BACK, 3)), NOTHING, "old"),
        (Phase.REHEARSED, (entry(Phase.REHEARSED, 1),), {}, "pass"),
        (Phase.REHEARSED, (entry(Phase.REHEARSED, 1),), NOTHING, "pass"),
        (Phase.REHEARSED, (entry(Phase.REHEARSED, 1), entry(Phase.TAKEN_BACK, 3)), NOTHING, "old"),
        (Phase.REHEARSED, (entry(Phase.REHEARSED, 1, content="9" * 64), APPLIED), {}, "old"),
        (Phase.PLANNED, (entry(Phase.PLANNED, 1, verdict=Verdict.FAIL),), NOTHING, "fail"),
        (Phase.VERIFIED, (entry(Phase.VERIFIED, 3, verdict=Verdict.UNKNOWN),), {}, "unknown"),
        (Phase.VERIFIED, (entry(Phase.VERIFIED, 3, content="9" * 64),), {}, "old"),
        (Phase.SOAKED, (), {}, "-"),
    ],
)
def test_a_cell(
    phase: Phase, ledger: tuple[Entry, ...], standing: dict[str, object], expected: str
) -> None:
    assert cell(status(*ledger, **standing), phase) == expected


def test_the_words_are_the_same_without_colour() -> None:
    override = entry(Phase.ROLLED_OUT, 3, verdict=Verdict.FAIL, overrides=("data: it is empty",))
    value = whole(status(APPLIED, override, edited=("a.yaml",)))
    plain = human(value)
    colored = re.sub(r"\x1b\[[0-9;]*m", "", human(value, color=True))
    assert [line.rstrip() for line in colored.splitlines()] == plain.splitlines()
    assert "\x1b" not in plain
    text = " ".join(plain.split())
    assert "passed by: data: it is empty (fail on 2026-03-02 09:03 by Ada)" in text
    assert "gate data is closed (unknown): not compared" in text
    assert "edited by others, beside repoint's values: a.yaml" in text
    assert "next: repoint data compare --env local" in text


def test_closed_gates_are_no_matter_after_the_rollout() -> None:
    out = human(whole(status(APPLIED, entry(Phase.ROLLED_OUT, 3))))
    assert "closed" not in out
    assert "gates closed: data" in human(whole(status(**NOTHING)))


def test_git_is_told_how_to_merge_only_where_it_is_not_known() -> None:
    one = status(APPLIED)
    assert "merge=union" in human(Status((one,), has_ledger=True, merges=False))
    assert "merge=union" not in human(Status((one,), has_ledger=True, merges=True))
    assert "no ledger yet" in " ".join(human(Status((), has_ledger=False, merges=False)).split())


def test_a_program_and_a_pull_request_get_the_same_states() -> None:
    value = whole(status(APPLIED, entry(Phase.VERIFIED, 4)))
    (one,) = json.loads(machine(value))["environments"]
    states = [phase["state"] for phase in one["phases"]]
    assert states == ["-", "-", "yes", "-", "-", "pass", "-"]
    assert f"| {' | '.join(states)} |" in comments.status(value)
    assert one["phases"][5]["entry"]["who"] == "Ada <ada@example.org>"
    assert one["next"]["command"] == STEP.command
