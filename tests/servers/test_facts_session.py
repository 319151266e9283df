"""Rows ST1 to ST17: what a session keeps, and who finds it behind a pool of one connection.

Every row is tried in transaction mode, where it must go wrong as the fact says, and direct,
where it must not. The session mode of the same Pooler is the remedy that each row names.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from repoint.ports.connecting import Conversation
from repoint.wire.refusals import ServerRefusal
from tests.servers.fix_lab import Ground, Pool, PoolerFactory

pytestmark = pytest.mark.servers

ONE = {"default_pool_size": "1"}
TWO = {"default_pool_size": "2"}
RESET = {**ONE, "server_reset_query_always": "1"}
VERSIONS = pytest.mark.parametrize("pgbouncer", ["1.24", "1.26"])


def shared(pooler: PoolerFactory, pgbouncer: str = "", **parameters: str) -> Pool:
    """A transaction pool of one server connection."""
    return pooler(mode="transaction", pgbouncer=pgbouncer, parameters={**ONE, **parameters})


def session_pool(pool: Pool) -> Pool:
    """A session Pooler for the same database, with room for two."""
    return pool.ground.pooler(mode="session", parameters=TWO)


def apart(pool: Pool) -> tuple[Pool, ...]:
    """Where the same must be right: the two remedies of every row."""
    return (session_pool(pool), pool.ground.direct)


def pair(pool: Pool) -> tuple[Conversation, Conversation]:
    return pool.connect(), pool.connect()


def value(session: Conversation, sql: str) -> str | None:
    return session.query(sql)[0][0]


SHOW = "SELECT coalesce(current_setting('app.current_tenant', true), '')"


@VERSIONS
@pytest.mark.parametrize(
    "make",
    [
        pytest.param("SET app.current_tenant = 'acme'", id="SET"),
        pytest.param("SELECT set_config('app.current_tenant', 'acme', false)", id="set_config"),
        pytest.param("SET app.current_tenant = 'acme'; SELECT 1", id="SET in one message"),
    ],
)
def test_st1_a_setting_reaches_the_next_client(
    pooler: PoolerFactory, pgbouncer: str, make: str
) -> None:
    pool = shared(pooler, pgbouncer)
    owner, other = pair(pool)
    owner.query(make)
    assert value(other, SHOW) == "acme"
    other.query("RESET ALL")
    assert value(owner, SHOW) == ""
    for where in apart(pool):
        owner, other = pair(where)
        owner.query(make)
        assert (value(other, SHOW), value(owner, SHOW)) == ("", "acme")


def test_st1_resetting_always_stops_the_leak_and_loses_the_value(pooler: PoolerFactory) -> None:
    owner, other = pair(shared(pooler, **RESET))
    owner.query("SET app.current_tenant = 'acme'")
    assert (value(other, SHOW), value(owner, SHOW)) == ("", "")


def tenants(ground: Ground) -> None:
    ground.sql(
        "CREATE TABLE orders (tenant text, item text)",
        "INSERT INTO orders VALUES ('acme', 'anvil'), ('globex', 'laser')",
        "ALTER TABLE orders ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY own ON orders USING (tenant = current_setting('app.current_tenant', true))",
        f"GRANT SELECT ON orders TO {ground.owner}",
    )


ORDERS = "SELECT coalesce(string_agg(tenant, ','), '') FROM orders"


@VERSIONS
@pytest.mark.parametrize("tracked", [False, True], ids=["plain", "tracking on"])
def test_st2_x5_a_tenant_reads_the_other_tenants_rows(
    pooler: PoolerFactory, pgbouncer: str, tracked: bool
) -> None:
    extra = {"track_extra_parameters": "IntervalStyle,search_path,app.current_tenant"}
    pool = shared(pooler, pgbouncer, **(extra if tracked else {}))
    tenants(pool.ground)
    acme, globex = pair(pool)
    acme.query("SET app.current_tenant = 'acme'")
    globex.query("SET app.current_tenant = 'globex'")
    nobody = pool.connect()
    assert value(acme, ORDERS) == "globex"
    assert value(nobody, ORDERS) == "globex"
    for where in apart(pool):
        acme, globex = pair(where)
        acme.query("SET app.current_tenant = 'acme'")
        globex.query("SET app.current_tenant = 'globex'")
        assert (value(acme, ORDERS), value(globex, ORDERS)) == ("acme", "globex")


def test_st2_resetting_always_fails_closed(pooler: PoolerFactory) -> None:
    pool = shared(pooler, **RESET)
    tenants(pool.ground)
    acme, other = pair(pool)
    acme.query("SET app.current_tenant = 'acme'")
    assert (value(acme, ORDERS), value(other, ORDERS)) == ("", "")


def test_st3_a_setting_of_one_transaction_stays_in_it(pooler: PoolerFactory) -> None:
    pool = shared(pooler)
    tenants(pool.ground)
    acme, globex = pair(pool)
    for _ in range(3):
        for session, name in ((acme, "acme"), (globex, "globex")):
            session.query("BEGIN")
            session.query(f"SELECT set_config('app.current_tenant', '{name}', true)")
            assert value(session, ORDERS) == name
            session.query("COMMIT")
    assert value(pool.connect(), ORDERS) == ""


@VERSIONS
def test_st4_a_role_is_handed_on(pooler: PoolerFactory, pgbouncer: str) -> None:
    pool = shared(pooler, pgbouncer)
    role = pool.ground.role("hydra")
    pool.ground.sql(f"GRANT {role} TO {pool.ground.owner}")
    who = "SELECT current_user"
    owner, other = pair(pool)
    owner.query(f"SET ROLE {role}")
    assert value(other, who) == role
    for where in apart(pool):
        owner, other = pair(where)
        owner.query(f"SET ROLE {role}")
        assert value(other, who) == pool.ground.owner


def test_st5_a_timeout_cancels_the_next_clients_query(pooler: PoolerFactory) -> None:
    pool = shared(pooler)
    owner, other = pair(pool)
    owner.query("SET statement_timeout = '50ms'")
    with pytest.raises(ServerRefusal) as refused:
        other.query("SELECT pg_sleep(0.3)")
    assert refused.value.sqlstate == "57014"
    for where in apart(pool):
        owner, other = pair(where)
        owner.query("SET statement_timeout = '50ms'")
        other.query("SELECT pg_sleep(0.1)")


@VERSIONS
def test_st6_an_isolation_level_leaks(pooler: PoolerFactory, pgbouncer: str) -> None:
    shown = "SHOW transaction_isolation"
    owner, other = pair(shared(pooler, pgbouncer))
    owner.query("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE")
    assert value(other, shown) == "serializable"
    owner, other = pair(pooler(mode="session", pgbouncer=pgbouncer, parameters=TWO))
    owner.query("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE")
    assert value(other, shown) == "read committed"


@pytest.mark.parametrize(
    ("pgbouncer", "parameters", "leaks"),
    [
        pytest.param("1.24", {}, True, id="1.24"),
        pytest.param(
            "1.24",
            {"track_extra_parameters": "IntervalStyle,default_transaction_read_only"},
            False,
            id="1.24 tracking it",
        ),
        pytest.param("1.26", {}, False, id="1.26"),
    ],
)
def test_st6_read_only_stops_the_next_clients_writes(
    pooler: PoolerFactory, pgbouncer: str, parameters: dict[str, str], leaks: bool
) -> None:
    pool = shared(pooler, pgbouncer, **parameters)
    pool.ground.sql("CREATE TABLE t (a int)", f"GRANT ALL ON t TO {pool.ground.owner}")
    owner, other = pair(pool)
    owner.query("SET default_transaction_read_only = on")
    if leaks:
        with pytest.raises(ServerRefusal, match="read-only transaction"):
            other.query("INSERT INTO t VALUES (1)")
    else:
        other.query("INSERT INTO t VALUES (1)")


@pytest.mark.parametrize(
    ("postgres", "pgbouncer", "parameters", "leaks"),
    [
        pytest.param(17, "1.24", {}, True, id="17, 1.24"),
        pytest.param(17, "1.26", {}, True, id="17, 1.26"),
        pytest.param(18, "1.24", {}, True, id="18, 1.24"),
        pytest.param(
            18, "1.24", {"track_extra_parameters": "IntervalStyle,search_path"}, False, id="tracked"
        ),
        pytest.param(18, "1.26", {}, False, id="18, 1.26"),
    ],
)
def test_st7_a_search_path_made_on_connect_leaks(
    pooler: PoolerFactory, postgres: int, pgbouncer: str, parameters: dict[str, str], leaks: bool
) -> None:
    pool = pooler(postgres=postgres, pgbouncer=pgbouncer, parameters={**ONE, **parameters})
    one, other = pair(pool)
    one.query("SET search_path = naytife")
    other.query("SET search_path = hydra")
    assert value(one, "SHOW search_path") == ("hydra" if leaks else "naytife")


LOCK = "SELECT pg_try_advisory_lock(7)"
HELD = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = ({0})"


def held(pool: Pool) -> str | None:
    own = "SELECT oid FROM pg_database WHERE datname = current_database()"
    return pool.ground.sql(HELD.format(own))[0][0]


@VERSIONS
def test_st8_a_lock_outlives_its_client(pooler: PoolerFactory, pgbouncer: str) -> None:
    pool = shared(pooler, pgbouncer)
    gone = pool.connect()
    assert value(gone, LOCK) == "t"
    gone.close()
    pool.connect().query("SELECT 1")
    assert held(pool) == "1"


def test_st8_two_clients_both_get_the_lock(pooler: PoolerFactory) -> None:
    pool = shared(pooler)
    both = pair(pool)
    assert [value(session, LOCK) for session in both] == ["t", "t"]
    for session in both:
        session.query("SELECT pg_advisory_unlock(7)")
    for where in apart(pool):
        sessions = pair(where)
        assert [value(session, LOCK) for session in sessions] == ["t", "f"]
        sessions[0].query("SELECT pg_advisory_unlock(7)")


def test_st8_an_unlock_elsewhere_returns_false(pooler: PoolerFactory) -> None:
    pool = pooler(parameters=TWO)
    owner, other = pair(pool)
    assert value(owner, LOCK) == "t"
    other.query("BEGIN")
    taken = value(other, "SELECT pg_backend_pid()")
    owner.query("BEGIN")
    moved = value(owner, "SELECT pg_backend_pid()") != taken
    unlocked = value(owner, "SELECT pg_advisory_unlock(7)")
    # Whichever connection the other client got, one of the two cannot unlock.
    holder_is_other = unlocked == "f"
    assert moved
    assert holder_is_other is (value(other, "SELECT pg_advisory_unlock(7)") == "t")


def test_st8_session_mode_gives_the_lock_back(pooler: PoolerFactory) -> None:
    pool = pooler(mode="session", parameters=ONE)
    gone = pool.connect()
    assert value(gone, LOCK) == "t"
    gone.close()
    assert value(pool.connect(), LOCK) == "t"


def test_st8_resetting_always_drops_the_lock_at_once(pooler: PoolerFactory) -> None:
    pool = shared(pooler, **RESET)
    owner = pool.connect()
    assert value(owner, LOCK) == "t"
    pool.connect().query("SELECT 1")
    assert held(pool) == "0"


def test_st9_a_transactions_lock_is_right(pooler: PoolerFactory) -> None:
    pool = pooler(parameters=TWO)
    owner, other = pair(pool)
    owner.query("BEGIN")
    assert value(owner, "SELECT pg_try_advisory_xact_lock(7)") == "t"
    assert value(other, "SELECT pg_try_advisory_xact_lock(7)") == "f"
    owner.query("COMMIT")
    assert value(other, "SELECT pg_try_advisory_xact_lock(7)") == "t"


def test_st10_a_drivers_reset_takes_anothers_lock_and_setting(pooler: PoolerFactory) -> None:
    """What asyncpg's pool runs when a connection is given back."""
    pool = shared(pooler)
    owner, other = pair(pool)
    owner.query("SET app.current_tenant = 'acme'")
    assert value(owner, LOCK) == "t"
    other.query("SELECT pg_advisory_unlock_all(); UNLISTEN *; RESET ALL")
    assert (held(pool), value(owner, SHOW)) == ("0", "")
    for where in apart(pool):
        owner, other = pair(where)
        owner.query("SET app.current_tenant = 'acme'")
        assert value(owner, LOCK) == "t"
        other.query("SELECT pg_advisory_unlock_all(); UNLISTEN *; RESET ALL")
        assert (held(pool), value(owner, SHOW)) == ("1", "acme")
        owner.query("SELECT pg_advisory_unlock_all()")


