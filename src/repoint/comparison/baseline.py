"""The state of a target just before the switch, and what was written there since.

A baseline is committed, so it holds nothing from which rows can be guessed: of a table it keeps the
number of rows and a digest with a key that is not in the repository (a digest with a known salt
gives small tables away to whoever tries out their rows).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from repoint.comparison.model import SequenceValue, Server
from repoint.model.rehearsal import Verdict, worst

BASELINE_FORMAT = 1
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Counters:
    """What a server counted of a table: rows inserted, updated and deleted, rolled back ones too.

    `file` is the number of the file that holds it, which TRUNCATE changes.
    """

    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    file: str = ""

    @property
    def total(self) -> int:
        """All of them."""
        return self.inserted + self.updated + self.deleted


@dataclass(frozen=True, slots=True)
class TableState:
    """One table: `rows` and `digest` are empty where `why` says why it was not read."""

    rows: int | None
    digest: str
    counters: Counters
    why: str = ""


@dataclass(frozen=True, slots=True)
class Baseline:
    """A database at one time.

    `epoch` changes when a server loses or resets its statistics. `key` names the key of the
    digests, and tells nothing of it.
    """

    format: int
    environment: str
    at: datetime
    server: Server
    epoch: str
    key: str
    tables: dict[str, TableState]
    sequences: dict[str, SequenceValue]


def key_name(key: bytes) -> str:
    """What a key is called in a baseline."""
    return hmac.new(key, b"name", hashlib.sha256).hexdigest()[:16]


def seed_of(key: bytes) -> int:
    """The seed of the servers' checksums, 62 bits."""
    return int.from_bytes(hmac.new(key, b"seed", hashlib.sha256).digest()[:8], "big") >> 2


def digest_of(key: bytes, table: str, rows: int, total: int) -> str:
    """A table's digest; without the key it can neither be made nor tried out."""
    text = f"{table}\0{rows}\0{total}".encode()
    return hmac.new(key, text, hashlib.sha256).hexdigest()[:32]


class Change(StrEnum):
    """What came of a table since the baseline."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class TableWrites:
    """One table since the baseline.

    The counts are the server's own and hold what was rolled back, too; None where its
    statistics were lost. `rows_before` and `rows_after` are None where nobody could read it.
    """

    name: str
    change: Change
    rows_before: int | None
    rows_after: int | None
    inserted: int | None = None
    updated: int | None = None
    deleted: int | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written on a target since its baseline; `sequences` are those that moved on.

    With `elsewhere` the baseline is another server's: what was written there nobody can tell.
    """

    environment: str
    since: datetime
    until: datetime
    tables: tuple[TableWrites, ...]
    sequences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    elsewhere: bool = False

    @property
    def changed(self) -> tuple[TableWrites, ...]:
        """Tables whose rows would be lost on the way back."""
        return tuple(one for one in self.tables if one.change is Change.CHANGED)

    @property
    def unknown(self) -> tuple[TableWrites, ...]:
        """Tables of which nobody can tell."""
        return tuple(one for one in self.tables if one.change is Change.UNKNOWN)

    @property
    def verdict(self) -> Verdict:
        """Pass where nothing was written, fail where something was."""
        found = [Verdict.FAIL for _ in self.changed] + [Verdict.UNKNOWN for _ in self.unknown]
        found += [Verdict.UNKNOWN] if self.elsewhere else []
        return worst([*found, Verdict.PASS])

    @property
    def summary(self) -> str:
        """What came of it, in one line."""
        same = len(self.tables) - len(self.changed) - len(self.unknown)
        return (
            f"{len(self.changed)} tables written, {len(self.unknown)} unknown, {same} unchanged, "
            f"{len(self.sequences)} sequences moved on"
        )


