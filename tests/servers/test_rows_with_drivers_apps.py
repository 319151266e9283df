"""Rows ST7, ST10, ST11, ST12, MG1 to MG5, MG8 with the ORMs and migrators themselves."""

from __future__ import annotations

import subprocess
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.servers.drivers.programs import DriverError
from tests.servers.fix_drivers import AppFactory, DriverFactory, Programs, dsn, place
from tests.servers.fix_lab import Pool, PoolerFactory

pytestmark = [pytest.mark.servers, pytest.mark.slow]

ONE = {"default_pool_size": "1"}
TWO = {"default_pool_size": "2"}
SCHEMAS = ("naytife", "hydra")
WAIT_S = 20.0


def where(pool: Pool) -> dict[str, Any]:
    """The keywords of a libpq connection."""
    found = place(pool)
    return {
        "host": found.host,
        "port": found.port,
        "user": found.user,
        "password": found.password,
        "dbname": found.database,
    }


def owned(pool: Pool) -> Pool:
    """The test's role may make tables and schemas in its database."""
    pool.ground.sql(f"GRANT ALL ON SCHEMA public TO {pool.ground.owner}")
    return pool


def two_schemas(pool: Pool) -> None:
    for schema in SCHEMAS:
        pool.ground.sql(
            f"CREATE SCHEMA {schema}",
            f"CREATE TABLE {schema}.who AS SELECT '{schema}'::text AS name",
            f"GRANT USAGE ON SCHEMA {schema} TO {pool.ground.owner}",
            f"GRANT SELECT ON {schema}.who TO {pool.ground.owner}",
        )


@pytest.mark.parametrize(
    ("mode", "parameters", "right"),
    [
        pytest.param("transaction", ONE, False, id="transaction mode"),
        pytest.param("session", TWO, True, id="session mode"),
        pytest.param(
            "transaction",
            {**ONE, "track_extra_parameters": "IntervalStyle,search_path"},
            True,
            id="SP4 remedy",
        ),
    ],
)
@pytest.mark.parametrize("orm", ["knex", "sqlalchemy"])
def test_st7_a_search_path_set_on_connect_crosses_to_other_clients(
    orm: str,
    mode: str,
    parameters: dict[str, str],
    right: bool,
    app: AppFactory,
    pooler: PoolerFactory,
) -> None:
    pool = pooler(mode=mode, parameters=parameters)
    two_schemas(pool)

    if orm == "knex":
        said = app("node", "knex searchPath", dsn=dsn("node-postgres", pool), schemas=SCHEMAS)
    else:
        said = app("python", "sqlalchemy search_path", place=where(pool), schemas=SCHEMAS)

    assert (said["seen"] == [*SCHEMAS] * 3) is right, said
    assert right or said["seen"][-2:] == ["hydra", "hydra"]


@pytest.mark.parametrize(("kept", "error"), [("0", "already exists"), ("200", "")])
def test_ps2_sqlalchemy_on_asyncpg_names_its_statements_without_a_cache_too(
    kept: str, error: str, driver_programs: Programs, pooler: PoolerFactory
) -> None:
    pool = pooler(parameters={**ONE, "max_prepared_statements": kept})

    def ask() -> object:
        process = driver_programs.get("python", fresh=True)
        return process.ask(do="app", app="sqlalchemy asyncpg", place=where(pool))

    assert outcome(ask) == ""
    # Each process counts its names anew.
    said = outcome(ask)
    driver_programs.stop_fresh()

    assert error in said and bool(said) is bool(error), said


@pytest.mark.parametrize(("mode", "kept"), [("transaction", False), ("session", True)])
def test_st10_asyncpg_release_drops_another_clients_lock_and_setting(
    mode: str, kept: bool, driver: DriverFactory, pooler: PoolerFactory
) -> None:
    pool = pooler(mode=mode, parameters=ONE if mode == "transaction" else TWO)
    other = pool.connect()
    other.query("SET work_mem = '9MB'")
    other.query("SELECT pg_advisory_lock(7)")

    driver("asyncpg").open(dsn("asyncpg", pool), settings={"pool": True}).run("select 1")

    locks = pool.ground.sql("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 7")
    assert (locks == (("1",),)) is kept
    assert (other.query("SHOW work_mem") == (("9MB",),)) is kept