@VERSIONS
def test_st11_a_listener_gets_nothing_and_another_does(
    pooler: PoolerFactory, pgbouncer: str
) -> None:
    pool = shared(pooler, pgbouncer)
    listener, other = pair(pool)
    listener.query("LISTEN jobs")
    other.query("NOTIFY jobs, 'one'")
    assert other.notifications(0.3) == (("jobs", "one"),)
    assert listener.notifications(0.3) == ()
    for where in apart(pool):
        listener = where.connect()
        listener.query("LISTEN jobs")
        pool.ground.sql("NOTIFY jobs, 'two'")
        assert listener.notifications(2.0) == (("jobs", "two"),)
        listener.close()


def test_st12_a_temporary_table_is_another_clients(pooler: PoolerFactory) -> None:
    pool = shared(pooler)
    owner, other = pair(pool)
    owner.query("CREATE TEMP TABLE tt AS SELECT 'acme'::text AS name")
    assert value(other, "SELECT name FROM tt") == "acme"
    with pytest.raises(ServerRefusal) as refused:
        other.query("CREATE TEMP TABLE tt (a int)")
    assert refused.value.sqlstate == "42P07"
    for where in apart(pool):
        owner, other = pair(where)
        owner.query("CREATE TEMP TABLE tt (a int)")
        with pytest.raises(ServerRefusal) as refused:
            other.query("SELECT * FROM tt")
        assert refused.value.sqlstate == "42P01"


