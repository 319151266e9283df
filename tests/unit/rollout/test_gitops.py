"""How near a picture of a cluster is to the planned state."""

from __future__ import annotations

import base64
import copy
from collections.abc import Mapping
from typing import Any

import pytest

from repoint.model.cluster import Document, ObjectRef, ref_of
from repoint.rollout.gitops import Picture, Seen, Standing, see, see_hosts
from repoint.rollout.gitops_controllers import holders, told
from repoint.rollout.gitops_hosts import names_host

EARLY, MIDDLE, LATE = (f"2026-03-01T10:00:0{n}Z" for n in (1, 2, 3))
URL = "postgresql://shop:canary-1@pg-rw:5432/shop"
TARGET, SOURCE = ("pg-pooler", "pg-rw"), ("postgres",)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def secret(url: str = URL, changed: str = MIDDLE) -> dict[str, Any]:
    owned = {"f:data": {"f:url": {}}}
    entry = {"manager": "argocd-controller", "time": changed, "fieldsV1": owned}
    metadata = {"name": "db", "namespace": "shop", "managedFields": [entry]}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {**metadata, "creationTimestamp": EARLY},
        "data": {"url": encoded(url), "other": encoded("x")},
    }


def template(name: str, key: str = "url") -> dict[str, Any]:
    reads = {"name": "URL", "valueFrom": {"secretKeyRef": {"name": "db", "key": key}}}
    return {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": name, "env": [reads]}]},
    }


def web(**marks: str) -> dict[str, Any]:
    status = {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "annotations": marks},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template("web")},
        "status": status,
    }


def job(started: str = LATE, condition: str = "Complete", **marks: str) -> dict[str, Any]:
    status = {"startTime": started, "completionTime": started}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "migrate", "namespace": "shop", "uid": "u1", "annotations": marks},
        "spec": {"template": template("migrate")},
        "status": {**status, "conditions": [{"type": condition, "status": "True"}]},
    }


def pod(born: str, app: str = "web", **labels: str) -> dict[str, Any]:
    metadata = {"name": f"{app}-1", "namespace": "shop", "creationTimestamp": born}
    own = {"app": app, **{key.replace("__", "/"): value for key, value in labels.items()}}
    return {"kind": "Pod", "metadata": {**metadata, "labels": own}, "status": {"phase": "Running"}}


def planned(live: Document) -> dict[str, Any]:
    """The object as a repository has it: without what servers add."""
    wanted = copy.deepcopy(dict(live))
    wanted.pop("status", None)
    for key in ("managedFields", "creationTimestamp", "uid"):
        wanted["metadata"].pop(key, None)
    return wanted


def picture(*live: Document, missing: tuple[Document, ...] = (), **given: Any) -> Picture:
    """A cluster that has `live` as planned, and lacks `missing`."""
    wanted = tuple(planned(one) for one in (*live, *missing))
    return Picture(
        wanted=given.pop("wanted", wanted),
        live={ref_of(one): one for one in live},
        target=TARGET,
        source=SOURCE,
        **given,
    )


def standings(seen: Seen) -> dict[str, Standing]:
    return {row.ref.kind: row.standing for row in seen.rows}


def test_everything_is_there_and_started_after_the_change() -> None:
    seen = see(picture(secret(), web(), job(), pods=(pod(LATE),)))
    assert seen.standing is Standing.REACHED
    assert seen.advice == ()


def test_nothing_is_never_taken_for_reached() -> None:
    assert see(picture()).standing is Standing.UNKNOWN


def test_pods_that_are_older_than_the_connection_are_told_with_the_command() -> None:
    seen = see(picture(secret(), web(), pods=(pod(EARLY), pod(LATE))))
    (row,) = [row for row in seen.rows if row.standing is not Standing.REACHED]
    assert "1 pods started before Secret/shop/db at 2026-03-01 10:00:02Z" in row.reason
    assert "argocd-controller" in row.reason
    (advice,) = seen.advice
    assert advice.commands == ("kubectl -n shop rollout restart deployment/web",)


@pytest.mark.parametrize(
    ("given", "ok"),
    [
        pytest.param(pod(MIDDLE), True, id="the same second"),
        pytest.param(pod(EARLY, "other"), True, id="somebody else's"),
        pytest.param({**pod(EARLY), "status": {"phase": "Succeeded"}}, True, id="ended"),
        pytest.param(pod(EARLY), False, id="older"),
    ],
)
def test_which_pods_are_stale(given: dict[str, Any], ok: bool) -> None:
    seen = see(picture(secret(), web(), pods=(given,)))
    assert (seen.standing is Standing.REACHED) is ok