@pytest.mark.parametrize(("mode", "told"), [("transaction", False), ("session", True)])
def test_st11_graphile_worker_is_not_told_of_a_job(
    mode: str, told: bool, app: AppFactory, pooler: PoolerFactory
) -> None:
    pool = owned(pooler(mode=mode))
    pool.ground.sql(f"GRANT CREATE ON DATABASE {pool.ground.database} TO {pool.ground.owner}")
    said = app(
        "node",
        "graphile-worker",
        dsn=dsn("node-postgres", pool),
        install=dsn("node-postgres", pool.ground.direct),
        wait_ms=8000 if told else 1500,
    )

    assert said["seen"] is told


@pytest.mark.parametrize(
    ("mode", "no_cursors", "breaks"),
    [("transaction", False, True), ("transaction", True, False), ("session", False, False)],
)
def test_st12_django_iterator_loses_its_cursor(
    mode: str, no_cursors: bool, breaks: bool, app: AppFactory, pooler: PoolerFactory
) -> None:
    pool = owned(pooler(mode=mode, parameters=TWO))
    app("python", "django migrate", place=where(pool.ground.direct))

    try:
        said = app("python", "django iterator", place=where(pool), no_cursors=no_cursors)
    except DriverError as error:
        assert breaks and "cursor" in error.text and "does not exist" in error.text, error
    else:
        assert not breaks and said["read"] > 2


def test_mg2_django_migrate_needs_no_session(app: AppFactory, pooler: PoolerFactory) -> None:
    pool = owned(pooler(parameters=ONE))

    said = app("python", "django migrate", place=where(pool))

    assert {"auth_user", "django_migrations"} <= set(said["tables"])
    assert advisory_locks(pool) == 0


def test_mg2_alembic_needs_no_session(
    app: AppFactory, pooler: PoolerFactory, tmp_path: Path
) -> None:
    pool = owned(pooler(parameters=ONE))
    alembic_scripts(tmp_path)

    for _ in range(2):
        app("python", "alembic upgrade", place=where(pool), folder=str(tmp_path))

    assert pool.ground.sql("SELECT version_num FROM alembic_version") == (("one",),)
    assert advisory_locks(pool) == 0


@pytest.mark.parametrize(
    ("orm", "name"), [("node", "typeorm extra"), ("node", "sequelize dialectOptions")]
)
@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_mg4_a_statement_timeout_of_the_orm_is_refused(
    orm: str, name: str, mode: str, app: AppFactory, pooler: PoolerFactory
) -> None:
    pool = pooler(mode=mode)

    with pytest.raises(DriverError, match="unsupported startup parameter: statement_timeout"):
        app(orm, name, dsn=dsn("node-postgres", pool))

    assert app(orm, name, dsn=dsn("node-postgres", pool.ground.direct)) == {"seen": "5s"}


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_mg3_dbmate_runs_but_not_with_a_search_path(
    mode: str, driver_programs: Programs, pooler: PoolerFactory, tmp_path: Path
) -> None:
    pool = owned(pooler(mode=mode))
    program = driver_programs.get("node").folder / "node_modules/@dbmate/linux-x64/bin/dbmate"
    if not program.exists():
        pytest.skip("dbmate has no program for this machine")
    (tmp_path / "1_shelf.sql").write_text(
        "-- migrate:up\ncreate table shelf (id int);\n-- migrate:down\ndrop table shelf;\n"
    )

    def dbmate(**params: str) -> subprocess.CompletedProcess[str]:
        words = [str(program), "--no-dump-schema", "--migrations-dir", str(tmp_path), "migrate"]
        environment = {"DATABASE_URL": dsn("lib/pq", pool, params), "PATH": "/usr/bin:/bin"}
        return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60)

    refused = dbmate(search_path="public")
    assert "unsupported startup parameter: search_path" in refused.stdout + refused.stderr
    assert dbmate().returncode == 0
    assert pool.ground.sql("SELECT count(*) FROM shelf") == (("0",),)


MIGRATORS = [
    pytest.param("node", "node-pg-migrate", "already running", id="mg1 node-pg-migrate"),
    # With nothing left to do it asks for no lock.
    pytest.param("go", "goose", "", id="mg8 goose"),
    # It would wait for the lock for ever.
    pytest.param("go", "golang-migrate", "", id="mg5 golang-migrate"),
]