def written_since(before: Baseline, after: Baseline) -> Written:
    """What changed from a baseline to a later state that was read with the same key, if any.

    Rows alone prove that nothing was written: counters may be seconds behind, and are lost
    with a crash or a failover. Rows that are other prove that something was.
    """
    same_server = before.server.system == after.server.system != ""
    counted = same_server and before.epoch == after.epoch
    keyed = before.key == after.key != ""
    names = sorted({*before.tables, *after.tables})
    tables = tuple(
        _judged(name, before.tables.get(name), after.tables.get(name), counted=counted, keyed=keyed)
        for name in names
    )
    moved = [
        name
        for name, value in after.sequences.items()
        if before.sequences.get(name) not in (None, value)
    ]
    return Written(
        environment=before.environment,
        since=before.at,
        until=after.at,
        tables=tables,
        sequences=tuple(sorted(moved)),
        notes=tuple(_notes(before, after, same_server=same_server, counted=counted, keyed=keyed)),
        elsewhere=not same_server and "" not in (before.server.system, after.server.system),
    )


def _judged(
    name: str, before: TableState | None, after: TableState | None, *, counted: bool, keyed: bool
) -> TableWrites:
    if before is None or after is None:
        return _one_sided(name, before, after)
    counts = _counts(before.counters, after.counters) if counted else (None, None, None)
    rows = (before.rows, after.rows)

    def told(change: Change, why: str = "") -> TableWrites:
        return TableWrites(name, change, *rows, *counts, why=why)

    if before.rows is None or after.rows is None:
        if any(counts):
            return told(Change.CHANGED, "its rows cannot be read, but the server counted writes")
        return told(Change.UNKNOWN, before.why or after.why)
    if before.rows != after.rows:
        return told(Change.CHANGED)
    if keyed and before.digest and after.digest:
        same = before.digest == after.digest
        return told(Change.UNCHANGED if same else Change.CHANGED)
    if any(counts) or (counted and before.counters.file != after.counters.file):
        return told(Change.CHANGED, "the server counted writes; its rows were not compared")
    return told(Change.UNKNOWN, "as many rows as before, and no key to compare them with")


def _one_sided(name: str, before: TableState | None, after: TableState | None) -> TableWrites:
    if after is None:
        rows = before.rows if before is not None else None
        lost = Change.UNCHANGED if rows == 0 else Change.CHANGED
        return TableWrites(name, lost, rows, 0, why="the table is gone")
    if after.rows is None:
        return TableWrites(name, Change.UNKNOWN, 0, None, why=after.why)
    fresh = Change.CHANGED if after.rows else Change.UNCHANGED
    return TableWrites(name, fresh, 0, after.rows, after.rows, 0, 0, why="the table is new")


def _counts(before: Counters, after: Counters) -> tuple[int | None, int | None, int | None]:
    """The rows that the server counted since; none where its counts ran backwards."""
    pairs = (
        (before.inserted, after.inserted),
        (before.updated, after.updated),
        (before.deleted, after.deleted),
    )
    if any(now < then for then, now in pairs):
        return None, None, None
    inserted, updated, deleted = (now - then for then, now in pairs)
    return inserted, updated, deleted


def _notes(
    before: Baseline, after: Baseline, *, same_server: bool, counted: bool, keyed: bool
) -> list[str]:
    found = []
    if not same_server:
        found.append("this is another server than the one that the baseline was taken on")
    elif not counted:
        found.append("the server lost or reset its statistics since: it does not tell how much")
    if not keyed:
        found.append("the key of the baseline is not on this machine: its rows are not compared")
    if before.server.database != after.server.database:
        found.append(
            f"this is database `{after.server.database}`, the baseline's was "
            f"`{before.server.database}`"
        )
    return found


def settled(written: Written, alike: Mapping[str, bool]) -> Written:
    """`written` with unknown tables decided by the source: whether its rows are the target's.

    What the source has too is not lost on the way back, whoever wrote it.
    """
    tables = tuple(
        replace(
            one,
            change=Change.UNCHANGED if alike[one.name] else Change.CHANGED,
            why="its rows are those of the source" + ("" if alike[one.name] else " no longer"),
        )
        if one.change is Change.UNKNOWN and one.name in alike
        else one
        for one in written.tables
    )
    return replace(written, tables=tables)