def test_another_key_of_the_secret_is_no_reason_to_restart() -> None:
    deployment = web()
    deployment["spec"]["template"] = template("web", "other")
    seen = see(picture(secret(), deployment, pods=(pod(EARLY),)))
    assert seen.standing is Standing.REACHED


def test_reloader_is_waited_for_without_a_command() -> None:
    deployment = web(**{"reloader.stakater.com/auto": "true"})
    seen = see(picture(secret(), deployment, pods=(pod(EARLY),)))
    assert standings(seen)["Deployment"] is Standing.WAITING
    assert seen.advice == ()


def test_a_job_that_started_before_the_change_read_the_old_secret() -> None:
    seen = see(picture(secret(), job(EARLY)))
    (row,) = [row for row in seen.rows if row.ref.kind == "Job"]
    assert row.standing is Standing.FAILED
    assert "started at 2026-03-01 10:00:01Z, before Secret/shop/db at 2026-03-01 10:00:02Z" in (
        row.reason
    )
    assert seen.advice[0].commands == ("kubectl -n shop delete job/migrate",)


def test_an_old_failure_is_none_while_the_secret_is_yet_to_come() -> None:
    wanted = tuple(planned(one) for one in (secret(), job(EARLY, "Failed")))
    old = secret("postgresql://shop:canary-1@postgres:5432/shop", EARLY)
    seen = see(picture(old, job(EARLY, "Failed"), wanted=wanted))
    assert standings(seen) == {"Secret": Standing.WAITING, "Job": Standing.WAITING}
    assert "canary" not in repr(seen)


def test_a_failed_job_on_the_new_secret_is_a_failure() -> None:
    assert standings(see(picture(secret(), job(LATE, "Failed"))))["Job"] is Standing.FAILED


def test_what_is_not_there_is_waited_for() -> None:
    assert see(picture(missing=(web(),))).standing is Standing.WAITING


HOOK = {"argocd.argoproj.io/hook-delete-policy": "HookSucceeded"}


def application(phase: str = "Succeeded", sync: str = "Synced", **more: Any) -> dict[str, Any]:
    hooks = [{"kind": "Job", "namespace": "shop", "name": "migrate", "hookPhase": "Succeeded"}]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "shop", "namespace": "argocd"},
        "status": {
            "sync": {"status": sync, "revision": "a" * 40},
            "health": {"status": "Healthy"},
            "operationState": {"phase": phase, "syncResult": {"resources": hooks}, **more},
        },
    }


@pytest.mark.parametrize(
    ("controllers", "expected"),
    [
        pytest.param((), Standing.UNKNOWN, id="nobody tells"),
        pytest.param((application(),), Standing.REACHED, id="Argo CD tells"),
        pytest.param((application("Running"),), Standing.UNKNOWN, id="it is at it"),
    ],
)
def test_a_hook_that_is_deleted_after_its_success(
    controllers: tuple[Document, ...], expected: Standing
) -> None:
    seen = see(picture(missing=(job(**HOOK),), controllers=controllers))
    assert seen.standing is expected


def test_a_hook_that_no_sync_brings_is_not_waited_for() -> None:
    seen = see(picture(missing=(job(**{"argocd.argoproj.io/hook": "SyncFail"}),)))
    assert seen.standing is Standing.REACHED


def pool(mode: str = "transaction") -> dict[str, Any]:
    return {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Pooler",
        "metadata": {"name": "pg-pooler", "namespace": "shop"},
        "spec": {"instances": 1, "pgbouncer": {"poolMode": mode}},
        "status": {"instances": 1},
    }


def pooled(*pods: Document, mode: str = "transaction") -> Seen:
    below = {**web(), "metadata": {"name": "pg-pooler", "namespace": "shop"}}
    given = picture(secret(), job(), pool(mode), pods=pods)
    own = ObjectRef("apps/v1", "Deployment", "shop", "pg-pooler")
    live: Mapping[ObjectRef, Document] = {**given.live, own: below}
    return see(Picture(given.wanted, live, given.pods, target=TARGET, source=SOURCE))


def test_a_pool_from_before_the_migration_is_told_with_the_commands() -> None:
    seen = pooled(pod(EARLY, "pool", **{"cnpg.io__poolerName": "pg-pooler"}))
    assert seen.standing is Standing.REACHED
    (advice,) = seen.advice
    assert "does not recycle" in advice.text and "migrate" in advice.text
    assert [command.count("paused") for command in advice.commands] == [1, 1]


