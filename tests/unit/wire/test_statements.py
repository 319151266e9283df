"""How a query with arguments is sent: literals, trips, names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoint.wire.login import Statements
from repoint.wire.refusals import DriverRefusal
from repoint.wire.statements import StatementBook, bound, literal, one_trip, prepare, written_in


@pytest.mark.parametrize(
    ("sql", "written"),
    [
        pytest.param("select $1, $2", "select 'a', 'b'", id="two arguments"),
        pytest.param("select $2||$1||$2", "select 'b'||'a'||'b'", id="out of order, twice"),
        pytest.param("select '$1', $1", "select '$1', 'a'", id="in a text"),
        pytest.param("select E'\\'$1', $1", "select E'\\'$1', 'a'", id="in a text with escapes"),
        pytest.param('select "$1", $1', "select \"$1\", 'a'", id="in a name"),
        pytest.param("select $1 -- $2", "select 'a' -- $2", id="in a comment"),
        pytest.param("select /* $1 */ $1", "select /* $1 */ 'a'", id="in a long comment"),
        pytest.param("select $$ $1 $$, $1", "select $$ $1 $$, 'a'", id="in a dollar quote"),
        pytest.param("select $x$ $1 $$ $x$, $1", "select $x$ $1 $$ $x$, 'a'", id="in a tagged one"),
        pytest.param("select a$1, $1", "select a$1, 'a'", id="in an identifier"),
    ],
)
def test_arguments_are_written_only_where_they_stand(sql: str, written: str) -> None:
    assert written_in(sql, ("a", "b")) == written


@pytest.mark.parametrize("number", ["0", "3", "99"])
def test_an_argument_that_is_not_there_is_told(number: str) -> None:
    with pytest.raises(DriverRefusal):
        written_in(f"select ${number}", ("a", "b"))


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        pytest.param("a", "'a'", id="plain"),
        pytest.param("o'x", "'o''x'", id="quote"),
        pytest.param("a\\' or", " E'a\\\\'' or'", id="backslash and quote"),
        pytest.param("", "''", id="empty"),
    ],
)
def test_literals(text: str, quoted: str) -> None:
    assert literal(text) == quoted


@given(st.text())
def test_no_text_leaves_its_literal(text: str) -> None:
    inside = literal(text).strip(" ").removeprefix("E")[1:-1]
    rest = inside.replace("\\\\", "").replace("''", "")
    assert "'" not in rest
    assert "\\" not in rest


def test_who_names_statements_when() -> None:
    book = StatementBook("pgjdbc")
    late = [book.is_named("select 1", Statements.NAMED_LATER) for _ in range(6)]
    assert late == [False] * 4 + [True] * 2
    book = StatementBook("psycopg")
    later = [book.is_named("select 1", Statements.NAMED_LATER) for _ in range(7)]
    assert later == [False] * 5 + [True] * 2
    assert not book.is_named("select 2", Statements.NAMED_LATER)
    assert StatementBook("pgx").is_named("select 1", Statements.NAMED)
    assert not StatementBook("libpq").is_named("select 1", Statements.ONE_TRIP)


@pytest.mark.parametrize(
    ("driver", "first", "second"),
    [
        pytest.param("pgjdbc", "S_1", "S_2", id="pgJDBC counts"),
        pytest.param("psycopg", "_pg3_0", "_pg3_1", id="psycopg counts from zero"),
        pytest.param("asyncpg", "__asyncpg_stmt_1__", "__asyncpg_stmt_2__", id="asyncpg counts"),
    ],
)
def test_names_that_count_meet_on_one_server(driver: str, first: str, second: str) -> None:
    book = StatementBook(driver)
    assert book.new_name("select 1") == first
    book.keep("select 1", first)
    assert book.prepared("select 1") == first
    assert book.new_name("select 2") == second
    assert StatementBook(driver).new_name("another client's") == first


def test_pgx_names_by_the_text() -> None:
    one, other = StatementBook("pgx"), StatementBook("pgx-stdlib")
    assert one.new_name("select 1") == other.new_name("select 1") != one.new_name("select 2")
    assert one.new_name("select 1").startswith("stmtcache_")


def test_PS1_only_one_trip_keeps_Parse_and_Bind_together() -> None:
    sync = b"S\0\0\0\4"
    whole = one_trip("select $1", ("a",))
    assert whole.count(sync) == 1
    assert whole.index(b"P\0") < whole.index(b"B\0") < whole.index(b"E\0\0\0\t")
    assert prepare("select $1").endswith(sync)
    assert not bound(("a",)).startswith(b"P")
