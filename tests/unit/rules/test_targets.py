"""RP20x: names that resolve, and names that do not."""

from __future__ import annotations

import pytest

from repoint.rules.facts import EnvironmentFacts
from repoint.rules.targets import check, resolves
from tests.unit.rules.build import cluster, codes, consumer, environment, pooler

DIRECT = consumer("migrate", route="direct")

FOUND = [
    pytest.param(
        environment(pooled_host="pg-pooler.shop.svc.cluster.local"),
        ["RP201"],
        id="X17 the plan names another pooler",
    ),
    pytest.param(
        environment(pooler=None),
        ["RP201"],
        id="X17 no Pooler at all",
    ),
    pytest.param(
        environment(DIRECT, direct_host="old-rw.shop.svc"),
        ["RP201"],
        id="X17 another cluster",
    ),
    pytest.param(
        environment(pooler=pooler(namespace="data")),
        ["RP201", "RP203"],
        id="X3 the namespace is rewritten, the host is not",
    ),
    pytest.param(
        environment(cluster=cluster(name="staging-pg")),
        ["RP202"],
        id="X3 the prefix reaches the Cluster and not spec.cluster.name",
    ),
    pytest.param(environment(cluster=None), ["RP202"], id="X3 no Cluster at all"),
    pytest.param(
        environment(pooler=pooler(name="pg-rw"), pooled_host="pg-rw.shop"),
        ["RP204"],
        id="cnpg 4964 the Pooler bears the read-write Service's name",
    ),
    pytest.param(
        environment(pooler=pooler(name="pg-r"), pooled_host="pg-r.shop"),
        ["RP204"],
        id="cnpg 4964 the same with -r",
    ),
    pytest.param(environment(pooler=pooler(type="ro")), ["RP205"], id="a pooler of type ro"),
    pytest.param(
        environment(
            consumer("web", namespace="cart"),
            consumer("api", namespace="cart"),
            clusters=(cluster(), cluster(namespace="cart")),
        ),
        ["RP210"],
        id="X3 every namespace has a Cluster of its own",
    ),
]

FINE = [
    pytest.param(environment(), id="X17 the rendered names"),
    pytest.param(
        environment(clusters=(cluster(), cluster(namespace="cart"))),
        id="nobody stands beside the other Cluster",
    ),
    pytest.param(
        environment(
            consumer("web", namespace="cart"),
            clusters=(cluster(), cluster(name="old", namespace="cart")),
        ),
        id="a Cluster of another name",
    ),
    pytest.param(environment(consumer(), DIRECT), id="C1 C3 both routes"),
    pytest.param(environment(pooled_host="pg-pooler-rw"), id="a bare name in the namespace"),
    pytest.param(environment(pooled_host="PG-Pooler-RW.shop.svc"), id="names have no case"),
    pytest.param(
        environment(pooled_host="legacy.shop.svc", services=(("legacy", "shop"),)),
        id="an existing Service",
    ),
    pytest.param(environment(DIRECT, pooler=None), id="nobody is pooled, so no Pooler is needed"),
    pytest.param(
        environment(pooler=pooler(name="pg-rw-pool"), pooled_host="pg-rw-pool"),
        id="a name that only starts like a Service's",
    ),
    pytest.param(
        environment(poolers=(pooler(), pooler(name="pg-pooler-ro", type="ro"))),
        id="another Pooler of type ro beside it",
    ),
    pytest.param(environment(pooler=pooler(type="rw")), id="a pooler of type rw"),
]


@pytest.mark.parametrize(("facts", "expected"), FOUND)
def test_finds(facts: EnvironmentFacts, expected: list[str]) -> None:
    assert codes(check(facts)) == expected


@pytest.mark.parametrize("facts", FINE)
def test_leaves_alone(facts: EnvironmentFacts) -> None:
    assert codes(check(facts)) == []


def test_X17_the_hint_names_what_is_there_and_the_nearest() -> None:
    (finding,) = check(environment(pooled_host="pg-poler-rw.shop.svc.cluster.local"))
    assert "did you mean `pg-pooler-rw.shop`?" in finding.hint
    assert "`pg-rw.shop`" in finding.hint


def test_X17_a_service_of_the_cluster_is_not_offered_for_a_pooler() -> None:
    (finding,) = check(environment(pooler=None, pooled_host="pg-pw.shop.svc.cluster.local"))
    assert "did you mean" not in finding.hint
    assert "renders `pg-rw.shop`, and no Pooler: `repoint scaffold --env" in finding.hint


@pytest.mark.parametrize("host", ["10.0.0.1", "${HOST}", "db.example.com", ""])
def test_what_is_no_service_name_does_not_resolve(host: str) -> None:
    assert not resolves(environment(), host)
