"""Each check of one connection, green and red, by itself on real servers."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from repoint.flows.rehearsing.checks_login import (
    QUESTIONS,
    current_schema,
    encryption,
    log_in,
    read_write,
    schema_change,
    search_path,
    server,
    statements,
    wrong_database,
    wrong_password,
)
from repoint.model.rehearsal import Verdict
from repoint.model.sensitive import Sensitive
from repoint.rehearsal.cast import Client
from repoint.rehearsal.setup import MARKER
from repoint.wire.login import Statements, Tls
from repoint.wire.refusals import ServerRefusal
from tests.servers.fix_lab import GroundFactory, PoolerFactory
from tests.servers.staging import client, staged

pytestmark = pytest.mark.servers

PASS, FAIL, UNKNOWN = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN


def test_login(pooler: PoolerFactory) -> None:
    pool = pooler()
    one = client(pool)
    stage = staged(pool, one)
    assert one.login is not None

    assert log_in(stage, one).observed == f"logged in as `{one.login.user}`"
    assert log_in(stage, one).verdict is PASS

    wrong = replace(one.login, password=Sensitive("no"))
    red = log_in(stage, replace(one, login=wrong, variable="$PASSWORD"))
    assert red.verdict is FAIL
    assert red.observed.endswith("(08P01); `$PASSWORD` was sent as it stands")


def test_login_of_a_role_that_becomes_another_by_its_own_default(ground: GroundFactory) -> None:
    """It does so directly as well; who logged in is the session's user."""
    here = ground()
    owner = here.role("owner")
    here.sql(
        f'GRANT "{owner}" TO "{here.owner}"', f"ALTER ROLE \"{here.owner}\" SET role = '{owner}'"
    )
    pool = here.pooler()
    one = client(pool)
    stage = staged(pool, one)

    found = log_in(stage, one)

    assert (found.verdict, found.observed) == (PASS, f"logged in as `{here.owner}`")


def test_server(pooler: PoolerFactory) -> None:
    pool = pooler()
    direct = pool.ground.direct
    pooled, plain = client(pool), client(direct, mode="")
    stage = staged(pool, pooled)

    assert server(stage, pooled).verdict is PASS
    assert server(stage, plain).verdict is PASS
    for wrong in (replace(pooled, server=direct.host), replace(plain, server=pool.host)):
        assert server(stage, wrong).verdict is FAIL


def test_current_schema(ground: GroundFactory) -> None:
    here = ground()
    pool = here.direct
    asks = {"startup": {"search_path": "app"}, "mode": ""}
    right = client(pool, schema="app", **asks)
    stage = staged(pool, right)
    here.sql("CREATE SCHEMA bare", f'GRANT USAGE ON SCHEMA bare TO "{here.owner}"')

    assert current_schema(stage, right).verdict is PASS
    lost = client(pool, schema="app", mode="")
    assert (current_schema(stage, lost).verdict, current_schema(stage, lost).observed) == (
        FAIL,
        "public",
    )
    elsewhere = client(pool, schema="bare", startup={"search_path": "bare,app"}, mode="")
    found = current_schema(stage, elsewhere)
    assert (found.verdict, found.observed) == (FAIL, "bare, and its table is app's")


def test_without_a_schema_the_role_s_own_default_is_wanted(ground: GroundFactory) -> None:
    """Whatever the startup packet says: SP9's remedy must be seen when a packet overrides it."""
    here = ground()
    here.sql(f'ALTER ROLE "{here.owner}" SET search_path = app, public')
    pool = here.direct
    plain = client(pool, mode="")
    stage = staged(pool, client(pool, schema="app", mode=""), plain)

    other = client(pool, mode="", startup={"search_path": "public"})
    assert current_schema(stage, other).verdict is FAIL
    assert search_path(stage, other).verdict is FAIL
    assert stage.wanted_path(plain) == ("app", "app, public")
    assert current_schema(stage, plain).verdict is PASS


@pytest.mark.parametrize(
    ("asked", "verdict"),
    [
        pytest.param('app, "public"', PASS, id="quotes and spaces say nothing"),
        pytest.param("app", FAIL, id="only the first schema"),
        pytest.param("app,public,pg_catalog", FAIL, id="one more"),
        pytest.param("public,app", FAIL, id="another order"),
    ],
)
def test_search_path(ground: GroundFactory, asked: str, verdict: Verdict) -> None:
    pool = ground().direct
    one = client(pool, schema="app,public", mode="", startup={"search_path": asked})

    assert search_path(staged(pool, one), one).verdict is verdict


