"""RP281 to RP287: what bites at a failover, a rotation, an audit, and what does not."""

from __future__ import annotations

import pytest

from repoint.rules.facts import EnvironmentFacts, HazardKind
from repoint.rules.operations import check
from tests.unit.rules.build import cluster, codes, connection, consumer, environment, hazard, pooler

READY = (
    ("server_login_retry", "1"),
    ("idle_transaction_timeout", "60"),
    ("client_tls_sslmode", "require"),
)


def ready(**given: object) -> EnvironmentFacts:
    """An environment whose Pooler has everything that these rules ask for."""
    return environment(
        pooler=pooler(instances=2, pgbouncer=(1, 25, 2), parameters=READY, **given),
    )


def with_pooler(*missing: str, **given: object) -> EnvironmentFacts:
    """The same, with parameters left out or fields changed."""
    kept = tuple(pair for pair in READY if pair[0] not in missing)
    spec = {"instances": 2, "pgbouncer": (1, 25, 2), "parameters": kept, **given}
    return environment(pooler=pooler(**spec))


def with_cluster(*missing: str, **given: object) -> EnvironmentFacts:
    """The same with another Cluster."""
    kept = tuple(pair for pair in READY if pair[0] not in missing)
    ours = pooler(instances=2, pgbouncer=(1, 25, 2), parameters=kept)
    return environment(pooler=ours, cluster=cluster(**given))


def with_consumer(**given: object) -> EnvironmentFacts:
    """The same with another consumer."""
    ours = pooler(instances=2, pgbouncer=(1, 25, 2), parameters=READY)
    return environment(consumer("web", **given), pooler=ours)


HOSTSSL = ("hostssl all all all scram-sha-256",)
PHYSICAL = connection(("replication", "true"))
LOGICAL = connection(("replication", "database"))

FOUND = [
    pytest.param(with_pooler("server_login_retry"), ["RP281"], id="OP3 OP5 server_login_retry"),
    pytest.param(with_pooler("idle_transaction_timeout"), ["RP281"], id="CA3"),
    pytest.param(with_pooler(instances=1), ["RP281"], id="OP10 one instance"),
    pytest.param(with_pooler(pgbouncer=(1, 26, 1)), ["RP282"], id="OP12 metrics"),
    pytest.param(with_pooler(pgbouncer=(1, 25, 1)), ["RP283"], id="OP13 the default image"),
    pytest.param(with_consumer(connections=(PHYSICAL,)), ["RP284"], id="OP11 physical"),
    pytest.param(with_cluster(expiring=("shop",)), ["RP285"], id="OP8 validUntil"),
    pytest.param(
        with_consumer(hazards=(hazard(HazardKind.ACCESS_END),)), ["RP285"], id="OP8 in SQL"
    ),
    pytest.param(with_consumer(hazards=(hazard(HazardKind.LOGIN_TEXT),)), ["RP286"], id="OP6"),
    pytest.param(with_cluster("client_tls_sslmode", hba=HOSTSSL), ["RP287"], id="TL8 hostssl"),
    pytest.param(
        with_cluster("client_tls_sslmode", hba=("hostnossl all all all reject",)),
        ["RP287"],
        id="TL8 hostnossl",
    ),
]

FINE = [
    pytest.param(ready(), id="a Pooler that has all of it"),
    pytest.param(with_consumer(connections=(LOGICAL,)), id="OP11 logical works"),
    pytest.param(with_consumer(connections=(PHYSICAL,), route="direct"), id="OP11 direct"),
    pytest.param(
        with_consumer(hazards=(hazard(HazardKind.LOGIN_TEXT, linked=False),)),
        id="OP6 in code that nothing links to it",
    ),
    pytest.param(with_cluster(hba=HOSTSSL), id="TL8 the Pooler asks for TLS"),
    pytest.param(
        with_cluster("client_tls_sslmode", hba=("host all all all md5",)), id="TL8 no rule on TLS"
    ),
    pytest.param(environment(pooler=None), id="no Pooler"),
]


@pytest.mark.parametrize(("facts", "expected"), FOUND)
def test_finds(facts: EnvironmentFacts, expected: list[str]) -> None:
    assert codes(check(facts)) == expected


@pytest.mark.parametrize("facts", FINE)
def test_leaves_alone(facts: EnvironmentFacts) -> None:
    assert codes(check(facts)) == []


def test_the_defaults_are_told_in_one_note() -> None:
    (note,) = check(environment(pooler=pooler(pgbouncer=(1, 25, 2))))
    assert all(word in note.message for word in ("server_login_retry", "idle_tr", "one instance"))
