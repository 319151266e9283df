"""From an environment's built objects to the plain facts that rules look at."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from repoint.dsn.hosts import fqdn
from repoint.kube import facts as kube
from repoint.kube.builds import EnvironmentBuild
from repoint.kube.effective import Effective, Value, child, items, pairs, text, texts
from repoint.kube.resource import Resource
from repoint.model.source import Location
from repoint.planning.config import Config
from repoint.planning.declared_objects import declared_cluster, declared_pooler
from repoint.planning.policy_facts import policy_facts
from repoint.planning.session_pooler import pool_mode, rendered_session, session_name
from repoint.rules.declared import Bootstrap, PreCheck
from repoint.rules.facts import (
    CNPG_DEFAULT_PGBOUNCER,
    ClusterFacts,
    ConsumerFacts,
    EnvironmentFacts,
    PoolerFacts,
    RoleDefault,
)

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Targets:
    """The Pooler and Cluster that an environment's consumers move to, and their hosts.

    `pooler` and `cluster` are the rendered objects, None when the render has none of the
    name that repoint.yaml gives (with the prefix that kustomize put before it). `session` is
    the rendered session Pooler beside one that pools transactions; `session_pooled` is its
    host, or that of the one that a plan would write, empty where neither can be.
    """

    namespace: str
    pooled: str
    direct: str
    pooler: Resource | None
    cluster: Resource | None
    session: Resource | None = None
    session_pooled: str = ""

    def rendered(self, name: str) -> Resource | None:
        """The rendered Pooler of a name, if it is one of the two."""
        both = (self.pooler, self.session)
        return next((one for one in both if one is not None and one.name == name), None)

    @property
    def pools(self) -> tuple[str, ...]:
        """The hosts of the Poolers that are there or named."""
        return (self.pooled, *((self.session_pooled,) if self.session is not None else ()))


def targets_of(config: Config, environment: EnvironmentBuild) -> Targets:
    """Resolve `target` of repoint.yaml in one environment's render (X3, X17)."""
    pooler = _named(environment.objects, "Pooler", config.target.pooler, environment.namespace)
    cluster = _named(environment.objects, "Cluster", config.target.cluster, environment.namespace)
    namespace = environment.namespace
    for found in (pooler, cluster):
        if found is not None and found.namespace:
            namespace = found.namespace
            break
    domain = config.target.domain
    pooled = pooler.name if pooler is not None else config.target.pooler
    session, beside = _session(config, environment, pooler, cluster)
    direct = cluster.name if cluster is not None else config.target.cluster
    return Targets(
        namespace=namespace,
        pooled=_host(pooled, namespace, domain),
        direct=_host(f"{direct}-rw", namespace, domain),
        pooler=pooler,
        cluster=cluster,
        session=session,
        session_pooled=_host(beside, namespace, domain) if beside else "",
    )


def _session(
    config: Config,
    environment: EnvironmentBuild,
    pooler: Resource | None,
    cluster: Resource | None,
) -> tuple[Resource | None, str]:
    """The session Pooler beside one that pools transactions, and its name or a new one's."""
    if pooler is None or pool_mode(pooler) != "transaction":
        return None, ""
    wanted = config.target.session_pooler
    found = rendered_session(environment.objects, pooler, cluster, wanted)
    if found is not None:
        return found, found.name
    clusters = [one for one in environment.objects if _cnpg(one, "Cluster")]
    return None, session_name(environment, pooler, clusters, wanted)


def _host(service: str, namespace: str, domain: str) -> str:
    """The full name, which resolves from everywhere; the bare one where no namespace is known."""
    return fqdn(service, namespace, domain) if namespace else service


def _named(objects: Iterable[Resource], kind: str, name: str, namespace: str) -> Resource | None:
    """The CNPG object of a name, as rendered or as its own file calls it."""
    found = [
        one
        for one in objects
        if one.kind == kind
        and one.group == "postgresql.cnpg.io"
        and name in (one.name, one.original.name)
    ]
    found.sort(key=lambda one: (one.namespace != namespace, one.name != name))
    return found[0] if found else None


