"""Which keys of a container can complete a connection, looked up by the words they begin with.

Built once for a container: a file may hold a hundred thousand hosts side by side, and each looks
for its family among all keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from repoint.sites.keys import Evidence, engine_value, field_of, host_key, words

if TYPE_CHECKING:
    from repoint.sites.split import Entry

EQUAL = {
    "postgres": "db",
    "postgresql": "db",
    "pg": "db",
    "pgsql": "db",
    "database": "db",
    "sql": "db",
}
"""Words for database that a family of keys takes turns with."""

LONGEST_PREFIX = 16
"""Words: a key that shares more of them with another is no key that somebody wrote."""

Words = tuple[str, ...]
_Tails = list[tuple["Entry", Words]]
_AS_WRITTEN, _ALIKE, _NESTED = range(3)


class Kin:
    """The keys of one container, and of the small mappings beside them (`nested`)."""

    def __init__(self, entries: Sequence[Entry], nested: Sequence[Entry]) -> None:
        self._entries = entries
        self._nested = nested
        self._tails: dict[int, dict[Words, _Tails]] = {}
        self._fields: dict[tuple[int, Words, Words], dict[str, _Tails]] = {}
        self._hosts = -1
        self._words: frozenset[str] | None = None

    @property
    def names(self) -> frozenset[str]:
        """Every word of every key."""
        if self._words is None:
            self._words = frozenset(word for one in self._entries for word in words(one.name))
        return self._words

    def has_host_beside(self, entry: Entry) -> bool:
        """Whether another key names a PostgreSQL host as well."""
        if self._hosts < 0:
            self._hosts = sum(_names_postgres(one.name) for one in self._entries)
        return self._hosts > _names_postgres(entry.name)

    def own(self, prefix: Words, role: Words, entry: Entry) -> Iterable[tuple[str, Entry]]:
        """The first key of each part that begins with `prefix`, but `entry`, by its part.

        `role` is what the family's keys may end with (`_ro`).
        """
        return self._first(_AS_WRITTEN, prefix, role, entry)

    def alike(self, prefix: Words, role: Words, entry: Entry) -> Iterable[tuple[str, Entry]]:
        """The same where words for database count as one (`EQUAL`)."""
        return self._first(_ALIKE, prefix, role, entry)

    def beside(self, role: Words, entry: Entry) -> Iterable[tuple[str, Entry]]:
        """The first key of each part in the mappings beside it, whatever it begins with."""
        return self._first(_NESTED, (), role, entry)

    def user(self, stem: Words) -> Entry | None:
        """The first key of a user that begins with `stem`."""
        found = self._by_part(_AS_WRITTEN, stem, ()).get("user")
        return found[0][0] if found else None

    def _first(
        self, way: int, prefix: Words, role: Words, entry: Entry
    ) -> Iterable[tuple[str, Entry]]:
        for kind, found in self._by_part(way, prefix, role).items():
            other = next((one for one, _ in found if one is not entry), None)
            if other is not None:
                yield kind, other

    def _by_part(self, way: int, prefix: Words, role: Words) -> dict[str, _Tails]:
        """Two keys of each part at most: one of them may be the one that asks."""
        known = self._fields.get((way, prefix, role))
        if known is None:
            known = {}
            for other, tail in self._index(way).get(prefix, ()):
                kept = tail[: -len(role)] if role and tail[-len(role) :] == role else tail
                kind = _part(other, kept)
                found = known.setdefault(kind, []) if kind else []
                if len(found) < 2:
                    found.append((other, kept))
            self._fields[way, prefix, role] = known
        return known

    def _index(self, way: int) -> dict[Words, _Tails]:
        """Every key under each of the prefixes of its words; a nested key under none."""
        index = self._tails.get(way)
        if index is None:
            index = self._tails[way] = {}
            if way == _NESTED:
                index[()] = [(one, words(one.name)) for one in self._nested]
                return index
            for one in (*self._entries, *self._nested):
                parts = words(one.name)
                if names_host(parts):
                    continue
                shown = parts if way == _AS_WRITTEN else same_words(parts)
                for end in range(min(len(parts), LONGEST_PREFIX) + 1):
                    index.setdefault(shown[:end], []).append((one, parts[end:]))
        return index


def names_host(parts: Words) -> bool:
    """Whether the words of a key end as a host's do."""
    return bool(parts) and parts[-1] in {"host", "hostname"}


def same_words(parts: Words) -> Words:
    """The words with every word for database as one."""
    return tuple(EQUAL.get(word, word) for word in parts)


def _part(other: Entry, tail: Words) -> str:
    """The part of a connection that a key gives; `name` may be a database's or anything's."""
    kind = field_of(tail)
    if kind == "engine" and engine_value(other.value.text) is None:
        return ""
    if kind == "database" and tail == ("name",):
        return "" if any(c.isspace() for c in other.value.text.strip()) else "name"
    return kind


def _names_postgres(name: str) -> bool:
    verdict = host_key(name)
    return verdict is not None and verdict.evidence >= Evidence.GENERIC
