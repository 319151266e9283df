"""A town for each test: see town.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from repoint.model.sensitive import Sensitive
from tests.cluster.control_plane import ControlPlane
from tests.cluster.verifying.town import PASSWORD, Town, health_service
from tests.servers.fix_lab import GroundFactory


@pytest.fixture
def town(
    api: ControlPlane, ground: GroundFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Town]:
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig))
    here = ground(18)
    pool = here.pooler(mode="session", parameters={"default_pool_size": "5"})
    with health_service() as health:
        made = Town(api, tmp_path, api.namespace("shop"), pool, here, None, health)
        made.role = here.role("web")
        _set_password(made)
        yield made


def _set_password(made: Town) -> None:
    quoted = Sensitive(PASSWORD).reveal().replace("'", "''")
    made.ground.sql(
        f"ALTER ROLE {made.role} PASSWORD '{quoted}'",
        f'CREATE SCHEMA shop AUTHORIZATION "{made.role}"',
        f"ALTER ROLE {made.role} IN DATABASE {made.ground.database} SET search_path = shop",
    )
