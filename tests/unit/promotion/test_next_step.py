"""The next command of an environment, along the whole way and after every turn back."""

from __future__ import annotations

import pytest

from repoint.model.ledger import Entry, Phase
from repoint.model.rehearsal import Verdict
from repoint.promotion.content import untouched
from repoint.promotion.gates import GateResult
from repoint.promotion.next_step import next_step
from tests.unit.promotion.entries import entry, timeline

NOTHING = {"content": untouched("local")}
OUT = (entry(Phase.APPLIED, 2), entry(Phase.ROLLED_OUT, 3))
CLOSED = GateResult("data", Verdict.UNKNOWN, "not compared", "repoint data compare --env local")


def command(
    *ledger: Entry, gates: tuple[GateResult, ...] = (), pending: int = 0, **of: object
) -> str:
    found = next_step(timeline(*ledger, **of), gates, soak="30m", soak_s=1800.0, pending=pending)
    return found.command


@pytest.mark.parametrize(
    ("ledger", "standing", "expected"),
    [
        pytest.param((), NOTHING, "repoint rehearse --env local", id="nothing"),
        pytest.param(
            (entry(Phase.REHEARSED, 1),), NOTHING, "repoint apply --env local", id="rehearsed"
        ),
        pytest.param(
            (entry(Phase.REHEARSED, 1, verdict=Verdict.FAIL),),
            *(NOTHING, "repoint rehearse --env local"),
            id="rehearsal failed",
        ),
        pytest.param(OUT[:1], {}, "repoint rollout --env local", id="applied"),
        pytest.param(
            (OUT[0], entry(Phase.ROLLED_OUT, 3, verdict=Verdict.FAIL)),
            *({}, "repoint rollout --env local"),
            id="stopped",
        ),
        pytest.param(OUT, {}, "repoint verify --env local", id="rolled out"),
        pytest.param(
            (entry(Phase.VERIFIED, 1), *OUT), {}, "repoint verify --env local", id="verified before"
        ),
        pytest.param(
            (*OUT, entry(Phase.VERIFIED, 4)),
            *({}, "repoint verify --env local --soak 30m"),
            id="verified",
        ),
        pytest.param(
            (*OUT, entry(Phase.VERIFIED, 4), entry(Phase.SOAKED, 5, seconds=1800.0)),
            *({}, ""),
            id="soaked",
        ),
        pytest.param(
            (*OUT, entry(Phase.VERIFIED, 4), entry(Phase.TAKEN_BACK, 5)),
            *(NOTHING, "repoint rehearse --env local"),
            id="taken back",
        ),
        pytest.param(
            OUT,
            {"verdict": Verdict.FAIL, "why": "`a.yaml` was changed since"},
            "repoint plan --env local",
            id="drift",
        ),
        pytest.param(
            (entry(Phase.REHEARSED, 1, **NOTHING),),
            *(NOTHING, "repoint rollout --env local"),
            id="moved by hand, and rehearsed as it is",
        ),
    ],
)
def test_the_way(ledger: tuple[Entry, ...], standing: dict[str, object], expected: str) -> None:
    assert command(*ledger, **standing) == expected


def test_a_closed_gate_comes_before_the_rollout_and_not_after_it() -> None:
    assert command(OUT[0], gates=(CLOSED,)) == "repoint data compare --env local"
    assert command(*OUT, gates=(CLOSED,)) == "repoint verify --env local"


def test_changes_that_are_due_are_rehearsed_then_applied() -> None:
    assert command(*OUT, pending=3) == "repoint rehearse --env local"
    later = entry(Phase.REHEARSED, 9, content="9" * 64)
    assert command(*OUT, later, pending=3) == "repoint apply --env local"
    earlier = entry(Phase.REHEARSED, 1, content="9" * 64)
    assert command(earlier, *OUT, pending=3) == "repoint rehearse --env local"
    same = entry(Phase.REHEARSED, 9)
    assert command(*OUT, same, pending=3) == "repoint rehearse --env local"
