"""Rows PS1 to PS7 with real drivers: prepared statements behind a pool, and each remedy.

Clients ask at the same time, each its own statement with its own arguments; an answer to
another client's statement is counted as wrong (PS1, PS3).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.servers.drivers.programs import Driver, DriverError, Session, Stressed
from tests.servers.fix_drivers import DriverFactory, dsn
from tests.servers.fix_lab import Pool, PoolerFactory

pytestmark = [pytest.mark.servers, pytest.mark.slow]

ONE = {"default_pool_size": "1"}
UNPREPARED = {"max_prepared_statements": "0", **ONE}
ROUNDS = 150
# pg8000 waits for each of its many small messages.
FEW = 30
# Whose turn comes when is the machine's choice: a run without a mix-up shows nothing.
TRIES = 20

# (driver, connection parameters, settings): two round trips and no name, outside a transaction
TWO_TRIPS = [
    pytest.param("lib/pq", {}, {}, id="lib/pq"),
    pytest.param("pg8000", {}, {"autocommit": True}, id="pg8000 autocommit"),
    pytest.param("pgx", {"default_query_exec_mode": "describe_exec"}, {}, id="pgx describe_exec"),
]


@pytest.mark.parametrize(("name", "params", "settings"), TWO_TRIPS)
def test_ps1_clients_get_each_others_rows(
    name: str, params: Any, settings: Any, driver: DriverFactory, pooler: PoolerFactory
) -> None:
    pool = pooler(mode="transaction", parameters=ONE)

    assert any(stressed(pool, driver(name), params, settings).wrong for _ in range(TRIES))


@pytest.mark.parametrize(("name", "params", "settings"), TWO_TRIPS)
def test_ps1_all_is_right_in_session_mode(
    name: str, params: Any, settings: Any, driver: DriverFactory, pooler: PoolerFactory
) -> None:
    pool = pooler(mode="session")

    seen = stressed(pool, driver(name), params, settings)

    assert (seen.wrong, dict(seen.errors)) == (0, {})


@pytest.mark.parametrize(
    ("name", "params", "settings"),
    [
        pytest.param("lib/pq", {"binary_parameters": "yes"}, {}, id="lib/pq binary_parameters"),
        pytest.param("pg8000", {}, {"autocommit": False}, id="pg8000 in transactions"),
        pytest.param("pgx", {"default_query_exec_mode": "exec"}, {}, id="pgx exec"),
        pytest.param(
            "pgx", {"default_query_exec_mode": "cache_describe"}, {}, id="pgx cache_describe"
        ),
        pytest.param("postgres.js", {}, {"prepare": False}, id="postgres.js prepare: false"),
    ],
)
def test_ps1_remedies_in_transaction_mode(
    name: str, params: Any, settings: Any, driver: DriverFactory, pooler: PoolerFactory
) -> None:
    pool = pooler(mode="transaction", parameters=ONE)

    seen = stressed(pool, driver(name), params, settings)

    assert (seen.wrong, dict(seen.errors)) == (0, {})


@pytest.mark.parametrize(
    ("params", "foreign"),
    [
        pytest.param({}, True, id="as it is"),
        pytest.param({"binary_parameters": "yes"}, False, id="remedy"),
    ],
)
def test_ps1_writes_land_in_the_other_services_table(
    params: dict[str, str], foreign: bool, driver: DriverFactory, pooler: PoolerFactory
) -> None:
    pool = pooler(mode="transaction", parameters=ONE)
    for table in ("log_a", "log_b"):
        pool.ground.sql(f"CREATE TABLE {table} (n int)", f"GRANT ALL ON {table} TO PUBLIC")
    texts = ["insert into log_a values ($1)", "insert into log_b values ($1)"]

    def mixed_up() -> bool:
        driver("lib/pq").stress(dsn("lib/pq", pool, params), 2, ROUNDS, statements=texts)
        # The second client's numbers begin at a thousand.
        (found,) = pool.ground.sql("SELECT count(*) FROM log_a WHERE n >= 1000")
        return found != ("0",)

    assert any(mixed_up() for _ in range(TRIES)) is foreign


NAMED = [
    pytest.param("pgx", {}, "", id="pgx"),
    pytest.param("pgx-stdlib", {}, "", id="pgx stdlib"),
    pytest.param("asyncpg", {}, "", id="asyncpg"),
    pytest.param("psycopg", {}, "", id="psycopg"),
    pytest.param("pgjdbc", {}, "", id="pgjdbc"),
    pytest.param("node-postgres", {}, "named", id="node-postgres name:"),
    pytest.param("lib/pq", {}, "prepared", id="lib/pq Prepare"),
]


@pytest.mark.parametrize(("name", "params", "style"), NAMED)
def test_ps2_names_collide_without_prepared_statements_in_the_pool(
    name: str, params: Any, style: str, driver: DriverFactory, pooler: PoolerFactory
) -> None:
    pool = pooler(mode="transaction", parameters=UNPREPARED)

    assert not all_right(pool, driver, name, params, style)


@pytest.mark.parametrize(("name", "params", "style"), NAMED)
def test_ps2_remedy_max_prepared_statements(
    name: str, params: Any, style: str, driver: DriverFactory, pooler: PoolerFactory
) -> None:
    pool = pooler(mode="transaction", parameters={**ONE, "max_prepared_statements": "100"})

    assert all_right(pool, driver, name, params, style)


@pytest.mark.parametrize(
    ("name", "params", "settings"),
    [
        pytest.param("pgx", {"default_query_exec_mode": "exec"}, {}, id="pgx exec"),
        pytest.param("pgx", {"default_query_exec_mode": "simple_protocol"}, {}, id="pgx simple"),
        pytest.param(
            "pgx", {"default_query_exec_mode": "cache_describe"}, {}, id="pgx cache_describe"
        ),
        pytest.param("pgjdbc", {"prepareThreshold": "0"}, {}, id="pgjdbc prepareThreshold=0"),
        pytest.param("asyncpg", {}, {"statement_cache_size": 0}, id="asyncpg no cache"),
        pytest.param("psycopg", {}, {"prepare_threshold": None}, id="psycopg no threshold"),
        pytest.param("psycopg2", {}, {}, id="psycopg2"),
        pytest.param("postgres.js", {}, {}, id="postgres.js tries again by itself"),
        pytest.param("node-postgres", {}, {}, id="node-postgres without names"),
    ],
)
def test_ps2_drivers_that_do_not_need_it(
    name: str, params: Any, settings: Any, driver: DriverFactory, pooler: PoolerFactory
) -> None:
    pool = pooler(mode="transaction", parameters=UNPREPARED)

    seen = stressed(pool, driver(name), params, settings)

    assert (seen.wrong, dict(seen.errors)) == (0, {})


def all_right(pool: Pool, driver: DriverFactory, name: str, params: Any, style: str) -> bool:
    """Two processes, each with a connection, ask the same and then each its own, in turn."""
    try:
        sessions = [
            driver(name, fresh=True).open(dsn(name, pool, params), style=style) for _ in range(2)
        ]
        for k in range(8):
            for number, session in enumerate(sessions):
                if session.one("select $1::int + 1000", k) != str(k + 1000):
                    return False
                if style != "named" and session.one(f"select $1::int + {number}", k) != str(
                    k + number
                ):
                    return False
    except DriverError as error:
        assert error.code in ("42P05", "26000"), error
        return False
    return True


@pytest.mark.parametrize(
    ("name", "style"),
    [("psycopg", ""), ("pgjdbc", ""), ("lib/pq", "prepared"), ("node-postgres", "named")],
)
@pytest.mark.parametrize(
    ("kept", "seen"),
    [
        pytest.param("0", "101", id="none kept: the other's statement runs"),
        pytest.param("200", "7", id="CNPG's default: its own statement runs"),
    ],
)
def test_ps3_a_client_that_moves_finds_the_others_statement_under_its_name(
    name: str, style: str, kept: str, seen: str, driver: DriverFactory, pooler: PoolerFactory
) -> None:
    parameters = {"max_prepared_statements": kept, "default_pool_size": "2"}
    pool = pooler(mode="transaction", parameters=parameters)
    one, other = (driver(name).open(dsn(name, pool), style=style) for _ in range(2))
    prepare(one, "select $1::int + 100")
    # The server that `one` used goes to somebody else, so that `other` prepares on a second one.
    with elsewhere(pool):
        prepare(other, "select $1::int * 7")

    # Now the first one is free again, and PgBouncer gives out what was used last.
    assert other.one("select $1::int * 7", 1) == seen


POISONED = [
    pytest.param("pgx", "", id="pgx"),
    pytest.param("asyncpg", "", id="asyncpg"),
    pytest.param("postgres.js", "", id="postgres.js"),
    pytest.param("node-postgres", "named", id="node-postgres name:"),
    pytest.param("lib/pq", "prepared", id="lib/pq Prepare"),
    pytest.param("psycopg", "", id="psycopg"),
    pytest.param("pgjdbc", "", id="pgjdbc"),
]


@pytest.mark.parametrize(("name", "style"), POISONED)
def test_ps4_a_migration_poisons_the_pool_until_it_reconnects(
    name: str, style: str, driver: DriverFactory, pooler: PoolerFactory
) -> None:
    pool = pooler(mode="transaction", parameters=ONE)
    migrate_under(pool, driver(name).open(dsn(name, pool), style=style))

    # Coming back does not help, not once and not twice; PAUSE and RESUME would, as this does.
    for _ in range(2):
        assert first_error(driver(name).open(dsn(name, pool), style=style)) == "0A000"
    pool.console("RECONNECT")

    assert first_error(driver(name).open(dsn(name, pool), style=style)) == ""


@pytest.mark.parametrize(("name", "style"), POISONED)
def test_ps4_coming_back_is_enough_without_a_pool(
    name: str, style: str, driver: DriverFactory, pooler: PoolerFactory
) -> None:
    direct = pooler(mode="transaction").ground.direct
    migrate_under(direct, driver(name).open(dsn(name, direct), style=style))

    assert first_error(driver(name).open(dsn(name, direct), style=style)) == ""


@pytest.mark.parametrize(
    ("name", "params", "settings"),
    [
        pytest.param("pgx", {"default_query_exec_mode": "exec"}, {}, id="pgx exec"),
        pytest.param("pgjdbc", {"prepareThreshold": "0"}, {}, id="pgjdbc prepareThreshold=0"),
        pytest.param("asyncpg", {}, {"statement_cache_size": 0}, id="asyncpg no cache"),
    ],
)
def test_ps4_prevention(
    name: str, params: Any, settings: Any, driver: DriverFactory, pooler: PoolerFactory
) -> None:
    pool = pooler(mode="transaction", parameters=ONE)
    session = driver(name).open(dsn(name, pool, params), settings=settings)
    migrate_under(pool, session)

    assert first_error(session) == ""


ALL = [*NAMED, *(pytest.param(n, {}, "", id=n) for n in ("psycopg2", "pg8000", "postgres.js"))]


@pytest.mark.parametrize("size", ["1", "2"])
@pytest.mark.parametrize(("name", "params", "style"), ALL)
def test_ps7_all_drivers_are_right_with_the_operators_defaults(
    name: str, params: Any, style: str, size: str, driver: DriverFactory, pooler: PoolerFactory
) -> None:
    pool = pooler(mode="transaction", parameters={"default_pool_size": size})

    seen = stressed(pool, driver(name), params, {}, clients=3, style=style)

    assert (seen.wrong, dict(seen.errors)) == (0, {})


def stressed(
    pool: Pool, driver: Driver, params: Any, settings: Any, *, clients: int = 2, style: str = ""
) -> Stressed:
    """Let clients ask all at once; each knows what it must get."""
    rounds = FEW if driver.name == "pg8000" else ROUNDS
    where = dsn(driver.name, pool, params)
    seen = driver.stress(where, clients, rounds, settings=settings, style=style)
    assert seen.right + seen.wrong + sum(seen.errors.values()) == clients * rounds
    return seen


def migrate_under(pool: Pool, session: Session) -> None:
    """Add a column to a table that `session` reads with a prepared statement."""
    pool.ground.sql(
        "CREATE TABLE shelf (id int)",
        "INSERT INTO shelf VALUES (1)",
        f"GRANT SELECT ON shelf TO {pool.ground.owner}",
    )
    assert first_error(session) == ""
    pool.ground.sql("ALTER TABLE shelf ADD COLUMN name text DEFAULT 'x'")


def first_error(session: Session) -> str:
    """The SQLSTATE that one of eight executions ends with; empty when all go well."""
    try:
        for _ in range(8):
            session.run("select * from shelf where id = $1", 1)
    except DriverError as error:
        return error.code or error.text
    return ""


def prepare(session: Session, sql: str) -> None:
    """Execute often enough that every driver has named the statement."""
    for _ in range(7):
        session.run(sql, 1)


@contextmanager
def elsewhere(pool: Pool) -> Iterator[None]:
    """Hold the server that the pool would give out next; it is the next one again afterwards."""
    holder = pool.connect()
    holder.query("BEGIN")
    yield
    holder.query("COMMIT")
