"""Short builders of facts: one environment that is fine, and ways to spoil it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from repoint.model.plan import Finding, Severity
from repoint.model.source import Location
from repoint.rules.facts import (
    ClusterFacts,
    Connection,
    ConsumerFacts,
    EnvironmentFacts,
    Hazard,
    HazardKind,
    PoolerFacts,
)

HERE = Location("deploy/secret.yaml", 7, 3, "/0/stringData/DATABASE_URL")


def connection(*params: tuple[str, str], **given: Any) -> Connection:
    """A URL of role `shop` on database `shopdb`, with these parameters."""
    schema = dict(params).get("search_path", dict(params).get("currentSchema", ""))
    base = Connection(
        site="deploy/secret.yaml:7:3:DATABASE_URL",
        location=HERE,
        style="url",
        host="pg-pooler-rw.shop.svc.cluster.local",
        user="shop",
        database="shopdb",
        schema=schema,
        params=params,
        sealed=False,
        key="DATABASE_URL",
    )
    return replace(base, **given)


def consumer(name: str = "web", *connections: Connection, **given: Any) -> ConsumerFacts:
    """A pooled Deployment with two replicas."""
    base = ConsumerFacts(
        id=f"Deployment/shop/{name}",
        kind="Deployment",
        namespace="shop",
        name=name,
        purpose="runtime",
        route="pooled",
        replicas=2,
        pool_size=4,
        labels=(("app", name),),
        connections=connections or (connection(),),
    )
    return replace(base, **given)


def pooler(**given: Any) -> PoolerFacts:
    """A session Pooler as CNPG's defaults make it; parameters as keywords of `parameters`."""
    base = PoolerFacts(
        name="pg-pooler-rw",
        namespace="shop",
        cluster="pg",
        mode="session",
        instances=1,
        parameters=(),
        pgbouncer=(1, 25, 1),
        client_tls_secret=False,
    )
    return replace(base, **given)


def cluster(**given: Any) -> ClusterFacts:
    """A Cluster of PostgreSQL 18."""
    base = ClusterFacts(
        name="pg",
        namespace="shop",
        postgres=18,
        instances=1,
        max_connections=100,
        alt_names=(),
        own_server_certificate=False,
    )
    return replace(base, **given)


def environment(*consumers: ConsumerFacts, **given: Any) -> EnvironmentFacts:
    """An environment that no rule complains about, with these consumers."""
    base = EnvironmentFacts(
        name="local",
        namespace="shop",
        pooled_host="pg-pooler-rw.shop.svc.cluster.local",
        direct_host="pg-rw.shop.svc.cluster.local",
        pooler=pooler(),
        cluster=cluster(),
        consumers=consumers or (consumer(),),
        policies=(),
        namespace_labels=(),
    )
    return replace(base, **given)


def hazard(kind: HazardKind, subject: str = "", **given: Any) -> Hazard:
    """Evidence in the component of the root."""
    base = Hazard(kind, "db.py", 4, "it does that", "", subject)
    return replace(base, **given)


def driver(name: str) -> Hazard:
    """Evidence of a driver."""
    return hazard(HazardKind.DRIVER, name)


def codes(findings: tuple[Finding, ...], at_least: Severity = Severity.NOTE) -> list[str]:
    """Codes of findings of a severity or worse, sorted."""
    order = [Severity.NOTE, Severity.WARNING, Severity.ERROR]
    return sorted(f.code for f in findings if order.index(f.severity) >= order.index(at_least))
