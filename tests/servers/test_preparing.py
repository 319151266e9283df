"""The repository's SQL before the first client: what it may do wrong, and what is said of it."""

from __future__ import annotations

import pytest

from repoint.errors import LabFailed
from repoint.flows.rehearsing import preparing
from repoint.flows.rehearsing.preparing import Preparation
from repoint.rehearsal.setup import Statement
from tests.servers.fix_lab import Ground, GroundFactory

pytestmark = pytest.mark.servers


def run(here: Ground, *statements: str, own: tuple[str, ...] = ()) -> list[str]:
    """Run the repository's statements, then the rehearsal's own; the notes."""
    made = Preparation(here.lab)
    made.run(
        [
            *(Statement(here.database, f"{n}", sql) for n, sql in enumerate(statements)),
            *(Statement(here.database, "own", sql, own=True, must=True) for sql in own),
        ]
    )
    return made.notes


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE ROLE x PASSWORD 'fine' canary",
        "SELECT 'canary'::int",
        "DO $$ BEGIN RAISE EXCEPTION 'canary'; END $$",
        "SELECT $canary$ unterminated",
        "\\! echo canary",
        "CREATE TABLE t (a int CHECK (a > 0)); INSERT INTO t SELECT -1 AS canary",
    ],
)
def test_no_text_of_a_refused_statement_is_told(ground: GroundFactory, sql: str) -> None:
    (note,) = run(ground(), sql)

    assert note.startswith("0 was refused: SQLSTATE ")
    assert "canary" not in note


def test_what_names_only_objects_is_told(ground: GroundFactory) -> None:
    notes = run(ground(), "CREATE EXTENSION no_such_thing", "DROP TABLE nothing_of_the_kind")

    assert "no_such_thing" in notes[0]
    assert notes[1].endswith('table "nothing_of_the_kind" does not exist (42P01)')


def test_a_statement_that_no_transaction_takes_says_so(ground: GroundFactory) -> None:
    """A file runs as one message, as migration tools send it: as one transaction."""
    (note,) = run(ground(), "CREATE TABLE t (a text DEFAULT 'canary'); VACUUM t")

    assert note.endswith("VACUUM cannot run inside a transaction block (25001)")
    assert "canary" not in note


def test_a_statement_without_end_is_ended(
    ground: GroundFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "STATEMENT_S", 1)
    here = ground()

    (note,) = run(here, "DO $$ BEGIN LOOP NULL; END LOOP; END $$", "CREATE TABLE after_it ()")

    assert note == "0 was refused: canceling statement due to statement timeout (57014)"
    assert here.sql("SELECT count(*)::text FROM pg_tables WHERE tablename = 'after_it'") == (
        ("1",),
    )


def test_one_that_ends_its_own_session_does_not_end_the_others(ground: GroundFactory) -> None:
    here = ground()

    notes = run(
        here,
        "CREATE SCHEMA shop",
        "SELECT pg_terminate_backend(pg_backend_pid())",
        "BEGIN; CREATE TABLE shop.never ()",
        own=("CREATE TABLE shop.t ()",),
    )

    assert len(notes) == 1
    assert "terminating connection" in notes[0] or "closed" in notes[0] or "57P01" in notes[0]
    assert here.sql("SELECT tablename::text FROM pg_tables WHERE schemaname = 'shop'") == (("t",),)


def test_a_trap_catches_nothing_of_the_rehearsals_own_sql(ground: GroundFactory) -> None:
    """A function and an operator in front of PostgreSQL's own, where the database says."""
    here = ground()
    trap = (
        "CREATE SCHEMA trap",
        "CREATE TABLE trap.caught (who text)",
        "CREATE FUNCTION trap.current_setting(text, boolean) RETURNS text LANGUAGE sql AS"
        " 'INSERT INTO trap.caught VALUES (current_user) RETURNING who'",
        f'ALTER DATABASE "{here.database}" SET search_path = trap, pg_catalog, public',
        f'ALTER DATABASE "{here.database}" SET default_transaction_read_only = on',
    )

    notes = run(
        here,
        *trap,
        own=(
            "CREATE TABLE public.rows (t text)",
            "INSERT INTO public.rows SELECT current_setting('app.tenant', true)",
        ),
    )

    assert notes == []
    assert here.sql("SELECT count(*)::text FROM trap.caught") == (("0",),)
    assert here.sql("SELECT count(*)::text FROM public.rows") == (("1",),)


def test_what_the_rehearsal_needs_must_be_taken(ground: GroundFactory) -> None:
    with pytest.raises(LabFailed) as caught:
        run(ground(), own=("SELECT 'canary'::int",))

    assert caught.value.message == "PostgreSQL refuses own (SQLSTATE 22P02)"