@pytest.mark.parametrize(
    ("mode", "left"), [("transaction", 1), ("session", 0)], ids=["transaction", "session"]
)
@pytest.mark.parametrize(("toolchain", "name", "refusal"), MIGRATORS)
def test_mg_a_migrator_that_moves_leaves_its_session_lock_behind(
    toolchain: str,
    name: str,
    refusal: str,
    mode: str,
    left: int,
    app: AppFactory,
    pooler: PoolerFactory,
    tmp_path: Path,
) -> None:
    pool = owned(pooler(mode=mode, parameters={"default_pool_size": "3"}))
    migrations(name, tmp_path)
    request = {"dsn": dsn("lib/pq", pool), "folder": str(tmp_path)}

    with moved_while_it_sleeps(pool, busy=mode == "transaction"):
        errors = outcome(lambda: app(toolchain, name, **request))

    assert pool.ground.sql("SELECT count(*) FROM shelf") == (("0",),), errors
    assert min(advisory_locks(pool), 1) == left, errors
    if refusal and left:
        # The server with the lock is another client's, so the next run comes to a new one.
        assert refusal in outcome(lambda: app(toolchain, name, **request))
    elif not left:
        assert outcome(lambda: app(toolchain, name, **request)) == ""


def outcome(run: Callable[[], object]) -> str:
    """The error that a migrator ended with, empty when it went well."""
    try:
        run()
    except DriverError as error:
        return str(error)
    return ""


@contextmanager
def moved_while_it_sleeps(pool: Pool, *, busy: bool) -> Iterator[None]:
    """Let other clients come while the migration runs, so that the rest of it runs elsewhere.

    The pool has three servers. Two are held; a third client waits in the queue, and gets the
    migrator's server when its transaction ends. Then one that was held becomes free for it.
    """
    if not busy:
        yield
        return
    held = [pool.connect(timeout_s=WAIT_S) for _ in range(2)]
    for one in held:
        one.query("BEGIN")
        one.query("SELECT 1")
    queued = pool.connect(timeout_s=WAIT_S)

    def crowd() -> None:
        wait_for(lambda: bool(pool.ground.sql(SLEEPING)))
        queued.query("BEGIN")
        queued.query("SELECT 1")
        held[0].query("COMMIT")

    thread = threading.Thread(target=crowd)
    thread.start()
    yield
    thread.join()


SLEEPING = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(0.7)%' AND state = 'active'"
SLEEPING += " AND pid <> pg_backend_pid()"


def wait_for(ready: Callable[[], bool]) -> None:
    until = time.monotonic() + WAIT_S
    while not ready():
        assert time.monotonic() < until, "the migration never slept"
        time.sleep(0.02)


def advisory_locks(pool: Pool) -> int:
    """Session locks of the test's database that the pool's servers still hold."""
    (row,) = pool.ground.sql(
        "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
        "WHERE locktype = 'advisory' AND datname = current_database()"
    )
    return int(row[0] or 0)


def migrations(name: str, folder: Path) -> None:
    """One migration that takes a moment, as each tool writes it."""
    sql = "create table shelf (id int); select pg_sleep(0.7);"
    if name == "node-pg-migrate":
        text = f"exports.up = (pgm) => {{ pgm.sql(`{sql}`); }};\nexports.down = () => {{}};\n"
        (folder / "1_shelf.cjs").write_text(text)
    elif name == "goose":
        (folder / "1_shelf.sql").write_text(
            f"-- +goose Up\n-- +goose StatementBegin\n{sql}\n-- +goose StatementEnd\n"
        )
    else:
        (folder / "1_shelf.up.sql").write_text(sql)


def alembic_scripts(folder: Path) -> None:
    """What `alembic init` and `alembic revision` make, and one table."""
    (folder / "versions").mkdir()
    (folder / "env.py").write_text(
        textwrap.dedent(
            """
            from alembic import context
            with context.config.attributes["engine"].connect() as connection:
                context.configure(connection=connection)
                with context.begin_transaction():
                    context.run_migrations()
            """
        )
    )
    (folder / "versions" / "one.py").write_text(
        textwrap.dedent(
            """
            import sqlalchemy as sa
            from alembic import op
            revision, down_revision = "one", None
            def upgrade():
                op.create_table("shelf", sa.Column("id", sa.Integer))
            """
        )
    )
