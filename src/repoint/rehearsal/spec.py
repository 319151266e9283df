"""The servers of one environment, from its rendered Cluster and Poolers and from who asks them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from repoint.dsn.hosts import fqdn
from repoint.kube.effective import child, pairs, text, texts
from repoint.kube.resource import Resource
from repoint.model.sensitive import Sensitive
from repoint.rehearsal.cast import Client
from repoint.rehearsal.ini import AUTH_QUERY
from repoint.rehearsal.lab import (
    BouncerSpec,
    DatabaseSpec,
    LabSpec,
    OwnLogin,
    PostgresSpec,
    RoleSpec,
)
from repoint.rehearsal.setup import initdb, managed_roles
from repoint.rules.facts import ClusterFacts, PoolerFacts

NARROW = "-narrow"
"""Ends the name of a second PgBouncer with one server connection per role and database."""


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What an environment renders: its Cluster and the Poolers that clients ask.

    `poolers` are `(facts, object)`; `domain` is the cluster's DNS domain.
    """

    environment: str
    cluster: ClusterFacts
    object: Resource | None
    poolers: tuple[tuple[PoolerFacts, Resource], ...]
    domain: str


def lab_spec(
    ground: Ground, clients: Iterable[Client], passwords: Mapping[str, Sensitive]
) -> LabSpec:
    """The servers that `clients` need; `passwords` are by role."""
    everybody = tuple(clients)
    postgres = PostgresSpec(
        major=ground.cluster.postgres,
        host=fqdn(f"{ground.cluster.name}-rw", ground.cluster.namespace, ground.domain),
        names=certificate_names(ground.cluster, ground.domain),
        roles=_roles(ground, everybody, passwords),
        databases=tuple(DatabaseSpec(n, role) for n, role in owners(ground, everybody).items()),
        parameters=pairs(ground.object.body, "spec", "postgresql", "parameters")
        if ground.object is not None
        else (),
    )
    bouncers = tuple(_bouncer(ground, facts, resource) for facts, resource in ground.poolers)
    return LabSpec(ground.environment, postgres, bouncers)


def narrow(bouncer: BouncerSpec, domain_less_host: str, wait_s: int = 1) -> BouncerSpec:
    """The same Pooler with one server connection per role and database, beside it.

    With more of them two clients may never meet on one; `wait_s` is how long the second one
    is let wait for it.
    """
    return replace(
        bouncer,
        name=bouncer.name + NARROW,
        host=domain_less_host,
        certificate_host=bouncer.host,
        overrides=(
            *bouncer.overrides,
            ("default_pool_size", "1"),
            ("min_pool_size", "0"),
            ("reserve_pool_size", "0"),
            ("query_wait_timeout", str(wait_s)),
        ),
    )


def beside_host(bouncer: BouncerSpec, ending: str) -> str:
    """The name of a PgBouncer that runs beside `bouncer` for an experiment."""
    service, dot, rest = bouncer.host.partition(".")
    return f"{service}{ending}{dot}{rest}"


def certificate_names(cluster: ClusterFacts, domain: str) -> tuple[str, ...]:
    """The names in the server's certificate, as CloudNativePG makes it (facts, section 0)."""
    found: list[str] = []
    for suffix in ("rw", "r", "ro"):
        service = f"{cluster.name}-{suffix}"
        place = f"{service}.{cluster.namespace}"
        found += [service, place, f"{place}.svc", f"{place}.svc.{domain}"]
    return tuple(dict.fromkeys((*found, *cluster.alt_names)))


def _roles(
    ground: Ground, clients: Iterable[Client], passwords: Mapping[str, Sensitive]
) -> tuple[RoleSpec, ...]:
    managed = {name: rest for name, *rest in managed_roles(ground.object)}
    _, owner = initdb(ground.object)
    users = [client.login.user for client in clients if client.login is not None]
    roles = []
    for name in dict.fromkeys(name for name in (owner, *managed, *users) if name):
        superuser, createdb, limit = managed.get(name, (False, False, -1))
        roles.append(
            RoleSpec(
                name,
                passwords[name],
                superuser=bool(superuser),
                createdb=bool(createdb),
                connection_limit=int(limit),
            )
        )
    return tuple(roles)


def role_names(ground: Ground, users: Iterable[str]) -> tuple[str, ...]:
    """Every role that the servers will have, so that each can be given a password."""
    _, owner = initdb(ground.object)
    managed = [name for name, *_ in managed_roles(ground.object)]
    return tuple(dict.fromkeys(name for name in (owner, *managed, *users) if name))


def owners(ground: Ground, clients: Iterable[Client]) -> dict[str, str]:
    """Who owns each database: of the Cluster's own its owner, of any other whoever migrates it.

    Where nobody migrates a database, it is the first who logs in to it.
    """
    first, owner = initdb(ground.object)
    found = {first: owner} if first else {}
    everybody = [client for client in clients if client.login is not None]
    for client in sorted(everybody, key=lambda one: not one.migrates):
        if client.login is not None and client.login.database != "postgres":
            found.setdefault(client.login.database, client.login.user)
    return found


def _bouncer(ground: Ground, facts: PoolerFacts, resource: Resource) -> BouncerSpec:
    return BouncerSpec(
        name=facts.name,
        host=fqdn(facts.name, facts.namespace, ground.domain),
        cluster_host=fqdn(
            f"{ground.cluster.name}-{facts.type}", ground.cluster.namespace, ground.domain
        ),
        mode=facts.mode,
        parameters=facts.parameters,
        pg_hba=texts(resource.body, "spec", "pgbouncer", "pg_hba"),
        version=facts.pgbouncer,
        client_tls_sslmode=dict(facts.parameters).get("client_tls_sslmode", "prefer"),
        own_certificate=bool(text(resource.body, "spec", "pgbouncer", "clientTLSSecret", "name")),
        login=_own_login(resource),
    )


def _own_login(pooler: Resource) -> OwnLogin | None:
    """With a certificate the operator looks at no password (its getSecrets)."""
    declared = child(pooler.body, "spec", "pgbouncer")
    query = text(declared, "authQuery") or AUTH_QUERY
    for field in ("serverTLSSecret", "authQuerySecret"):
        if secret := text(declared, field, "name"):
            return OwnLogin(query, secret, certificate=field == "serverTLSSecret")
    return None
