"""What CloudNativePG refuses of a Pooler and a Cluster, and what it takes."""

from __future__ import annotations

from typing import Any

import pytest

from repoint.model.plan import Severity
from repoint.rules.cnpg import ALLOWED, FIXED, check
from repoint.rules.declared import DeclaredCluster, DeclaredPooler
from tests.unit.rules.build import cluster, consumer, environment, pooler


def declared(**given: Any) -> Any:
    return pooler(declared=DeclaredPooler(**given))


def made(**given: Any) -> Any:
    return cluster(declared=DeclaredCluster(**given))


def parameter(name: str) -> Any:
    return pooler(parameters=((name, "1"),))


@pytest.mark.parametrize(
    ("bouncer", "code", "told"),
    [
        pytest.param(parameter("transaction_timeout"), "RP207", "transaction_timeout", id="CN1"),
        pytest.param(parameter("pool_mode"), "RP207", "`pool_mode`", id="CN1 the mode is a field"),
        pytest.param(parameter("client_tls_protocols"), "RP207", "not let be set", id="CN1 TLS"),
        pytest.param(pooler(name="pg"), "RP207", "name of its Cluster", id="CN2 same name"),
        pytest.param(pooler(cluster=""), "RP207", "names no Cluster", id="CN2 no Cluster"),
        pytest.param(declared(has_pgbouncer=False), "RP207", "spec.pgbouncer", id="no pgbouncer"),
        pytest.param(declared(pool_mode="statement"), "RP207", "`statement`", id="CN4 mode"),
        pytest.param(declared(type="write"), "RP207", "type `write`", id="CN4 type"),
        pytest.param(declared(instances="-1"), "RP207", "-1 instances", id="CN4 instances"),
        pytest.param(declared(bare_template=True), "RP207", "without `containers`", id="template"),
        pytest.param(declared(databases=("*",)), "RP207", "database `*`", id="wildcard"),
        pytest.param(declared(auth_query=True), "RP207", "sets `authQuery`", id="CN3 no secret"),
        pytest.param(
            declared(secrets=("serverTLSSecret",)), "RP207", "without an `authQuery`", id="CN3"
        ),
        pytest.param(declared(paused=True), "RP209", "is paused", id="OP9 paused"),
        pytest.param(declared(instances="0"), "RP209", "0 instances", id="nobody there"),
        pytest.param(
            declared(auth_query=True, secrets=("authQuerySecret",)),
            "RP217",
            "its own login",
            id="CN3 by hand",
        ),
        pytest.param(declared(pod_monitor=True), "RP217", "deprecated", id="CN9"),
    ],
)
def test_a_pooler_that_is_refused_or_serves_nobody(bouncer: Any, code: str, told: str) -> None:
    (finding,) = check(environment(pooler=bouncer))
    assert finding.code == code
    assert told in finding.message


@pytest.mark.parametrize(
    "bouncer",
    [
        pytest.param(pooler(), id="CNPG's defaults"),
        pytest.param(declared(pool_mode="transaction"), id="transaction mode"),
        pytest.param(declared(type="ro", instances="3"), id="three for reading"),
        pytest.param(declared(type="r"), id="any instance"),
        pytest.param(declared(secrets=("clientTLSSecret",)), id="its own certificate for clients"),
        pytest.param(declared(secrets=("clientCASecret", "serverCASecret")), id="its own CAs"),
        pytest.param(declared(databases=("shop",)), id="a database of its own"),
        *(pytest.param(parameter(name), id=name) for name in sorted(ALLOWED)),
    ],
)
def test_a_pooler_that_is_taken(bouncer: Any) -> None:
    assert check(environment(pooler=bouncer)) == ()


@pytest.mark.parametrize(
    ("server", "told"),
    [
        pytest.param(made(parameters=(("ssl", "off"),)), "sets `ssl`", id="CN5"),
        pytest.param(made(parameters=(("hba_file", "/x"),)), "sets `hba_file`", id="CN5 a file"),
        pytest.param(
            cluster(
                alt_names=("a",),
                declared=DeclaredCluster(certificates=("serverTLSSecret", "serverCASecret")),
            ),
            "serverAltDNSNames",
            id="CN6 names beside a certificate",
        ),
        pytest.param(
            made(certificates=("serverTLSSecret",)), "without a `serverCASecret`", id="CN6 no CA"
        ),
        pytest.param(
            made(certificates=("replicationTLSSecret",)), "without a `clientCASecret`", id="CN6"
        ),
        pytest.param(made(bootstrap=("initdb", "recovery")), "two ways", id="CN7 bootstrap"),
        pytest.param(made(roles=("cnpg_app",)), "`cnpg_app`, which is reserved", id="CN7 role"),
    ],
)
def test_a_cluster_that_is_refused(server: Any, told: str) -> None:
    (finding,) = check(environment(cluster=server))
    assert (finding.code, finding.severity) == ("RP208", Severity.ERROR)
    assert told in finding.message


@pytest.mark.parametrize(
    "server",
    [
        pytest.param(cluster(), id="plain"),
        pytest.param(
            made(parameters=(("max_connections", "200"), ("ssl_min_protocol_version", "TLSv1.3"))),
            id="parameters of one's own",
        ),
        pytest.param(made(certificates=("serverTLSSecret", "serverCASecret")), id="a certificate"),
        pytest.param(
            made(certificates=("replicationTLSSecret", "clientCASecret")), id="two for replication"
        ),
        pytest.param(cluster(alt_names=("a", "b")), id="more names"),
        pytest.param(made(bootstrap=("initdb",), roles=("shop", "pgadmin")), id="roles"),
    ],
)
def test_a_cluster_that_is_taken(server: Any) -> None:
    assert check(environment(cluster=server)) == ()


def test_a_slip_of_the_pen_gets_the_right_name() -> None:
    (finding,) = check(environment(pooler=parameter("default_pool_sise")))
    assert finding.hint == "did you mean `default_pool_size`?"


def test_nobody_pooled_needs_no_pooler() -> None:
    facts = environment(consumer("web", route="direct"), pooler=declared(paused=True))
    assert check(facts) == ()


def test_the_lists_are_apart() -> None:
    assert not ALLOWED & FIXED
    assert (len(ALLOWED), len(FIXED)) == (54, 63)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        pytest.param(
            {"services": (("pg-pooler-rw", "shop"),)}, "Service `pg-pooler-rw`", id="the Pooler's"
        ),
        pytest.param({"services": (("pg-rw", "shop"),)}, "Service `pg-rw`", id="the Cluster's"),
        pytest.param({"pooler": declared(service_ports=("6432",))}, "port 6432", id="another port"),
    ],
)
def test_a_service_that_leads_elsewhere(given: dict[str, Any], told: str) -> None:
    (finding,) = check(environment(**given))
    assert finding.code == "RP218" and told in finding.message


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"services": (("postgres", "shop"),)}, id="the old server's"),
        pytest.param({"services": (("pg-pooler-rw", "auth"),)}, id="an alias elsewhere"),
        pytest.param({"pooler": declared(service_ports=("5432", "9127"))}, id="a port more"),
    ],
)
def test_services_that_are_fine(given: dict[str, Any]) -> None:
    assert check(environment(**given)) == ()
