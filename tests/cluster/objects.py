"""Kubernetes objects for tests, as small as the API takes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

KWOK = "kwok.x-k8s.io/v1alpha1"


def deployment(
    namespace: str,
    name: str = "web",
    *,
    replicas: int = 1,
    annotations: Mapping[str, str] | None = None,
    deadline_s: int = 600,
) -> dict[str, Any]:
    """A Deployment; `annotations` are those of its pods."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "progressDeadlineSeconds": deadline_s,
            "selector": {"matchLabels": {"app": name}},
            "template": pod_template(name, annotations),
        },
    }


def job(
    namespace: str, name: str = "migrate", *, annotations: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A Job that fails with its first pod."""
    template = pod_template(name, annotations)
    template["spec"]["restartPolicy"] = "Never"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"backoffLimit": 0, "template": template},
    }


def pod_template(name: str, annotations: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What a workload makes its pods from."""
    return {
        "metadata": {"labels": {"app": name}, "annotations": dict(annotations or {})},
        "spec": {"containers": [{"name": name, "image": "example.org/none:1"}]},
    }


def cluster(namespace: str, name: str = "pg", **spec: Any) -> dict[str, Any]:
    """A Cluster of CloudNativePG."""
    return {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Cluster",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"instances": 1, "storage": {"size": "1Gi"}, **spec},
    }


def pooler(namespace: str, name: str = "pooler", **pgbouncer: Any) -> dict[str, Any]:
    """A Pooler of the Cluster `pg`; `pgbouncer` is what stands in `spec.pgbouncer`."""
    return {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Pooler",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "cluster": {"name": "pg"},
            "instances": 1,
            "type": "rw",
            "pgbouncer": {"poolMode": "session", **pgbouncer},
        },
    }


def service(namespace: str, name: str = "web", *, port: int, target: int) -> dict[str, Any]:
    """A Service of the pods with the label `app: <name>`."""
    ports = [{"port": port, "targetPort": target}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"app": name}, "ports": ports},
    }


def forwards(namespace: str, ports: Mapping[int, int], name: str = "") -> dict[str, Any]:
    """Where `kubectl port-forward` of any pod in the namespace leads: pod's port, loopback's.

    To have pods differ there are `PortForward` objects, called as the pod is.
    """
    leads = [
        {"ports": [port], "target": {"port": here, "address": "127.0.0.1"}}
        for port, here in ports.items()
    ]
    return {
        "apiVersion": KWOK,
        "kind": "ClusterPortForward",
        "metadata": {"name": name or namespace},
        "spec": {"selector": {"matchNamespaces": [namespace]}, "forwards": leads},
    }


def logs_of(namespace: str, pod: str, container: str, file: Path) -> dict[str, Any]:
    """The file that `kubectl logs` of a pod's container shows.

    Its lines are as a container runtime writes them: `2026-01-02T03:04:05Z stdout F text`.
    """
    return {
        "apiVersion": KWOK,
        "kind": "Logs",
        "metadata": {"name": pod, "namespace": namespace},
        "spec": {"logs": [{"containers": [container], "logsFile": str(file)}]},
    }
