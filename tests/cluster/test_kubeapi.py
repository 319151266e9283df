"""The adapter against a real API server."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from repoint.adapters.kubeapi import KubectlDoor
from repoint.errors import ClusterLost, ClusterRefused, ToolFailed, ToolMissing, WrongContext
from repoint.model.cluster import Document, ObjectRef
from repoint.ports import ClusterApi
from tests.cluster.control_plane import ControlPlane

pytestmark = pytest.mark.cluster
CONTEXT = "test"
PASSWORD = "sup3r-s3cret"


@pytest.fixture
def kubeconfig(api: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig))
    return api.kubeconfig


@pytest.fixture
def reached(api: ControlPlane, kubeconfig: Path) -> Iterator[ClusterApi]:
    with KubectlDoor().open(CONTEXT) as opened:
        yield opened


def config_map(namespace: str, name: str = "settings", **data: str) -> dict[str, Any]:
    metadata = {"namespace": namespace, "name": name}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def ref(namespace: str, name: str = "settings", kind: str = "ConfigMap") -> ObjectRef:
    return ObjectRef("v1", kind, namespace, name)


def test_contexts_and_address_come_from_the_kubeconfig(api: ControlPlane, kubeconfig: Path) -> None:
    door = KubectlDoor()

    assert (door.contexts(), door.current()) == ((CONTEXT,), CONTEXT)
    assert door.server(CONTEXT) == api.server


def test_an_object_is_applied_read_changed_and_deleted(
    api: ControlPlane, reached: ClusterApi
) -> None:
    namespace = api.namespace()
    assert reached.get(ref(namespace)) is None

    made = reached.apply(config_map(namespace, a="1"))
    merged = reached.merge(ref(namespace), {"data": {"b": "2"}})
    merged = {**merged, "data": {"c": "3"}}
    replaced = reached.replace(merged)
    reached.delete(ref(namespace), uid=made["metadata"]["uid"])

    assert made["metadata"]["managedFields"][0]["manager"] == "repoint"
    assert replaced["data"] == {"c": "3"}
    assert reached.get(ref(namespace)) is None
    reached.delete(ref(namespace))