def environment_facts(
    config: Config,
    environment: EnvironmentBuild,
    targets: Targets,
    consumers: tuple[ConsumerFacts, ...],
    role_defaults: tuple[RoleDefault, ...] = (),
    prechecks: tuple[PreCheck, ...] = (),
) -> EnvironmentFacts:
    """The rules' view of an environment."""
    objects = environment.objects
    cluster = cluster_facts(targets.cluster, config) if targets.cluster else None
    named = config.environments.get(environment.name)
    if cluster is not None and not (named is not None and named.new_cluster):
        # Nothing here tells whether the Cluster stands; on one that does, this SQL never runs.
        cluster = replace(cluster, bootstrap=None)
    return EnvironmentFacts(
        name=environment.name,
        namespace=targets.namespace,
        pooled_host=targets.pooled,
        direct_host=targets.direct,
        pooler=pooler_facts(targets.pooler, config) if targets.pooler else None,
        cluster=cluster,
        consumers=consumers,
        policies=tuple(policy_facts(one) for one in kube.network_policies(objects)),
        namespace_labels=tuple(
            (one.name, pairs(one.tree, "metadata", "labels")) for one in kube.namespaces(objects)
        ),
        poolers=tuple(pooler_facts(one, config) for one in objects if _cnpg(one, "Pooler")),
        clusters=tuple(cluster_facts(one, config) for one in objects if _cnpg(one, "Cluster")),
        services=tuple((one.name, one.namespace) for one in kube.services(objects)),
        role_defaults=role_defaults,
        domain=config.target.domain,
        prechecks=prechecks,
    )


def _cnpg(resource: Resource, kind: str) -> bool:
    return resource.kind == kind and resource.group == "postgresql.cnpg.io"


def pooler_facts(resource: Resource, config: Config) -> PoolerFacts:
    """A Pooler with CNPG's defaults where it says nothing."""
    bouncer = child(resource.body, "spec", "pgbouncer")
    return PoolerFacts(
        name=resource.name,
        namespace=resource.namespace,
        cluster=text(resource.body, "spec", "cluster", "name"),
        mode=text(bouncer, "poolMode") or "session",
        instances=_number(text(resource.body, "spec", "instances"), 1),
        parameters=pairs(bouncer, "parameters"),
        pgbouncer=_bouncer_version(resource, config),
        client_tls_secret=bool(text(bouncer, "clientTLSSecret", "name")),
        location=place_of(resource),
        type=text(resource.body, "spec", "type") or "rw",
        declared=declared_pooler(resource),
    )


def _bouncer_version(resource: Resource, config: Config) -> tuple[int, ...]:
    """The version in repoint.yaml, in the image of the pod template, or CNPG's default."""
    images = [text(resource.body, "spec", "pgbouncer", "image")]
    spec = child(resource.body, "spec", "template", "spec")
    images += [text(one, "image") for one in items(spec, "containers")]
    for written in (config.target.pgbouncer, *images):
        found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", written.rpartition("/")[2])
        if found:
            return tuple(int(part) for part in found.groups(default="0"))
    return CNPG_DEFAULT_PGBOUNCER


def cluster_facts(resource: Resource, config: Config) -> ClusterFacts:
    """A Cluster; the major version is its image's."""
    spec = child(resource.body, "spec")
    return ClusterFacts(
        name=resource.name,
        namespace=resource.namespace,
        postgres=config.target.postgres or _major(spec),
        instances=_number(text(spec, "instances"), 1),
        max_connections=_number(text(spec, "postgresql", "parameters", "max_connections"), 100),
        alt_names=texts(spec, "certificates", "serverAltDNSNames"),
        own_server_certificate=bool(text(spec, "certificates", "serverTLSSecret")),
        hba=texts(spec, "postgresql", "pg_hba"),
        expiring=tuple(
            text(role, "name")
            for role in items(spec, "managed", "roles")
            if text(role, "validUntil")
        ),
        location=place_of(resource),
        bootstrap=_bootstrap(child(spec, "bootstrap")),
        declared=declared_cluster(resource),
    )


def _bootstrap(tree: Effective | None) -> Bootstrap | None:
    """What `initdb` makes, with CNPG's defaults; None for a copy of another server (CN8)."""
    made = child(tree, "initdb")
    copied = any(child(tree, kind) is not None for kind in ("recovery", "pg_basebackup"))
    if copied or child(made, "import") is not None:
        return None
    database = text(made, "database") or "app"
    owner = text(made, "owner") or database
    return Bootstrap(database, owner, texts(made, "postInitApplicationSQL"))


def _major(spec: Effective | None) -> int:
    catalog = text(spec, "imageCatalogRef", "major")
    if catalog.isdigit():
        return int(catalog)
    found = re.search(r":(\d+)(?:[.\-@]|$)", text(spec, "imageName"))
    return int(found[1]) if found else 0


def _number(written: str, default: int) -> int:
    return int(written) if written.isdigit() else default


def place_of(resource: Resource) -> Location:
    """Where an object begins in its file."""
    kind = resource.body.get("kind")
    line = kind.scalar.line if isinstance(kind, Value) and kind.scalar is not None else 1
    return Location(resource.path, line, 1, "")
