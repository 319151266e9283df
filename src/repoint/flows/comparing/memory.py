"""What an earlier comparison read, kept on this machine, so that a second run need not."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from threading import Lock

import msgspec

from repoint.comparison.model import Server, TableContent
from repoint.comparison.rows import Table
from repoint.model.rehearsal import Verdict
from repoint.ports.user import LocalState


@dataclass(slots=True)
class Memory:
    """Tables that were found alike, by what they were read from.

    A table is known again while both servers are the same, it has the same columns, and the
    servers have counted no write to it since. Nothing of its rows is kept but their number.
    """

    store: LocalState
    name: str
    known: dict[str, TableContent] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def load(cls, store: LocalState, database: str) -> Memory:
        """What is known of an environment's database; nothing where that cannot be read."""
        name = f"compare-{database}.json"
        raw = store.read(name)
        known: dict[str, TableContent] = {}
        if raw is not None:
            try:
                known = msgspec.json.decode(raw, type=dict[str, TableContent])
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                known = {}
        return cls(store, name, known)

    def forget(self) -> None:
        """Begin anew."""
        self.known.clear()

    def find(self, key: str) -> TableContent | None:
        """A table that was found alike, None where it was not or something changed since."""
        return self.known.get(key)

    def keep(self, key: str, found: TableContent) -> None:
        """Remember a table that was found alike; at once, so that a killed run leaves it."""
        if key and found.verdict is Verdict.PASS:
            with self._lock:
                self.known[key] = found
                self.store.write(self.name, msgspec.json.encode(self.known))


def key_of(source: Server, target: Server, one: Table, other: Table) -> str:
    """What a table's outcome depends on; empty where a server does not tell who it is."""
    if not source.system or not target.system:
        return ""
    parts = [
        *(source.system, source.database, target.system, target.database),
        *(one.name, one.stamp, other.stamp),
        *(f"{name} {column.type}" for name, column in one.columns.items()),
        *(f"{name} {column.type}" for name, column in other.columns.items()),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
