"""A way in to the session's API server, through the adapter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from repoint.adapters.kubeapi import KubectlDoor
from repoint.ports.cluster import ClusterApi
from tests.cluster.control_plane import ControlPlane
from tests.cluster.kubeapi.samples import CONTEXT


@pytest.fixture
def kubeconfig(api: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig))
    return api.kubeconfig


@pytest.fixture
def reached(api: ControlPlane, kubeconfig: Path) -> Iterator[ClusterApi]:
    with KubectlDoor().open(CONTEXT) as opened:
        yield opened
