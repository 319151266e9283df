"""Which spellings are the source, and which only look like it."""

from __future__ import annotations

import pytest

from repoint.kube.effective import Origin, Value
from repoint.kube.resource import Resource
from repoint.planning.sources import SourceHosts

AT = Origin("x.yaml", "")


def service(name: str, namespace: str, original: str = "") -> Resource:
    def body(called: str, where: str) -> Resource:
        metadata = {"name": Value(called, AT), "namespace": Value(where, AT)}
        tree = {"apiVersion": Value("v1", AT), "kind": Value("Service", AT), "metadata": metadata}
        return Resource(dict(tree), "x.yaml")

    made = body(name, namespace)
    if original:
        made.previous.append(body(original, "shop").id)
    return made


SOURCES = SourceHosts(
    ["postgres.shop.svc.cluster.local", "db.example.com"],
    [service("postgres", "shop"), service("staging-postgres", "shop-staging", "postgres")],
    ["shop", "shop-staging", "shop-production"],
)


@pytest.mark.parametrize(
    ("host", "asking"),
    [
        ("postgres", "shop"),
        ("postgres", ""),
        ("postgres.shop", "other"),
        ("postgres.shop.svc", ""),
        ("POSTGRES.shop.svc.cluster.local.", ""),
        ("postgres.shop-production.svc.cluster.local", ""),
        ("staging-postgres.shop-staging.svc", ""),
        ("staging-postgres", "shop-staging"),
        ("DB.example.com", ""),
    ],
)
def test_spellings_of_the_source(host: str, asking: str) -> None:
    assert SOURCES.matches(host, asking)


@pytest.mark.parametrize(
    ("host", "asking"),
    [
        pytest.param("postgres", "billing", id="another team's namespace"),
        pytest.param("postgres.billing.svc", "shop", id="another team's server"),
        pytest.param("postgres-operator.shop.svc", "", id="a longer name"),
        pytest.param("mypostgres", "shop", id="a longer name in front"),
        pytest.param("dev-postgres.shop.svc", "", id="a prefix that nothing renders"),
        pytest.param("postgres.shop.svc.other.cluster", "", id="another cluster domain"),
        pytest.param("db.example.com.evil.org", "", id="another domain"),
        pytest.param("$(DB_HOST)", "shop", id="a variable"),
        pytest.param("10.0.0.7", "shop", id="an address"),
        pytest.param("", "shop", id="nothing"),
    ],
)
def test_what_only_looks_like_it(host: str, asking: str) -> None:
    assert not SOURCES.matches(host, asking)
