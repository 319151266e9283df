"""The table of drivers: what each sends, verifies and prepares, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repoint.model.sensitive import Sensitive
from repoint.rules.driver_shapes import (
    is_measured,
    login_for,
    packet,
    statements_of,
    tls_of,
)
from repoint.rules.driver_table import SHAPES
from repoint.rules.drivers import drivers_in
from repoint.rules.facts import Connection
from repoint.rules.sent import sent
from repoint.wire.login import Statements, Tls
from repoint.wire.refusals import DriverRefusal
from tests.unit.rules.build import connection

PATH = ("search_path", "shop_schema")
CA = ("sslrootcert", "/ca.crt")
UTF8 = ("client_encoding", "UTF8")
LIB_PQ = (("extra_float_digits", "2"), ("datestyle", "ISO, MDY"), UTF8)
PGJDBC = (UTF8, ("DateStyle", "ISO"), ("TimeZone", "UTC"))
NOTHING = Tls("never")
PREFER = Tls("if-offered")
REQUIRE = Tls("always")
CHAIN = Tls("always", check_chain=True)
FULL = Tls("always", check_chain=True, check_name=True)
ALONE = Tls("always", check_chain=True, check_name=True, own_store=True)
"""Verifies by the CAs that it brings along."""

PACKETS = [
    pytest.param(
        "prisma", [("schema", "shop")], (("search_path", "shop"), UTF8), id="SP1 Prisma's schema"
    ),
    pytest.param(
        "prisma", [("schema", "shop"), ("pgbouncer", "true")], (UTF8,), id="SP1 Prisma sets it"
    ),
    pytest.param(
        "prisma", [("search_path", "a"), ("connection_limit", "5")], (UTF8,), id="Prisma discards"
    ),
    pytest.param(
        "activerecord",
        [("prepared_statements", "false"), ("pool", "10"), ("application_name", "web")],
        (("application_name", "web"),),
        id="Rails takes its own keys out",
    ),
    pytest.param("pgx", [PATH], (PATH,), id="SP1 pgx sends"),
    pytest.param("lib/pq", [PATH], (PATH, *LIB_PQ), id="SP1 lib/pq sends, and its three"),
    pytest.param("asyncpg", [PATH], (PATH, ("client_encoding", "'utf-8'")), id="SP1 asyncpg"),
    pytest.param("pg8000", [PATH], (PATH,), id="SP1 pg8000"),
    pytest.param("somebody's", [PATH], (PATH,), id="SP1 an unknown driver counts as sending"),
    pytest.param("pgjdbc", [PATH], PGJDBC, id="SP1 pgJDBC ignores search_path"),
    pytest.param(
        "pgjdbc", [("currentSchema", "a")], (("search_path", "a"), *PGJDBC), id="SP1 currentSchema"
    ),
    pytest.param("node-postgres", [PATH], (UTF8,), id="SP1 node-postgres ignores it"),
    pytest.param(
        "node-postgres",
        [("statement_timeout", "5000"), ("lock_timeout", "1")],
        (("statement_timeout", "5000"), ("lock_timeout", "1"), UTF8),
        id="MG4 node-postgres sends timeouts",
    ),
    pytest.param(
        "libpq", [("application_name", "web")], (("application_name", "web"),), id="SP12 libpq"
    ),
    pytest.param(
        "libpq",
        [("application_name", "web"), ("fallback_application_name", "x")],
        (("application_name", "web"),),
        id="the name beats its fallback, whatever the order",
    ),
    pytest.param(
        "psycopg",
        [("fallback_application_name", "x")],
        (("application_name", "x"),),
        id="a fallback alone is sent as the name",
    ),
    pytest.param(
        "psycopg2",
        [("options", "-c%20search_path%3Da")],
        (("options", "-c search_path=a"),),
        id="SP2 options as they are",
    ),
    pytest.param(
        "lib/pq",
        [("client_encoding", "UTF8"), ("datestyle", "ISO, MDY")],
        (UTF8, ("datestyle", "ISO, MDY"), LIB_PQ[0]),
        id="what is given is not added again",
    ),
    pytest.param(
        "pgx",
        [("tcp_user_timeout", "9")],
        (("tcp_user_timeout", "9"),),
        id="a key of libpq's that is a setting too",
    ),
    pytest.param("libpq", [("tcp_user_timeout", "9")], (), id="libpq's own stays with it"),
    pytest.param("", [("tcp_user_timeout", "9")], (), id="who writes it means libpq"),
    pytest.param(
        "pgx", [("replication", "database")], (("replication", "database"),), id="OP11 replication"
    ),
    pytest.param(
        "npgsql", [("Search Path", "a")], (("search_path", "a"), UTF8), id="SP1 ADO's spelling"
    ),
]
KEPT = [
    pytest.param("pgx", ("sslmode", "require"), id="TL10 pgx sslmode"),
    pytest.param("pgx", ("default_query_exec_mode", "exec"), id="PS1 pgx exec mode"),
    pytest.param("pgx", ("pool_max_conns", "9"), id="pgxpool strips pool_*"),
    pytest.param("pgx", ("max_conns", "9"), id="MG12 Ory strips max_conns"),
    pytest.param("pg8000", ("target_session_attrs", "any"), id="TL10 session attributes"),
    pytest.param("node-postgres", ("pgbouncer", "true"), id="node-postgres ignores"),
    pytest.param("node-postgres", ("uselibpqcompat", "true"), id="TL2 node-postgres compat"),
    pytest.param("libpq", ("connect_timeout", "5"), id="TL10 libpq connect_timeout"),
    pytest.param("libpq", ("target_session_attrs", "any"), id="TL10 libpq session attributes"),
]


@pytest.mark.parametrize(("driver", "params", "expected"), PACKETS)
def test_packet(
    driver: str, params: list[tuple[str, str]], expected: tuple[tuple[str, str], ...]
) -> None:
    assert packet(connection(*params), driver).startup == expected


@pytest.mark.parametrize(("driver", "param"), KEPT)
def test_not_in_the_packet(driver: str, param: tuple[str, str]) -> None:
    assert packet(connection(param), driver).startup == packet(connection(), driver).startup


def test_what_PostgreSQL_refuses_too_is_left_out_and_told() -> None:
    told = packet(connection(PATH, ("pool_max_conns", "9")), "pgx")
    assert (told.startup, told.left_out) == ((PATH,), ("pool_max_conns",))
    assert packet(connection(("binary_parameters", "yes")), "lib/pq").left_out == ()


def test_a_JDBC_string_is_pgJDBCs_whatever_else_the_component_depends_on() -> None:
    one = connection(("currentSchema", "a"), style="jdbc")
    assert ("search_path", "a") in packet(one, "pgx").startup
    assert login_for(one, "pgx", Sensitive("x")).driver == "pgjdbc"


@pytest.mark.parametrize("driver", ["libpq", "psycopg", "psycopg2"])
@pytest.mark.parametrize(
    ("style", "text"),
    [
        pytest.param("url", 'invalid URI query parameter: "search_path"', id="a URI"),
        pytest.param("keyword-value", 'invalid connection option "search_path"', id="pairs"),
    ],
)
def test_X16_libpq_refuses_the_string_itself(driver: str, style: str, text: str) -> None:
    with pytest.raises(DriverRefusal) as caught:
        login_for(connection(PATH, style=style), driver, Sensitive("canary"))
    assert str(caught.value) == text


@pytest.mark.parametrize(
    "param",
    [
        ("sslmode", "require"),
        ("options", "-c search_path=a"),
        ("channel_binding", "require"),
        ("min_protocol_version", "3.2"),
        ("target_session_attrs", "any"),
        ("replication", "database"),
        ("ssl", "true"),
        ("fallback_application_name", "x"),
    ],
    ids=lambda pair: pair[0],
)
def test_X16_libpq_takes_its_own_keys(param: tuple[str, str]) -> None:
    assert login_for(connection(param), "libpq", Sensitive("x")).driver == "libpq"


@pytest.mark.parametrize("driver", ["pgx", "lib/pq", "pgjdbc", "node-postgres", "asyncpg", ""])
def test_X16_no_other_driver_refuses_a_string(driver: str) -> None:
    assert login_for(connection(PATH), driver, Sensitive("x")).user == "shop"


STYLES = [
    pytest.param("activerecord", (), Statements.NAMED, id="Rails names its statements"),
    pytest.param(
        "activerecord",
        ("prepared_statements", "false"),
        Statements.ONE_TRIP,
        id="Rails, switched off",
    ),
    pytest.param("pgx", (), Statements.NAMED, id="pgx"),
    pytest.param("pgx", ("default_query_exec_mode", "exec"), Statements.ONE_TRIP, id="pgx exec"),
    pytest.param(
        "pgx", ("default_query_exec_mode", "describe_exec"), Statements.TWO_TRIPS, id="PS1 pgx"
    ),
    pytest.param(
        "pgx-stdlib",
        ("default_query_exec_mode", "simple_protocol"),
        Statements.SIMPLE,
        id="pgx stdlib simple",
    ),
    pytest.param("lib/pq", (), Statements.TWO_TRIPS, id="PS1 lib/pq"),
    pytest.param("lib/pq", ("binary_parameters", "yes"), Statements.ONE_TRIP, id="PS1 remedy"),
    pytest.param("lib/pq", ("binary_parameters", "no"), Statements.TWO_TRIPS, id="PS1 not yes"),
    pytest.param("pg8000", (), Statements.TWO_TRIPS, id="PS1 pg8000"),
    pytest.param("pgjdbc", (), Statements.NAMED_LATER, id="pgJDBC"),
    pytest.param("pgjdbc", ("prepareThreshold", "0"), Statements.ONE_TRIP, id="PS2 pgJDBC"),
    pytest.param("pgjdbc", ("prepareThreshold", "1"), Statements.NAMED, id="pgJDBC at once"),
    pytest.param("pgjdbc", ("preferQueryMode", "simple"), Statements.SIMPLE, id="pgJDBC simple"),
    pytest.param("asyncpg", (), Statements.NAMED, id="asyncpg"),
    pytest.param("asyncpg", ("statement_cache_size", "0"), Statements.ONE_TRIP, id="PS2 asyncpg"),
    pytest.param("psycopg", (), Statements.NAMED_LATER, id="psycopg"),
    pytest.param("psycopg", ("prepare_threshold", "None"), Statements.ONE_TRIP, id="PS2 psycopg"),
    pytest.param("psycopg2", (), Statements.SIMPLE, id="psycopg2"),
    pytest.param("node-postgres", (), Statements.ONE_TRIP, id="node-postgres"),
    pytest.param("postgres.js", (), Statements.NAMED, id="postgres.js"),
    pytest.param("postgres.js", ("prepare", "false"), Statements.ONE_TRIP, id="postgres.js off"),
    pytest.param("libpq", (), Statements.ONE_TRIP, id="libpq"),
    pytest.param("unheard of", (), Statements.NAMED, id="unknown: as pgx"),
    pytest.param(
        "node-postgres", ("binary_parameters", "yes"), Statements.ONE_TRIP, id="another's key"
    ),
]


@pytest.mark.parametrize(("driver", "param", "expected"), STYLES)
def test_statements(driver: str, param: tuple[str, str] | tuple[()], expected: Statements) -> None:
    one = connection(param) if param else connection()
    assert statements_of(one, driver) is expected


def mode(name: str, *more: tuple[str, str]) -> Connection:
    """A connection with this sslmode."""
    return connection(("sslmode", name), *more)


TLS = [
    pytest.param("libpq", connection(), PREFER, id="libpq prefers"),
    pytest.param("libpq", mode("disable"), NOTHING, id="libpq disable"),
    pytest.param("libpq", mode("require"), REQUIRE, id="libpq require verifies nothing"),
    pytest.param("libpq", mode("require", CA), CHAIN, id="libpq require with a CA is verify-ca"),
    pytest.param("libpq", mode("prefer", CA), PREFER, id="libpq prefer"),
    pytest.param("pgx", mode("verify-ca", CA), CHAIN, id="TL10 pgx verify-ca"),
    pytest.param("asyncpg", mode("verify-full"), FULL, id="TL1 asyncpg verify-full"),
    pytest.param("psycopg", connection(("sslrootcert", "system")), FULL, id="sslrootcert=system"),
    pytest.param("psycopg", connection(("ssl", "true")), REQUIRE, id="libpq ssl=true is require"),
    pytest.param("lib/pq", connection(), REQUIRE, id="lib/pq requires TLS by itself"),
    pytest.param("lib/pq", mode("require", CA), FULL, id="TL3 lib/pq require with a CA"),
    pytest.param("lib/pq", mode("verify-ca", CA), FULL, id="TL3 lib/pq verify-ca"),
    pytest.param("node-postgres", connection(), NOTHING, id="node-postgres asks for none"),
    pytest.param("node-postgres", mode("require", CA), FULL, id="TL2 node-postgres require"),
    pytest.param("node-postgres", mode("prefer", CA), FULL, id="TL2 node-postgres prefer"),
    pytest.param("node-postgres", mode("verify-ca", CA), FULL, id="TL2 node-postgres verify-ca"),
    pytest.param("node-postgres", mode("require"), ALONE, id="TL2 verifies by its own CAs"),
    pytest.param("node-postgres", mode("verify-full"), ALONE, id="TL2 verify-full without a CA"),
    pytest.param("node-postgres", connection(("ssl", "true")), ALONE, id="TL2 ssl=true"),
    pytest.param(
        "node-postgres",
        replace(mode("require"), extra_ca=True),
        FULL,
        id="TL2 NODE_EXTRA_CA_CERTS is a CA",
    ),
    pytest.param("node-postgres", mode("no-verify", CA), REQUIRE, id="node-postgres no-verify"),
    pytest.param(
        "node-postgres",
        mode("require", CA, ("uselibpqcompat", "true")),
        CHAIN,
        id="TL2 uselibpqcompat",
    ),
    pytest.param("postgres.js", connection(), NOTHING, id="postgres.js asks for none"),
    pytest.param("postgres.js", mode("require", CA), REQUIRE, id="postgres.js require"),
    pytest.param("postgres.js", mode("prefer"), PREFER, id="postgres.js prefer"),
    pytest.param("postgres.js", mode("allow"), REQUIRE, id="postgres.js allow never falls back"),
    pytest.param("postgres.js", mode("verify-ca"), FULL, id="postgres.js verify-ca"),
    pytest.param("pgjdbc", mode("require", CA), REQUIRE, id="pgJDBC require verifies nothing"),
    pytest.param("pgjdbc", mode("verify-ca", CA), CHAIN, id="TL10 pgJDBC verify-ca"),
    pytest.param("pgjdbc", connection(("ssl", "true")), FULL, id="pgJDBC ssl=true"),
    pytest.param(
        "pgjdbc",
        connection(("ssl", "true"), ("sslfactory", "org.postgresql.ssl.NonValidatingFactory")),
        REQUIRE,
        id="pgJDBC without validation",
    ),
    pytest.param("npgsql", connection(("SSL Mode", "VerifyFull")), FULL, id="TL1 Npgsql"),
    pytest.param("unheard of", mode("require", CA), CHAIN, id="unknown: as libpq"),
    pytest.param(
        "libpq",
        connection(("channel_binding", "require")),
        Tls(channel_binding=True),
        id="TL4 channel_binding",
    ),
    pytest.param(
        "pgjdbc",
        connection(("channelBinding", "require")),
        Tls(channel_binding=True),
        id="TL4 channelBinding",
    ),
    pytest.param("libpq", connection(("channel_binding", "prefer")), PREFER, id="TL4 prefer"),
    pytest.param(
        "libpq",
        mode("require", ("sslnegotiation", "direct")),
        Tls("always", direct=True),
        id="TL5 direct",
    ),
    pytest.param(
        "libpq",
        mode("prefer", ("sslnegotiation", "direct")),
        Tls("always", direct=True),
        id="TL5 direct never falls back",
    ),
    pytest.param(
        "libpq", connection(("min_protocol_version", "3.2")), Tls(min_protocol=2), id="TL6 min"
    ),
    pytest.param(
        "libpq", connection(("max_protocol_version", "latest")), Tls(max_protocol=2), id="TL6 max"
    ),
    pytest.param("libpq", connection(("max_protocol_version", "3.0")), PREFER, id="TL6 3.0"),
]


@pytest.mark.parametrize(("driver", "one", "expected"), TLS)
def test_tls(driver: str, one: Connection, expected: Tls) -> None:
    assert tls_of(one, driver) == expected


def test_a_login_takes_what_the_string_says_and_defaults_for_the_rest() -> None:
    bare = connection(user="", database="")
    known = login_for(connection(PATH), "pgx", Sensitive("canary"))
    assert (known.user, known.database, known.startup) == ("shop", "shopdb", (PATH,))
    given = login_for(bare, "pgx", Sensitive("canary"), default_user="a", default_database="b")
    assert (given.user, given.database) == ("a", "b")
    assert login_for(bare, "pgx", Sensitive("x"), default_user="a").database == "a"
    assert "canary" not in repr(known) + str(known)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param("go.mod", "require (\n github.com/jackc/pgx/v5 v5.9.2\n)", id="pgx"),
        pytest.param("go.mod", "require (\n github.com/lib/pq v1.10.9\n)", id="lib/pq"),
        pytest.param("requirements.txt", "psycopg2-binary\nasyncpg\npg8000\n", id="Python"),
        pytest.param("Gemfile", "gem 'pg'\n", id="libpq"),
    ],
)
def test_a_driver_that_a_manifest_names_has_its_row(path: str, text: str) -> None:
    named = {name for name, _ in drivers_in(path, text)}
    assert named
    assert named <= SHAPES.keys()


def test_only_what_was_measured_says_so() -> None:
    unmeasured = {name for name in SHAPES if not is_measured(name)}
    assert unmeasured == {"activerecord", "npgsql", "tokio-postgres", "sqlx", "prisma", "postgrex"}
    assert not is_measured("unheard of")


@pytest.mark.parametrize("driver", sorted(SHAPES))
def test_the_rules_and_the_login_agree_on_what_is_sent(driver: str) -> None:
    one = connection(PATH, ("statement_timeout", "5"), ("role", "r"), ("currentSchema", "c"))
    found = {item.name for item in sent(one, (driver,)) if item.is_setting}
    assert found == {name for name, _ in packet(one, driver).startup if name in found}
    on_the_wire = {name for name, _ in packet(one, driver).startup}
    assert on_the_wire - found <= {name for name, _ in SHAPES[driver].always}


ADO = [("SSL Mode", "Require"), ("Maximum Pool Size", "20"), ("Application Name", "web")]


@pytest.mark.parametrize("driver", ["psycopg", "pgx", ""])
def test_ado_net_s_pairs_are_npgsql_s_whatever_else_is_there(driver: str) -> None:
    asked = connection(*ADO, PATH, style="keyword-value")

    given = login_for(asked, driver, Sensitive("canary-1"))
    assert given.startup == (("application_name", "web"), PATH, UTF8)
    assert [one.written for one in sent(asked, (driver,))] == ["search_path"]
    assert packet(asked, driver).left_out == ()


def test_a_url_with_a_parameter_of_that_name_stays_its_driver_s() -> None:
    assert not connection(("pooling", "true"), style="url").is_ado