def test_st12_a_held_cursor_is_another_clients(pooler: PoolerFactory) -> None:
    pool = shared(pooler)
    declare = "DECLARE cu CURSOR WITH HOLD FOR SELECT generate_series(1, 4)"
    owner, other = pair(pool)
    owner.query(declare)
    assert value(other, "FETCH 1 FROM cu") == "1"
    assert value(owner, "FETCH 1 FROM cu") == "2"
    for where in apart(pool):
        owner, other = pair(where)
        owner.query(declare)
        with pytest.raises(ServerRefusal) as refused:
            other.query("FETCH 1 FROM cu")
        assert refused.value.sqlstate == "34000"


def test_st12_a_table_dropped_on_commit_is_right(pooler: PoolerFactory) -> None:
    for session in pair(shared(pooler)):
        session.query("BEGIN")
        session.query("CREATE TEMP TABLE tt (a int) ON COMMIT DROP")
        session.query("COMMIT")


def test_st13_the_last_value_is_another_clients(pooler: PoolerFactory) -> None:
    pool = shared(pooler)
    pool.ground.sql("CREATE SEQUENCE ids", f"GRANT ALL ON ids TO {pool.ground.owner}")
    wrong = insert_and_ask(pool)
    assert wrong[0] != wrong[1]
    for where in apart(pool):
        own, told = insert_and_ask(where)
        assert own == told


