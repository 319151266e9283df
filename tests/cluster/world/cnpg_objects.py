"""The objects that CloudNativePG's operator makes of a Cluster and a Pooler.

Source: CloudNativePG 1.28.0, pkg/specs/services.go, pods.go, pgbouncer/deployments.go and
pgbouncer/services.go, pkg/utils/labels_annotations.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repoint.rehearsal.lab import BouncerSpec

CLUSTER = "cnpg.io/cluster"
POOLER = "cnpg.io/poolerName"
POD_ROLE = "cnpg.io/podRole"
INSTANCE_ROLE = "cnpg.io/instanceRole"
HEALTHY = "Cluster in healthy state"
SETTING_UP = "Setting up primary"
PGBOUNCER = "ghcr.io/cloudnative-pg/pgbouncer:1.25.1"
_POSTGRES = "ghcr.io/cloudnative-pg/postgresql:18.1"
_API = "postgresql.cnpg.io/v1"


def services(cluster: Any) -> list[dict[str, Any]]:
    """The Services `-rw`, `-ro` and `-r` of a Cluster."""
    name = cluster["metadata"]["name"]
    selectors = {
        "rw": {CLUSTER: name, INSTANCE_ROLE: "primary"},
        "ro": {CLUSTER: name, INSTANCE_ROLE: "replica"},
        "r": {CLUSTER: name, POD_ROLE: "instance"},
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": _meta(cluster, f"{name}-{end}", _app(name, "database")),
            "spec": {
                "type": "ClusterIP",
                "selector": selector,
                "ports": [{"name": "postgres", "port": 5432, "targetPort": 5432}],
            },
        }
        for end, selector in selectors.items()
    ]


def instance_pods(cluster: Any) -> list[dict[str, Any]]:
    """One pod for each instance; the first is the primary."""
    name, spec = cluster["metadata"]["name"], cluster["spec"]
    found = []
    for number in range(1, spec.get("instances", 1) + 1):
        role = "primary" if number == 1 else "replica"
        pod = f"{name}-{number}"
        labels = {
            **_app(name, "database"),
            "cnpg.io/instanceName": pod,
            POD_ROLE: "instance",
            INSTANCE_ROLE: role,
            "role": role,
        }
        container = {
            "name": "postgres",
            "image": spec.get("imageName", _POSTGRES),
            "command": ["/controller/manager", "instance", "run"],
            "ports": [
                {"name": "postgresql", "containerPort": 5432},
                {"name": "metrics", "containerPort": 9187},
                {"name": "status", "containerPort": 8000},
            ],
        }
        found.append(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": _meta(cluster, pod, labels),
                "spec": {"nodeName": "node-a", "containers": [container]},
            }
        )
    return found


def cluster_status(cluster: Any, phase: str, when: str) -> dict[str, Any]:
    """What the operator writes into a Cluster's status."""
    name, wanted = cluster["metadata"]["name"], cluster["spec"].get("instances", 1)
    ready = phase == HEALTHY
    names = [f"{name}-{number}" for number in range(1, wanted + 1)]
    condition = {
        "type": "Ready",
        "status": "True" if ready else "False",
        "reason": "ClusterIsReady" if ready else "ClusterIsNotReady",
        "message": "Cluster is Ready" if ready else "Cluster Is Not Ready",
        "lastTransitionTime": when,
    }
    return {
        "phase": phase,
        "conditions": [condition],
        "instances": wanted,
        "readyInstances": wanted if ready else 0,
        "instanceNames": names,
        "currentPrimary": names[0] if ready else "",
        "targetPrimary": names[0],
        "latestGeneratedNode": wanted,
        "writeService": f"{name}-rw",
        "readService": f"{name}-r",
        "image": cluster["spec"].get("imageName", _POSTGRES),
        "timelineID": 1,
    }


def secret(cluster: Any, name: str, files: Mapping[str, str], kind: str = "Opaque") -> Any:
    """A Secret that the operator keeps for a Cluster."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": _meta(cluster, name, {CLUSTER: cluster["metadata"]["name"]}),
        "type": kind,
        "stringData": dict(files),
    }


def claim(cluster: Any, pod: str) -> dict[str, Any]:
    """The volume of an instance."""
    storage = cluster["spec"].get("storage", {})
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": storage.get("size", "1Gi")}},
    }
    if "storageClass" in storage:
        spec["storageClassName"] = storage["storageClass"]
    labels = {CLUSTER: cluster["metadata"]["name"], "cnpg.io/pvcRole": "PG_DATA"}
    metadata = _meta(cluster, pod, labels)
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata,
        "spec": spec,
    }


def pooler_objects(pooler: Any) -> list[dict[str, Any]]:
    """A Pooler's Service and Deployment, both named as it is."""
    name, spec = pooler["metadata"]["name"], pooler["spec"]
    labels = {**_app(spec["cluster"]["name"], "pooler"), POOLER: name, POD_ROLE: "pooler"}
    image = _template_image(spec) or PGBOUNCER
    container = {
        "name": "pgbouncer",
        "image": image,
        "ports": [
            {"name": "pgbouncer", "containerPort": 5432},
            {"name": "metrics", "containerPort": 9127},
        ],
        "readinessProbe": {"tcpSocket": {"port": 5432}, "timeoutSeconds": 5, "periodSeconds": 1},
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": _meta(pooler, name, labels),
            "spec": {
                "type": "ClusterIP",
                "selector": {POOLER: name},
                "ports": [{"name": "pgbouncer", "port": 5432, "targetPort": "pgbouncer"}],
            },
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": _meta(pooler, name, labels),
            "spec": {
                "replicas": spec.get("instances", 1),
                "selector": {"matchLabels": {POOLER: name}},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        },
    ]


def bouncer_spec(pooler: Any) -> BouncerSpec:
    """A Pooler as its pods' configuration is made from it."""
    metadata, spec = pooler["metadata"], pooler["spec"]
    bouncer = spec.get("pgbouncer", {})
    end = f"{metadata['namespace']}.svc.cluster.local"
    return BouncerSpec(
        name=metadata["name"],
        host=f"{metadata['name']}.{end}",
        cluster_host=f"{spec['cluster']['name']}-{spec.get('type', 'rw')}.{end}",
        mode=bouncer.get("poolMode", "session"),
        parameters=tuple((bouncer.get("parameters") or {}).items()),
        pg_hba=tuple(bouncer.get("pg_hba") or ()),
    )


def _template_image(spec: Any) -> str:
    containers = spec.get("template", {}).get("spec", {}).get("containers", [])
    return str(next((one.get("image", "") for one in containers if one["name"] == "pgbouncer"), ""))


def _app(cluster: str, component: str) -> dict[str, str]:
    return {
        CLUSTER: cluster,
        "app.kubernetes.io/name": "postgresql",
        "app.kubernetes.io/instance": cluster,
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/managed-by": "cloudnative-pg",
    }


def _meta(of: Any, name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    owner = {
        "apiVersion": _API,
        "kind": of["kind"],
        "name": of["metadata"]["name"],
        "uid": of["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {
        "name": name,
        "namespace": of["metadata"]["namespace"],
        "labels": dict(labels),
        "ownerReferences": [owner],
    }
