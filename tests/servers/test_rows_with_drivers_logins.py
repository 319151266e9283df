"""Rows TL1 to TL4, SP1, SP2, X16 with real drivers: what a login at the Pooler ends with.

The drivers ask for `localhost`. The Cluster's certificate of the shared laboratory does not
have that name, as CloudNativePG's never has the Pooler's; that of `named_servers` has it, as
with serverAltDNSNames.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from repoint.adapters import servers as programs
from repoint.adapters.lab import PrivateServers
from repoint.adapters.pgclient import connect
from repoint.rehearsal.lab import BouncerSpec, DatabaseSpec, LabSpec, PostgresSpec, RoleSpec
from repoint.rules.driver_shapes import login_for
from repoint.wire.refusals import DriverRefusal
from tests.servers.drivers.strings import Place, url
from tests.servers.fix_drivers import DriverFactory, dsn
from tests.servers.fix_lab import CLUSTER, PASSWORD, Pool, PoolerFactory, Servers
from tests.unit.rules.build import connection

pytestmark = [pytest.mark.servers, pytest.mark.slow]

HOST = "localhost"
POOLER = "pooler.shop.svc.cluster.local"
WRONG_NAME = {
    "psycopg": r"server certificate for .* does not match host name",
    "psycopg2": r"server certificate for .* does not match host name",
    "pgx": r"x509: certificate is valid for pg-rw",
    "pgx-stdlib": r"x509: certificate is valid for pg-rw",
    "lib/pq": r"x509: certificate is valid for pg-rw",
    "asyncpg": r"CERTIFICATE_VERIFY_FAILED.*Hostname mismatch",
    "pg8000": r"CERTIFICATE_VERIFY_FAILED.*Hostname mismatch",
    "node-postgres": r"ERR_TLS_CERT_ALTNAME_INVALID",
    "pgjdbc": r"hostname .* could not be verified",
}
CHAIN_ONLY = ("psycopg", "psycopg2", "pgx", "asyncpg", "pg8000", "pgjdbc")


@pytest.fixture(scope="module")
def named_servers(real_servers: Servers) -> Iterator[Any]:
    """A Cluster whose certificate names the host that the drivers ask for, with a Pooler."""
    real_servers.need(18)
    postgres = PostgresSpec(
        18,
        CLUSTER,
        (CLUSTER, HOST),
        (RoleSpec("shop", PASSWORD),),
        (DatabaseSpec("shop", "shop"),),
    )
    bouncer = BouncerSpec("pooler", POOLER, CLUSTER, "transaction")
    with PrivateServers(programs, connect).open(LabSpec("named", postgres, (bouncer,))) as lab:
        yield lab


def trusting(pool: Pool, name: str, mode: str, **params: str) -> str:
    """A connection string with the Cluster's CA."""
    asked = {"sslmode": mode, "sslrootcert": str(pool.ground.lab.ca_file), **params}
    return dsn(name, pool, asked, host=HOST)


@pytest.mark.parametrize("name", sorted(WRONG_NAME))
def test_tl1_verify_full_does_not_take_the_poolers_name(
    name: str, driver: DriverFactory, pooler: PoolerFactory
) -> None:
    pool = pooler()

    said = driver(name).login(trusting(pool, name, "verify-full"))

    assert re.search(WRONG_NAME[name], said), said


@pytest.mark.parametrize("host", [CLUSTER, POOLER])
@pytest.mark.parametrize("name", sorted(WRONG_NAME))
def test_tl1_remedy_the_certificate_has_the_name(
    name: str, host: str, driver: DriverFactory, named_servers: Any
) -> None:
    place = Place(named_servers.address(host)[1], "shop", PASSWORD.reveal(), "shop", HOST)
    asked = {"sslmode": "verify-full", "sslrootcert": str(named_servers.ca_file)}

    assert driver(name).login(url(name, place, asked)) == ""


@pytest.mark.parametrize("name", CHAIN_ONLY)
def test_tl1_remedy_verify_ca(name: str, driver: DriverFactory, pooler: PoolerFactory) -> None:
    pool = pooler()

    assert driver(name).login(trusting(pool, name, "verify-ca")) == ""


@pytest.mark.parametrize("mode", ["require", "verify-ca"])
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("node-postgres", id="tl2 node-postgres"),
        pytest.param("lib/pq", id="tl3 lib/pq"),
    ],
)
def test_tl2_tl3_a_ca_makes_them_verify_the_name(
    name: str, mode: str, driver: DriverFactory, pooler: PoolerFactory
) -> None:
    pool = pooler()

    said = driver(name).login(trusting(pool, name, mode))

    assert re.search(WRONG_NAME[name], said), said


def test_tl2_node_postgres_verifies_the_name_with_a_ca_alone(
    driver: DriverFactory, pooler: PoolerFactory
) -> None:
    pool = pooler()
    with_ca = {"sslrootcert": str(pool.ground.lab.ca_file)}
    place = dsn("node-postgres", pool, with_ca, host=HOST).replace("sslmode=disable&", "")

    assert re.search(WRONG_NAME["node-postgres"], driver("node-postgres").login(place))


