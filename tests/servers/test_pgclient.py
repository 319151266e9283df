"""The client against real servers: logins, every manner of statement, and bad ends."""

from __future__ import annotations

import pytest

from repoint.model.sensitive import Sensitive
from repoint.wire.login import Statements, Tls
from repoint.wire.refusals import ConnectionLost, DriverRefusal, ServerRefusal
from tests.servers.fix_lab import GroundFactory, Pool, PoolerFactory

pytestmark = pytest.mark.servers

CHAIN = Tls("always", check_chain=True)
FULL = Tls("always", check_chain=True, check_name=True)
ONE_SERVER = {"default_pool_size": "1"}


@pytest.fixture(params=["direct", "session", "transaction"])
def pool(request: pytest.FixtureRequest, ground: GroundFactory) -> Pool:
    """The same server, straight and through each pool mode."""
    here = ground()
    return here.direct if request.param == "direct" else here.pooler(mode=request.param)


def test_a_login_by_SCRAM_over_TLS_and_in_clear_text(pool: Pool) -> None:
    secure, clear = pool.connect(tls=CHAIN), pool.connect(tls=Tls("never"))

    assert secure.tls == "TLSv1.3"
    assert clear.tls == ""
    for session in (secure, clear):
        assert session.query("select current_user") == ((pool.ground.owner,),)
        assert session.parameters["server_encoding"] == "UTF8"


def test_the_servers_process_is_known_only_without_a_pooler(ground: GroundFactory) -> None:
    here = ground()
    asked = "select pg_backend_pid(), inet_client_port()"
    direct, pooled = here.direct.connect(), here.pooler().connect()

    assert direct.query(asked) == ((str(direct.backend_pid), str(direct.local_port)),)
    assert pooled.query(asked) != ((str(pooled.backend_pid), str(pooled.local_port)),)


def test_OP6_a_wrong_password_and_who_says_so(ground: GroundFactory) -> None:
    here = ground()
    for pool, sqlstate in ((here.direct, "28P01"), (here.pooler(), "08P01")):
        with pytest.raises(ServerRefusal) as caught:
            pool.connect(password=Sensitive("canary-of-a-password"))
        assert (caught.value.sqlstate, caught.value.fatal) == (sqlstate, True)
        assert "canary" not in str(caught.value)


def test_TL1_the_poolers_name_is_not_in_the_certificate(ground: GroundFactory) -> None:
    here = ground()
    pooled = here.pooler()

    assert here.direct.connect(tls=FULL).tls == "TLSv1.3"
    assert pooled.connect(tls=CHAIN).tls == "TLSv1.3"
    with pytest.raises(DriverRefusal, match="Hostname mismatch"):
        pooled.connect(tls=FULL)


def test_TL4_channel_binding_needs_PostgreSQL_itself(ground: GroundFactory) -> None:
    here = ground()
    bound = Tls("always", channel_binding=True)

    assert here.direct.connect(tls=bound).query("select 1") == (("1",),)
    with pytest.raises(DriverRefusal, match="channel binding is required"):
        here.pooler().connect(tls=bound)


def test_TL5_direct_TLS(ground: GroundFactory) -> None:
    here = ground()
    at_once = Tls("always", direct=True)

    assert here.direct.connect(tls=at_once).tls == "TLSv1.3"
    with pytest.raises(ConnectionLost, match="timeout expired"):
        here.pooler(pgbouncer="1.24").connect(tls=at_once, timeout_s=0.5)
    assert here.pooler(pgbouncer="1.26").connect(tls=at_once).tls == "TLSv1.3"


def test_TL6_protocol_3_2(ground: GroundFactory) -> None:
    here = ground()
    oldest, newest = Tls(min_protocol=2), Tls(max_protocol=2)

    assert here.direct.connect(tls=oldest).query("select 1") == (("1",),)
    for version in ("1.24", "1.26"):
        with pytest.raises(DriverRefusal, match=r"protocol version 3\.0"):
            here.pooler(pgbouncer=version).connect(tls=oldest)
    assert here.pooler(pgbouncer="1.26").connect(tls=newest).query("select 1") == (("1",),)


def test_SP1_a_startup_parameter_is_taken_by_one_and_refused_by_the_other(
    ground: GroundFactory,
) -> None:
    here = ground()
    asking = {"search_path": "elsewhere"}

    direct = here.direct.connect(startup=asking)
    assert direct.query("show search_path") == (("elsewhere",),)
    with pytest.raises(ServerRefusal, match="unsupported startup parameter: search_path"):
        here.pooler(pgbouncer="1.24").connect(startup=asking)


