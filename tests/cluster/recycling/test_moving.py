"""The example is moved by `apply` and `rollout` where its pods run real programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.fix_world import need_world

if TYPE_CHECKING:
    from tests.cluster.world.world import Result, World

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

_MOVED = (("deployment", "naytife", "backend"), ("deployment", "naytife-auth", "hydra"))
_KEPT = (("statefulset", "naytife", "redis"), ("statefulset", "naytife", "postgres"))


@pytest.fixture(scope="module")
def local(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The example on its old server, with files that `apply` has moved."""
    need_world(pytestconfig)
    from tests.cluster.world.databases import Databases
    from tests.cluster.world.example import commit, copy_example
    from tests.cluster.world.world import World

    example = copy_example(tmp_path_factory.mktemp("moving") / "naytife", writer=False)
    with World(example) as found:
        found.deploy("local")
        databases = Databases(found, "local")
        databases.seed()
        found.variables.update(databases.appoint_auditor("its-password"))
        applied = found.repoint("apply", "--env", "local", "--yes")
        assert applied.status == 0, str(applied)
        commit(example, "Move local")
        yield found
    assert not found.failures()


def test_each_consumer_is_restarted_once_and_what_stays_is_not(local: World) -> None:
    before = {one: _pods(local, *one) for one in (*_MOVED, *_KEPT)}
    templates = {one: _generation(local, *one) for one in (*_MOVED, *_KEPT)}
    done = _rollout(local)
    steps = [(one["action"], one["kind"], one["name"]) for one in json.loads(done.out)["steps"]]
    for kind, _, name in _MOVED:
        assert [one for one in steps if one[2] == name] == [("roll out", kind.title(), name)]
    for one in _MOVED:
        assert _generation(local, *one) == templates[one] + 1, one
        assert not _pods(local, *one) & before[one] and len(_pods(local, *one)) == 1
    for one in _KEPT:
        assert _generation(local, *one) == templates[one], one
        assert _pods(local, *one) == before[one]


def test_wait_loops_are_gone_through_before_the_pods_are_ready(local: World) -> None:
    """Init containers asked the Pooler by its name; only then the programs started."""
    for _, namespace, name in _MOVED:
        [pod] = local.pods_of(namespace, name)
        waiting = pod.pod["spec"]["initContainers"][0]
        assert "naytife-postgres-pooler-rw." in str(waiting["command"])
        told = local.kubectl(
            "logs", pod.pod["metadata"]["name"], "-n", namespace, "-c", waiting["name"]
        )
        assert "accepting connections" in told.out


def test_a_second_rollout_restarts_nobody(local: World) -> None:
    before = {one: _pods(local, *one) for one in (*_MOVED, *_KEPT)}
    assert json.loads(_rollout(local).out)["outcome"] == "nothing"
    assert {one: _pods(local, *one) for one in (*_MOVED, *_KEPT)} == before


def _rollout(local: World) -> Result:
    why = ("--reason", "neither its rows nor a rehearsal matter here")
    passed = ("--override", "data", *why, "--override", "rehearsed", *why)
    done = local.repoint("rollout", "--env", "local", "--format", "json", *passed)
    assert done.status == 0, str(done)
    return done


def _live(local: World, kind: str, namespace: str, name: str) -> Any:
    return local.plane.get(f"/apis/apps/v1/namespaces/{namespace}/{kind}s/{name}")


def _generation(local: World, kind: str, namespace: str, name: str) -> int:
    """It grows with each change of the specification."""
    return int(_live(local, kind, namespace, name)["metadata"]["generation"])


def _pods(local: World, kind: str, namespace: str, name: str) -> set[str]:
    """The uids of a workload's pods that stay."""
    labels = _live(local, kind, namespace, name)["spec"]["selector"]["matchLabels"]
    path = f"/api/v1/namespaces/{namespace}/pods?labelSelector="
    chosen = "%2C".join(f"{key}%3D{value}" for key, value in labels.items())
    return {
        one["metadata"]["uid"]
        for one in local.plane.get(path + chosen)["items"]
        if "deletionTimestamp" not in one["metadata"]
    }