@pytest.mark.parametrize("host", [CLUSTER, POOLER])
def test_tl2_node_postgres_refuses_a_private_ca_that_nobody_gave_it(
    host: str, driver: DriverFactory, named_servers: Any
) -> None:
    """`require` alone, under the right name; the client in its manner does the same."""
    place = Place(named_servers.address(host)[1], "shop", PASSWORD.reveal(), "shop", HOST)

    said = driver("node-postgres").login(url("node-postgres", place, {"sslmode": "require"}))

    assert re.search("SELF_SIGNED_CERT|UNABLE_TO_VERIFY", said), said
    login = login_for(connection(("sslmode", "require")), "node-postgres", PASSWORD)
    with pytest.raises(DriverRefusal, match="certificate verify failed"):
        named_servers.connect(host, replace(login, database="shop"))


@pytest.mark.parametrize(
    ("name", "params"),
    [
        pytest.param("lib/pq", {"sslmode": "require"}, id="tl3 lib/pq without a CA"),
        pytest.param(
            "node-postgres",
            {"sslmode": "require", "uselibpqcompat": "true"},
            id="tl2 node-postgres uselibpqcompat",
        ),
        pytest.param("node-postgres", {"sslmode": "no-verify"}, id="tl2 node-postgres no-verify"),
    ],
)
def test_tl2_tl3_what_verifies_nothing_gets_in(
    name: str, params: dict[str, str], driver: DriverFactory, pooler: PoolerFactory
) -> None:
    assert driver(name).login(dsn(name, pooler(), params, host=HOST)) == ""


BINDING = [("psycopg", "channel_binding"), ("pgx", "channel_binding"), ("pgjdbc", "channelBinding")]


@pytest.mark.parametrize(("name", "key"), BINDING)
def test_tl4_channel_binding_is_not_to_be_had_at_a_pooler(
    name: str, key: str, driver: DriverFactory, pooler: PoolerFactory
) -> None:
    pool = pooler()
    required = {"sslmode": "require", key: "require"}

    said = driver(name).login(dsn(name, pool, required))

    assert re.search(r"channel.?binding", said, re.IGNORECASE), said
    assert driver(name).login(dsn(name, pool, {**required, key: "prefer"})) == ""
    assert driver(name).login(dsn(name, pool.ground.direct, required)) == ""


SENDS = ("pgx", "pgx-stdlib", "pgxpool", "lib/pq", "asyncpg", "postgres.js", "pg8000")
BOTH_MODES = pytest.mark.parametrize("mode", ["session", "transaction"])


@BOTH_MODES
@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        *((name, "search_path", "public") for name in SENDS),
        ("pgjdbc", "currentSchema", "public"),
        ("node-postgres", "statement_timeout", "5000"),
    ],
)
def test_sp1_a_setting_in_the_startup_packet_is_refused(
    name: str, key: str, value: str, mode: str, driver: DriverFactory, pooler: PoolerFactory
) -> None:
    pool = pooler(mode=mode)
    setting = "search_path" if key == "currentSchema" else key

    said = driver(name).login(dsn(name, pool, {key: value}))

    assert f"unsupported startup parameter: {setting}" in said
    assert driver(name).login(dsn(name, pool.ground.direct, {key: value})) == ""


@pytest.mark.parametrize("name", [*SENDS, "psycopg", "psycopg2", "node-postgres", "pgjdbc"])
def test_sp2_options_are_dropped_without_a_word(
    name: str, driver: DriverFactory, pooler: PoolerFactory
) -> None:
    pool = pooler()
    asked = {"options": "-c search_path=pg_catalog"}
    show = "select current_setting('search_path')"

    pooled = driver(name).open(dsn(name, pool, asked)).one(show)
    direct = driver(name).open(dsn(name, pool.ground.direct, asked)).one(show)

    assert (pooled, direct) == ('"$user", public', "pg_catalog")


@pytest.mark.parametrize("name", ["pgjdbc", "node-postgres"])
def test_sp1_a_driver_that_keeps_the_key_gets_in(
    name: str, driver: DriverFactory, pooler: PoolerFactory
) -> None:
    assert driver(name).login(dsn(name, pooler(), {"search_path": "nosuch"})) == ""


@pytest.mark.parametrize("name", ["psycopg", "psycopg2"])
def test_x16_libpq_does_not_even_try_a_url_with_search_path(
    name: str, driver: DriverFactory, pooler: PoolerFactory
) -> None:
    direct = pooler().ground.direct

    said = driver(name).login(dsn(name, direct, {"search_path": "public"}))

    assert 'invalid URI query parameter: "search_path"' in said
    assert driver(name).login(dsn(name, direct)) == ""
