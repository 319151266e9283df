"""A family of objects: the SQL that reads one database's, and how much a difference matters."""

from __future__ import annotations

from dataclasses import dataclass

from repoint.model.plan import Severity

OWN_SCHEMAS = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
"""Which schemas `n` are the database's own; both catalogs have their like on every server."""


@dataclass(frozen=True, slots=True)
class Family:
    """Objects of one kind.

    `sql` gives one row for each: its name, spelled alike on every server, then the texts of
    `aspects`. It reads catalogs that every role may read, with an empty `search_path`.
    `missing` is how much it matters that the target lacks one, `extra` that it has one more,
    `changed` that an aspect differs; `milder` are aspects that matter otherwise.
    """

    name: str
    aspects: tuple[str, ...]
    sql: str
    missing: Severity = Severity.ERROR
    extra: Severity = Severity.ERROR
    changed: Severity = Severity.ERROR
    milder: tuple[tuple[str, Severity], ...] = ()

    def weight(self, aspect: str) -> Severity:
        """How much a difference of one aspect matters."""
        return dict(self.milder).get(aspect, self.changed)


def ident(expression: str) -> str:
    """SQL that spells a name in one way everywhere.

    `quote_ident` quotes what the server's own version takes for a keyword: `json` from 17 on,
    `system_user` from 16 on (DC2).
    """
    return (
        f"(CASE WHEN {expression} ~ '^[a-z_][a-z0-9_]*$' THEN {expression}::text "
        f"ELSE '\"' || replace({expression}::text, '\"', '\"\"') || '\"' END)"
    )


def dotted(*expressions: str) -> str:
    """SQL that spells a name of several parts."""
    return "(" + " || '.' || ".join(ident(one) for one in expressions) + ")"


def not_extension(catalog: str, oid: str) -> str:
    """SQL that leaves out what an extension brought along."""
    return (
        f"NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = '{catalog}'::regclass "
        f"AND x.objid = {oid} AND x.deptype = 'e')"
    )