@pytest.mark.parametrize(
    ("pods", "mode"),
    [
        pytest.param((EARLY,), "session", id="session pools are reset (PS4)"),
        pytest.param(("2026-03-01T10:00:09Z",), "transaction", id="a newer pool"),
    ],
)
def test_pools_that_need_nothing(pods: tuple[str, ...], mode: str) -> None:
    own = [pod(born, "pool", **{"cnpg.io__poolerName": "pg-pooler"}) for born in pods]
    assert pooled(*own, mode=mode).advice == ()


def kustomization(ready: str, reason: str = "", **spec: Any) -> dict[str, Any]:
    condition = {"type": "Ready", "status": ready, "reason": reason, "message": "m"}
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "apps", "namespace": "flux-system", "generation": 2},
        "spec": spec,
        "status": {"observedGeneration": 2, "conditions": [condition]},
    }


@pytest.mark.parametrize(
    ("document", "done", "busy", "failed"),
    [
        pytest.param(application(), True, False, False, id="Synced"),
        pytest.param(application(sync="OutOfSync"), False, False, False, id="OutOfSync"),
        pytest.param(application("Running"), False, True, False, id="Running"),
        pytest.param(application("Failed", message="x"), False, False, True, id="Failed"),
        pytest.param(kustomization("True"), True, False, False, id="Ready"),
        pytest.param(kustomization("Unknown"), False, True, False, id="Reconciling"),
        pytest.param(kustomization("False", "BuildFailed"), False, False, True, id="not ready"),
        pytest.param(kustomization("True", suspend=True), False, False, False, id="suspended"),
    ],
)
def test_what_a_controller_says(
    document: dict[str, Any], done: bool, busy: bool, failed: bool
) -> None:
    said = told(document)
    assert (said.done, said.busy, said.failed) == (done, busy, failed)


def test_a_kustomization_that_has_not_seen_its_change_is_at_it() -> None:
    given = kustomization("True")
    given["status"]["observedGeneration"] = 1
    assert told(given).busy and not told(given).done


def test_a_controllers_message_is_masked() -> None:
    said = told(application("Failed", message=f"cannot reach {URL}"))
    assert "canary" not in said.summary and "cannot reach" in said.summary


def test_who_holds_objects_is_told_by_their_marks() -> None:
    flux = {f"kustomize.toolkit.fluxcd.io/{k}": v for k, v in (("name", "a"), ("namespace", "f"))}
    one = {"metadata": {"labels": flux}}
    two = {"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "ns_shop:/Secret:x/y"}}}
    three = {"metadata": {"labels": {"app.kubernetes.io/instance": "web"}}}
    found, names = holders([one, two, three, two])
    assert [str(ref) for ref in found] == ["Kustomization/f/a"]
    assert names == ("shop", "web")


OLD = "postgresql://postgres:canary-1@postgres.shop:5432/shop"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param(URL, Standing.REACHED, id="the target"),
        pytest.param(OLD, Standing.WAITING, id="the source"),
        pytest.param("nothing", Standing.UNKNOWN, id="neither"),
    ],
)
def test_helms_workloads_are_judged_by_the_host_they_name(url: str, expected: Standing) -> None:
    values = secret(url)
    given = Picture((), {ref_of(values): values}, (pod(LATE),), (), (web(),), TARGET, SOURCE)
    seen = see_hosts(given, [ObjectRef("apps/v1", "Deployment", "shop", "web")])
    assert seen.standing is expected
    assert "canary" not in repr(seen)


def test_helms_workloads_that_nobody_restarted_are_waited_for() -> None:
    values = secret()
    given = Picture((), {ref_of(values): values}, (pod(EARLY),), (), (web(),), TARGET, SOURCE)
    assert see_hosts(given, []).standing is Standing.WAITING


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("postgres", True, id="bare"),
        pytest.param("postgres.shop.svc:5432", True, id="dotted"),
        pytest.param("postgresql://postgres:pw@postgres/x", True, id="a host behind its user"),
        pytest.param("postgres://postgres:pw@pg-rw/x", False, id="a user of the same name"),
        pytest.param("host=postgres user=u", True, id="keyword and value"),
        pytest.param("host=pg-rw user=postgres", False, id="a user by keyword"),
        pytest.param("jdbc:postgresql://postgres:5432/x", True, id="jdbc"),
        pytest.param("pg_isready -h postgres", True, id="a command"),
        pytest.param("postgres-old", False, id="a longer name"),
        pytest.param("postgresql://u:p@my.postgres/x", False, id="inside a name"),
    ],
)
def test_a_host_is_told_from_a_user_and_a_scheme(text: str, expected: bool) -> None:
    assert names_host(text, SOURCE) is expected
