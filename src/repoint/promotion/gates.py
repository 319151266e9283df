"""The gates of a rollout, judged on the ledger and on what stands; unknown never passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from repoint.model.ledger import Entry, Phase
from repoint.model.rehearsal import Verdict
from repoint.planning.config import RolloutGate
from repoint.promotion.timeline import Timeline

_OPEN = (Verdict.PASS, Verdict.SKIPPED)


@dataclass(frozen=True, slots=True)
class GateResult:
    """A gate's answer: what was seen, the command that opens it, why somebody passes it by."""

    id: str
    verdict: Verdict
    observed: str
    hint: str = ""
    override: str = ""

    @property
    def holds(self) -> bool:
        """Whether it was found open; a gate that does not apply is."""
        return self.verdict in _OPEN

    @property
    def is_open(self) -> bool:
        """Whether the rollout may go on as far as this gate is concerned."""
        return self.holds or bool(self.override)


@dataclass(frozen=True, slots=True)
class Situation:
    """What the gates of one environment look at.

    `before` is the environment's predecessor in repoint.yaml, None for the first. `settings`
    are the decisions of repoint.yaml now, `changed` inputs of the rehearsal that are other now.
    `soak_s` and `max_age_s` are in seconds.
    """

    mine: Timeline
    before: Timeline | None
    now: datetime
    settings: str
    soak_s: float
    soak: str
    max_age_s: float
    changed: tuple[str, ...] = ()


def judge_gates(
    wanted: Sequence[RolloutGate], situation: Situation, overrides: Mapping[str, str]
) -> tuple[GateResult, ...]:
    """Ask every gate of `wanted`, in that order; `overrides` are reasons by the gate's name."""
    found = []
    for gate in wanted:
        verdict, observed, hint = _GATES[gate](situation)
        held = verdict in _OPEN
        reason = "" if held else overrides.get(gate, "")
        found.append(GateResult(gate, verdict, observed, "" if held else hint, reason))
    return tuple(found)


_Answer = tuple[Verdict, str, str]


def _rehearsed(at: Situation) -> _Answer:
    name = at.mine.standing.environment
    drift = _drift(at.mine)
    if drift is not None:
        return drift
    again = f"repoint rehearse --env {name}"
    last = at.mine.last(Phase.REHEARSED)
    if last is None:
        pending = at.mine.pending_rehearsal
        if pending is not None:
            observed = f"what was rehearsed on {_when(pending)} is not applied"
            return Verdict.UNKNOWN, observed, f"repoint apply --env {name}"
        return Verdict.UNKNOWN, f"what stands in `{name}` was not rehearsed", again
    if last.verdict is not Verdict.PASS:
        return last.verdict, f"the rehearsal of {_when(last)} did not pass", again
    if at.changed and at.mine.rolled_out is None:
        observed = f"`{at.changed[0]}` changed since the rehearsal of {_when(last)}"
        return Verdict.UNKNOWN, observed, again
    return Verdict.PASS, f"passed on {_when(last)}", ""


def _predecessor(at: Situation) -> _Answer:
    before = at.before
    if before is None:
        return _first(at)
    name = before.standing.environment
    drift = _drift(before)
    if drift is not None:
        return drift
    out, verified = before.last(Phase.ROLLED_OUT), before.last(Phase.VERIFIED)
    if out is None:
        if before.back is not None:
            observed = f"`{name}` was taken back on {_when(before.back)}"
            return Verdict.FAIL, observed, f"repoint apply --env {name}"
        observed = f"`{name}` was not rolled out with what stands there"
        return Verdict.UNKNOWN, observed, f"repoint rollout --env {name}"
    if out.verdict is not Verdict.PASS:
        observed = f"the roll-out of `{name}` on {_when(out)} did not come to its end"
        return out.verdict, observed, f"repoint rollout --env {name}"
    again = f"repoint verify --env {name}"
    if verified is None or verified.at < out.at:
        return Verdict.UNKNOWN, f"`{name}` was not verified since {_when(out)}", again
    if verified.verdict is not Verdict.PASS:
        return verified.verdict, f"`{name}` did not pass on {_when(verified)}", again
    return _same_decisions(at, before, verified)