@pytest.mark.parametrize(
    ("sslmode", "wanted", "pooler_s", "verdict"),
    [
        ("require", "always", "prefer", PASS),
        ("verify-ca", "if-offered", "disable", FAIL),
        ("require", "if-offered", "disable", FAIL),
        ("verify-full", "never", "prefer", FAIL),
        ("disable", "never", "prefer", PASS),
        ("disable", "if-offered", "prefer", FAIL),
        ("prefer", "if-offered", "disable", PASS),
        ("", "if-offered", "prefer", PASS),
    ],
)
def test_tls(
    pooler: PoolerFactory, sslmode: str, wanted: str, pooler_s: str, verdict: Verdict
) -> None:
    """TL8, TL10: the server's leg is TLS throughout, and tells nothing of the client's."""
    pool = pooler(client_tls_sslmode=pooler_s)
    one = client(pool, sslmode=sslmode, tls=Tls(wanted))
    stage = staged(pool, one)

    found = encryption(stage, one)

    assert found.verdict is verdict
    clear = pooler_s == "disable" or wanted == "never"
    assert (found.observed == "clear text") is clear


def test_read_write(ground: GroundFactory) -> None:
    here = ground()
    pool = here.direct
    one = client(pool, mode="")
    stage = staged(pool, one)

    assert read_write(stage, one).verdict is PASS
    assert here.sql(f"SELECT count(*)::text FROM public.{MARKER}") == (("1",),)

    here.sql(f"CREATE RULE lost AS ON INSERT TO public.{MARKER} DO INSTEAD NOTHING")
    assert read_write(stage, one).observed == "0 row(s) read back"
    assert read_write(stage, one).verdict is FAIL

    here.sql(f'ALTER ROLE "{here.owner}" SET default_transaction_read_only = on')
    assert read_write(stage, one).observed == "it is read only"
    assert read_write(stage, one).verdict is FAIL
    exporter = replace(one, purpose="monitoring")
    assert read_write(stage, exporter).verdict is Verdict.SKIPPED


def test_read_write_of_a_row_that_comes_back_changed(ground: GroundFactory) -> None:
    here = ground()
    one = client(here.direct, mode="")
    stage = staged(here.direct, one)
    here.sql(
        "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN NEW.number := 8; RETURN NEW; END'",
        f"CREATE TRIGGER spoil BEFORE INSERT ON public.{MARKER}"
        " FOR EACH ROW EXECUTE FUNCTION spoil()",
    )

    assert read_write(stage, one).verdict is FAIL


def test_schema_change(ground: GroundFactory) -> None:
    here = ground()
    one = client(here.direct, mode="", purpose="migration")
    stage = staged(here.direct, one)

    assert schema_change(stage, one).verdict is PASS
    assert here.sql(f"SELECT count(*)::text FROM pg_tables WHERE tablename = '{MARKER}_made'") == (
        ("0",),
    )

    one = replace(one, login=here.direct.login(user=here.role("guest")))
    with pytest.raises(ServerRefusal, match="permission denied for schema public"):
        schema_change(stage, one)
    guessed = schema_change(stage, replace(one, is_guessed=True))
    assert guessed.verdict is UNKNOWN
    assert guessed.observed.endswith("as a role or in a database that nothing tells")


@pytest.mark.parametrize("how", list(Statements), ids=str)
def test_statements(pooler: PoolerFactory, how: Statements) -> None:
    """PS1: two round trips are wrong behind a transaction pool, and only there."""
    pool = pooler()
    one = client(pool, statements=how)
    plain = client(pool.ground.direct, statements=how, mode="")
    stage = staged(pool, one)

    found = statements(stage, one)

    wrong = how is Statements.TWO_TRIPS
    assert found.verdict is (FAIL if wrong else PASS)
    assert ("wrong results" in found.observed) is wrong
    assert statements(stage, plain).verdict is PASS


