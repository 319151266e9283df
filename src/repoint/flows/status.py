"""How far each environment is: from the ledger, the receipts and the files; no plan is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from repoint.errors import UsageError
from repoint.flows import ledger
from repoint.flows.gates import situation_of
from repoint.flows.receipts import load_receipts
from repoint.flows.standing import standing_of
from repoint.model.ledger import Entry
from repoint.planning.config import Config
from repoint.ports.repository import SealedEditor, WritableTree
from repoint.promotion.gates import GateResult, judge_gates
from repoint.promotion.lines import LEDGER_PATH
from repoint.promotion.next_step import NextStep, next_step
from repoint.promotion.timeline import Timeline

_ATTRIBUTES = ".gitattributes"


@dataclass(frozen=True, slots=True)
class EnvironmentStatus:
    """One environment: what it reached, what holds its next rollout, and what to do next.

    `gates` are empty, and `next` is None, where repoint.yaml does not name it. `pending` are
    the files that a plan made now would change, None when none was made.
    """

    timeline: Timeline
    gates: tuple[GateResult, ...]
    next: NextStep | None
    pending: int | None = None

    @property
    def name(self) -> str:
        """The environment's name."""
        return self.timeline.standing.environment


@dataclass(frozen=True, slots=True)
class Status:
    """Every environment, in promotion order; those that repoint.yaml does not name come last.

    `has_ledger` tells whether there is one, `merges` whether git was told how to merge it.
    `half_done` is the verb of a run that was stopped half-way, empty without one. `configured`
    tells whether there is a repoint.yaml.
    """

    environments: tuple[EnvironmentStatus, ...]
    has_ledger: bool
    merges: bool
    half_done: str = ""
    configured: bool = True


def status_of(
    tree: WritableTree,
    config: Config | None,
    now: datetime,
    environments: Sequence[str] = (),
    *,
    store: SealedEditor | None = None,
    pending: Mapping[str, int] | None = None,
    half_done: str = "",
) -> Status:
    """How far `environments` are, all of them by default.

    Args:
        now: The time, by which a comparison of data is too old or not.
        store: Opens sealed files that changed since apply; without it they are unknown.
        pending: Files that a plan made now would change, by environment.
        half_done: The verb of a run that was stopped half-way.

    Raises:
        UsageError: an environment is neither in repoint.yaml nor in the ledger.
        FileRefused: the ledger, or a receipt, cannot be read.
    """
    entries = ledger.read(tree)
    named = (one.environment for one in entries)
    found = known_names(environments, config, load_receipts(tree), named)
    wanted = [name for name in found if not environments or name in environments]
    due = pending or {}
    each = tuple(
        _environment(tree, config, name, now, entries, store, due.get(name)) for name in wanted
    )
    there = tree.is_there(LEDGER_PATH)
    return Status(each, there, _merges(tree), half_done, config is not None)


def known_names(
    wanted: Sequence[str],
    config: Config | None,
    receipts: Iterable[str],
    entries: Iterable[str],
) -> tuple[str, ...]:
    """Every environment that is known here: of repoint.yaml in its order, then the others.

    Args:
        wanted: Names that have to be among them.
        config: repoint.yaml, None where there is none.
        receipts: Environments with a receipt of apply.
        entries: Environments that the ledger names.

    Raises:
        UsageError: one of `wanted` is none.
    """
    own = config.environments if config is not None else ()
    found = tuple(dict.fromkeys((*own, *receipts, *sorted(entries))))
    unknown = [name for name in wanted if name not in found]
    if unknown:
        hint = f"there are: {', '.join(found)}" if found else "run `repoint init`"
        raise UsageError(f"there is no environment `{unknown[0]}`", hint=hint)
    return found


def _environment(
    tree: WritableTree,
    config: Config | None,
    name: str,
    now: datetime,
    entries: Sequence[Entry],
    store: SealedEditor | None,
    pending: int | None,
) -> EnvironmentStatus:
    if config is None or name not in config.environments:
        timeline = Timeline.of(standing_of(tree, name, entries, store), entries)
        return EnvironmentStatus(timeline, (), None, pending)
    situation = situation_of(tree, config, name, now, entries, store)
    gates = judge_gates(config.gates.rollout, situation, {})
    step = next_step(
        situation.mine,
        gates,
        soak=situation.soak,
        soak_s=situation.soak_s,
        pending=pending or 0,
    )
    return EnvironmentStatus(situation.mine, gates, step, pending)


def _merges(tree: WritableTree) -> bool:
    """Whether the repository's `.gitattributes` merges the ledger by keeping all lines."""
    if not tree.is_there(_ATTRIBUTES):
        return False
    lines = tree.read_again(_ATTRIBUTES).decode(errors="replace").splitlines()
    return any("ledger" in line and "merge=union" in line for line in lines)