def insert_and_ask(pool: Pool) -> tuple[str | None, str | None]:
    owner, other = pair(pool)
    own = value(owner, "SELECT nextval('ids')")
    other.query("SELECT nextval('ids')")
    return own, value(owner, "SELECT lastval()")


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_st14_a_roles_new_default_waits_for_a_new_server_connection(
    pooler: PoolerFactory, mode: str
) -> None:
    pool = pooler(mode=mode, parameters=ONE)
    role = pool.ground.role("app", {"work_mem": "5MB"})
    first = pool.connect(user=role)
    assert value(first, "SHOW work_mem") == "5MB"
    first.close()
    pool.ground.sql(f"ALTER ROLE {role} SET work_mem = '6MB'")
    stale = pool.connect(user=role)
    assert value(stale, "SHOW work_mem") == "5MB"
    stale.close()
    assert value(pool.ground.direct.connect(user=role), "SHOW work_mem") == "6MB"
    pool.console("RECONNECT")
    assert value(pool.connect(user=role), "SHOW work_mem") == "6MB"


RESTORE = (
    "SELECT pg_catalog.set_config('search_path', '', false)",
    "SET check_function_bodies = false",
    "SET row_security = off",
)


def test_st15_a_restore_leaves_its_settings_behind(pooler: PoolerFactory) -> None:
    pool = shared(pooler, "1.24")
    pool.ground.sql("CREATE TABLE t (a int)", f"GRANT ALL ON t TO {pool.ground.owner}")
    restoring = pool.connect()
    for statement in RESTORE:
        restoring.query(statement)
    restoring.close()
    after = pool.connect()
    assert value(after, "SHOW row_security") == "off"
    with pytest.raises(ServerRefusal) as refused:
        after.query("SELECT * FROM t")
    assert refused.value.sqlstate == "42P01"
    restoring = pool.ground.direct.connect()
    for statement in RESTORE:
        restoring.query(statement)
    assert value(pool.ground.direct.connect(), "SHOW row_security") == "on"


def test_st16_load_is_refused_everywhere(pooler: PoolerFactory) -> None:
    pool = shared(pooler)
    for where in (pool, *apart(pool)):
        with pytest.raises(ServerRefusal) as refused:
            where.connect().query("LOAD 'auto_explain'")
        assert refused.value.sqlstate == "42501"


def copying(session: Conversation) -> str | None:
    session.query("BEGIN ISOLATION LEVEL SERIALIZABLE")
    level = value(session, "SHOW transaction_isolation")
    session.query("COMMIT")
    return level


def listing(session: Conversation) -> str | None:
    session.query("BEGIN")
    session.query("DECLARE cu CURSOR FOR SELECT generate_series(1, 4)")
    session.query("FETCH 2 FROM cu")
    last = value(session, "FETCH 1 FROM cu")
    session.query("COMMIT")
    return last


@pytest.mark.parametrize(
    ("act", "expected"), [(copying, "serializable"), (listing, "3")], ids=["isolation", "cursor"]
)
def test_st17_what_stays_in_a_transaction_is_right(
    pooler: PoolerFactory, act: Callable[[Conversation], str | None], expected: str
) -> None:
    one, other = pair(shared(pooler))
    for _ in range(3):
        assert (act(one), act(other)) == (expected, expected)
    assert value(one, "SHOW transaction_isolation") == "read committed"