@pytest.mark.parametrize(
    ("mode", "verdict"), [("transaction", UNKNOWN), ("session", PASS), ("", PASS)]
)
def test_statements_of_nobody_knows_which_driver(
    pooler: PoolerFactory, mode: str, verdict: Verdict
) -> None:
    """PS1: in a transaction pool two round trips would be wrong, and one shape cannot tell."""
    pool = pooler(mode=mode or "session")
    where = pool if mode else pool.ground.direct
    one = client(where, mode=mode, statements=Statements.NAMED, driver_known=False)

    found = statements(staged(pool, one), one)

    assert found.verdict is verdict
    assert ("nothing tells its own driver" in found.observed) == (verdict is UNKNOWN)


@pytest.mark.parametrize("how", [Statements.NAMED, Statements.NAMED_LATER], ids=str)
def test_statements_with_names_that_the_pooler_does_not_keep(
    pooler: PoolerFactory, how: Statements
) -> None:
    """PS2."""
    pool = pooler()
    one = client(pool, statements=how)
    stage = staged(pool, one, narrow={"max_prepared_statements": "0"})

    with pytest.raises(ServerRefusal, match="prepared statement"):
        statements(stage, one)


def test_wrong_password(ground: GroundFactory) -> None:
    """OP6: the pooler's code is not PostgreSQL's."""
    here = ground()
    pool = here.pooler()
    pooled, plain = client(pool), client(here.direct, mode="")
    stage = staged(pool, pooled)

    assert wrong_password(stage, pooled).verdict is PASS
    assert wrong_password(stage, plain).verdict is PASS
    here.sql(f"ALTER ROLE \"{here.owner}\" PASSWORD 'not-it'")
    taken = wrong_password(stage, client(here.pooler()))
    assert (taken.verdict, taken.observed) == (FAIL, "the login was taken")


def test_wrong_password_refused_otherwise(ground: GroundFactory) -> None:
    """A probe or an alert that waits for the other code would never see it."""
    here = ground()
    pool = here.pooler()
    as_if_pooled = replace(client(pool), server=here.direct.host)
    as_if_direct = replace(client(pool), pooler="")
    stage = staged(pool, client(pool))

    found = wrong_password(stage, as_if_pooled)
    assert found.verdict is FAIL and "28P01" in found.observed
    found = wrong_password(stage, as_if_direct)
    assert found.verdict is FAIL and "08P01" in found.observed


def test_wrong_database(ground: GroundFactory) -> None:
    """OP7, and a Pooler whose own HBA says no before PostgreSQL is asked."""
    here = ground()
    pool = here.pooler()
    pooled, plain = client(pool), client(here.direct, mode="")
    stage = staged(pool, pooled)

    assert wrong_database(stage, pooled).verdict is PASS
    assert wrong_database(stage, plain).verdict is PASS
    closed = client(here.pooler(pg_hba=("host repoint_no_such_database all 0.0.0.0/0 reject",)))
    found = wrong_database(stage, closed)
    assert found.verdict is FAIL and "08P01" in found.observed


def test_wrong_database_that_is_there(ground: GroundFactory) -> None:
    here = ground()
    one = client(here.direct, mode="")
    stage = staged(here.direct, one)
    with closing(here.lab.superuser()) as session:
        session.query("CREATE DATABASE repoint_no_such_database")
        try:
            found = wrong_database(stage, one)
        finally:
            session.query("DROP DATABASE repoint_no_such_database WITH (FORCE)")

    assert (found.verdict, found.observed) == (FAIL, "the login was taken")


def test_an_answer_that_is_the_same_for_all_is_asked_for_once(ground: GroundFactory) -> None:
    here = ground()
    one = client(here.direct, mode="")
    stage = staged(here.direct, one)
    first = wrong_password(stage, one)

    assert wrong_password(stage, one) is first
    guest = replace(one, login=here.direct.login(user=here.role("guest")))
    assert wrong_password(stage, guest) is not first


def test_who_is_asked_which_question(ground: GroundFactory) -> None:
    direct = ground().direct

    def asked(one: Client) -> set[str]:
        return {question.id for question in QUESTIONS if not question.skips(one)}

    everything = {question.id for question in QUESTIONS}
    assert asked(client(direct, purpose="migration")) == everything
    assert asked(client(direct, purpose="admin")) == everything - {"schema-change"}
    assert asked(client(direct)) == everything - {"schema-change"}
    assert asked(client(direct, purpose="probe")) == {"server", "tls"}
