"""Everything that is known of a migration, gathered for a report; what is not known stays empty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from repoint.flows import ledger
from repoint.flows.bench_records import records as bench_records
from repoint.flows.rehearsing.record import content_digest, records_of, standing
from repoint.flows.scanning import Survey
from repoint.flows.status import Status, status_of
from repoint.model.benchmark import Benchmark
from repoint.model.dossier import EnvironmentTarget, PoolerTarget, RehearsalRecord
from repoint.model.ledger import Entry, Phase
from repoint.model.plan import Plan
from repoint.model.rehearsal import Rehearsal
from repoint.model.verification import Verification
from repoint.planning.config import Config
from repoint.planning.environment_facts import targets_of
from repoint.planning.inventory import Inventory
from repoint.ports.repository import SealedEditor, WritableTree

_OTHER = "it is of another plan than this one"


@dataclass(frozen=True, slots=True)
class Dossier:
    """What a report is made of; each part appears in it when it is here.

    `command` is the verb that asked for it, `cluster` the Cluster of repoint.yaml, `commit` what
    is checked out (40 hexadecimal digits, or empty). `status` is None where no ledger was looked
    at. Nothing here depends on the time of the day but the gates of `status`.
    """

    command: str
    cluster: str = ""
    commit: str = ""
    inventory: Inventory | None = None
    plan: Plan | None = None
    targets: tuple[EnvironmentTarget, ...] = ()
    status: Status | None = None
    ledger: tuple[Entry, ...] = ()
    rehearsals: tuple[RehearsalRecord, ...] = ()
    benchmarks: tuple[Benchmark, ...] = ()
    verification: Verification | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """What the repository keeps of earlier runs."""

    status: Status
    ledger: tuple[Entry, ...]
    rehearsals: tuple[RehearsalRecord, ...]
    benchmarks: tuple[Benchmark, ...]


def past_of(
    tree: WritableTree,
    config: Config | None,
    now: datetime,
    environments: Sequence[str] = (),
    *,
    plan: Plan | None = None,
    store: SealedEditor | None = None,
    half_done: str = "",
) -> Past:
    """The ledger, the state of each environment, and the records of rehearsals and benchmarks.

    Args:
        environments: Only these; all when empty.
        plan: What the rehearsals should be of.
        store: Opens sealed files that changed since apply.
        half_done: The verb of a run that was stopped half-way.

    Raises:
        UsageError: an environment is neither in repoint.yaml nor in the ledger.
        FileRefused: the ledger, or a receipt, cannot be read.
    """
    status = status_of(tree, config, now, environments, store=store, half_done=half_done)
    names = [one.name for one in status.environments]
    entries = tuple(one for one in ledger.read(tree) if one.environment in names)
    found = (_rehearsed(tree, name, plan, entries) for name in names)
    return Past(
        status=status,
        ledger=entries,
        rehearsals=tuple(one for one in found if one is not None),
        benchmarks=tuple(one for one in bench_records(tree) if one.environment in names),
    )


def targets_in(config: Config | None, found: Survey) -> tuple[EnvironmentTarget, ...]:
    """What each environment's consumers move to, as its render names it."""
    if config is None:
        return ()
    result = []
    for build in found.resolution.environments:
        targets = targets_of(config, build)
        cluster = targets.cluster.name if targets.cluster is not None else config.target.cluster
        pooler = targets.pooler.name if targets.pooler is not None else config.target.pooler
        poolers = [PoolerTarget(pooler, targets.pooled, cluster)]
        if targets.session_pooled:
            name = targets.session_pooled.partition(".")[0]
            poolers.append(PoolerTarget(name, targets.session_pooled, cluster))
        result.append(
            EnvironmentTarget(
                build.name, targets.namespace, cluster, targets.direct, tuple(poolers)
            )
        )
    return tuple(result)


def fresh(rehearsals: Sequence[Rehearsal]) -> tuple[RehearsalRecord, ...]:
    """Rehearsals that were made right now, one for each environment."""
    return tuple(RehearsalRecord(one.environments[0], one) for one in rehearsals)


def _rehearsed(
    tree: WritableTree, name: str, plan: Plan | None, entries: Sequence[Entry]
) -> RehearsalRecord | None:
    """The record that speaks for an environment: of this plan, else of the newest rehearsal."""
    known = records_of(tree, name)
    if plan is not None and name in plan.environments:
        content = content_digest(plan, name)
        own = next((one for one in known if one.content == content), None)
        if own is not None:
            return RehearsalRecord(name, own, standing(plan, name, tree).why)
    told = [one for one in entries if one.environment == name and one.phase is Phase.REHEARSED]
    for entry in reversed(told):
        found = next((one for one in known if one.plan == entry.plan), None)
        if found is not None:
            other = plan is not None and any(one.environment == name for one in plan.changes)
            return RehearsalRecord(name, found, _OTHER if other else "")
    return None
