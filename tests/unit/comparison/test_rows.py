"""The SQL that sums rows up, the tables that are chosen, and the tools that are known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoint.comparison.model import Difference
from repoint.comparison.revisions import KNOWN, revision_table
from repoint.comparison.rows import Column, Digest, Reader, Table, literal, sequence_values
from repoint.comparison.selection import Selection
from repoint.model.plan import Severity
from repoint.wire.statements import written_in

TABLE = Table(
    "s.t",
    's."t"',
    {"a": Column("a", "integer"), "b c": Column('"b c"', "text")},
    ("a", "b c"),
    condition="WHERE a > 0",
)
READER = Reader(TABLE, ("a", "b c"), ("a", "b c"), Digest(7))


def test_a_stretch_is_bounded_by_keys_and_by_number() -> None:
    sql = READER.stretch(("5", "it's"), ("9", "z"), 100)

    assert (
        "ONLY s.\"t\" AS r WHERE a > 0 AND (r.a, r.\"b c\") > ('5'::integer, 'it''s'::text)" in sql
    )
    assert "(r.a, r.\"b c\") <= ('9'::integer, 'z'::text) ORDER BY r.a, r.\"b c\" LIMIT 100" in sql
    # A bare `k0` would sort by the text of that name that is given out.
    assert "ORDER BY c.k0 DESC, c.k1 DESC LIMIT 1" in sql


def test_open_ends_have_no_condition() -> None:
    assert READER.between((), ()).endswith('FROM ONLY s."t" AS r WHERE a > 0')
    assert "LIMIT" not in READER.whole() and "GROUP BY bucket" in READER.whole()


def test_the_portable_digest_is_the_same_whatever_the_encoding() -> None:
    assert "convert_to('7:' || x, 'UTF8')" in Digest(7, portable=True).of("x")
    assert Digest(7).of("x") == 'hashtextextended(x COLLATE "C", 7)'


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_literal_holds_any_text(text: str) -> None:
    assert literal(text).strip() == written_in("$1", [text]).strip()


def test_sequences_are_asked_for_at_once() -> None:
    sql = sequence_values([("s.a", "s.a"), ("it's", '"it\'s"')])

    assert sql.count(" UNION ALL ") == 1
    assert "SELECT 'it''s', last_value::text, is_called FROM \"it's\"" in sql


@pytest.mark.parametrize(
    ("exclude", "only", "table", "taken"),
    [
        ((), (), "s.t", True),
        (("s.*",), (), "s.t", False),
        (("s.t",), (), "s.t2", True),
        ((), ("s.*",), "s.t", True),
        ((), ("s.*",), "x.t", False),
        (("s.t",), ("s.*",), "s.t", False),
    ],
)
def test_tables_are_chosen_by_patterns(
    exclude: tuple[str, ...], only: tuple[str, ...], table: str, taken: bool
) -> None:
    assert Selection(exclude, only).takes(table) is taken


@pytest.mark.parametrize(
    ("family", "name", "left_out"),
    [
        ("tables", "s.t", True),
        ("columns", "s.t.a", True),
        ("triggers", "s.t.x", True),
        ("indexes", "s.i", True),
        ("indexes", "s.j", False),
        ("grants", "table s.t to app", True),
        ("grants", "column s.t.a to app", True),
        ("owners", "table s.t", True),
        ("owners", "view s.t", False),
        ("owners", "schema s", False),
        ("functions", "s.t()", False),
        ("roles", "app", False),
    ],
)
def test_what_belongs_to_a_table_that_is_left_out_does_not_count(
    family: str, name: str, left_out: bool
) -> None:
    one = Difference(family, name, "", "there", "", Severity.ERROR)

    kept = Selection(("s.t",)).of([one], {"s.i": "s.t", "s.j": "s.u"})

    assert (kept == ()) is left_out


def test_patterns_without_a_table_are_named() -> None:
    assert Selection(only=("s.*", "x.*")).unknown(["s.t"]) == ("x.*",)


@pytest.mark.parametrize(
    ("name", "columns", "tool"),
    [
        ("schema_migrations", ("version", "dirty"), "golang-migrate"),
        ("schema_migrations", ("version",), "a tool with schema_migrations"),
        ("atlas_schema_revisions", ("version", "applied"), "Atlas"),
        ("flyway_schema_history", ("installed_rank", "version"), "Flyway"),
        ("migrations", ("id", "timestamp", "name"), "TypeORM"),
        ("migrations", ("id", "migration", "batch"), "Laravel"),
        ("migrations", ("id", "when"), ""),
        ("users", ("version",), ""),
    ],
)
def test_a_migration_tools_table_is_known_by_name_and_columns(
    name: str, columns: tuple[str, ...], tool: str
) -> None:
    found = revision_table(name, columns)

    assert (found.tool if found else "") == tool


def test_every_known_table_is_asked_with_its_name() -> None:
    assert all("{0}" in one.newest for one in KNOWN)
