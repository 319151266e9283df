"""Rows PS1 to PS7: prepared statements behind a pool of one server connection."""

from __future__ import annotations

from contextlib import closing

import pytest

from repoint.ports.connecting import Conversation
from repoint.wire.login import Statements
from repoint.wire.refusals import ServerRefusal
from tests.servers.fix_lab import GroundFactory, Pool, PoolerFactory

pytestmark = pytest.mark.servers

ONE = {"default_pool_size": "1"}
TWO = {"default_pool_size": "2"}
UNFOLLOWED = {**ONE, "max_prepared_statements": "0"}
VERSIONS = pytest.mark.parametrize("pgbouncer", ["1.24", "1.26"])
A, B = "SELECT 'a' || $1", "SELECT 'b' || $1"


def pair(pool: Pool, driver: str) -> tuple[Conversation, Conversation]:
    return pool.connect(driver), pool.connect(driver)


@VERSIONS
@pytest.mark.parametrize("postgres", [15, 17, 18])
def test_ps1_a_second_round_trip_runs_another_clients_statement(
    pooler: PoolerFactory, pgbouncer: str, postgres: int
) -> None:
    pool = pooler(pgbouncer=pgbouncer, postgres=postgres, parameters=ONE)
    one, other = pair(pool, "lib/pq")
    for _ in range(3):
        one.prepare(A)
        other.prepare(B)
        assert one.execute(["1"]) == (("b1",),)
    for where in (pool.ground.pooler(mode="session", parameters=TWO), pool.ground.direct):
        one, other = pair(where, "lib/pq")
        one.prepare(A)
        other.prepare(B)
        assert (one.execute(["1"]), other.execute(["1"])) == ((("a1",),), (("b1",),))


def test_ps1_writes_go_to_another_clients_table(pooler: PoolerFactory) -> None:
    pool = pooler(parameters=ONE)
    pool.ground.sql(
        "CREATE TABLE log_a (who text)",
        "CREATE TABLE log_b (who text)",
        f"GRANT ALL ON log_a, log_b TO {pool.ground.owner}",
    )
    one, other = pair(pool, "lib/pq")
    one.prepare("INSERT INTO log_a VALUES ($1)")
    other.prepare("INSERT INTO log_b VALUES ($1)")
    one.execute(["a"])
    assert pool.ground.sql("SELECT who FROM log_b") == (("a",),)
    assert pool.ground.sql("SELECT who FROM log_a") == ()


@pytest.mark.parametrize("style", [Statements.ONE_TRIP, Statements.SIMPLE, Statements.NAMED])
def test_ps1_other_ways_of_sending_are_right(pooler: PoolerFactory, style: Statements) -> None:
    one, other = pair(pooler(parameters=ONE), "pgx")
    for number in range(8):
        assert one.run(A, [str(number)], style) == ((f"a{number}",),)
        assert other.run(B, [str(number)], style) == ((f"b{number}",),)


@VERSIONS
def test_ps2_an_unfollowed_name_exists_already(pooler: PoolerFactory, pgbouncer: str) -> None:
    pool = pooler(pgbouncer=pgbouncer, parameters=UNFOLLOWED)
    one, other = pair(pool, "pgx")
    one.run(A, ["1"], Statements.NAMED)
    with pytest.raises(ServerRefusal, match="already exists") as refused:
        other.run(A, ["1"], Statements.NAMED)
    assert refused.value.sqlstate == "42P05"


def test_ps2_an_unfollowed_name_does_not_exist_elsewhere(pooler: PoolerFactory) -> None:
    pool = pooler(parameters={**TWO, "max_prepared_statements": "0"})
    one, other = pair(pool, "pgx")
    one.run(A, ["1"], Statements.NAMED)
    # The other client keeps the server connection that has the statement.
    other.query("BEGIN")
    with pytest.raises(ServerRefusal, match="does not exist") as refused:
        one.run(A, ["1"], Statements.NAMED)
    assert refused.value.sqlstate == "26000"


@pytest.mark.parametrize("style", [Statements.ONE_TRIP, Statements.SIMPLE])
def test_ps2_unnamed_statements_need_no_following(pooler: PoolerFactory, style: Statements) -> None:
    for session in pair(pooler(parameters=UNFOLLOWED), "pgx") * 2:
        assert session.run(A, ["1"], style) == (("a1",),)


def test_ps3_a_counted_name_runs_another_clients_sql(pooler: PoolerFactory) -> None:
    pool = pooler(parameters={**TWO, "max_prepared_statements": "0"})
    one, other = pair(pool, "psycopg")
    one.query("BEGIN")
    [(first,)] = one.query("SELECT pg_backend_pid()")
    one.run(A, ["1"], Statements.NAMED)
    other.run(B, ["1"], Statements.NAMED)
    one.query("COMMIT")
    third = pool.connect()
    third.query("BEGIN")
    # Whichever server connection is left was prepared by the other of the two.
    if third.query("SELECT pg_backend_pid()") == ((first,),):
        assert one.run(A, ["1"], Statements.NAMED) == (("b1",),)
    else:
        assert other.run(B, ["1"], Statements.NAMED) == (("a1",),)


