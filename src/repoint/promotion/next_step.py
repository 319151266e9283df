"""What is to be done next in an environment, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repoint.model.ledger import Phase
from repoint.model.rehearsal import Verdict
from repoint.model.told import count
from repoint.promotion.gates import GateResult
from repoint.promotion.timeline import Timeline


@dataclass(frozen=True, slots=True)
class NextStep:
    """A command, and the reason for it; the command is empty where nothing is left to do."""

    command: str
    why: str


def next_step(
    of: Timeline, gates: Sequence[GateResult], *, soak: str, soak_s: float, pending: int = 0
) -> NextStep:
    """The next command of an environment.

    Args:
        gates: The gates of its rollout.
        soak: How long a soak has to last, as repoint.yaml says it; `soak_s` in seconds.
        pending: Files that a plan made now would change.
    """
    name = of.standing.environment
    if of.standing.verdict is not Verdict.PASS:
        return NextStep(f"repoint plan --env {name}", of.standing.why)
    if pending or _is_not_begun(of):
        rehearsed = of.pending_rehearsal
        if rehearsed is not None and rehearsed.verdict is Verdict.PASS:
            return NextStep(f"repoint apply --env {name}", "its plan is rehearsed, not applied")
        why = f"a plan would change {count(pending, 'file')}" if pending else "it was not begun"
        return NextStep(f"repoint rehearse --env {name}", why)
    if of.rolled_out is None:
        closed = next((gate for gate in gates if not gate.holds), None)
        if closed is not None:
            return NextStep(closed.hint, closed.observed)
        return NextStep(f"repoint rollout --env {name}", "every gate is open")
    verified = of.last(Phase.VERIFIED)
    if verified is None or verified.at < of.rolled_out.at or verified.verdict is not Verdict.PASS:
        return NextStep(f"repoint verify --env {name}", "it is rolled out, not verified")
    if of.soaked_seconds < soak_s:
        why = f"it is verified, not soaked for {soak}"
        return NextStep(f"repoint verify --env {name} --soak {soak}", why)
    return NextStep("", "rolled out, verified and soaked")


def _is_not_begun(of: Timeline) -> bool:
    """Nothing was applied here, nor was it rehearsed or rolled out as it stands."""
    if of.standing.is_applied:
        return False
    return of.last(Phase.REHEARSED) is None and of.last(Phase.ROLLED_OUT) is None
