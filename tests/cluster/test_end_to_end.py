"""The whole move, from local to production and back, with a client that reads and writes.

Every part is real, or listed in tests/cluster/world/README.md. The environments are moved in
their order by repoint's own verbs, and the gates between them are open because of what was done.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.cluster.world.example import ENVIRONMENTS

if TYPE_CHECKING:
    from tests.cluster.world.walking import Walk
    from tests.cluster.world.world import World

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(900)]

_POOLER = "naytife-postgres-pooler-rw"
_NOBODY = (frozenset(), frozenset(), frozenset())


def _walk(world: World, name: str) -> Walk:
    from tests.cluster.world.walking import Walk

    return Walk(world, name)


def _all_is_told(walk: Walk, side: str) -> None:
    found = walk.account(side)
    assert (found.lost, found.doubled, found.strange) == _NOBODY
    assert walk.told().acknowledged


def _all_are_at_the_source(walk: Walk) -> None:
    """Each of them comes back with its next query when its connection was lost."""
    wanted = {"backend", "hydra", "writer"}
    walk.world.plane.until(
        "all are at the source", lambda: wanted <= set(walk.databases.clients_of_source())
    )


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_rows_t1_t2_t3_w_and_b2_an_environment_moves_and_no_write_is_lost(
    world: World, name: str
) -> None:
    walk = _walk(world, name)
    walk.settle_in()
    walk.edit()
    refused = walk.run("rollout")
    assert refused.status == 1 and "`data`" in refused.err, refused
    walk.copy()
    _all_are_at_the_source(walk)
    walk.move.switch()
    walk.must("data compare")

    walk.must("rollout")
    assert not walk.databases.clients_of_source()
    assert walk.databases.clients_of_target()[_POOLER]
    walk.must("verify", "--soak")
    if name != "production":
        # There the exporter puts its URL together of three variables, which no probe can read.
        walk.must("verify", "--in-cluster")
    assert "nothing to do" in walk.must("rollout").out
    _all_is_told(walk, "target")
    # Writes were refused while the source was frozen, and told so; none was refused for long.
    assert walk.told().errors["25006"]


def _refuses_to_lose(walk: Walk) -> None:
    refused = walk.run("rollback", "--rollout", "--yes")
    assert refused.status == 1 and "would lose data" in refused.err, refused


def test_row_r_production_goes_back_and_no_write_is_lost(world: World) -> None:
    walk = _walk(world, "production")
    _refuses_to_lose(walk)
    walk.move.give_back()
    done = walk.run("rollback", "--rollout", "--accept-data-loss", "--yes")
    # The proof at its end asks the alias `postgres.naytife`, which is local's Service here; so
    # its verdict says nothing of production, and the steps are looked at.
    assert re.search(r"^\[(\d+)/\1\] done", done.err, re.MULTILINE), done
    _all_are_at_the_source(walk)
    _all_is_told(walk, "source")


def test_row_r_local_goes_back_and_that_is_proven(world: World) -> None:
    walk = _walk(world, "local")
    _refuses_to_lose(walk)
    walk.move.give_back()
    walk.must("rollback", "--rollout", "--accept-data-loss", "--yes")
    _all_are_at_the_source(walk)
    _all_is_told(walk, "source")
