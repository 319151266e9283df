"""W: each gate on ledgers made by hand: what opens it, and everything that must not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repoint.model.ledger import Entry, Phase
from repoint.model.rehearsal import Verdict
from repoint.planning.config import ROLLOUT_GATES, RolloutGate
from repoint.promotion.gates import GateResult, Situation, judge_gates
from repoint.promotion.standing import Standing
from repoint.promotion.timeline import Timeline
from tests.unit.promotion.entries import CONTENT, SETTINGS, at, entry

HOUR_S = 3600.0
OTHER = "0" * 64

READY = (
    entry(Phase.REHEARSED, 1),
    entry(Phase.APPLIED, 2, content="1" * 64),
    entry(Phase.COMPARED, 3),
    entry(Phase.ROLLED_OUT, 4),
    entry(Phase.VERIFIED, 5),
    entry(Phase.SOAKED, 40, seconds=1800.0),
    entry(Phase.REHEARSED, 41, "staging"),
    entry(Phase.APPLIED, 42, "staging", content="2" * 64),
    entry(Phase.COMPARED, 43, "staging"),
)


def without(phase: Phase, environment: str = "local") -> tuple[Entry, ...]:
    return tuple(one for one in READY if (one.phase, one.environment) != (phase, environment))


def changed(phase: Phase, environment: str = "local", **given: object) -> tuple[Entry, ...]:
    return tuple(
        replace(one, **given) if (one.phase, one.environment) == (phase, environment) else one  # type: ignore[arg-type]
        for one in READY
    )


def situation(ledger: tuple[Entry, ...], **given: object) -> Situation:
    """Staging after local, an hour into the day."""
    mine, before = (Standing(name, CONTENT, Verdict.PASS) for name in ("staging", "local"))
    base = Situation(
        mine=Timeline.of(mine, ledger),
        before=Timeline.of(before, ledger),
        now=at(60),
        settings=SETTINGS,
        soak_s=1800.0,
        soak="30m",
        max_age_s=HOUR_S,
    )
    return replace(base, **given)  # type: ignore[arg-type]


def asked(gate: RolloutGate, at_hand: Situation) -> GateResult:
    (result,) = judge_gates([gate], at_hand, {})
    return result


def drifted(environment: str, ledger: tuple[Entry, ...] = READY) -> Timeline:
    standing = Standing(environment, CONTENT, Verdict.FAIL, "`a.yaml` was changed since")
    return Timeline.of(standing, ledger)


def test_every_gate_is_open_when_all_was_done() -> None:
    found = judge_gates(ROLLOUT_GATES, situation(READY), {})
    assert [(one.id, one.verdict, one.hint) for one in found] == [
        (gate, Verdict.PASS, "") for gate in ROLLOUT_GATES
    ]
    assert all(one.observed for one in found)


def test_the_first_environment_has_no_predecessor() -> None:
    found = judge_gates(ROLLOUT_GATES, situation(READY, before=None), {})
    assert [one.verdict for one in found[1:3]] == [Verdict.SKIPPED, Verdict.SKIPPED]
    assert all(one.is_open for one in found)


def test_without_a_ledger_nothing_is_open() -> None:
    found = judge_gates(ROLLOUT_GATES, situation(()), {})
    assert [one.verdict for one in found] == [Verdict.UNKNOWN] * 4
    assert not any(one.is_open for one in found)
    assert all(one.hint.startswith("repoint ") for one in found)


UNKNOWN, FAIL = Verdict.UNKNOWN, Verdict.FAIL
TAKEN = (*READY, entry(Phase.TAKEN_BACK, 50))
REDONE = (*TAKEN, entry(Phase.APPLIED, 51, content="1" * 64))


@pytest.mark.parametrize(
    ("gate", "ledger", "verdict", "told", "hint"),
    [
        pytest.param(
            *("rehearsed", without(Phase.REHEARSED, "staging"), UNKNOWN, "was not rehearsed"),
            "repoint rehearse --env staging",
            id="not rehearsed",
        ),
        pytest.param(
            *("rehearsed", changed(Phase.REHEARSED, "staging", verdict=UNKNOWN), UNKNOWN),
            *("did not pass", "repoint rehearse --env staging"),
            id="rehearsal unknown",
        ),
        pytest.param(
            *("rehearsed", changed(Phase.REHEARSED, "staging", verdict=FAIL), FAIL),
            *("did not pass", "repoint rehearse --env staging"),
            id="rehearsal failed",
        ),
        pytest.param(
            *("rehearsed", changed(Phase.REHEARSED, "staging", content=OTHER), UNKNOWN),
            *("was not rehearsed", "repoint rehearse --env staging"),
            id="another content rehearsed, then applied",
        ),
        pytest.param(
            "rehearsed",
            (
                *without(Phase.REHEARSED, "staging"),
                entry(Phase.REHEARSED, 55, "staging", content=OTHER),
            ),
            *(UNKNOWN, "is not applied", "repoint apply --env staging"),
            id="a later plan rehearsed and not applied",
        ),
        pytest.param(
            *("predecessor", without(Phase.ROLLED_OUT), UNKNOWN, "was not rolled out"),
            "repoint rollout --env local",
            id="not rolled out",
        ),
        pytest.param(
            *("predecessor", changed(Phase.ROLLED_OUT, verdict=FAIL), FAIL),
            *("did not come to its end", "repoint rollout --env local"),
            id="roll-out stopped",
        ),
        pytest.param(
            *("predecessor", changed(Phase.ROLLED_OUT, content=OTHER), UNKNOWN),
            *("was not rolled out", "repoint rollout --env local"),
            id="another content rolled out",
        ),
        pytest.param(
            *("predecessor", without(Phase.VERIFIED), UNKNOWN, "was not verified"),
            "repoint verify --env local",
            id="not verified",
        ),
        pytest.param(
            *("predecessor", changed(Phase.VERIFIED, content=""), UNKNOWN, "was not verified"),
            "repoint verify --env local",
            id="verified without a content",
        ),
        pytest.param(
            *("predecessor", changed(Phase.VERIFIED, verdict=UNKNOWN), UNKNOWN, "did not pass"),
            "repoint verify --env local",
            id="verified as unknown",
        ),
        pytest.param(
            *("predecessor", (*READY, entry(Phase.VERIFIED, 50, verdict=FAIL)), FAIL),
            *("did not pass", "repoint verify --env local"),
            id="verified, then not any more",
        ),
        pytest.param(
            *("predecessor", (*READY, entry(Phase.ROLLED_OUT, 50)), UNKNOWN),
            *("was not verified since", "repoint verify --env local"),
            id="rolled out again",
        ),
        pytest.param(
            *("predecessor", TAKEN, FAIL, "was taken back"),
            "repoint apply --env local",
            id="taken back",
        ),
        pytest.param(
            *("predecessor", REDONE, UNKNOWN, "was not rolled out"),
            "repoint rollout --env local",
            id="taken back and applied again",
        ),
        pytest.param(
            *("predecessor", (*READY, entry(Phase.ROLLED_BACK, 50, verdict=FAIL)), FAIL),
            *("was taken back", "repoint apply --env local"),
            id="rolled back half",
        ),
        pytest.param(
            *("predecessor", changed(Phase.APPLIED, "staging", settings=OTHER), FAIL),
            *("under other settings", "repoint verify --env local"),
            id="planned by other settings",
        ),
        pytest.param(
            *("soaked", without(Phase.SOAKED), UNKNOWN, "was not soaked"),
            "repoint verify --env local --soak 30m",
            id="not soaked",
        ),
        pytest.param(
            *("soaked", changed(Phase.SOAKED, seconds=1799.0), UNKNOWN, "1799 s, not 30m"),
            "repoint verify --env local --soak 30m",
            id="soaked too short",
        ),
        pytest.param(
            *("soaked", changed(Phase.SOAKED, verdict=FAIL), FAIL, "did not pass"),
            "repoint verify --env local --soak 30m",
            id="soak failed",
        ),
        pytest.param(
            "soaked",
            (
                *READY,
                entry(Phase.SOAKED, 50, verdict=FAIL, seconds=9000.0),
                entry(Phase.SOAKED, 55, seconds=60.0),
            ),
            *(UNKNOWN, "60 s, not 30m", "repoint verify --env local --soak 30m"),
            id="a short soak after one that failed",
        ),
        pytest.param(
            *("soaked", REDONE, UNKNOWN, "was not soaked"),
            "repoint verify --env local --soak 30m",
            id="soaked before a rollback",
        ),
        pytest.param(
            *("data", without(Phase.COMPARED, "staging"), UNKNOWN, "were not compared"),
            "repoint data compare --env staging",
            id="not compared",
        ),
        pytest.param(
            *("data", changed(Phase.COMPARED, "staging", verdict=FAIL), FAIL, "did not pass"),
            "repoint data compare --env staging",
            id="rows are missing",
        ),
        pytest.param(
            *("data", changed(Phase.COMPARED, "staging", at=at(-1)), UNKNOWN, "is too old"),
            "repoint data compare --env staging",
            id="compared 61 minutes ago",
        ),
        pytest.param(
            *("data", changed(Phase.COMPARED, "staging", at=at(90)), UNKNOWN, "is too old"),
            "repoint data compare --env staging",
            id="compared in the future",
        ),
        pytest.param(
            *("data", changed(Phase.COMPARED, "staging", settings=OTHER), UNKNOWN),
            *("repoint.yaml changed", "repoint data compare --env staging"),
            id="other servers",
        ),
        pytest.param(
            *("data", (*READY, entry(Phase.ROLLED_BACK, 50, "staging")), UNKNOWN),
            *("were not compared", "repoint data compare --env staging"),
            id="rolled back since",
        ),
    ],
)
def test_a_gate_is_closed(
    gate: RolloutGate, ledger: tuple[Entry, ...], verdict: Verdict, told: str, hint: str
) -> None:
    found = asked(gate, situation(ledger))
    assert (found.verdict, found.hint) == (verdict, hint)
    assert told in found.observed
    assert not found.is_open


OPEN = [
    pytest.param(
        *("rehearsed", (*READY, entry(Phase.TAKEN_BACK, 44, "staging"))),
        id="a rehearsal outlives a rollback",
    ),
    pytest.param(
        *("rehearsed", (*READY, entry(Phase.REHEARSED, 45, "staging", content=OTHER))),
        id="a later plan is rehearsed, too",
    ),
    pytest.param(
        *("predecessor", (*TAKEN, entry(Phase.APPLIED, 51, content="1" * 64),
          entry(Phase.ROLLED_OUT, 52), entry(Phase.VERIFIED, 53))),
        id="taken back, and all done again",
    ),
    pytest.param(
        "predecessor",
        (
            *changed(Phase.VERIFIED, settings=OTHER),
            entry(Phase.VERIFIED, 50),
        ),
        id="verified again under the settings of this one",
    ),
    pytest.param(
        *("predecessor", (*READY, entry(Phase.VERIFIED, 50, settings=OTHER))),
        id="verified later under settings of others, too",
    ),
    pytest.param(
        *("soaked", (*READY, entry(Phase.SOAKED, 55, seconds=60.0))),
        id="a short soak after a long one",
    ),
    pytest.param(
        *("data", changed(Phase.COMPARED, "staging", at=at(0))),
        id="compared an hour ago",
    ),
    pytest.param(
        "data",
        (
            *changed(Phase.COMPARED, "staging", at=at(-50)),
            entry(Phase.ROLLED_OUT, 1, "staging", verdict=UNKNOWN),
        ),
        id="a roll-out that goes on was begun in time",
    ),
    pytest.param(
        *("data", (*without(Phase.COMPARED, "staging"), entry(Phase.ROLLED_OUT, 50, "staging"))),
        id="switched already",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("gate", "ledger"), OPEN)
def test_a_gate_is_open(gate: RolloutGate, ledger: tuple[Entry, ...]) -> None:
    found = asked(gate, situation(ledger))
    assert found.is_open and found.hint == "", found


@pytest.mark.parametrize("gate", ["predecessor", "soaked"])
def test_a_predecessor_that_drifted_closes(gate: RolloutGate) -> None:
    found = asked(gate, situation(READY, before=drifted("local")))
    assert (found.verdict, found.observed) == (FAIL, "`a.yaml` was changed since")
    assert found.hint == "repoint plan --env local"


def test_what_drifted_itself_was_not_rehearsed() -> None:
    found = asked("rehearsed", situation(READY, mine=drifted("staging")))
    assert (found.verdict, found.hint) == (FAIL, "repoint plan --env staging")


def test_an_input_that_changed_counts_until_the_environment_is_switched() -> None:
    at_hand = situation(READY, changed=("base/pooler.yaml",))
    found = asked("rehearsed", at_hand)
    assert found.verdict is UNKNOWN and "`base/pooler.yaml` changed" in found.observed
    switched = situation(
        (*READY, entry(Phase.ROLLED_OUT, 50, "staging")), changed=("base/pooler.yaml",)
    )
    assert asked("rehearsed", switched).is_open


def test_another_tool_is_told_and_holds_nothing() -> None:
    found = asked("predecessor", situation(changed(Phase.APPLIED, "staging", tool="2.0.0")))
    assert found.is_open and "planned by repoint 1.0.0, here by 2.0.0" in found.observed


def test_a_reason_opens_only_what_is_closed() -> None:
    reasons = {"soaked": "the fair begins tomorrow", "data": "the source is empty"}
    found = judge_gates(ROLLOUT_GATES, situation(without(Phase.SOAKED)), reasons)
    by_gate = {one.id: one for one in found}
    assert by_gate["soaked"].override == "the fair begins tomorrow"
    assert by_gate["soaked"].is_open and not by_gate["soaked"].holds
    assert by_gate["data"].override == ""


def test_gates_are_asked_as_repoint_yaml_says() -> None:
    found = judge_gates(["data", "rehearsed"], situation(READY), {})
    assert [one.id for one in found] == ["data", "rehearsed"]
