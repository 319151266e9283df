"""A shop of its own for each test: see ground.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.cluster.rolling_back.ground import Ground, deployed, new_shop
from tests.cluster.rolling_out.shop import PASSWORD
from tests.cluster.rolling_out.stand_in import operator


@pytest.fixture
def ground(api: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    """The shop, deployed at its old server; no output of a test may show its password."""
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig))
    shop = new_shop(api, tmp_path)
    with operator(api, shop.namespace), deployed(api, shop) as made:
        yield made
    assert PASSWORD not in shop.output