@pytest.mark.parametrize("style", list(Statements), ids=lambda style: style.value)
def test_every_manner_of_statement_brings_the_right_rows(pool: Pool, style: Statements) -> None:
    session = pool.connect(statements=style)
    sql = "select $1::int + 1, $2::text, '$1', null from generate_series(1, 2)"

    for number in range(7):
        row = (str(number + 1), "o'x\\ä", "$1", None)
        assert session.run(sql, (str(number), "o'x\\ä")) == (row, row)
    assert session.run("select 'without'") == (("without",),)


@pytest.mark.parametrize(
    ("style", "executions", "kept"),
    [
        pytest.param(Statements.SIMPLE, 7, 0, id="simple"),
        pytest.param(Statements.ONE_TRIP, 7, 0, id="one trip"),
        pytest.param(Statements.NAMED, 2, 1, id="named at once"),
        pytest.param(Statements.NAMED_LATER, 4, 0, id="not named before the fifth"),
        pytest.param(Statements.NAMED_LATER, 5, 1, id="named from the fifth on"),
    ],
)
def test_what_stays_prepared(
    ground: GroundFactory, style: Statements, executions: int, kept: int
) -> None:
    session = ground().direct.connect(driver="pgjdbc", statements=style)

    for _ in range(executions):
        session.run("select $1::int", ("1",))

    named = session.query("select count(*) from pg_prepared_statements where name <> ''")
    assert named == ((str(kept),),)


def test_PS1_in_transaction_mode_Bind_finds_another_clients_statement(
    pooler: PoolerFactory,
) -> None:
    pool = pooler(mode="transaction", parameters=ONE_SERVER)
    one, other = pool.connect(driver="lib/pq"), pool.connect(driver="lib/pq")

    one.prepare("select 'mine ' || $1::text")
    other.prepare("select 'theirs ' || $1::text")

    assert one.execute(("a",)) == (("theirs a",),)


@pytest.mark.parametrize("mode", ["session", "direct", "one trip"])
def test_PS1_nowhere_else(ground: GroundFactory, mode: str) -> None:
    here = ground()
    pool = here.direct if mode == "direct" else here.pooler(mode="session")
    if mode == "one trip":
        pool = here.pooler(mode="transaction", parameters=ONE_SERVER)
    one, other = pool.connect(driver="lib/pq"), pool.connect(driver="lib/pq")

    if mode == "one trip":
        other.run("select 'theirs ' || $1::text", ("b",), Statements.ONE_TRIP)
        found = one.run("select 'mine ' || $1::text", ("a",), Statements.ONE_TRIP)
    else:
        one.prepare("select 'mine ' || $1::text")
        other.prepare("select 'theirs ' || $1::text")
        found = one.execute(("a",))

    assert found == (("mine a",),)


def test_a_named_statement_that_failed_is_not_in_the_way_of_the_next(ground: GroundFactory) -> None:
    here = ground()
    sql = "select 'stays ' || $1::text"
    for driver in ("pgjdbc", "pgx", "psycopg"):
        session = here.direct.connect(driver=driver, statements=Statements.NAMED)
        with pytest.raises(ServerRefusal, match="division by zero"):
            session.run("select 1 / $1::int", ("0",))
        assert session.run(sql, ("a",)) == session.run(sql, ("a",)) == (("stays a",),)


def test_PS3_names_that_count_meet_where_PgBouncer_does_not_follow_them(
    pooler: PoolerFactory,
) -> None:
    parameters = {**ONE_SERVER, "max_prepared_statements": "0"}
    for followed in (False, True):
        pool = pooler(parameters=ONE_SERVER if followed else parameters)
        one = pool.connect(driver="pgjdbc", statements=Statements.NAMED)
        other = pool.connect(driver="pgjdbc", statements=Statements.NAMED)
        one.run("select 'mine ' || $1::text", ("a",))
        if followed:
            other.run("select 'theirs ' || $1::text", ("b",))
            assert one.run("select 'mine ' || $1::text", ("a",)) == (("mine a",),)
        else:
            with pytest.raises(ServerRefusal) as caught:
                other.run("select 'theirs ' || $1::text", ("b",))
            assert caught.value.sqlstate == "42P05"


