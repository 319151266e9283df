"""A watch on a real API server, while the test does what Argo CD or Flux would."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from repoint.adapters.kubeapi import KubectlDoor
from repoint.flows.desired import Desired, DesiredObject
from repoint.flows.watching import Ended, Patience, Subject, Watched, watch
from repoint.model.cluster import Document, ObjectRef, ref_of
from repoint.ports.cluster import ClusterApi
from repoint.rollout.gitops import Standing
from tests.cluster.control_plane import ControlPlane
from tests.cluster.objects import deployment, job

pytestmark = pytest.mark.cluster

NEW = "postgresql://shop:canary-1@pg-pooler:5432/shop"
OLD = "postgresql://shop:canary-1@postgres:5432/shop"
FLUX = {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": ""}
LOOK = Patience(timeout_s=0.0, every_s=0.2, settle_s=0.0)
"""One round."""
WAIT = Patience(timeout_s=60.0, every_s=0.2, settle_s=30.0)


@pytest.fixture(scope="module")
def controllers(api: ControlPlane) -> None:
    """The definitions of Argo CD and Flux, once for a control plane."""
    known = api.get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions")["items"]
    names = {one["metadata"]["name"] for one in known}
    path = Path(__file__).parent / "controllers.yaml"
    wanted = list(yaml.load_all(path.read_bytes(), yaml.CSafeLoader))
    api.create(*(one for one in wanted if one["metadata"]["name"] not in names))
    served = {one["spec"]["group"] for one in wanted}
    api.until(
        "Argo CD's and Flux's kinds are served",
        lambda: served <= {one["name"] for one in api.get("/apis")["groups"]},
    )


@pytest.fixture
def reached(
    api: ControlPlane, controllers: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ClusterApi]:
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig))
    with KubectlDoor().open("test") as opened:
        yield opened


@pytest.fixture
def namespace(api: ControlPlane) -> str:
    return api.namespace("watch")


def secret(namespace: str, url: str) -> dict[str, Any]:
    metadata = {"name": "db", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"url": url}}


def reading(workload: dict[str, Any]) -> dict[str, Any]:
    """The workload, whose container reads the Secret."""
    source = {"secretKeyRef": {"name": "db", "key": "url"}}
    container = workload["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": "DATABASE_URL", "valueFrom": source}]
    return workload


def planned(namespace: str, *more: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    return (secret(namespace, NEW), reading(deployment(namespace)), *more)


def subject(namespace: str, *documents: Document) -> Subject:
    objects = tuple(DesiredObject(ref_of(one), one, "overlay") for one in documents)
    desired = Desired("local", namespace, objects)
    return Subject(
        "local", (namespace,), desired, target=("pg-pooler", "pg-rw"), source=("postgres",)
    )


def bring(api: ControlPlane, *documents: dict[str, Any], flux: str = "") -> None:
    """Apply as a controller does, with its marks."""
    for document in documents:
        one = copy.deepcopy(document)
        if flux:
            marks = dict(zip(FLUX, ("apps", flux), strict=True))
            one["metadata"].setdefault("labels", {}).update(marks)
        text = yaml.safe_dump(one)
        manager = "--field-manager=kustomize-controller"
        api.kubectl("apply", "--server-side", "--force-conflicts", manager, "-f", "-", stdin=text)


def standings(watched: Watched) -> dict[str, Standing]:
    return {row.ref.kind: row.standing for row in watched.seen.rows}


def names(api: ControlPlane, namespace: str) -> list[str]:
    found = api.kubectl("get", "all,secret,cm,lease", "-n", namespace, "-o", "name").out
    return sorted(found.split())


def next_second() -> None:
    """Times of the API are whole seconds."""
    time.sleep(1.1)


def test_nothing_is_there_and_nothing_is_made(
    api: ControlPlane, reached: ClusterApi, namespace: str
) -> None:
    before = names(api, namespace)
    found = watch(reached, subject(namespace, *planned(namespace)), LOOK)
    assert found.ended is Ended.LATE and not found.reached
    assert set(standings(found).values()) == {Standing.WAITING}
    assert names(api, namespace) == before


def test_flux_brings_everything_while_it_is_watched(
    api: ControlPlane, reached: ClusterApi, namespace: str
) -> None:
    documents = planned(namespace, reading(job(namespace)))
    status = {"conditions": [{"type": "Ready", "status": "True", "reason": "Succeeded"}]}
    kustomization = {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "apps", "namespace": namespace},
        "status": {**status, "observedGeneration": 1, "lastAppliedRevision": "main@sha1:abc"},
    }
    api.create(kustomization)

    def flux() -> None:
        for one in documents:
            bring(api, one, flux=namespace)

    worker = threading.Thread(target=flux)
    worker.start()
    found = watch(reached, subject(namespace, *documents), WAIT)
    worker.join()
    assert found.reached, found.seen
    (told,) = found.seen.controllers
    assert (told.done, told.revision) == (True, "main@sha1:abc")
    # Whatever was begun is begun again, and has nothing left to wait for.
    assert watch(reached, subject(namespace, *documents), LOOK).reached
    assert "canary" not in repr(found)


def test_pods_that_nobody_restarts_are_told_and_the_command_helps(
    api: ControlPlane, reached: ClusterApi, namespace: str
) -> None:
    documents = planned(namespace)
    bring(api, secret(namespace, OLD), documents[1])
    api.kubectl("rollout", "status", "deployment/web", "-n", namespace)
    old = watch(reached, subject(namespace, *documents), LOOK)
    assert standings(old)["Secret"] is Standing.WAITING
    next_second()
    bring(api, documents[0])
    stale = watch(reached, subject(namespace, *documents), LOOK)
    assert standings(stale) == {"Secret": Standing.REACHED, "Deployment": Standing.WAITING}
    (advice,) = stale.seen.advice
    next_second()
    api.kubectl(*advice.commands[0].split()[1:])
    assert watch(reached, subject(namespace, *documents), WAIT).reached


def test_a_hook_that_ran_before_its_secret_changed_is_a_failure_with_the_times(
    api: ControlPlane, reached: ClusterApi, namespace: str
) -> None:
    migration = reading(job(namespace))
    bring(api, secret(namespace, OLD), migration)
    api.kubectl("wait", "--for=condition=Complete", "job/migrate", "-n", namespace)
    next_second()
    documents = planned(namespace, migration)
    bring(api, *documents[:2])
    api.kubectl("rollout", "status", "deployment/web", "-n", namespace)
    found = watch(reached, subject(namespace, *documents), LOOK)
    assert found.ended is Ended.FAILED
    (row,) = [row for row in found.seen.rows if row.ref.kind == "Job"]
    assert "it read the old one" in row.reason and "kustomize-controller" in row.reason
    # The controller makes the Job anew.
    api.kubectl(*found.seen.advice[0].commands[0].split()[1:])
    next_second()
    bring(api, migration)
    assert watch(reached, subject(namespace, *documents), WAIT).reached


def application(namespace: str, name: str, phase: str) -> dict[str, Any]:
    operation = {"phase": phase, "message": "one or more synchronization tasks failed"}
    status = {"sync": {"status": "OutOfSync"}, "health": {"status": "Healthy"}}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": namespace},
        "status": {**status, "operationState": operation},
    }


def test_what_argo_says_is_told(api: ControlPlane, reached: ClusterApi, namespace: str) -> None:
    document = secret(namespace, NEW)
    tracked = {"argocd.argoproj.io/tracking-id": f"{namespace}:/Secret:{namespace}/db"}
    live = copy.deepcopy(document)
    live["metadata"]["annotations"] = tracked
    bring(api, live)
    api.create(application(namespace, namespace, "Failed"))
    found = watch(reached, subject(namespace, document), LOOK)
    (told,) = found.seen.controllers
    assert told.failed and "synchronization tasks failed" in told.summary
    assert found.reached  # The objects are as planned, whatever Argo CD says of others.


def test_a_watch_goes_on_without_the_right_to_see_applications(
    api: ControlPlane, reached: ClusterApi, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = secret(namespace, NEW)
    live = copy.deepcopy(document)
    live["metadata"]["labels"] = {"app.kubernetes.io/instance": "shop"}
    bring(api, live)
    role = ("create", "role", "looker", "-n", namespace, "--verb=get,list")
    api.kubectl(*role, "--resource=secrets,pods")
    bound = ("create", "rolebinding", "looker", "-n", namespace, "--role=looker")
    api.kubectl(*bound, f"--serviceaccount={namespace}:default")
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig_for("default", namespace)))
    with KubectlDoor().open("test") as limited:
        found = watch(limited, subject(namespace, document), LOOK)
    assert found.reached
    assert found.notes == ("what Argo CD says is not known: its Applications may not be listed",)


def test_an_api_server_that_restarts_is_waited_for(
    api: ControlPlane, reached: ClusterApi, namespace: str
) -> None:
    documents = planned(namespace)
    bring(api, documents[0])
    rounds = threading.Event()

    def restart() -> None:
        rounds.wait(30.0)
        api.stop_apiserver()
        time.sleep(1.0)
        api.start_apiserver()
        bring(api, documents[1])

    worker = threading.Thread(target=restart)
    worker.start()
    found = watch(reached, subject(namespace, *documents), WAIT, lambda seen: rounds.set())
    worker.join()
    assert found.reached


def test_helms_workloads_are_watched_by_the_server_they_name(
    api: ControlPlane, reached: ClusterApi, namespace: str
) -> None:
    expected = ObjectRef("apps/v1", "Deployment", namespace, "web")
    given = Subject(
        "local", (namespace,), None, (expected,), target=("pg-pooler",), source=("postgres",)
    )
    unknown = watch(reached, given, LOOK)
    assert unknown.seen.standing is Standing.UNKNOWN and not unknown.reached
    bring(api, secret(namespace, OLD), reading(deployment(namespace)))
    api.kubectl("rollout", "status", "deployment/web", "-n", namespace)
    old = watch(reached, given, LOOK)
    assert "names the source: Secret/db `url`" in old.seen.rows[0].reason
    next_second()
    bring(api, secret(namespace, NEW))
    next_second()
    api.kubectl("rollout", "restart", "deployment/web", "-n", namespace)
    assert watch(reached, given, WAIT).reached
