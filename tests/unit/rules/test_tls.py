"""RP23x: TLS that breaks behind the pooler, and TLS that does not."""

from __future__ import annotations

import pytest

from repoint.rules.facts import ClusterFacts, EnvironmentFacts, PoolerFacts
from repoint.rules.tls import check, may_raise, missing_alt_names
from tests.unit.rules.build import (
    cluster,
    codes,
    connection,
    consumer,
    driver,
    environment,
    pooler,
)

FULL = ("sslmode", "verify-full")
CA = ("sslrootcert", "/ca.crt")
NAMES = (
    "pg-pooler-rw",
    "pg-pooler-rw.shop",
    "pg-pooler-rw.shop.svc",
    "pg-pooler-rw.shop.svc.cluster.local",
)


def with_params(
    *params: tuple[str, str], drivers: tuple[str, ...] = (), route: str = "pooled", **given: object
) -> EnvironmentFacts:
    """One consumer with these parameters and drivers."""
    evidence = tuple(driver(name) for name in drivers)
    one = consumer("web", connection(*params), hazards=evidence, route=route)
    return environment(one, **given)


FOUND = [
    pytest.param(with_params(FULL), ["RP231"], id="TL1 X15 verify-full"),
    pytest.param(
        with_params(FULL, cluster=cluster(alt_names=NAMES[:3])),
        ["RP231"],
        id="TL1 one name of four is missing",
    ),
    pytest.param(
        with_params(FULL, cluster=cluster(own_server_certificate=True)),
        ["RP231"],
        id="TL1 somebody's own certificate: a warning",
    ),
    pytest.param(with_params(("SSL Mode", "VerifyFull")), ["RP231"], id="TL1 Npgsql's spelling"),
    pytest.param(
        with_params(("sslmode", "require"), CA, drivers=("node-postgres",)),
        ["RP231"],
        id="TL2 node-postgres with a CA",
    ),
    pytest.param(
        with_params(("sslmode", "require"), drivers=("node-postgres",)),
        ["RP231"],
        id="TL2 node-postgres compares the name without a named CA, too",
    ),
    pytest.param(
        with_params(("sslmode", "verify-ca"), CA, drivers=("lib/pq",)),
        ["RP231"],
        id="TL3 lib/pq checks the name for verify-ca",
    ),
    pytest.param(with_params(("channel_binding", "require")), ["RP232"], id="TL4 libpq"),
    pytest.param(with_params(("channelBinding", "require")), ["RP232"], id="TL4 pgjdbc"),
    pytest.param(with_params(("sslmode", "disable")), ["RP233"], id="1.1 TL8 disable"),
    pytest.param(
        with_params(("sslmode", "prefer"), route="direct"), ["RP233"], id="1.1 prefer, direct"
    ),
    pytest.param(
        with_params(("sslnegotiation", "direct"), pooler=pooler(pgbouncer=(1, 24, 1))),
        ["RP234"],
        id="TL5 before 1.25",
    ),
    pytest.param(with_params(("sslcert", "/c.crt"), ("sslkey", "/c.key")), ["RP235"], id="TL7"),
    pytest.param(with_params(("min_protocol_version", "3.2")), ["RP236"], id="TL6 min"),
    pytest.param(
        with_params(("max_protocol_version", "latest"), pooler=pooler(pgbouncer=(1, 24, 1))),
        ["RP236"],
        id="TL6 max before 1.25",
    ),
]

FINE = [
    pytest.param(with_params(), id="nothing asked"),
    pytest.param(with_params(FULL, cluster=cluster(alt_names=NAMES)), id="TL1 the names are there"),
    pytest.param(with_params(FULL, pooler=pooler(client_tls_secret=True)), id="TL1 own cert"),
    pytest.param(with_params(FULL, route="direct"), id="TL1 direct"),
    pytest.param(with_params(("sslmode", "verify-ca"), CA), id="TL10 verify-ca in libpq"),
    pytest.param(
        with_params(
            ("sslmode", "require"), CA, ("uselibpqcompat", "true"), drivers=("node-postgres",)
        ),
        id="TL2 uselibpqcompat",
    ),
    pytest.param(with_params(("channel_binding", "prefer")), id="TL4 prefer"),
    pytest.param(with_params(("channel_binding", "require"), route="direct"), id="TL4 direct"),
    pytest.param(with_params(("sslmode", "require")), id="1.1 require"),
    pytest.param(with_params(("sslnegotiation", "direct")), id="TL5 with 1.25.1"),
    pytest.param(
        with_params(
            ("sslnegotiation", "direct"),
            ("max_protocol_version", "latest"),
            pooler=pooler(pgbouncer=(1, 25)),
        ),
        id="TL5 TL6 with 1.25",
    ),
    pytest.param(with_params(("sslcert", "/c"), ("sslcertmode", "disable")), id="TL7 never sent"),
    pytest.param(with_params(("max_protocol_version", "latest")), id="TL6 max with 1.25"),
    pytest.param(with_params(("target_session_attrs", "read-write")), id="TL10 session attributes"),
]


