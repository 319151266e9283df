"""Plays CloudNativePG's operator: Clusters become healthy, Poolers get their Deployment.

It does no more than write what the real one would: status, and the Deployment of a Pooler. It
also gives each claim a volume, as a provisioner would.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.cluster.control_plane import ControlPlane
from tests.cluster.objects import pod_template

_CNPG = "/apis/postgresql.cnpg.io/v1/namespaces"
_MERGE = "application/merge-patch+json"
HEALTHY = "Cluster in healthy state"


@contextmanager
def operator(api: ControlPlane, *namespaces: str) -> Iterator[None]:
    """Play the operator in `namespaces` while the block runs."""
    ended = threading.Event()
    player = threading.Thread(target=_play, args=(api, namespaces, ended), daemon=True)
    player.start()
    try:
        yield
    finally:
        ended.set()
        player.join()


def _play(api: ControlPlane, namespaces: Sequence[str], ended: threading.Event) -> None:
    while not ended.wait(0.1):
        for namespace in namespaces:
            try:
                reconcile(api, namespace)
            except OSError:  # the API server is away
                break


def reconcile(api: ControlPlane, namespace: str) -> None:
    """One round in one namespace."""
    for cluster in _items(api, f"{_CNPG}/{namespace}/clusters"):
        wanted = {"phase": HEALTHY, "readyInstances": cluster["spec"]["instances"]}
        _status(api, f"{_CNPG}/{namespace}/clusters", cluster, wanted)
    for pooler in _items(api, f"{_CNPG}/{namespace}/poolers"):
        name, wanted_size = pooler["metadata"]["name"], pooler["spec"]["instances"]
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
        found, live = api.call("GET", f"{path}/{name}")
        if found == 404:
            api.call("POST", path, _deployment(pooler))
        elif live["spec"]["replicas"] != wanted_size:
            patch = {"spec": {"replicas": wanted_size}}
            api.call("PATCH", f"{path}/{name}", patch, content_type=_MERGE)
        _status(api, f"{_CNPG}/{namespace}/poolers", pooler, {"instances": wanted_size})

    for claim in _items(api, f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"):
        if not claim["spec"].get("volumeName"):
            api.call("POST", "/api/v1/persistentvolumes", _volume(claim))


def _items(api: ControlPlane, path: str) -> list[dict[str, Any]]:
    status, body = api.call("GET", path)
    return body["items"] if status == 200 else []


def _status(api: ControlPlane, path: str, one: dict[str, Any], wanted: dict[str, Any]) -> None:
    now = one.get("status") or {}
    if any(now.get(key) != value for key, value in wanted.items()):
        target = f"{path}/{one['metadata']['name']}/status"
        api.call("PATCH", target, {"status": wanted}, content_type=_MERGE)


def _deployment(pooler: dict[str, Any]) -> dict[str, Any]:
    name = pooler["metadata"]["name"]
    template = pod_template(name)
    labels = {"cnpg.io/poolerName": name}
    template["metadata"]["labels"] = labels
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": pooler["metadata"]["namespace"]},
        "spec": {
            "replicas": pooler["spec"]["instances"],
            "selector": {"matchLabels": labels},
            "template": template,
        },
    }


def _volume(claim: dict[str, Any]) -> dict[str, Any]:
    name, namespace = claim["metadata"]["name"], claim["metadata"]["namespace"]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"{namespace}-{name}"},
        "spec": {
            "accessModes": claim["spec"]["accessModes"],
            "capacity": claim["spec"]["resources"]["requests"],
            "claimRef": {"namespace": namespace, "name": name},
            "hostPath": {"path": "/nowhere"},
        },
    }