@pytest.mark.parametrize("driver", ["pgx", "asyncpg", "psycopg", "pgjdbc"])
@pytest.mark.parametrize("followed", ["1", "200"])
def test_ps3_following_keeps_names_apart(pooler: PoolerFactory, driver: str, followed: str) -> None:
    pool = pooler(parameters={**ONE, "max_prepared_statements": followed})
    one, other = pair(pool, driver)
    for _ in range(3):
        assert one.run(A, ["1"], Statements.NAMED) == (("a1",),)
        assert other.run(B, ["1"], Statements.NAMED) == (("b1",),)


def poisoned(pool: Pool) -> Conversation:
    """A pool whose server connection holds a plan of before the migration."""
    pool.ground.sql("CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)")
    pool.ground.sql(f"GRANT ALL ON t TO {pool.ground.owner}")
    session = pool.connect("pgx")
    session.run("SELECT * FROM t", statements=Statements.NAMED)
    pool.ground.sql("ALTER TABLE t ADD COLUMN b int")
    return session


@VERSIONS
def test_ps4_a_migration_poisons_the_pool_for_new_processes_too(
    pooler: PoolerFactory, pgbouncer: str
) -> None:
    pool = pooler(pgbouncer=pgbouncer, parameters=ONE)
    session = poisoned(pool)
    for client in (session, pool.connect("pgx"), pool.connect("asyncpg")):
        with pytest.raises(ServerRefusal, match="cached plan must not change result type"):
            client.run("SELECT * FROM t", statements=Statements.NAMED)


def test_ps4_direct_a_new_connection_is_enough(ground: GroundFactory) -> None:
    pool = ground().direct
    session = poisoned(pool)
    with pytest.raises(ServerRefusal, match="cached plan"):
        session.run("SELECT * FROM t", statements=Statements.NAMED)
    fresh = pool.connect("pgx")
    assert fresh.run("SELECT * FROM t", statements=Statements.NAMED) == (("1", None),)


def test_ps4_pause_and_resume_recycle_the_pool(pooler: PoolerFactory) -> None:
    pool = pooler(parameters=ONE)
    session = poisoned(pool)
    # What the operator does when `spec.pgbouncer.paused` goes to true and back.
    with closing(pool.ground.lab.console(pool.host)) as console:
        console.query("PAUSE")
        console.query("RESUME")
    assert session.run("SELECT * FROM t", statements=Statements.NAMED) == (("1", None),)


def test_ps4_ending_the_roles_backends_recycles_the_pool(pooler: PoolerFactory) -> None:
    pool = pooler(parameters=ONE)
    session = poisoned(pool)
    pool.ground.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE usename = '{pool.ground.owner}'"
    )
    pool.console("RELOAD")
    assert session.run("SELECT * FROM t", statements=Statements.NAMED) == (("1", None),)


def test_ps4_a_list_of_columns_outlives_an_added_one(pooler: PoolerFactory) -> None:
    pool = pooler(parameters=ONE)
    pool.ground.sql("CREATE TABLE t (a int)", f"GRANT ALL ON t TO {pool.ground.owner}")
    session = pool.connect("pgx")
    session.run("SELECT a FROM t", statements=Statements.NAMED)
    pool.ground.sql("ALTER TABLE t ADD COLUMN b int")
    assert session.run("SELECT a FROM t", statements=Statements.NAMED) == ()


@pytest.mark.parametrize("followed", ["0", "200"])
def test_ps5_prepare_in_sql_text_is_not_followed(pooler: PoolerFactory, followed: str) -> None:
    pool = pooler(parameters={**ONE, "max_prepared_statements": followed})
    one, other = pair(pool, "psycopg")
    one.query("PREPARE sp AS SELECT 'a'")
    assert other.query("EXECUTE sp") == (("a",),)
    with pytest.raises(ServerRefusal) as refused:
        other.query("PREPARE sp AS SELECT 'b'")
    assert refused.value.sqlstate == "42P05"
    for where in (pool.ground.pooler(mode="session", parameters=TWO), pool.ground.direct):
        one, other = pair(where, "psycopg")
        one.query("PREPARE sp AS SELECT 'a'")
        with pytest.raises(ServerRefusal) as refused:
            other.query("EXECUTE sp")
        assert refused.value.sqlstate == "26000"


def test_ps6_a_client_that_drops_its_own_statements_is_ended(pooler: PoolerFactory) -> None:
    pool = pooler(parameters=ONE)
    for where, fatal in ((pool, True), (pool.ground.direct, False)):
        session = where.connect("pgx")
        session.run(A, ["1"], Statements.NAMED)
        session.query("DEALLOCATE ALL")
        with pytest.raises(ServerRefusal) as refused:
            session.run(A, ["1"], Statements.NAMED)
        assert refused.value.fatal is fatal


@pytest.mark.parametrize("size", ["1", "2"])
def test_ps7_the_default_follows_many_statements(pooler: PoolerFactory, size: str) -> None:
    pool = pooler(parameters={"default_pool_size": size})
    one, other = pair(pool, "psycopg")
    for number in range(250):
        text = f"SELECT {number} + $1::int"
        assert one.run(text, ["1"], Statements.NAMED) == ((str(number + 1),),)
        assert other.run(text, ["2"], Statements.NAMED) == ((str(number + 2),),)


def test_ps7_another_clients_discard_does_no_harm(pooler: PoolerFactory) -> None:
    one, other = pair(pooler(parameters=ONE), "pgx")
    one.run(A, ["1"], Statements.NAMED)
    other.query("DISCARD ALL")
    assert one.run(A, ["2"], Statements.NAMED) == (("a2",),)