@pytest.mark.parametrize(("facts", "expected"), FOUND)
def test_finds(facts: EnvironmentFacts, expected: list[str]) -> None:
    assert codes(check(facts)) == expected


@pytest.mark.parametrize("facts", FINE)
def test_leaves_alone(facts: EnvironmentFacts) -> None:
    assert codes(check(facts)) == []


@pytest.mark.parametrize(
    ("bouncer", "server", "domain", "expected"),
    [
        pytest.param(pooler(), cluster(), "cluster.local", NAMES, id="TL1 X15 all four"),
        pytest.param(
            pooler(),
            cluster(alt_names=(NAMES[0], "other")),
            "cluster.local",
            NAMES[1:],
            id="TL1 what is there stays",
        ),
        pytest.param(
            pooler(),
            cluster(),
            "corp.example",
            (*NAMES[:3], "pg-pooler-rw.shop.svc.corp.example"),
            id="TL1 another domain",
        ),
        pytest.param(
            pooler(client_tls_secret=True), cluster(), "cluster.local", (), id="TL1 own client cert"
        ),
        pytest.param(
            pooler(),
            cluster(own_server_certificate=True),
            "cluster.local",
            (),
            id="TL1 not allowed with an own server certificate",
        ),
    ],
)
def test_missing_alt_names(
    bouncer: PoolerFacts, server: ClusterFacts, domain: str, expected: tuple[str, ...]
) -> None:
    assert missing_alt_names(bouncer, server, domain) == expected


NODE = ("node-postgres",)


@pytest.mark.parametrize("params", [(), (("sslmode", "disable"),)], ids=["no sslmode", "disable"])
def test_node_postgres_without_a_ca_stays_in_clear_text_and_is_told_so(
    params: tuple[tuple[str, str], ...],
) -> None:
    """TL2: `require` would make it verify, and the Cluster's CA is private (CN10)."""
    [found] = check(with_params(*params, drivers=NODE))

    assert found.code == "RP233" and "stays in clear text" in found.message
    assert "no-verify" in (found.hint or "")


@pytest.mark.parametrize(
    ("params", "given", "drivers", "may"),
    [
        pytest.param((), {}, NODE, False, id="no CA"),
        pytest.param((), {}, ("pgx", *NODE), False, id="one of two"),
        pytest.param((CA,), {}, NODE, True, id="a CA"),
        pytest.param((), {"extra_ca": True}, NODE, True, id="NODE_EXTRA_CA_CERTS"),
        pytest.param((("uselibpqcompat", "true"),), {}, NODE, True, id="uselibpqcompat"),
        pytest.param((), {}, ("pgx", "lib/pq", "libpq", "asyncpg"), True, id="others"),
        pytest.param((), {}, (), True, id="nobody knows"),
    ],
)
def test_whose_sslmode_may_be_raised(
    params: tuple[tuple[str, str], ...],
    given: dict[str, bool],
    drivers: tuple[str, ...],
    may: bool,
) -> None:
    assert may_raise(connection(*params, **given), drivers) is may


def test_what_the_plan_does_not_raise_is_said_to_be_raised_by_hand() -> None:
    [found] = check(with_params(("SSL Mode", "Prefer"), drivers=("npgsql",)))

    assert found.code == "RP233"
    assert (found.hint or "").startswith("write `SSL Mode=Require` by hand")


@pytest.mark.parametrize(
    ("params", "given", "drivers", "told"),
    [
        pytest.param((), {"scheme": "ecto"}, (), True, id="a URL of Ecto's"),
        pytest.param((), {"scheme": "postgres"}, ("postgrex",), True, id="Postgrex, any URL"),
        pytest.param((("sslmode", "require"),), {"scheme": "ecto"}, (), True, id="unread"),
        pytest.param((("ssl", "true"),), {"scheme": "ecto"}, (), False, id="ssl=true"),
        pytest.param((), {"scheme": "postgres"}, ("pgx",), False, id="another driver"),
        pytest.param((), {"scheme": "postgres"}, (), False, id="nobody knows"),
    ],
)
def test_ecto_reads_no_sslmode_and_is_told_what_it_reads(
    params: tuple[tuple[str, str], ...],
    given: dict[str, str],
    drivers: tuple[str, ...],
    told: bool,
) -> None:
    """TL11: an sslmode would be an edit that changes nothing."""
    one = connection(*params, **given)
    web = consumer("web", one, hazards=tuple(driver(name) for name in drivers))

    found = check(environment(web))

    assert [finding.code for finding in found] == ["RP233"] * told
    assert all("Ecto reads no sslmode" in finding.message for finding in found)
    assert all("ssl: [cacertfile" in (finding.hint or "") for finding in found)
    assert may_raise(one, drivers) is (given["scheme"] != "ecto" and "postgrex" not in drivers)
