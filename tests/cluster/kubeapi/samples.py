"""Objects and kubeconfigs for the adapter's tests."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from repoint.model.cluster import Document, ObjectRef
from tests.cluster.control_plane import ControlPlane

CONTEXT = "test"
PASSWORD = "sup3r-s3cret"


def config_map(namespace: str, name: str = "settings", **data: str) -> dict[str, Any]:
    metadata = {"namespace": namespace, "name": name}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def ref(namespace: str, name: str = "settings", kind: str = "ConfigMap") -> ObjectRef:
    return ObjectRef("v1", kind, namespace, name)


def secret(namespace: str, **more: Any) -> dict[str, Any]:
    metadata = {"namespace": namespace, "name": "s"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **more}


ENCODED = base64.b64encode(PASSWORD.encode()).decode()


def deployment(namespace: str, **template: Any) -> dict[str, Any]:
    container = {"name": "c", "image": "x", "env": [{"name": "URL", "value": PASSWORD}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": namespace, "name": "d"},
        "spec": {
            "selector": {"matchLabels": {"app": "d"}},
            "template": {
                "metadata": {"labels": {"app": "d"}},
                "spec": {"containers": [{**container, **template}]},
            },
        },
    }


def definition(group: str, kind: str) -> Document:
    plural = f"{kind.lower()}s"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": kind},
            "versions": [version],
        },
    }


def bind(api: ControlPlane, namespace: str, account: str, *rules: dict[str, Any]) -> None:
    """Give a ServiceAccount of a namespace rights in it."""
    group = "rbac.authorization.k8s.io"
    role = {"apiVersion": f"{group}/v1", "kind": "Role", "rules": list(rules)}
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "given"},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
    }
    metadata = {"name": "given", "namespace": namespace}
    api.create({**role, "metadata": metadata}, {**binding, "metadata": metadata})


def changed_config(kubeconfig: Path, folder: Path, **user: Any) -> dict[str, Any]:
    config: dict[str, Any] = json.loads(kubeconfig.read_text())
    if user:
        config["users"][0]["user"] = user
    return config


def use(config: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "config").write_text(json.dumps(config))
    monkeypatch.setenv("KUBECONFIG", str(folder / "config"))


def children(parent: int, word: str) -> list[int]:
    """The processes of kubectl below a process, of those with `word` in their arguments."""
    listed = subprocess.run(
        ["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    rows = [
        (int(pid), int(above), args) for pid, above, args in (one.split(None, 2) for one in listed)
    ]
    below = {parent}
    for _ in range(4):
        below |= {pid for pid, above, _ in rows if above in below}
    return [
        pid
        for pid, _, args in rows
        if pid in below and args.split()[0].endswith("kubectl") and word in args
    ]
