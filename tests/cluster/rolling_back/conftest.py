"""A shop of its own for each test, or a town with real servers: ground.py, moving_town.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.cluster.rolling_back.ground import Ground, deployed, new_shop
from tests.cluster.rolling_back.moving_town import MovingTown
from tests.cluster.rolling_out.shop import PASSWORD
from tests.cluster.rolling_out.stand_in import operator
from tests.cluster.verifying.town import ENCODED, Town, health_service
from tests.cluster.verifying.town import PASSWORD as TOWNS_PASSWORD
from tests.servers.fix_lab import GroundFactory


@pytest.fixture
def place(api: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    """The shop, deployed at its old server; no output of a test may show its password."""
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig))
    shop = new_shop(api, tmp_path)
    with operator(api, shop.namespace), deployed(api, shop) as made:
        yield made
    assert PASSWORD not in shop.output


@pytest.fixture
def moving(
    api: ControlPlane,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[MovingTown]:
    """A town that is not settled yet, with an operator; no output may show its password."""
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig))
    servers: GroundFactory = request.getfixturevalue("ground")
    target, source = servers(18), servers(17)
    pool = target.pooler(mode="transaction", parameters={"default_pool_size": "5"})
    folder = tmp_path / "town"
    folder.mkdir()
    with health_service() as health:
        town = Town(api, folder, api.namespace("town"), pool, target, source, health)
        town.role = target.role("web")
        quoted = TOWNS_PASSWORD.replace("'", "''")
        target.sql(
            f"ALTER ROLE {town.role} PASSWORD '{quoted}'",
            f'CREATE SCHEMA shop AUTHORIZATION "{town.role}"',
            f"ALTER ROLE {town.role} IN DATABASE {target.database} SET search_path = shop",
        )
        made = MovingTown(town, source)
        with operator(api, town.namespace):
            try:
                yield made
            finally:
                made.forget()
    assert TOWNS_PASSWORD not in made.output and ENCODED not in made.output