def test_an_error_is_told_and_the_session_goes_on(pool: Pool) -> None:
    session = pool.connect()
    for style in Statements:
        with pytest.raises(ServerRefusal) as caught:
            session.run("select 1 / $1::int", ("0",), style)
        assert (caught.value.sqlstate, caught.value.fatal) == ("22012", False)
        assert session.run("select $1::int", ("7",), style) == (("7",),)


def test_an_error_after_rows_is_an_error(pool: Pool) -> None:
    session = pool.connect()

    with pytest.raises(ServerRefusal, match="division by zero"):
        session.query("select 10 / (3 - n) from generate_series(1, 5) n")
    with pytest.raises(ServerRefusal, match="division by zero"):
        session.query("select 1; select 1 / 0; select 2")

    assert session.query("select 1; select 2") == (("2",),)


def test_a_copy_is_declined_and_the_session_goes_on(pool: Pool) -> None:
    pool.ground.sql("create table copied (a int)", "grant all on copied to public")
    session = pool.connect()

    for style in (Statements.SIMPLE, Statements.ONE_TRIP):
        with pytest.raises(ServerRefusal, match="does not copy"):
            session.run("copy copied from stdin", (), style)
        assert session.run("copy copied to stdout", (), style) == ()
        assert session.query("select 1") == (("1",),)
    assert session.query("") == ()


def test_a_big_answer_arrives_whole(pool: Pool) -> None:
    rows = pool.connect().query("select n, repeat('x', 1000) from generate_series(1, 30000) n")

    assert len(rows) == 30000
    assert rows[-1] == ("30000", "x" * 1000)
    (long,) = pool.connect().query("select repeat('y', 5000000)")
    assert long == ("y" * 5000000,)


def test_notices_and_what_the_server_reports(pool: Pool) -> None:
    session = pool.connect()

    session.query("do $$ begin raise warning 'look out'; end $$")
    session.query("set application_name = 'renamed'")

    assert "look out" in session.notices  # type: ignore[attr-defined]
    assert session.parameters["application_name"] == "renamed"


@pytest.mark.parametrize("mode", ["direct", "session"])
def test_a_notification_arrives(ground: GroundFactory, mode: str) -> None:
    here = ground()
    pool = here.direct if mode == "direct" else here.pooler(mode="session")
    listener, sender = pool.connect(), pool.connect()

    listener.query("listen jobs")
    sender.query("notify jobs, 'one'; notify jobs, 'two'")

    assert listener.notifications(5) == (("jobs", "one"), ("jobs", "two"))
    assert listener.notifications(0.05) == ()
    assert listener.query("select 1") == (("1",),)


def test_a_server_that_goes_says_why_and_the_session_is_over(ground: GroundFactory) -> None:
    here = ground()
    for listens in (False, True):
        session = here.direct.connect()
        here.sql(f"select pg_terminate_backend({session.backend_pid}, 5000)")

        with pytest.raises(ServerRefusal) as caught:
            session.notifications(5) if listens else session.query("select 1")
        assert (caught.value.sqlstate, caught.value.fatal) == ("57P01", True)
        with pytest.raises(ConnectionLost):
            session.query("select 1")
        session.close()


def test_an_answer_that_does_not_come_in_time(pool: Pool) -> None:
    session = pool.connect(timeout_s=0.5)

    with pytest.raises(ConnectionLost, match="timeout expired"):
        session.query("select pg_sleep(2)")
    with pytest.raises(ConnectionLost, match="timeout expired"):
        session.query("select 1")


def test_a_server_that_is_stopped(ground: GroundFactory) -> None:
    here = ground()
    session = here.direct.connect()

    here.lab.stop_postgres()
    try:
        with pytest.raises((ConnectionLost, ServerRefusal)):
            session.query("select 1")
        with pytest.raises(ConnectionLost, match="connection failed"):
            here.direct.connect()
    finally:
        here.lab.start_postgres()
    assert here.direct.connect().query("select 1") == (("1",),)


def test_nothing_shows_the_password(ground: GroundFactory) -> None:
    here = ground()
    login = here.direct.login()
    session = here.direct.connect()

    shown = f"{session!r} {session} {login!r} {login}"
    assert login.password.reveal() not in shown
    session.close()
    session.close()
    with pytest.raises(ConnectionLost, match="closed"):
        session.query("select 1")
