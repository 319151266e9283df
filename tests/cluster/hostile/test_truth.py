"""Ways to stay at the source unseen: none of them may let `verify` pass."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from repoint.model.rehearsal import Verdict
from repoint.views import machine
from tests.cluster.objects import deployment, pod_template
from tests.cluster.verifying.conftest import town  # noqa: F401
from tests.cluster.verifying.town import Town, check

pytestmark = [pytest.mark.cluster, pytest.mark.servers]
Objects = list[dict[str, Any]]


def old_env(town: Town) -> Objects:  # noqa: F811
    return [{"name": "DATABASE_URL", "value": town.url(town.old)}]


def orphans(town: Town) -> Objects:  # noqa: F811
    """What `kubectl delete deployment --cascade=orphan` leaves."""
    template = pod_template("left")
    template["spec"]["containers"][0]["env"] = old_env(town)
    labels = {"matchLabels": {"app": "left"}}
    spec = {"replicas": 1, "selector": labels, "template": template}
    return [_object(town, "apps/v1", "ReplicaSet", "left", spec)]


def hashed_secret(town: Town) -> Objects:  # noqa: F811
    """Pods of nobody that read a Secret that no workload names."""
    secret = copy.deepcopy(town.secret(url=town.url(town.old)))
    secret["metadata"]["name"] = "db-7f9c"
    [orphan] = orphans(town)
    orphan["spec"]["template"]["spec"]["containers"][0]["env"] = [
        {"name": "U", "valueFrom": {"secretKeyRef": {"name": "db-7f9c", "key": "url"}}}
    ]
    return [secret, orphan]


def old_run(town: Town) -> Objects:  # noqa: F811
    """A Job that a CronJob of before began, and that still runs."""
    spec = {"restartPolicy": "Never", "containers": [_container(town)]}
    job = _object(town, "batch/v1", "Job", "nightly-1", {"template": {"spec": spec}})
    job["spec"]["template"]["metadata"] = {"annotations": {"tests/run": "unready"}}
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "nightly", "controller": True}
    job["metadata"]["ownerReferences"] = [{**owner, "uid": _cron_job(town)}]
    return [job]


def second_container(town: Town) -> Objects:  # noqa: F811
    web = town.web()
    web["spec"]["template"]["spec"]["containers"].append(_container(town))
    return [web]


def init_container(town: Town) -> Objects:  # noqa: F811
    web = town.web()
    web["spec"]["template"]["spec"]["initContainers"] = [_container(town)]
    return [web]


def scheduled(town: Town) -> Objects:  # noqa: F811
    pod = {"restartPolicy": "Never", "containers": [_container(town)]}
    spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": {"spec": pod}}}}
    return [_object(town, "batch/v1", "CronJob", "yearly", spec)]


def mounted(town: Town) -> Objects:  # noqa: F811
    """A file in a ConfigMap volume, in a format of its own, by the short name."""
    web = town.web()
    pod = web["spec"]["template"]["spec"]
    pod["containers"][0]["volumeMounts"] = [{"name": "f", "mountPath": "/etc/app"}]
    pod["volumes"] = [{"name": "f", "configMap": {"name": "files"}}]
    data = {"app.properties": f"db.url=jdbc:postgresql://{town.old.partition('.')[0]}:5432/shop"}
    meta = {"name": "files", "namespace": town.namespace}
    return [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}, web]


def named_variable(town: Town) -> Objects:  # noqa: F811
    made = deployment(town.namespace, "worker")
    made["spec"]["template"]["spec"]["containers"][0]["env"] = [
        {"name": "PGHOST", "value": "postgres"}
    ]
    return [made]


def _container(town: Town) -> dict[str, Any]:  # noqa: F811
    return {"name": "other", "image": "example.org/none:1", "env": old_env(town)}


def _object(
    town: Town,  # noqa: F811
    version: str,
    kind: str,
    name: str,
    spec: dict[str, Any],
) -> dict[str, Any]:
    metadata = {"name": name, "namespace": town.namespace}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def _cron_job(town: Town) -> str:  # noqa: F811
    """The CronJob as it is now: it names the target."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "example.org/none:1"}]}
    spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": {"spec": pod}}}}
    made = _object(town, "batch/v1", "CronJob", "nightly", spec)
    town.api.create(made)
    path = f"/apis/batch/v1/namespaces/{town.namespace}/cronjobs/nightly"
    return str(town.api.get(path)["metadata"]["uid"])


LEFT: list[Callable[[Town], Objects]] = [
    *(orphans, hashed_secret, old_run, second_container),
    *(init_container, scheduled, mounted, named_variable),
]


@pytest.mark.parametrize("left", LEFT)
def test_whoever_still_names_the_source_is_seen(
    town: Town,  # noqa: F811
    left: Callable[[Town], Objects],
) -> None:
    town.moved()
    town.stand(*town.source_objects())
    made = left(town)
    for one in made:
        jobs = one["kind"] == "Job"
        town.api.create(one) if jobs else town.stand(one)
    if made[-1]["kind"] in ("ReplicaSet", "Job"):
        pods = f"/api/v1/namespaces/{town.namespace}/pods"
        town.api.until(
            "its pod",
            lambda: any(
                pod["metadata"]["name"].startswith(("left", "nightly"))
                for pod in town.api.get(pods)["items"]
            ),
        )
    found = town.verify()
    told = check(found, "source-named")
    assert told.verdict is not Verdict.PASS, machine.verification(found)
    assert found.verdict is not Verdict.PASS


def test_a_login_page_is_no_health(town: Town) -> None:  # noqa: F811
    town.moved()
    town.health.status = 302  # type: ignore[attr-defined]
    told = check(town.verify(), "health", "web")
    assert told.verdict is not Verdict.PASS, told
