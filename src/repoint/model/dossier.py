"""What a report holds beside plan and scan: the targets, and records of what was tried."""

from __future__ import annotations

from dataclasses import dataclass

from repoint.model.rehearsal import Rehearsal


@dataclass(frozen=True, slots=True)
class PoolerTarget:
    """A Pooler by its name, its Service's full host name, and the Cluster that it asks."""

    name: str
    host: str
    cluster: str


@dataclass(frozen=True, slots=True)
class EnvironmentTarget:
    """What an environment's consumers move to; `direct` is the Cluster's own full host name."""

    environment: str
    namespace: str
    cluster: str
    direct: str
    poolers: tuple[PoolerTarget, ...]


@dataclass(frozen=True, slots=True)
class RehearsalRecord:
    """An environment's rehearsal; `doubt` says why it is not one of this plan, empty if it is."""

    environment: str
    rehearsal: Rehearsal
    doubt: str = ""
