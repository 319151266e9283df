"""The order of objects, what an apply changes, whose fields they are, and when pools are due."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from repoint.model.cluster import ObjectRef, ref_of
from repoint.rollout.changes import changed_fields, template_changes
from repoint.rollout.names import INPUTS, PAUSED_BY, RECYCLED
from repoint.rollout.ordering import Wave, early_values, place_of, secrets_named, wave_of
from repoint.rollout.ownership import is_persons, reconciled
from repoint.rollout.pods import owned_by, troubles
from repoint.rollout.recycling import (
    Run,
    Way,
    clusters_named,
    due,
    is_ours,
    is_paused,
    pause_limit,
    recycled_after,
    servers_in,
    sets_roles,
)


def _one(api: str, kind: str, name: str = "x", **rest: Any) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": "n"}, **rest}


CNPG = "postgresql.cnpg.io/v1"


@pytest.mark.parametrize(
    ("api", "kind", "wave"),
    [
        ("v1", "Namespace", Wave.NAMESPACES),
        ("v1", "Service", Wave.GROUND),
        ("networking.k8s.io/v1", "NetworkPolicy", Wave.GROUND),
        (CNPG, "Cluster", Wave.GROUND),
        ("v1", "PersistentVolumeClaim", Wave.GROUND),
        ("v1", "Secret", Wave.VALUES),
        ("v1", "ConfigMap", Wave.VALUES),
        ("batch/v1", "Job", Wave.JOBS),
        ("example.org/v1", "Job", Wave.GROUND),
        ("apps/v1", "Deployment", Wave.WORKLOADS),
        ("batch/v1", "CronJob", Wave.WORKLOADS),
        ("external-secrets.io/v1", "ExternalSecret", Wave.GROUND),
    ],
)
def test_waves(api: str, kind: str, wave: Wave) -> None:
    assert wave_of(_one(api, kind)) is wave


def test_what_others_need_comes_first_and_argos_waves_before_all() -> None:
    pooler, cluster = _one(CNPG, "Pooler"), _one(CNPG, "Cluster")
    secret, policy = _one("v1", "Secret"), _one("networking.k8s.io/v1", "NetworkPolicy")
    web, redis = _one("apps/v1", "Deployment"), _one("apps/v1", "StatefulSet")
    early = _one("apps/v1", "Deployment", "early")
    early["metadata"]["annotations"] = {"argocd.argoproj.io/sync-wave": "-1"}
    late = _one("v1", "Service")
    late["metadata"]["annotations"] = {"argocd.argoproj.io/sync-wave": "nonsense"}
    found = sorted((pooler, cluster, web, redis, secret, policy, early), key=place_of)
    assert found == [early, policy, secret, redis, web, cluster, pooler]
    assert place_of(late)[0] == 0


def test_what_the_cluster_reads_comes_before_it() -> None:
    spec = {"bootstrap": {"initdb": {"secret": {"name": "owner"}}}}
    cluster = _one(CNPG, "Cluster", spec=spec)
    owner, web = _one("v1", "Secret", "owner"), _one("v1", "Secret", "web")
    ref = ref_of(owner)
    documents = (cluster, owner, web)
    assert early_values(documents, {}, ()) == {ref}
    assert early_values(documents, {ref: True}, ()) == {ref}
    assert early_values(documents, {}, (ref,)) == {ref}
    assert early_values(documents, {ref: True}, (ref,)) == frozenset()
    assert wave_of(owner, {ref}) is Wave.GROUND


def test_secrets_that_a_cluster_names() -> None:
    spec = {
        "bootstrap": {"initdb": {"owner": "web", "secret": {"name": "owner"}}},
        "managed": {"roles": [{"name": "web", "passwordSecret": {"name": "web-role"}}]},
        "certificates": {"serverCASecret": "ca"},
    }
    assert secrets_named(spec) == {"owner", "web-role"}
    assert secrets_named(None) == set()


def test_changed_fields_have_names_and_no_values() -> None:
    before = _one("v1", "Secret", data={"a": "1", "b": "1"})
    after = _one("v1", "Secret", data={"a": "1", "b": "2", "c": "3"})
    assert changed_fields(before, after) == ("data.b", "data.c")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({"status": {"a": 1}}, {"status": {"a": 2}}, id="status"),
        pytest.param(
            {"metadata": {"resourceVersion": "1", "managedFields": []}},
            {"metadata": {"resourceVersion": "2", "generation": 3}},
            id="what the server keeps",
        ),
        pytest.param(
            {"spec": {"template": {}}},
            {"spec": {"template": {"metadata": {"annotations": {INPUTS: "d"}}}}},
            id="a mark of repoint",
        ),
    ],
)
def test_no_change(before: dict[str, Any], after: dict[str, Any]) -> None:
    kind = {"kind": "Deployment"}
    assert changed_fields({**kind, **before}, {**kind, **after}) == ()


def test_a_template_that_changes_is_told_from_the_rest() -> None:
    def web(replicas: int, image: str) -> dict[str, Any]:
        containers = [{"name": "web", "image": image}]
        template = {"spec": {"containers": containers}}
        return _one("apps/v1", "Deployment", spec={"replicas": replicas, "template": template})

    assert not template_changes(web(1, "a"), web(2, "a"))
    assert template_changes(web(1, "a"), web(1, "b"))
    assert changed_fields(web(1, "a"), web(1, "b")) == ("spec.template.spec.containers[web].image",)


@pytest.mark.parametrize(
    ("manager", "persons"),
    [
        ("kubectl", True),
        ("kubectl-client-side-apply", True),
        ("kubectl-edit", True),
        ("repoint", True),
        ("kubectlish", False),
        ("argocd-controller", False),
        ("kube-controller-manager", False),
        ("helm", False),
    ],
)
def test_managers(manager: str, persons: bool) -> None:
    assert is_persons(manager) is persons
    assert reconciled([(manager, ".spec")]) == (() if persons else ((manager, ".spec"),))


def _pooler(mode: str = "transaction", **pgbouncer: Any) -> dict[str, Any]:
    return _one(CNPG, "Pooler", spec={"pgbouncer": {"poolMode": mode, **pgbouncer}})


def _recycled(*uids: str) -> dict[str, Any]:
    found = _pooler()
    found["metadata"]["annotations"] = {RECYCLED: ",".join(uids)}
    return found


_PLAIN, _ROLES = Run("u1", "migrate"), Run("u2", "roles", role_settings=True)


@pytest.mark.parametrize(
    ("mode", "live", "runs", "way"),
    [
        pytest.param("transaction", None, (_PLAIN,), Way.PAUSE, id="PS4: a migration ran"),
        pytest.param("transaction", _recycled("u1"), (_PLAIN,), None, id="recycled after it"),
        pytest.param("transaction", _recycled("u1"), (_PLAIN, _ROLES), Way.PAUSE, id="a new run"),
        pytest.param("transaction", _recycled("u1"), (Run("", "x"),), Way.PAUSE, id="about to run"),
        pytest.param("transaction", None, (), None, id="no run"),
        pytest.param("session", None, (_PLAIN,), None, id="session: no plan outlives a client"),
        pytest.param("session", None, (_ROLES,), Way.RESTART, id="ST14: session, role settings"),
        pytest.param("session", _recycled("u2"), (_ROLES,), None, id="restarted for them before"),
    ],
)
def test_when_a_pool_is_due(mode: str, live: Any, runs: tuple[Run, ...], way: Way | None) -> None:
    found = due(_pooler(mode), live, runs)
    assert (found.way if found is not None else None) is way


_MAIN, _STATS = (ObjectRef(CNPG, "Cluster", "n", name) for name in ("main", "stats"))


@pytest.mark.parametrize(
    ("url", "clusters"),
    [
        ("postgres://u:p@main-rw.n.svc:5432/d", {_MAIN}),
        ("postgres://u:p@stats-tx:5432/d", {_STATS}),
        ("postgres://u:p@elsewhere:5432/d", set()),
        ("postgres://u:p@main-rw:5432/d?application_name=stats-rw", {_MAIN, _STATS}),
    ],
)
def test_a_pool_is_recycled_after_jobs_of_its_own_cluster(url: str, clusters: set[Any]) -> None:
    def pooler(name: str, cluster: str) -> dict[str, Any]:
        spec = {"cluster": {"name": cluster}, "pgbouncer": {"poolMode": "transaction"}}
        return _one(CNPG, "Pooler", name, spec=spec)

    poolers = [pooler("main-tx", "main"), pooler("stats-tx", "stats")]
    ref = {"name": "URL", "valueFrom": {"secretKeyRef": {"name": "db", "key": "url"}}}
    template = {"spec": {"containers": [{"name": "m", "env": [ref]}]}}
    job = _one("batch/v1", "Job", "up", spec={"template": template})
    secret = _one("v1", "Secret", "db", data={"url": base64.b64encode(url.encode()).decode()})
    named = clusters_named(job, {("Secret", "n", "db"): secret}, [*poolers, job])
    assert named == clusters

    run = Run("", "up", clusters=named)
    recycled = {one["metadata"]["name"] for one in poolers if due(one, None, [run])}
    wanted = clusters or {_MAIN, _STATS}
    assert recycled == {f"{one.name}-tx" for one in wanted}


def test_session_is_the_mode_without_a_word() -> None:
    silent = _one(CNPG, "Pooler", spec={"pgbouncer": {}})
    assert due(silent, None, (_PLAIN,)) is None


@pytest.mark.parametrize(
    ("timeout", "limit"), [("", 60.0), ("10", 5.0), ("0", 60.0), ("600", 60.0), ("1", 1.0)]
)
def test_a_pause_is_shorter_than_clients_wait(timeout: str, limit: float) -> None:
    parameters = {"query_wait_timeout": timeout} if timeout else {}
    assert pause_limit(_pooler(parameters=parameters)) == limit


@pytest.mark.parametrize(
    ("text", "sets"),
    [
        ("ALTER ROLE web SET search_path = a", True),
        ("alter role web in database d\n  set statement_timeout = 1", True),
        ("ALTER DATABASE d RESET ALL", True),
        ("ALTER ROLE web PASSWORD 'x'; SET a = 1", False),
        ("ALTER TABLE t SET (fillfactor = 70)", False),
        ("", False),
    ],
)
def test_sql_that_sets_defaults_of_roles(text: str, sets: bool) -> None:
    assert sets_roles([text]) is sets


def test_whose_pause_it_is() -> None:
    paused = _pooler(paused=True)
    assert is_paused(paused) and not is_ours(paused)
    paused["metadata"]["annotations"] = {PAUSED_BY: "me@here"}
    assert is_ours(paused)
    assert not is_paused(_pooler()) and not is_paused(None)


def test_the_runs_on_a_pooler_do_not_grow_for_ever() -> None:
    many = [f"u{number}" for number in range(30)]
    assert recycled_after(_recycled(*many), ["new"]).split(",") == [*many[-19:], "new"]
    assert recycled_after(_recycled("u1"), ["u1"]) == "u1"


def test_server_connections_by_the_metrics() -> None:
    text = (
        'cnpg_pgbouncer_pools_sv_active{database="shop",user="web"} 2\n'
        'cnpg_pgbouncer_pools_sv_idle{database="shop",user="web"} 1\n'
        'cnpg_pgbouncer_pools_sv_idle{database="pgbouncer",user="pgbouncer"} 5\n'
        'cnpg_pgbouncer_pools_cl_active{database="shop",user="web"} 9\n'
    )
    assert servers_in(text) == 3
    assert servers_in(text.replace(" 2\n", " 0\n").replace(" 1\n", " 0\n")) == 0
    assert servers_in("") is None
    assert servers_in(text + "cnpg_pgbouncer_last_collection_error 1\n") is None


def _pod(**status: Any) -> dict[str, Any]:
    owner = [{"uid": "job"}]
    return {"metadata": {"name": "p", "ownerReferences": owner}, "status": status}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param({"ready": True, "state": {"running": {}}}, [], id="well"),
        pytest.param({"state": {"waiting": {"reason": "ContainerCreating"}}}, [], id="starting"),
        pytest.param(
            {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}},
            ["Pod/p c: ImagePullBackOff: no such image"],
            id="no image",
        ),
        pytest.param(
            {"restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}},
            ["Pod/p c: CrashLoopBackOff (3 restarts)"],
            id="it crashes",
        ),
        pytest.param(
            {"state": {"terminated": {"exitCode": 1, "reason": "Error"}}},
            ["Pod/p c: Error, exit status 1"],
            id="it ended badly",
        ),
        pytest.param({"state": {"terminated": {"exitCode": 0}}}, [], id="it ended well"),
        pytest.param(
            {"ready": False, "state": {"running": {}}},
            ["Pod/p c: runs, and is not ready"],
            id="not ready",
        ),
    ],
)
def test_what_is_wrong_with_a_pod(status: dict[str, Any], expected: list[str]) -> None:
    pod = _pod(containerStatuses=[{"name": "c", **status}])
    assert [str(one) for one in troubles([pod])] == expected


def test_a_pod_that_cannot_be_placed_and_one_that_goes() -> None:
    waits = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "full",
    }
    assert [str(one) for one in troubles([_pod(conditions=[waits])])] == [
        "Pod/p: Unschedulable: full"
    ]
    going = _pod(conditions=[waits])
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert troubles([going]) == ()


def test_a_password_in_a_pods_message_is_masked() -> None:
    ended = {"exitCode": 1, "message": "cannot log in at postgresql://web:canary-hunter2@db/shop"}
    pod = _pod(containerStatuses=[{"name": "c", "state": {"terminated": ended}}])
    assert "canary-hunter2" not in str(troubles([pod])[0])


def test_pods_by_their_owner() -> None:
    assert owned_by([_pod()], "job") and not owned_by([_pod()], "other")
