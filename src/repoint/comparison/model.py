"""What a comparison of two databases finds: both sides, differences, and what nobody saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from repoint.model.plan import Severity
from repoint.model.rehearsal import Verdict, worst

COMPARISON_FORMAT = 1

Objects = Mapping[str, Mapping[str, str]]
"""Objects of a family by name, each with its aspects' texts."""


class Side(StrEnum):
    """Which of the two databases."""

    SOURCE = "source"
    TARGET = "target"

    @property
    def other(self) -> Side:
        """The side that it is held against."""
        return Side.TARGET if self is Side.SOURCE else Side.SOURCE


@dataclass(frozen=True, slots=True)
class Server:
    """A database as it says of itself.

    `system` is the system identifier, which a replica shares with its primary and a copy by
    dump does not; empty where the role may not ask. `position` is the WAL's, as bytes of a log
    sequence number; None on a replica.
    """

    version: str
    major: int
    database: str
    user: str
    encoding: str
    system: str = ""
    replica: bool = False
    position: int | None = None


@dataclass(frozen=True, slots=True)
class State:
    """One database's objects by family; a family that could not be read has a reason instead."""

    server: Server
    objects: Mapping[str, Objects]
    unread: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not alike.

    `aspect` is empty where the object is on one side alone; that side's text is then
    `there`. The texts are SQL definitions and numbers, never a row's values.
    """

    family: str
    name: str
    aspect: str
    source: str
    target: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Unseen:
    """What could not be compared, on which side, and why: it counts as unknown."""

    side: Side
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows in the order of the key: `first` counts from 1, on the source. No keys are told."""

    first: int
    source_rows: int
    target_rows: int


@dataclass(frozen=True, slots=True)
class TableContent:
    """One table's rows on both sides.

    `order` is `key` where the rows were compared in the order of the primary key, `hash`
    where they were not. `stretches` are where they differ, the first few only. `changes` are
    rows written on the source while the comparison ran, as far as its statistics tell.
    `read_at` is when, and `resumed` tells that an earlier run read it.
    """

    name: str
    verdict: Verdict
    source_rows: int | None = None
    target_rows: int | None = None
    why: str = ""
    order: str = ""
    stretches: tuple[Stretch, ...] = ()
    changes: int = 0
    read_at: datetime | None = None
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class SequenceValue:
    """Where a sequence stands: the value that it gives next, and by how much it counts."""

    next: int
    increment: int


@dataclass(frozen=True, slots=True)
class Revision:
    """The newest revision in a migration tool's own table; empty where there is none."""

    tool: str
    table: str
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome of `repoint data compare`.

    `partial` says what was left out on request; such an outcome is no proof. `notes` tell what
    a person should know: an empty side, writers at work, replication behind.
    """

    format: int
    environment: str
    at: datetime
    source: Server
    target: Server
    differences: tuple[Difference, ...]
    unseen: tuple[Unseen, ...]
    tables: tuple[TableContent, ...]
    revisions: tuple[Revision, ...] = ()
    notes: tuple[str, ...] = ()
    partial: str = ""

    @property
    def verdict(self) -> Verdict:
        """Pass only where everything was seen and is alike; warnings and notes do not count."""
        found = [one.verdict for one in self.tables]
        if any(one.severity is Severity.ERROR for one in self.differences):
            found.append(Verdict.FAIL)
        if self.unseen:
            found.append(Verdict.UNKNOWN)
        return worst([*found, Verdict.PASS])

    @property
    def summary(self) -> str:
        """What came of it, in one line."""
        wrong = sum(one.severity is Severity.ERROR for one in self.differences)
        unlike = sum(one.verdict is Verdict.FAIL for one in self.tables)
        unknown = len(self.unseen) + sum(one.verdict is Verdict.UNKNOWN for one in self.tables)
        rows = sum(one.source_rows or 0 for one in self.tables)
        parts = [f"{len(self.tables)} tables, {rows} rows", f"{wrong} differences of the schema"]
        parts += [f"{unlike} tables with other rows", f"{unknown} not seen"]
        oldest = min((one.read_at for one in self.tables if one.read_at), default=self.at)
        minutes = int((self.at - oldest).total_seconds() // 60)
        parts += [f"read up to {minutes} minutes before"] if minutes > 0 else []
        return "; ".join(parts) + (f"; {self.partial}" if self.partial else "")
