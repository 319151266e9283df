"""The gates of a rollout: asked all at once, passed by only with a reason that is kept."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from datetime import datetime

from repoint.dsn.mask import mask
from repoint.errors import GateClosed, UsageError
from repoint.flows import ledger
from repoint.flows.receipts import digest, load_receipts, read_now
from repoint.flows.rehearsing.record import records_of
from repoint.flows.standing import standing_of
from repoint.model.ledger import Entry, Phase
from repoint.planning.config import CONFIG_NAME, ROLLOUT_GATES, Config, seconds_of
from repoint.ports.repository import SealedEditor, WritableTree
from repoint.promotion.gates import GateResult, Situation, judge_gates
from repoint.promotion.timeline import Timeline

SHORTEST_REASON = 10


def overrides_of(gates: Sequence[str], reasons: Sequence[str]) -> dict[str, str]:
    """Reasons by gate, of `--override GATE --reason TEXT` given in pairs.

    Raises:
        UsageError: a gate is unknown, or one has no reason that says something.
    """
    for gate in gates:
        if gate not in ROLLOUT_GATES:
            near = difflib.get_close_matches(gate, ROLLOUT_GATES, n=1)
            known = f"the gates are: {', '.join(ROLLOUT_GATES)}"
            hint = (f"did you mean `{near[0]}`?", known) if near else known
            raise UsageError(f"there is no gate `{gate}`", hint=hint)
    if len(gates) != len(reasons):
        raise UsageError(
            "every `--override` needs one `--reason`, and the other way round",
            hint="`--override soaked --reason 'the change is urgent because ...'`",
        )
    for gate, reason in zip(gates, reasons, strict=True):
        if len(" ".join(reason.split())) < SHORTEST_REASON:
            raise UsageError(
                f"the reason to pass by `{gate}` is too short",
                hint=f"say in {SHORTEST_REASON} characters or more why: it is kept in the ledger",
            )
    pairs = zip(gates, reasons, strict=True)
    return {gate: mask(" ".join(reason.split())) for gate, reason in pairs}


def check_gates(
    tree: WritableTree,
    config: Config,
    environment: str,
    now: datetime,
    *,
    overrides: Mapping[str, str] | None = None,
    store: SealedEditor | None = None,
) -> tuple[GateResult, ...]:
    """Every gate that repoint.yaml asks for before `environment` is rolled out.

    Args:
        now: The time, by which a comparison of data is too old or not.
        overrides: Reasons by gate, see `overrides_of`.
        store: Opens sealed files that changed since apply; without it they are unknown.

    Raises:
        UsageError: repoint.yaml names no such environment.
        FileRefused: the ledger, or a receipt, cannot be read.
    """
    entries = ledger.read(tree)
    situation = situation_of(tree, config, environment, now, entries, store)
    return judge_gates(config.gates.rollout, situation, overrides or {})


def require(results: Sequence[GateResult], environment: str) -> None:
    """Go on only when every gate is open.

    Raises:
        GateClosed: some are not; it names each of them, with the command that opens it.
    """
    closed = [one for one in results if not one.is_open]
    if not closed:
        return
    what = "a gate is" if len(closed) == 1 else f"{len(closed)} gates are"
    names = ", ".join(f"`{one.id}`" for one in closed)
    raise GateClosed(
        f"{what} not open for the rollout of `{environment}`: {names}",
        hint=(
            *(f"{one.id}: {one.observed}; run `{one.hint}`" for one in closed),
            "or pass one by, for the record: `--override GATE --reason TEXT`",
        ),
    )


def passed_by(results: Sequence[GateResult]) -> tuple[str, ...]:
    """The gates that were passed by with a reason, as a ledger's entry keeps them."""
    return tuple(f"{one.id}: {one.override}" for one in results if one.override)


def situation_of(
    tree: WritableTree,
    config: Config,
    environment: str,
    now: datetime,
    entries: Sequence[Entry],
    store: SealedEditor | None = None,
) -> Situation:
    """What the gates of an environment look at; arguments and errors as for `check_gates`."""
    names = list(config.environments)
    if environment not in names:
        hint = f"it names: {', '.join(names)}" if names else "run `repoint init --print`"
        raise UsageError(f"repoint.yaml names no environment `{environment}`", hint=hint)
    place = names.index(environment)
    mine = Timeline.of(standing_of(tree, environment, entries, store), entries)
    before = None
    if place:
        standing = standing_of(tree, names[place - 1], entries, store)
        before = Timeline.of(standing, entries)
    return Situation(
        mine=mine,
        before=before,
        now=now,
        settings=ledger.settings_now(tree),
        soak_s=seconds_of(config.verify.soak.duration),
        soak=config.verify.soak.duration,
        max_age_s=seconds_of(config.data.max_age),
        changed=_changed_since_rehearsal(tree, mine),
    )


def _changed_since_rehearsal(tree: WritableTree, mine: Timeline) -> tuple[str, ...]:
    """Files that the rehearsal was read from and that are other now, by another's hand."""
    last = mine.last(Phase.REHEARSED)
    if last is None:
        return ()
    own = {file.path for receipt in load_receipts(tree).values() for file in receipt.files}
    own.add(CONFIG_NAME)  # its decisions are compared, not its bytes
    for found in records_of(tree, mine.standing.environment):
        if found.plan == last.plan:
            return tuple(
                one.path
                for one in found.inputs
                if one.path not in own and digest(read_now(tree, one.path)) != one.sha256
            )
    return ()
