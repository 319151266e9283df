"""A Pooler and a Cluster as they are written, read from their built objects."""

from __future__ import annotations

from repoint.kube.effective import Effective, child, items, mapping, pairs, text
from repoint.kube.resource import Resource
from repoint.rules.declared import DeclaredCluster, DeclaredPooler

_SECRETS = (
    "authQuerySecret",
    "clientCASecret",
    "clientTLSSecret",
    "serverCASecret",
    "serverTLSSecret",
)
_CERTIFICATES = ("clientCASecret", "replicationTLSSecret", "serverCASecret", "serverTLSSecret")
_WAYS = ("initdb", "recovery", "pg_basebackup")


def declared_pooler(resource: Resource) -> DeclaredPooler:
    """What a Pooler's manifest says, without defaults."""
    spec = mapping(resource.body, "spec")
    bouncer = child(spec, "pgbouncer")
    pod = child(spec, "template", "spec")
    return DeclaredPooler(
        has_pgbouncer=bouncer is not None,
        pool_mode=text(bouncer, "poolMode"),
        type=text(spec, "type"),
        instances=text(spec, "instances"),
        paused=text(bouncer, "paused") == "true",
        auth_query=bool(text(bouncer, "authQuery")),
        secrets=tuple(name for name in _SECRETS if text(bouncer, name, "name")),
        databases=tuple(text(one, "name") for one in items(bouncer, "databases")),
        service_ports=tuple(
            text(one, "port") for one in items(spec, "serviceTemplate", "spec", "ports")
        ),
        pod_monitor=text(spec, "monitoring", "enablePodMonitor") == "true",
        bare_template=pod is not None and child(pod, "containers") is None,
    )


def declared_cluster(resource: Resource) -> DeclaredCluster:
    """What a Cluster's manifest says, without defaults."""
    spec = mapping(resource.body, "spec")
    roles = items(spec, "managed", "roles")
    limits = ((text(one, "name"), text(one, "connectionLimit")) for one in roles)
    return DeclaredCluster(
        parameters=pairs(spec, "postgresql", "parameters"),
        certificates=tuple(n for n in _CERTIFICATES if text(spec, "certificates", n)),
        bootstrap=tuple(way for way in _WAYS if _given(child(spec, "bootstrap"), way)),
        roles=tuple(text(one, "name") for one in roles),
        limits=tuple((name, int(limit)) for name, limit in limits if limit.isdigit()),
        server_ca=text(spec, "certificates", "serverCASecret"),
    )


def _given(tree: Effective | None, way: str) -> bool:
    return isinstance(tree, dict) and way in tree
