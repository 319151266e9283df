"""Pools are recycled after migrations, and none is left paused, on a real API server.

What PgBouncer makes of it is not seen here: these pods have no containers.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from repoint.rollout.names import PAUSED_BY, RECYCLED
from tests.cluster.control_plane import ControlPlane
from tests.cluster.rolling_out.shop import Shop, new_shop, steps_of
from tests.cluster.rolling_out.stand_in import operator

pytestmark = pytest.mark.cluster


@pytest.fixture
def pooled(api: ControlPlane, tmp_path: Path) -> Iterator[Shop]:
    """A shop with a pool of transactions, whose manifest says that it is not paused."""
    made = new_shop(api, tmp_path, pool_mode="transaction")
    made.objects["pooler"]["spec"]["pgbouncer"]["paused"] = False
    made.write()
    with operator(api, made.namespace):
        yield made


def test_a_pool_of_transactions_is_paused_and_let_go_after_a_migration(pooled: Shop) -> None:
    done = pooled.rollout("--format", "json")
    assert done.returncode == 0, done.stderr
    assert "recycle Pooler/pooler" in steps_of(done)
    assert "its metrics cannot be read" in done.stderr
    pooler = pooled.get("pooler", "pooler")
    assert pooler["spec"]["pgbouncer"]["paused"] is False
    job = pooled.get("job", "migrate")["metadata"]["uid"]
    assert pooler["metadata"]["annotations"] == {RECYCLED: job}

    pooled.objects["migrate"]["spec"]["backoffLimit"] = 1
    pooled.write()
    again = steps_of(pooled.rollout("--format", "json"))
    assert again == ["run Job/migrate", "wait for Job/migrate", "recycle Pooler/pooler"]


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_run_that_ends_while_a_pool_is_paused(pooled: Shop, ending: signal.Signals) -> None:
    with pooled.start() as run:
        pooled.api.until("the pool is paused", lambda: _paused(pooled))
        run.send_signal(ending)
        run.communicate(timeout=60)
    # Whoever is told to end lets clients through before; nobody else can.
    assert _paused(pooled) is (ending is signal.SIGKILL)
    again = pooled.rollout("--format", "json")
    assert again.returncode == 0, again.stderr
    steps = steps_of(again)
    assert (steps[0] == "let go Pooler/pooler") is (ending is signal.SIGKILL)
    assert "recycle Pooler/pooler" in steps
    assert not _paused(pooled)
    assert PAUSED_BY not in pooled.get("pooler", "pooler")["metadata"]["annotations"]


def test_a_pool_that_somebody_else_paused_stays_paused(pooled: Shop) -> None:
    assert pooled.rollout().returncode == 0
    path = f"/apis/postgresql.cnpg.io/v1/namespaces/{pooled.namespace}/poolers/pooler"
    _merge(pooled, path, {"spec": {"pgbouncer": {"paused": True}}})
    pooled.objects["migrate"]["spec"]["backoffLimit"] = 1
    pooled.write()
    done = pooled.rollout()
    assert done.returncode == 0, done.stderr
    assert "is paused by somebody else: it is left alone" in done.stderr
    assert _paused(pooled)


def test_a_session_pool_is_left_alone_unless_defaults_of_roles_changed(
    api: ControlPlane, tmp_path: Path
) -> None:
    shop = new_shop(api, tmp_path)
    with operator(api, shop.namespace):
        first = shop.rollout("--format", "json")
        assert "recycle Pooler/pooler" not in steps_of(first)
        container = shop.objects["migrate"]["spec"]["template"]["spec"]["containers"][0]
        container["command"] = ["psql", "-c", "ALTER ROLE web SET statement_timeout = '5s'"]
        shop.write()
        generation = shop.generations()["pooler"]
        again = shop.rollout("--format", "json")
        assert again.returncode == 0, again.stderr
        assert "recycle Pooler/pooler" in steps_of(again)
        assert shop.generations()["pooler"] == generation + 1
        assert not _paused(shop)


def _paused(shop: Shop) -> bool:
    live: Any = shop.get("pooler", "pooler")
    return bool(live and live["spec"]["pgbouncer"].get("paused"))


def _merge(shop: Shop, path: str, patch: dict[str, Any]) -> None:
    status, _ = shop.api.call("PATCH", path, patch, content_type="application/merge-patch+json")
    assert status == 200
