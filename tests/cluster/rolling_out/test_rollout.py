"""Rollouts of a small shop, by the real command, on a real API server."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.cluster.rolling_out.shop import PASSWORD, Shop, new_shop, steps_of
from tests.cluster.rolling_out.stand_in import operator
from tests.cluster.stages import RUN

pytestmark = pytest.mark.cluster


@pytest.fixture
def shop(api: ControlPlane, tmp_path: Path) -> Iterator[Shop]:
    """A shop that is not rolled out yet, with an operator; no output may show its password."""
    made = new_shop(api, tmp_path)
    with operator(api, made.namespace):
        yield made
    assert PASSWORD not in made.output


def test_a_fresh_environment_is_brought_up_in_order(shop: Shop) -> None:
    done = shop.rollout("--format", "json")
    assert done.returncode == 0, done.stderr
    assert steps_of(done) == [
        "apply Cluster/pg",
        "apply Pooler/pooler",
        "wait for Cluster/pg",
        "wait for Pooler/pooler",
        "data gate",
        "apply Secret/mail",
        "apply Secret/web",
        "run Job/migrate",
        "wait for Job/migrate",
        "apply Deployment/mail",
        "apply Deployment/web",
        "wait for Deployment/mail",
        "wait for Deployment/web",
    ]
    assert shop.get("deployment", "web")["status"]["availableReplicas"] == 1


def test_a_second_run_does_nothing(shop: Shop) -> None:
    assert shop.rollout().returncode == 0
    shop.commit()
    before = shop.versions()
    again = shop.rollout("--format", "json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["outcome"] == "nothing"
    assert shop.versions() == before


def test_a_changed_key_restarts_those_that_read_it(shop: Shop) -> None:
    """T1, after the re-encryption."""
    assert shop.rollout().returncode == 0
    generations = shop.generations()
    migrated = shop.get("job", "migrate")["metadata"]["uid"]
    shop.secrets["web"]["url"] += "&application_name=web"
    shop.write()
    listed = shop.rollout("--format", "json")
    assert steps_of(listed) == ["apply Secret/web", "roll out Deployment/web"]
    changed = json.loads(listed.stdout)["steps"][0]["fields"]
    assert changed == ["data.url"]
    assert shop.generations() == {**generations, "web": generations["web"] + 1}
    assert shop.get("job", "migrate")["metadata"]["uid"] == migrated

    shop.secrets["web"]["other"] = "2"
    shop.write()
    assert steps_of(shop.rollout("--format", "json")) == ["apply Secret/web"]


def test_a_dry_run_changes_nothing(shop: Shop) -> None:
    done = shop.rollout("--dry-run")
    assert done.returncode == 0, done.stderr
    assert "run Job/" in done.stdout
    assert shop.get("cluster", "pg") is None and shop.get("lease", "repoint-test") is None


def test_a_failed_job_stops_it_and_a_second_run_goes_on_after_the_mend(shop: Shop) -> None:
    template = shop.objects["migrate"]["spec"]["template"]["metadata"]
    template["annotations"] = {RUN: "fail"}
    shop.write()
    done = shop.rollout()
    assert done.returncode == 5
    assert "migrate: Error, exit status 1" in done.stderr
    assert "go on with: `repoint rollout --env test --context test`" in done.stderr
    assert shop.get("deployment", "web") is None

    template["annotations"] = {}
    shop.write()
    again = shop.rollout("--format", "json")
    assert again.returncode == 0, again.stderr
    assert steps_of(again)[0] == "run Job/migrate"


def test_a_deployment_that_never_gets_ready_stops_it_by_its_own_deadline(shop: Shop) -> None:
    shop.objects["web"]["spec"]["progressDeadlineSeconds"] = 2
    template = shop.objects["web"]["spec"]["template"]["metadata"]
    template["annotations"] = {RUN: "unready"}
    shop.write()
    done = shop.rollout()
    assert done.returncode == 5
    assert "made no progress within its progress deadline" in done.stderr
    assert "runs, and is not ready" in done.stderr

    template["annotations"] = {}
    shop.write()
    assert shop.rollout().returncode == 0


def test_a_controllers_field_stops_it_before_the_first_change(shop: Shop) -> None:
    assert shop.rollout().returncode == 0
    _owned_by(shop, "argocd-controller", replicas=3)
    before = shop.versions()
    shop.objects["web"]["spec"]["replicas"] = 2
    shop.secrets["web"]["url"] += "&application_name=web"
    shop.write()
    done = shop.rollout()
    assert done.returncode == 1
    assert "`argocd-controller` owns" in done.stderr and "replicas" in done.stderr
    assert shop.versions()["Secret/web"] == before["Secret/web"]

    assert shop.rollout("--force-conflicts").returncode == 0
    assert shop.get("deployment", "web")["spec"]["replicas"] == 2


def test_fields_of_somebodys_kubectl_are_taken_over_and_that_is_said(shop: Shop) -> None:
    assert shop.rollout().returncode == 0
    _owned_by(shop, "kubectl-client-side-apply", replicas=3)
    shop.objects["web"]["spec"]["replicas"] = 2
    shop.write()
    done = shop.rollout()
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "fields of `kubectl-client-side-apply` are taken over" in said
    assert shop.get("deployment", "web")["spec"]["replicas"] == 2


def test_what_cannot_be_changed_is_refused_before_the_first_change(shop: Shop) -> None:
    assert shop.rollout().returncode == 0
    before = shop.versions()
    spec = shop.objects["web"]["spec"]
    spec["selector"] = {"matchLabels": {"app": "web", "tier": "front"}}
    spec["template"]["metadata"]["labels"] = {"app": "web", "tier": "front"}
    shop.secrets["web"]["url"] += "&application_name=web"
    shop.write()
    done = shop.rollout()
    assert done.returncode == 1
    assert "Deployment" in done.stderr and "`spec.selector`" in done.stderr
    assert shop.versions() == before


@pytest.mark.slow
def test_a_run_that_is_killed_at_any_step_is_continued(shop: Shop) -> None:
    """Each run is killed as soon as it begins its second step, so each does one at least."""
    for _ in range(20):
        with shop.start() as run:
            assert run.stderr is not None
            begun = 0
            for line in run.stderr:
                shop.output += line
                begun += line.startswith("[") and "done: " not in line
                if begun == 2:
                    run.kill()
                    break
        if run.returncode == 0:
            break
    else:
        pytest.fail("it was never done")
    last = shop.rollout("--format", "json")
    assert json.loads(last.stdout)["outcome"] == "nothing", last.stderr
    assert shop.get("deployment", "web")["status"]["availableReplicas"] == 1


def test_a_second_operator_is_held_off(shop: Shop) -> None:
    shop.objects["web"]["spec"]["template"]["metadata"]["annotations"] = {RUN: "unready"}
    shop.write()
    first = shop.start()
    try:
        shop.api.until("the first one waits", lambda: shop.get("deployment", "web"))
        second = shop.rollout()
        assert second.returncode == 1
        assert "is rolling out here" in second.stderr
    finally:
        first.send_signal(signal.SIGINT)
        _, said = first.communicate(timeout=60)
    shop.output += said
    assert first.returncode == 130
    assert "interrupted at `wait for Deployment" in said
    assert "go on with `repoint rollout --env test" in said
    assert shop.get("lease", "repoint-test")["spec"].get("holderIdentity", "") == ""


def test_files_that_are_not_committed_are_not_rolled_out(shop: Shop) -> None:
    edited = shop.root / "secrets" / "web.yaml"
    edited.write_text(edited.read_text() + "# edited\n")
    done = shop.rollout()
    assert done.returncode == 1
    assert "`secrets/web.yaml` is rolled out, and not committed" in done.stderr
    assert shop.get("cluster", "pg") is None


def test_a_plan_that_is_not_applied_is_not_rolled_out(shop: Shop) -> None:
    shop.secrets["web"]["url"] = shop.secrets["web"]["url"].replace("pooler.", "old-postgres.")
    shop.write()
    done = shop.rollout()
    assert done.returncode == 1
    assert "not as the plan has them" in done.stderr
    assert shop.get("cluster", "pg") is None


def _owned_by(shop: Shop, manager: str, *, replicas: int) -> None:
    """Let another manager set the replicas of `web`, as it would."""
    path = f"/apis/apps/v1/namespaces/{shop.namespace}/deployments/web"
    status, _ = shop.api.call(
        "PATCH",
        f"{path}?fieldManager={manager}",
        {"spec": {"replicas": replicas}},
        content_type="application/merge-patch+json",
    )
    assert status == 200


def test_reloader_is_left_to_restart_what_it_is_told_to(shop: Shop) -> None:
    shop.objects["web"]["metadata"]["annotations"] = {"reloader.stakater.com/auto": "true"}
    shop.write()
    assert shop.rollout().returncode == 0
    assert shop.templates("web") == 1
    shop.secrets["web"]["url"] += "&application_name=web"
    shop.write()
    with shop.start() as run:
        assert run.stderr is not None
        for line in run.stderr:
            shop.output += line
            if line.startswith("[2/2] roll out") and "done" not in line:
                time.sleep(1.1)  # pods of this second would be taken for older ones
                _restarted_by_reloader(shop)
    assert run.returncode == 0
    assert "repoint does" not in shop.output
    assert shop.templates("web") == 2
    shop.commit()
    again = shop.rollout("--format", "json")
    assert json.loads(again.stdout)["outcome"] == "nothing"


def test_a_lease_that_nobody_renews_is_taken_over(shop: Shop) -> None:
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "repoint-test", "namespace": shop.namespace},
        "spec": {"holderIdentity": "ada@laptop", "leaseDurationSeconds": 1},
    }
    shop.api.create(lease)
    done = shop.rollout()
    assert done.returncode == 0, done.stderr
    assert "`ada@laptop` holds Lease/" in done.stderr
    assert "; it is free when nobody renews it for 1 s" in done.stderr


def test_the_api_server_may_restart_meanwhile(shop: Shop) -> None:
    with shop.start() as run:
        assert run.stderr is not None
        for line in run.stderr:
            shop.output += line
            if line.startswith("[5/"):
                shop.api.stop_apiserver()
                shop.api.start_apiserver()
    assert run.returncode == 0, shop.output
    assert shop.get("deployment", "web")["status"]["availableReplicas"] == 1


def _restarted_by_reloader(shop: Shop) -> None:
    """What Reloader does to a Deployment when a Secret has changed."""
    path = f"/apis/apps/v1/namespaces/{shop.namespace}/deployments/web"
    mark = {"reloader.stakater.com/last-reloaded-from": "web"}
    patch = {"spec": {"template": {"metadata": {"annotations": mark}}}}
    status, _ = shop.api.call("PATCH", path, patch, content_type="application/merge-patch+json")
    assert status == 200
