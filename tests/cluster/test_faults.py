"""The move of one environment when things go wrong.

Each test leaves it as the next one needs it.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cluster.world.example import commit

if TYPE_CHECKING:
    from tests.cluster.world.walking import Walk
    from tests.cluster.world.world import World

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(600)]

_NAMESPACE, _AUTH = "naytife", "naytife-auth"
_PARTIAL = 5


@pytest.fixture(scope="module")
def walk(world: World) -> Walk:
    """Local: everything is ready for its rollout, and the source takes no more writes."""
    from tests.cluster.world.walking import Walk

    walk = Walk(world, "local")
    walk.settle_in()
    walk.edit()
    walk.copy()
    walk.move.switch()
    walk.must("data compare")
    return walk


def test_a_field_of_a_controller_stops_it_before_anything_is_changed(walk: Walk) -> None:
    def set_replicas(number: int) -> None:
        wanted = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "backend", "namespace": _NAMESPACE},
            "spec": {"replicas": number},
        }
        path = f"/apis/apps/v1/namespaces/{_NAMESPACE}/deployments/backend"
        # Not by kubectl, which takes over what its older sibling has applied.
        status, answer = walk.world.plane.call(
            "PATCH",
            f"{path}?fieldManager=argocd-controller&force=true",
            wanted,
            content_type="application/apply-patch+yaml",
        )
        assert status == 200, answer

    set_replicas(2)
    secret = walk.world.secret(_NAMESPACE, "backend-secret")
    done = walk.run("rollout")
    assert done.status == 1 and "argocd-controller" in done.err, done
    assert walk.world.secret(_NAMESPACE, "backend-secret") == secret
    # The controller comes round to what the repository says.
    set_replicas(1)


def test_row_t2_a_job_that_fails_stops_it_and_its_log_is_told(walk: Walk) -> None:
    walk.move.freeze_target()
    done = walk.run("rollout")
    walk.move.thaw_target()
    assert done.status == _PARTIAL, done
    assert "-migrate" in done.err and "read-only transaction" in done.err, done
    # No consumer was moved: the old server has them all.
    wanted = {"backend", "hydra", "writer"}
    walk.world.plane.until(
        "all are at the source", lambda: wanted <= set(walk.databases.clients_of_source())
    )


def test_it_is_cut_off_and_the_api_server_goes_away(walk: Walk) -> None:
    # The Job that failed is waited for anew; another may have made it by its own second try.
    said = walk.world.cut_off("rollout", "--env", "local", after="done: wait for Job/")
    assert "done: wait for Job/" in said[-1], said
    walk.world.plane.stop_apiserver()
    lost = walk.run("rollout")
    assert lost.status not in (0, 3), lost
    walk.world.plane.start_apiserver()


def test_a_second_operator_is_refused_while_a_workload_never_gets_ready(walk: Walk) -> None:
    walk.world.broken_images.add("backend:")
    argv = walk.world.repoint_argv("rollout", "--env", "local")
    with subprocess.Popen(
        argv,
        cwd=walk.world.example,
        env={**walk.world.environment(), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as first:
        assert first.stderr is not None
        for line in first.stderr:
            if "roll out Deployment/naytife/backend" in line:
                break
        second = walk.run("rollout")
        assert second.status == 1 and "Lease" in second.err, second
        walk.world.broken_images.clear()
        rest = first.stderr.read()
        assert first.wait() == 0, rest
    assert not walk.databases.clients_of_source()


def test_a_pooler_that_is_down_fails_the_verification(walk: Walk) -> None:
    walk.must("verify")
    walk.world.poolers_down.add(_NAMESPACE)
    for pod in walk.world.pooler_pods(_NAMESPACE):
        walk.world.kubectl("delete", "pod", pod.pod["metadata"]["name"], "-n", _NAMESPACE)
    done = walk.run("verify")
    assert done.status == 1 and "Deployment/naytife/backend/backend" in done.out, done
    walk.world.poolers_down.clear()
    rollout = ("rollout", "status", "deployment/naytife-postgres-pooler-rw", "-n", _NAMESPACE)
    walk.world.kubectl(*rollout)
    walk.world.plane.until("all is well again", lambda: walk.run("verify").status == 0)


def test_an_expired_credential_fails_the_verification(walk: Walk) -> None:
    # A warm pool lets the client in whatever the date says (OP8); a new password it does not.
    walk.databases.target("ALTER ROLE naytife PASSWORD 'changed'")
    done = walk.run("verify")
    assert done.status == 1 and "FAIL login" in done.out, done
    assert "changed" not in done.out + done.err
    password = walk.databases.password
    walk.databases.target(f"ALTER ROLE naytife PASSWORD '{password}'")
    walk.must("verify")


def test_after_all_that_no_write_was_lost(walk: Walk) -> None:
    commit(walk.world.example, "The records")
    found = walk.account("target")
    assert (found.lost, found.doubled, found.strange) == (frozenset(), frozenset(), frozenset())
