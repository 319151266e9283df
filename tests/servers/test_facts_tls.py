"""Rows TL1 to TL10: certificates, names, channel binding and protocol versions at the Pooler.

Drivers differ in what they verify (TL2, TL3): test_rows_with_drivers_tls.py asks the real ones.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from repoint.adapters import servers as programs
from repoint.adapters.lab import PrivateServers
from repoint.adapters.pgclient import connect
from repoint.model.sensitive import Sensitive
from repoint.ports.servers import RunningLab
from repoint.rehearsal.lab import BouncerSpec, DatabaseSpec, LabSpec, PostgresSpec, RoleSpec
from repoint.wire.login import Login, Tls
from repoint.wire.messages import SSL_REQUEST
from repoint.wire.refusals import ConnectionLost, DriverRefusal, ServerRefusal
from tests.servers.fix_lab import CLUSTER, GroundFactory, PoolerFactory, Servers

pytestmark = pytest.mark.servers

FULL = Tls("always", check_chain=True, check_name=True)
CHAIN = Tls("always", check_chain=True)
BOTH_MODES = pytest.mark.parametrize("mode", ["session", "transaction"])
POOLER = "pg-pooler-rw.shop.svc.cluster.local"
APP = RoleSpec("app", Sensitive("throwaway-of-tls"))


@BOTH_MODES
def test_tl1_the_cluster_certificate_has_not_the_poolers_name(
    pooler: PoolerFactory, mode: str
) -> None:
    pool = pooler(mode=mode)
    with pytest.raises(DriverRefusal, match="certificate is not valid for"):
        pool.connect(tls=FULL)
    assert pool.ground.direct.connect(tls=FULL).tls == "TLSv1.3"


def test_tl1_checking_the_chain_alone_passes(pooler: PoolerFactory) -> None:
    assert pooler().connect(tls=CHAIN).tls == "TLSv1.3"


def test_tl1_a_certificate_of_the_poolers_own_mends_it(pooler: PoolerFactory) -> None:
    assert pooler(own_certificate=True).connect(tls=FULL).query("SELECT 1") == (("1",),)


def names(host: str) -> tuple[str, ...]:
    parts = host.split(".")
    return tuple(".".join(parts[:size]) for size in (1, 2, 3, 5))


@pytest.fixture(scope="module")
def named(real_servers: Servers) -> Iterator[RunningLab]:
    """A Cluster whose serverAltDNSNames are the Pooler's four names."""
    real_servers.need(18)
    bouncer = BouncerSpec("pg-pooler-rw", POOLER, CLUSTER, "transaction")
    postgres = PostgresSpec(
        18, CLUSTER, (*names(CLUSTER), *names(POOLER)), (APP,), (DatabaseSpec("shop", "app"),)
    )
    with PrivateServers(programs, connect).open(LabSpec("tls", postgres, (bouncer,))) as lab:
        yield lab


@pytest.mark.parametrize("host", [POOLER, CLUSTER])
def test_tl1_alternative_names_mend_it(named: RunningLab, host: str) -> None:
    login = Login("pgx", "app", APP.password, "shop", tls=FULL)
    with closing(named.connect(host, login)) as session:
        assert session.query("SELECT 1") == (("1",),)


@BOTH_MODES
@pytest.mark.parametrize("pgbouncer", ["1.24", "1.26"])
def test_tl4_channel_binding_is_not_offered(
    pooler: PoolerFactory, mode: str, pgbouncer: str
) -> None:
    pool = pooler(mode=mode, pgbouncer=pgbouncer)
    bound = Tls("always", channel_binding=True)
    with pytest.raises(DriverRefusal, match="channel binding is required"):
        pool.connect(tls=bound)
    assert pool.ground.direct.connect(tls=bound).query("SELECT 1") == (("1",),)


def test_tl5_direct_negotiation_hangs_before_125(pooler: PoolerFactory) -> None:
    pool = pooler(pgbouncer="1.24")
    with pytest.raises(ConnectionLost, match="timeout expired"):
        pool.connect(tls=Tls("always", direct=True), timeout_s=1.0)