def _same_decisions(at: Situation, before: Timeline, verified: Entry) -> _Answer:
    """Whether the predecessor was verified under the decisions that this environment follows."""
    name, mine = before.standing.environment, at.mine.standing.environment
    applied = at.mine.last(Phase.APPLIED)
    settings = applied.settings if applied is not None else at.settings
    passed = [one for one in before.reached(Phase.VERIFIED) if one.verdict is Verdict.PASS]
    if settings not in {one.settings for one in passed}:
        observed = f"`{name}` was verified under other settings than `{mine}` was planned by"
        return Verdict.FAIL, observed, f"repoint verify --env {name}"
    observed = f"`{name}` was verified on {_when(verified)}"
    planned = before.last(Phase.APPLIED)
    if applied is not None and planned is not None and applied.tool != planned.tool:
        observed += f"; planned by repoint {planned.tool}, here by {applied.tool}"
    return Verdict.PASS, observed, ""


def _soaked(at: Situation) -> _Answer:
    before = at.before
    if before is None:
        return _first(at)
    drift = _drift(before)
    if drift is not None:
        return drift
    name = before.standing.environment
    again = f"repoint verify --env {name} --soak {at.soak}"
    last = before.last(Phase.SOAKED)
    if last is None:
        return Verdict.UNKNOWN, f"`{name}` was not soaked with what stands there", again
    if last.verdict is not Verdict.PASS:
        return last.verdict, f"the soak of `{name}` on {_when(last)} did not pass", again
    if before.soaked_seconds < at.soak_s:
        lasted = f"{before.soaked_seconds:.0f} s"
        return Verdict.UNKNOWN, f"the soak of `{name}` lasted {lasted}, not {at.soak}", again
    return Verdict.PASS, f"`{name}` was soaked for {before.soaked_seconds:.0f} s", ""


def _data(at: Situation) -> _Answer:
    """The comparison belongs to the switch: what is written afterwards makes the two differ."""
    name = at.mine.standing.environment
    done = at.mine.rolled_out
    if done is not None:
        return Verdict.SKIPPED, f"`{name}` was switched on {_when(done)}", ""
    again = f"repoint data compare --env {name}"
    last = at.mine.last(Phase.COMPARED)
    if last is None:
        return Verdict.UNKNOWN, f"source and target of `{name}` were not compared", again
    if last.verdict is not Verdict.PASS:
        return last.verdict, f"the comparison of {_when(last)} did not pass", again
    if last.settings != at.settings:
        return Verdict.UNKNOWN, f"repoint.yaml changed since the comparison of {_when(last)}", again
    began = at.mine.switch_began
    until = at.now if began is None or began.at < last.at else began.at
    age_s = (until - last.at).total_seconds()
    if not -_SKEW_S <= age_s <= at.max_age_s:
        return Verdict.UNKNOWN, f"the comparison of {_when(last)} is too old", again
    return Verdict.PASS, f"compared on {_when(last)}", ""


_SKEW_S = 300.0
"""How far the clock of a colleague's machine may be ahead of this one."""


def _first(at: Situation) -> _Answer:
    return Verdict.SKIPPED, f"`{at.mine.standing.environment}` is the first environment", ""


def _drift(of: Timeline) -> _Answer | None:
    standing = of.standing
    if standing.verdict is Verdict.PASS:
        return None
    hint = f"repoint plan --env {standing.environment}"
    return standing.verdict, standing.why, hint


def _when(entry: Entry) -> str:
    return f"{entry.at:%Y-%m-%d %H:%M}"


_GATES: Mapping[RolloutGate, Callable[[Situation], _Answer]] = {
    "rehearsed": _rehearsed,
    "predecessor": _predecessor,
    "soaked": _soaked,
    "data": _data,
}
