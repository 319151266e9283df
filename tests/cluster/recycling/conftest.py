"""A store for each test, in a world of the module's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cluster.recycling.store import CANARY, Store, new_store

if TYPE_CHECKING:
    from tests.cluster.world.world import World

OpenStore = Callable[..., Store]


@pytest.fixture
def open_store(world: World, tmp_path: Path) -> Iterator[OpenStore]:
    """Makes a store that is not rolled out yet; no output may show its password."""
    made: list[Store] = []

    def make(pool_mode: str = "transaction", **parameters: str) -> Store:
        store = new_store(world, tmp_path / f"store-{len(made)}", pool_mode, parameters)
        made.append(store)
        return store

    yield make
    for store in made:
        store.close()
        assert CANARY not in store.output
    assert not world.failures()
