"""Which tables are compared: all but those left out, or only those asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from repoint.comparison.model import Difference

_OF_TABLES = frozenset({"tables", "columns", "constraints", "triggers", "rules", "policies"})
_NAMED = re.compile(r"^(?:table|view|sequence|column) (.*?)(?: to [^ ].*)?$")


@dataclass(frozen=True, slots=True)
class Selection:
    """Patterns of `schema.table`, where `*` stands for any text."""

    exclude: tuple[str, ...] = ()
    only: tuple[str, ...] = ()

    def takes(self, table: str) -> bool:
        """Whether a table is compared."""
        if any(fnmatchcase(table, one) for one in self.exclude):
            return False
        return not self.only or any(fnmatchcase(table, one) for one in self.only)

    def unknown(self, tables: Iterable[str]) -> tuple[str, ...]:
        """Patterns asked for that no table has."""
        known = tuple(tables)
        return tuple(one for one in self.only if not any(fnmatchcase(t, one) for t in known))

    def of(
        self, differences: Iterable[Difference], indexes: dict[str, str]
    ) -> tuple[Difference, ...]:
        """The differences that count; `indexes` has the table of each index."""
        return tuple(one for one in differences if self._counts(one, indexes))

    def _counts(self, one: Difference, indexes: dict[str, str]) -> bool:
        table = _table(one, indexes)
        return not self.only if table is None else self.takes(table)


def _table(one: Difference, indexes: dict[str, str]) -> str | None:
    """The table that a difference belongs to, None where it belongs to none."""
    if one.family == "tables":
        return one.name
    if one.family == "indexes":
        return indexes.get(one.name)
    if one.family in _OF_TABLES:
        return one.name.rpartition(".")[0]
    if one.family in ("owners", "grants"):
        found = _NAMED.match(one.name)
        if found is None or one.name.startswith("view "):
            return None
        return found[1].rpartition(".")[0] if one.name.startswith("column ") else found[1]
    return None