def test_tl5_direct_negotiation_works_later(pooler: PoolerFactory) -> None:
    pool = pooler(pgbouncer="1.26")
    assert pool.connect(tls=Tls("always", direct=True)).tls == "TLSv1.3"


@pytest.mark.parametrize("pgbouncer", ["1.24", "1.26"])
def test_tl6_protocol_32_is_not_spoken(pooler: PoolerFactory, pgbouncer: str) -> None:
    pool = pooler(pgbouncer=pgbouncer)
    with pytest.raises(DriverRefusal, match=r"3\.0"):
        pool.connect(tls=Tls(min_protocol=2, max_protocol=2))
    direct = pool.ground.direct.connect(tls=Tls(min_protocol=2, max_protocol=2))
    assert direct.query("SELECT 1") == (("1",),)


def test_tl6_asking_for_the_latest_works_from_125_on(pooler: PoolerFactory) -> None:
    session = pooler(pgbouncer="1.26").connect(tls=Tls(max_protocol=2))
    assert session.query("SELECT 1") == (("1",),)


def test_tl6_asking_for_the_latest_fails_before(pooler: PoolerFactory) -> None:
    with pytest.raises(DriverRefusal, match="protocol negotiation"):
        pooler(pgbouncer="1.24").connect(tls=Tls(max_protocol=2))


def test_tl7_a_pooler_that_asks_certificates_shuts_out_all_without_one(
    pooler: PoolerFactory,
) -> None:
    lines = ("hostssl all app 0.0.0.0/0 cert",)
    pool = pooler(pg_hba=lines, client_tls_sslmode="verify-ca")
    with pytest.raises((ConnectionLost, DriverRefusal)):
        pool.connect(tls=CHAIN)
    assert pooler(pg_hba=lines).connect(tls=CHAIN).tls == "TLSv1.3"


@BOTH_MODES
def test_tl8_a_clear_client_looks_encrypted_to_postgresql(pooler: PoolerFactory, mode: str) -> None:
    pool = pooler(mode=mode)
    asked = "SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    clear = pool.connect(tls=Tls("never"))
    assert clear.tls == ""
    assert clear.query(asked) == (("true",),)
    assert pool.ground.direct.connect(tls=Tls("never")).query(asked) == (("false",),)


def test_tl8_the_server_sees_the_pooler_not_the_client(pooler: PoolerFactory) -> None:
    pool = pooler()
    for session, same in ((pool.connect(), False), (pool.ground.direct.connect(), True)):
        [(port, pid)] = session.query("SELECT inet_client_port(), pg_backend_pid()")
        assert (port == str(session.local_port)) is same
        assert (pid == str(session.backend_pid)) is same


def test_tl8_the_pooler_can_demand_tls(pooler: PoolerFactory) -> None:
    pool = pooler(client_tls_sslmode="require")
    with pytest.raises(ServerRefusal, match="SSL required"):
        pool.connect(tls=Tls("never"))
    assert pool.connect(tls=CHAIN).query("SELECT 1") == (("1",),)


def handshake(address: tuple[str, int]) -> str:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with ExitStack() as stack:
        sock = stack.enter_context(socket.create_connection(address, timeout=5))
        sock.sendall(SSL_REQUEST)
        assert sock.recv(1) == b"S"
        return stack.enter_context(context.wrap_socket(sock)).version() or ""


def test_tl9_tls_12_is_taken_by_the_pooler_alone(ground: GroundFactory) -> None:
    here = ground()
    assert handshake(here.lab.address(here.pooler().host)) == "TLSv1.2"
    with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
        handshake(here.lab.address(CLUSTER))


@BOTH_MODES
@pytest.mark.parametrize("wanted", ["never", "if-offered", "always"])
def test_tl10_weaker_modes_log_in_as_ever(pooler: PoolerFactory, mode: str, wanted: str) -> None:
    pool = pooler(mode=mode)
    for where in (pool, pool.ground.direct):
        session = where.connect(tls=Tls(wanted, check_chain=wanted == "always"))
        assert session.query("SELECT 1") == (("1",),)
        assert bool(session.tls) is (wanted != "never")
