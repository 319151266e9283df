"""Rows CA1 to CA4 and OP1 to OP15: a full pool, a server that is down, a password that changed.

The waits that production has are minutes; each test sets the same parameter to a second or
two, which CloudNativePG lets a Pooler do.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from repoint.model.sensitive import Sensitive
from repoint.ports.connecting import Conversation
from repoint.rehearsal.lab import BouncerSpec
from repoint.wire.refusals import ConnectionLost, ServerRefusal
from tests.servers.fix_lab import CLUSTER, Ground, GroundFactory, Pool, PoolerFactory

pytestmark = pytest.mark.servers

BOTH_MODES = pytest.mark.parametrize("mode", ["session", "transaction"])
BRIEF = {"query_wait_timeout": "1"}
EAGER = {**BRIEF, "server_login_retry": "1"}


def works(session: Conversation) -> bool:
    return session.query("SELECT 1") == (("1",),)


def refused_by(session: Conversation) -> str:
    with pytest.raises((ServerRefusal, ConnectionLost)) as refused:
        session.query("SELECT 1")
    return str(refused.value)


def test_ca1_the_clients_above_a_session_pool_are_cut_off(pooler: PoolerFactory) -> None:
    pool = pooler(mode="session", parameters={**BRIEF, "default_pool_size": "4"})
    served = [pool.connect() for _ in range(4)]
    assert all(works(session) for session in served)
    late = pool.connect()
    assert "query_wait_timeout" in refused_by(late)


def test_ca1_a_pool_as_large_as_the_clients_serves_all(pooler: PoolerFactory) -> None:
    pool = pooler(mode="session", parameters={**BRIEF, "default_pool_size": "5"})
    assert all(works(session) for session in [pool.connect() for _ in range(5)])


def test_ca1_a_transaction_pool_serves_many(pooler: PoolerFactory) -> None:
    pool = pooler(mode="transaction", parameters={**BRIEF, "default_pool_size": "4"})
    assert all(works(session) for session in [pool.connect() for _ in range(40)])


@BOTH_MODES
def test_ca2_the_client_above_max_client_conn_is_refused(pooler: PoolerFactory, mode: str) -> None:
    pool = pooler(mode=mode, parameters={"max_client_conn": "5"})
    held = [pool.connect() for _ in range(5)]
    with pytest.raises(ServerRefusal, match="no more connections allowed") as refused:
        pool.connect()
    assert refused.value.sqlstate == "08P01"
    held[0].close()
    assert works(pool.connect())


def test_ca2_the_default_is_a_hundred(pooler: PoolerFactory) -> None:
    shown = {row[0]: row[1] for row in pooler().console("SHOW CONFIG")}
    assert (shown["max_client_conn"], shown["default_pool_size"]) == ("100", "20")
    assert (shown["query_wait_timeout"], shown["server_login_retry"]) == ("120", "15")


def test_ca3_idle_transactions_starve_the_others(pooler: PoolerFactory) -> None:
    pool = pooler(parameters={**BRIEF, "default_pool_size": "1"})
    idle, other = pool.connect(), pool.connect()
    idle.query("BEGIN")
    assert "query_wait_timeout" in refused_by(other)


def test_ca3_idle_transaction_timeout_frees_the_pool(pooler: PoolerFactory) -> None:
    pool = pooler(parameters={"default_pool_size": "1", "idle_transaction_timeout": "1"})
    idle, other = pool.connect(), pool.connect()
    idle.query("BEGIN")
    assert works(other)
    assert "idle transaction timeout" in refused_by(idle)


def limited(ground: Ground) -> str:
    return ground.role("hydra", connection_limit=2)


def test_ca4_a_fresh_pooler_passes_on_that_the_server_is_full(ground: GroundFactory) -> None:
    here = ground()
    role = limited(here)
    held = [here.direct.connect(user=role) for _ in range(2)]
    with pytest.raises(ServerRefusal, match="too many connections for role"):
        here.direct.connect(user=role)
    with pytest.raises((ServerRefusal, ConnectionLost)) as refused:
        works(here.pooler(parameters=EAGER).connect(user=role))
    assert "too many connections for role" in str(refused.value)
    assert all(works(session) for session in held)


def test_ca4_a_warm_pooler_makes_its_clients_wait(ground: GroundFactory) -> None:
    here = ground()
    role = limited(here)
    pool = here.pooler(mode="session", parameters=BRIEF)
    held = [pool.connect(user=role) for _ in range(2)]
    assert all(works(session) for session in held)
    with pytest.raises((ServerRefusal, ConnectionLost)) as refused:
        works(pool.connect(user=role))
    assert "too many connections" not in str(refused.value)


@pytest.fixture
def stopped(pooler: PoolerFactory) -> Pool:
    """A pool that served a client, and then PostgreSQL stopped; the fixtures start it again."""
    pool = pooler(parameters=EAGER)
    assert works(pool.connect())
    pool.ground.lab.stop_postgres()
    return pool


def test_op1_x8_pg_isready_says_yes_while_postgresql_is_down(stopped: Pool) -> None:
    stopped.answers()
    assert stopped.answers()
    assert not stopped.ground.direct.answers()


def test_op1_x8_pg_isready_knows_no_database_and_no_user(pooler: PoolerFactory) -> None:
    pool = pooler()
    assert pool.answers()
    with pytest.raises(ServerRefusal):
        pool.connect(user="nobody-here", database="nowhere")


def test_op2_clients_meet_a_cached_error(stopped: Pool) -> None:
    told = set()
    for _ in range(3):
        try:
            works(stopped.connect())
        except (ServerRefusal, ConnectionLost) as refused:
            told.add(str(refused))
    assert any("server_login_retry" in text or "query_wait_timeout" in text for text in told)


def test_op3_a_short_retry_finds_the_server_again(stopped: Pool) -> None:
    with pytest.raises((ServerRefusal, ConnectionLost)):
        works(stopped.connect())
    stopped.ground.lab.start_postgres()
    assert eventually(stopped)


def eventually(pool: Pool, tries: int = 40, **who: Any) -> bool:
    for _ in range(tries):
        try:
            return works(pool.connect(**who))
        except (ServerRefusal, ConnectionLost):
            pool.ground.sql("SELECT pg_sleep(0.1)")
    return False


def test_op4_an_idle_client_does_not_notice_a_restart(pooler: PoolerFactory) -> None:
    pool = pooler(parameters={"server_login_retry": "1"})
    session, direct = pool.connect(), pool.ground.direct.connect()
    assert works(session) and works(direct)
    pool.ground.lab.stop_postgres()
    pool.ground.lab.start_postgres()
    assert works(session)
    with pytest.raises((ServerRefusal, ConnectionLost)):
        works(direct)


def test_op4_a_session_pools_client_loses_its_server(pooler: PoolerFactory) -> None:
    pool = pooler(mode="session", parameters={"server_login_retry": "1"})
    session = pool.connect()
    assert works(session)
    pool.ground.lab.stop_postgres()
    pool.ground.lab.start_postgres()
    refused_by(session)
    assert eventually(pool)


def test_op5_a_changed_password_stops_the_role_for_a_while(pooler: PoolerFactory) -> None:
    pool = pooler(parameters={**BRIEF, "server_login_retry": "12"})
    role = pool.ground.role("app")
    old = pool.connect(user=role)
    assert works(old)
    changed = Sensitive("another-throwaway")
    pool.ground.sql(f"ALTER ROLE {role} PASSWORD '{changed.reveal()}'")
    assert works(old)
    with pytest.raises(ServerRefusal, match="SASL authentication failed"):
        pool.connect(user=role)
    pool.console("RECONNECT")
    assert "password authentication failed" in refused_by(old)
    with pytest.raises(ServerRefusal, match=r"server_login_retry|query_wait_timeout"):
        works(pool.connect(user=role, password=changed))
    assert eventually(pool, user=role, password=changed)


WRONG = Sensitive("not-the-password")


@BOTH_MODES
@pytest.mark.parametrize(
    ("who", "pooled", "direct"),
    [
        pytest.param(
            {"password": WRONG}, "08P01 SASL authentication failed", "28P01", id="password"
        ),
        pytest.param({"user": "nobody"}, "08P01", "28P01", id="user"),
    ],
)
def test_op6_a_failed_login_has_other_words(
    pooler: PoolerFactory, mode: str, who: dict[str, Any], pooled: str, direct: str
) -> None:
    pool = pooler(mode=mode)
    with pytest.raises(ServerRefusal, match=pooled):
        pool.connect(**who)
    with pytest.raises(ServerRefusal, match=direct):
        pool.ground.direct.connect(**who)


def test_op6_a_role_that_may_not_log_in_is_no_such_user(pooler: PoolerFactory) -> None:
    pool = pooler()
    role = pool.ground.role("app")
    pool.ground.sql(f"ALTER ROLE {role} NOLOGIN")
    with pytest.raises(ServerRefusal, match=r"no such user|SASL authentication failed"):
        pool.connect(user=role)


@BOTH_MODES
def test_op7_a_wrong_database_is_named_once(pooler: PoolerFactory, mode: str) -> None:
    pool = pooler(mode=mode, parameters={"server_login_retry": "1"})
    with pytest.raises(ServerRefusal, match="does not exist") as refused:
        works(pool.connect(database="nowhere"))
    assert refused.value.sqlstate == "3D000"
    with pytest.raises(ServerRefusal, match="does not exist"):
        pool.ground.direct.connect(database="nowhere")


@BOTH_MODES
@pytest.mark.parametrize("revoke", ["expire", "connect"])
def test_op8_revoked_access_works_while_the_pool_is_warm(
    pooler: PoolerFactory, mode: str, revoke: str
) -> None:
    pool = pooler(mode=mode)
    here = pool.ground
    role = here.role("app")
    warm = pool.connect(user=role)
    assert works(warm)
    warm.close()
    if revoke == "expire":
        here.sql(f"ALTER ROLE {role} VALID UNTIL '2001-01-01'")
    else:
        here.sql(f"REVOKE CONNECT ON DATABASE {here.database} FROM PUBLIC")
    assert works(pool.connect(user=role))
    with pytest.raises(ServerRefusal):
        here.direct.connect(user=role)


def test_op8_nologin_is_enforced(pooler: PoolerFactory) -> None:
    pool = pooler()
    role = pool.ground.role("app")
    assert works(pool.connect(user=role))
    pool.ground.sql(f"ALTER ROLE {role} NOLOGIN")
    with pytest.raises(ServerRefusal):
        pool.connect(user=role)


def test_op9_clients_of_a_paused_transaction_pool_wait(pooler: PoolerFactory) -> None:
    pool = pooler()
    session = pool.connect()
    assert works(session)
    with closing(pool.ground.lab.console(pool.host)) as console, ThreadPoolExecutor() as threads:
        console.query("PAUSE")
        asked = threads.submit(works, session)
        pool.ground.sql("SELECT pg_sleep(0.3)")
        assert not asked.done()
        console.query("RESUME")
        assert asked.result(5)


def test_op9_a_session_pool_pauses_when_every_client_left(pooler: PoolerFactory) -> None:
    pool = pooler(mode="session")
    session = pool.connect()
    assert works(session)
    with closing(pool.ground.lab.console(pool.host)) as console, ThreadPoolExecutor() as threads:
        paused = threads.submit(console.query, "PAUSE")
        pool.ground.sql("SELECT pg_sleep(0.3)")
        assert not paused.done()
        assert works(session)
        session.close()
        paused.result(5)
        console.query("RESUME")


def test_op10_a_stopping_pooler_ends_idle_clients(ground: GroundFactory) -> None:
    here = ground()
    bouncer = BouncerSpec("leaving", "leaving.shop.svc.cluster.local", CLUSTER, "transaction")
    pool = Pool(here, bouncer.host)
    with here.lab.beside(bouncer):
        session = pool.connect()
        assert works(session)
    assert refused_by(session)


def test_op11_physical_replication_is_refused(pooler: PoolerFactory) -> None:
    pool = pooler()
    pool.ground.sql(f"ALTER ROLE {pool.ground.owner} REPLICATION")
    with pytest.raises(ServerRefusal, match="no authentication method"):
        pool.connect(startup={"replication": "true"})
    logical = pool.connect(startup={"replication": "database"})
    assert logical.query("IDENTIFY_SYSTEM")[0][3] == pool.ground.database


@pytest.mark.parametrize(("pgbouncer", "columns"), [("1.24", 23), ("1.26", 25)])
def test_op12_the_exporter_meets_more_columns(
    pooler: PoolerFactory, pgbouncer: str, columns: int
) -> None:
    pool = pooler(pgbouncer=pgbouncer)
    assert works(pool.connect())
    assert {len(row) for row in pool.console("SHOW STATS")} == {columns}
    assert {len(row) for row in pool.console("SHOW POOLS")} == {17}


def test_op14_an_application_cannot_open_the_console(pooler: PoolerFactory) -> None:
    with pytest.raises(ServerRefusal, match="not allowed"):
        pooler().connect(database="pgbouncer")


@BOTH_MODES
def test_op15_a_roles_idle_timeout_is_the_servers(pooler: PoolerFactory, mode: str) -> None:
    pool = pooler(mode=mode)
    role = pool.ground.role("app", {"idle_in_transaction_session_timeout": "200ms"})
    for where in (pool, pool.ground.direct):
        session = where.connect(user=role)
        session.query("BEGIN")
        pool.ground.sql("SELECT pg_sleep(0.5)")
        assert "idle-in-transaction timeout" in refused_by(session)
