"""A stage without a repository: consumers before a Pooler, to ask single checks with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import Any

from repoint.flows.rehearsing.casting import Scene
from repoint.flows.rehearsing.passwords import Passwords
from repoint.flows.rehearsing.stage import Stage
from repoint.kube.resource import Resource
from repoint.rehearsal.cast import Client
from repoint.rehearsal.setup import schemas
from repoint.rehearsal.spec import Ground
from repoint.rules.facts import ClusterFacts, ConsumerFacts, Hazard, HazardKind, PoolerFacts
from repoint.wire.login import Statements, Tls
from tests.servers.fix_lab import CLUSTER, PASSWORD, Pool

NARROW = {"default_pool_size": "1", "query_wait_timeout": "1"}
CLUSTER_FACTS = ClusterFacts("pg", "shop", 18, 1, 100, (), own_server_certificate=False)
_NUMBERS = count(1)


class Kept(Passwords):
    """The one password that every role of the tests has."""

    def settle(self, roles: Any) -> None:
        """Make no other."""
        self._made = dict.fromkeys(roles, PASSWORD)


def seen(kind: HazardKind, subject: str = "", *, linked: bool = True) -> Hazard:
    """Evidence at `app.py:7`."""
    return Hazard(kind, "app.py", 7, "", "", subject, linked)


def client(
    pool: Pool,
    *hazards: Hazard,
    mode: str = "transaction",
    purpose: str = "runtime",
    startup: Mapping[str, str] | None = None,
    tls: Tls = Tls(),  # noqa: B008
    statements: Statements = Statements.ONE_TRIP,
    pool_size: int = 0,
    replicas: int = 1,
    **given: Any,
) -> Client:
    """A consumer of `pool`; `mode` is empty for one that goes direct."""
    name = f"web-{next(_NUMBERS)}"
    route = "pooled" if mode else "direct"
    facts = ConsumerFacts(
        *(f"Deployment/shop/{name}/{name}", "Deployment", "shop", name, purpose, route),
        *(replicas, pool_size, (), (), hazards),
    )
    login = pool.login(startup=startup, tls=tls, statements=statements)
    base = Client(
        id=facts.id,
        environment="local",
        purpose=purpose,
        server=pool.host,
        pooler=pool.host.partition(".")[0] if mode else "",
        pool_mode=mode,
        facts=facts,
        login=login,
        key="DATABASE_URL",
    )
    return replace(base, **given)


def pooler_facts(one: Client, **parameters: str) -> PoolerFacts:
    """The Pooler that a client asks, as the rules see it."""
    return PoolerFacts(
        *(one.pooler, "shop", "pg", one.pool_mode, 1, tuple(parameters.items())),
        *((1, 24, 1), False),
    )


def staged(
    pool: Pool,
    *clients: Client,
    narrow: Mapping[str, str] | None = None,
    parameters: Mapping[str, str] | None = None,
    pgbouncer: str = "",
    **scene: Any,
) -> Stage:
    """The stage of clients of `pool`, which have their schemas and the marker tables.

    `parameters` are the Pooler's; `narrow` are more of the Pooler with one connection.
    """
    first = clients[0]
    given = dict(parameters or {})
    facts = tuple(
        (pooler_facts(first, **given), Resource({}, "")) for _ in range(bool(first.pooler))
    )
    ground = Ground("local", CLUSTER_FACTS, None, facts, "cluster.local")
    hosts = {}
    if first.pooler:
        beside = pool.ground.pooler(
            mode=first.pool_mode,
            parameters={**given, **NARROW, **(narrow or {})},
            pgbouncer=pgbouncer,
        )
        hosts[first.pooler] = beside.host
    passwords = Kept()
    passwords.settle([one.login.user for one in clients if one.login is not None])
    for statement in schemas(clients, ()):
        pool.ground.sql(statement.sql)
    made = Scene(
        **{
            "ground": ground,
            "clients": clients,
            "letters": {},
            "original": {},
            "statements": (),
            "passwords": passwords,
            **scene,
        }
    )
    assert ground.cluster.name == CLUSTER.partition("-rw")[0]
    return Stage(pool.ground.lab, made, hosts)
