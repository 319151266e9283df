"""The example after its move, in a cluster whose pods run real programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.fix_world import need_world

if TYPE_CHECKING:
    from tests.cluster.world.world import World

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


@pytest.fixture(scope="module")
def moved(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    need_world(pytestconfig)
    from tests.cluster.world.example import copy_example
    from tests.cluster.world.world import World

    example = copy_example(tmp_path_factory.mktemp("moved") / "naytife", migrated=True)
    with World(example) as found:
        found.deploy("local")
        yield found


def _asked(moved: World, *more: str, status: int = 0) -> Any:
    done = moved.repoint("verify", "--env", "local", "--format", "json", "--no-record", *more)
    assert done.status == status, str(done)
    for namespace, name, key in (
        ("naytife", "backend-secret", "DATABASE_URL"),
        ("naytife-auth", "hydra-secret", "dsn"),
    ):
        url = moved.secret(namespace, name)[key]
        login = url.partition("://")[2].partition("@")[0]
        assert login.partition(":")[2]
        assert login not in done.out + done.err
    return json.loads(done.out)


def _checks(found: Any, consumer: str) -> dict[str, Any]:
    [one] = [one for one in found["consumers"] if one["id"].endswith(consumer)]
    return {check["id"]: check for check in one["checks"]}


def test_every_consumer_through_port_forwards(moved: World) -> None:
    found = _asked(moved)
    assert found["verdict"] == "pass"
    backend, hydra = _checks(found, "backend/backend"), _checks(found, "hydra/hydra")
    assert backend["health"]["expected"] == "http://backend:8000/health answers 2xx"
    assert hydra["health"]["expected"] == "http://hydra-public:4444/health/ready answers 2xx"
    assert backend["current-schema"]["observed"] == "naytife_schema"
    assert hydra["current-schema"]["observed"] == "hydra"
    assert _checks(found, "hydra-migrate/hydra-migrate")["server"]["observed"] == (
        "PostgreSQL itself"
    )
    sessions = next(one for one in found["checks"] if one["id"] == "source-sessions")
    assert sessions["verdict"] == "pass"


def test_every_consumer_from_inside(moved: World) -> None:
    found = _asked(moved, "--in-cluster")
    assert found["verdict"] == "pass"
    assert found["way"] == "job"
    backend = _checks(found, "backend/backend")
    assert backend["live-host"]["verdict"] == backend["server"]["verdict"] == "pass"
    assert _checks(found, "hydra/hydra")["current-schema"]["observed"] == "hydra"
    for namespace in ("naytife", "naytife-auth"):
        left = ("get", "jobs,pods", "-n", namespace, "-l", "repoint.dev/probe", "-o", "name")
        moved.kubectl("wait", "--for=delete", "pod", "-n", namespace, "-l", "repoint.dev/probe")
        assert moved.kubectl(*left).out == ""


def test_a_soak_passes_while_the_pool_is_used(moved: World) -> None:
    found = _asked(moved, "--soak")
    soak = found["soak"]
    assert soak["verdict"] == "pass"
    [used] = [one for one in soak["pools"] if one["database"] == "naytifedb"]
    assert used["queries"] > 0 and used["readings"] == soak["readings"] >= 4
    assert {one["consumer"] for one in soak["restarts"]} >= {"Deployment/backend"}


def test_a_consumer_that_is_scaled_away(moved: World) -> None:
    moved.kubectl("scale", "deployment/backend", "-n", "naytife", "--replicas=0")
    try:
        found = _asked(moved, status=1)
        told = _checks(found, "backend/backend")
        assert told["workload"]["verdict"] in ("unknown", "fail")
    finally:
        moved.kubectl("scale", "deployment/backend", "-n", "naytife", "--replicas=1")
