"""RP237 to RP239: root certificates, TLS on the client's leg, and old TLS versions."""

from __future__ import annotations

from typing import Any

import pytest

from repoint.rules.declared import DeclaredCluster
from repoint.rules.facts import EnvironmentFacts
from repoint.rules.tls_trust import check
from tests.unit.rules.build import cluster, codes, connection, consumer, driver, environment, pooler

CA = ("Secret", "pg-ca", "/etc/pg")


NODE = ("node-postgres",)
REQUIRE = ("sslmode", "require")


def asks(*params: tuple[str, str], route: str = "pooled", **given: Any) -> EnvironmentFacts:
    """One consumer with these parameters; `mounts` are its own, the rest the environment's."""
    mounts = given.pop("mounts", ())
    evidence = tuple(driver(name) for name in given.pop("drivers", ()))
    one = consumer("web", connection(*params), route=route, mounts=mounts, hazards=evidence)
    return environment(one, **given)


def client_tls(mode: str) -> Any:
    return pooler(parameters=(("client_tls_sslmode", mode),))


FULL = ("sslmode", "verify-full")
ROOT = ("sslrootcert", "/etc/pg/ca.crt")


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        pytest.param(asks(FULL), "RP237", id="the driver's default root"),
        pytest.param(asks(REQUIRE, drivers=NODE), "RP237", id="TL2 node-postgres verifies"),
        pytest.param(asks(FULL, ROOT), "RP237", id="a file that nothing mounts"),
        pytest.param(
            asks(FULL, ROOT, mounts=(("Secret", "old-ca", "/etc/pg"),)), "RP237", id="the old CA"
        ),
        pytest.param(
            asks(FULL, ROOT, mounts=(("ConfigMap", "pg-ca", "/etc/pg"),)),
            "RP237",
            id="a ConfigMap of that name",
        ),
        pytest.param(
            asks(FULL, ROOT, mounts=(("Secret", "pg-ca", "/etc/pgx"),)), "RP237", id="elsewhere"
        ),
        pytest.param(
            asks(FULL, ("sslrootcert", "/etc/pgx/ca.crt"), mounts=(CA,)), "RP237", id="beside it"
        ),
        pytest.param(asks(("SSL Mode", "VerifyCA"), route="direct"), "RP237", id="Npgsql, direct"),
        pytest.param(asks(FULL, ("sslrootcert", "system")), "RP237", id="the system's store"),
        pytest.param(
            asks(("sslmode", "disable"), pooler=client_tls("require")), "RP238", id="TL8 no TLS"
        ),
        pytest.param(
            asks(("sslmode", "require"), pooler=client_tls("disable")), "RP238", id="TL8 no offer"
        ),
        pytest.param(
            asks(("sslmode", "require"), pooler=client_tls("verify-ca")),
            "RP238",
            id="TL7 no certificate to show",
        ),
        pytest.param(
            asks(("ssl_max_protocol_version", "TLSv1.2"), route="direct"), "RP239", id="TL9 1.2"
        ),
    ],
)
def test_finds(facts: EnvironmentFacts, code: str) -> None:
    assert codes(check(facts)) == [code]


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(asks(), id="nothing asked"),
        pytest.param(asks(("sslmode", "require")), id="require verifies nothing"),
        pytest.param(asks(FULL, ROOT, mounts=(CA,)), id="the Cluster's CA, mounted"),
        pytest.param(
            asks(FULL, ROOT, mounts=(("Secret", "pg-ca", "/etc/pg/ca.crt"),)), id="by a sub path"
        ),
        pytest.param(
            asks(
                FULL,
                ROOT,
                mounts=(("Secret", "own-ca", "/etc/pg"),),
                cluster=cluster(declared=DeclaredCluster(server_ca="own-ca")),
            ),
            id="a CA of one's own, mounted",
        ),
        pytest.param(
            asks(FULL, ("sslrootcert", "system"), cluster=cluster(own_server_certificate=True)),
            id="a public certificate",
        ),
        pytest.param(asks(FULL, pooler=pooler(client_tls_secret=True)), id="the Pooler's own"),
        pytest.param(
            asks(("sslmode", "require"), pooler=client_tls("require")), id="TL8 both want TLS"
        ),
        pytest.param(
            asks(("sslmode", "prefer"), pooler=client_tls("require")), id="TL8 prefer gives in"
        ),
        pytest.param(
            asks(("sslmode", "disable"), route="direct", pooler=client_tls("require")),
            id="TL8 direct consumers meet no Pooler",
        ),
        pytest.param(
            asks(
                ("sslmode", "require"),
                ("sslcert", "/c.crt"),
                pooler=client_tls("verify-ca"),
            ),
            id="TL7 a certificate to show",
        ),
        pytest.param(asks(REQUIRE, ROOT, mounts=(CA,), drivers=NODE), id="TL2 the Cluster's CA"),
        pytest.param(asks(REQUIRE, drivers=("pgx",)), id="require verifies nothing elsewhere"),
        pytest.param(asks(("ssl_max_protocol_version", "TLSv1.2")), id="TL9 a Pooler takes 1.2"),
        pytest.param(
            asks(
                ("ssl_max_protocol_version", "TLSv1.2"),
                route="direct",
                cluster=cluster(
                    declared=DeclaredCluster(parameters=(("ssl_min_protocol_version", "TLSv1.2"),))
                ),
            ),
            id="TL9 the Cluster takes 1.2",
        ),
    ],
)
def test_is_quiet(facts: EnvironmentFacts) -> None:
    assert check(facts) == ()
