"""How far objects are, by their status."""

from __future__ import annotations

from typing import Any

import pytest

from repoint.rollout.readiness import (
    State,
    deadline_of,
    judge,
    judge_pooler,
    progress_of,
)


def _of(kind: str, status: dict[str, Any], spec: dict[str, Any] | None = None, **meta: Any) -> Any:
    return {
        "kind": kind,
        "metadata": {"name": "x", "generation": 2, **meta},
        "spec": spec or {},
        "status": status,
    }


def _conditions(**found: str) -> list[dict[str, str]]:
    return [{"type": kind, "status": status} for kind, status in found.items()]


_DONE = {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}
_STUCK = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
_NO_POD = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "quota"}
_SET = {"observedGeneration": 2, "readyReplicas": 2, "updatedReplicas": 2}
_NODES = {"observedGeneration": 2, "desiredNumberScheduled": 2}
_HEALTHY = {"phase": "Cluster in healthy state", "readyInstances": 3}


@pytest.mark.parametrize(
    ("status", "spec", "state", "reason"),
    [
        pytest.param(_DONE, {"replicas": 2}, State.READY, "", id="all new and available"),
        pytest.param({"observedGeneration": 2}, {"replicas": 0}, State.READY, "", id="none wanted"),
        pytest.param(
            {**_DONE, "observedGeneration": 1},
            {"replicas": 2},
            State.WAITING,
            "not seen the change",
            id="a status of before the change",
        ),
        pytest.param(
            {**_DONE, "updatedReplicas": 1},
            {"replicas": 2},
            State.WAITING,
            "1 of 2 pods are new",
            id="half of them new",
        ),
        pytest.param(
            {**_DONE, "replicas": 3}, {"replicas": 2}, State.WAITING, "1 old pods", id="an old one"
        ),
        pytest.param(
            {**_DONE, "availableReplicas": 0},
            {"replicas": 2},
            State.WAITING,
            "0 of 2 new pods",
            id="none available",
        ),
        pytest.param(
            {**_DONE, "conditions": [_STUCK]},
            {"replicas": 2},
            State.FAILED,
            "progress deadline",
            id="its deadline is over",
        ),
        pytest.param(
            {**_DONE, "observedGeneration": 1, "conditions": [_STUCK]},
            {"replicas": 2},
            State.WAITING,
            "not seen",
            id="the deadline of before the change",
        ),
        pytest.param(
            {**_DONE, "updatedReplicas": 0, "conditions": [_NO_POD]},
            {"replicas": 2},
            State.WAITING,
            "FailedCreate: quota",
            id="a pod that cannot be made",
        ),
        pytest.param(_DONE, {"paused": True}, State.FAILED, "is paused", id="paused"),
    ],
)
def test_deployments(status: Any, spec: Any, state: State, reason: str) -> None:
    found = judge(_of("Deployment", status, spec))
    assert found.state is state
    assert reason in found.reason


@pytest.mark.parametrize(
    ("kind", "status", "spec", "state"),
    [
        pytest.param("StatefulSet", _SET, {"replicas": 2}, State.READY, id="ready"),
        pytest.param(
            "StatefulSet",
            {**_SET, "readyReplicas": 1},
            {"replicas": 2},
            State.WAITING,
            id="one down",
        ),
        pytest.param(
            "StatefulSet",
            {**_SET, "updatedReplicas": 1, "currentRevision": "a", "updateRevision": "b"},
            {"replicas": 2},
            State.WAITING,
            id="one old",
        ),
        pytest.param(
            "StatefulSet",
            {**_SET, "updatedReplicas": 1, "currentRevision": "a", "updateRevision": "b"},
            {"replicas": 2, "updateStrategy": {"rollingUpdate": {"partition": 1}}},
            State.READY,
            id="a partition keeps one old",
        ),
        pytest.param(
            "StatefulSet",
            {**_SET, "observedGeneration": 1},
            {"replicas": 2},
            State.WAITING,
            id="a status of before",
        ),
        pytest.param(
            "DaemonSet",
            {**_NODES, "updatedNumberScheduled": 2, "numberAvailable": 2},
            {},
            State.READY,
            id="on every node",
        ),
        pytest.param(
            "DaemonSet",
            {**_NODES, "updatedNumberScheduled": 1, "numberAvailable": 2},
            {},
            State.WAITING,
            id="one node has the old one",
        ),
        pytest.param(
            "DaemonSet",
            {**_NODES, "updatedNumberScheduled": 2, "numberAvailable": 1},
            {},
            State.WAITING,
            id="one is not available",
        ),
        pytest.param("ConfigMap", {}, {}, State.READY, id="a kind without a status"),
        pytest.param(
            "PersistentVolumeClaim", {"phase": "Pending"}, {}, State.READY, id="a claim that waits"
        ),
        pytest.param("PersistentVolumeClaim", {"phase": "Lost"}, {}, State.FAILED, id="lost"),
        pytest.param("Job", {"active": 1}, {}, State.WAITING, id="a job runs"),
        pytest.param(
            "Job", {"conditions": _conditions(Complete="True")}, {}, State.READY, id="complete"
        ),
        pytest.param(
            "Job", {"conditions": _conditions(Failed="True")}, {}, State.FAILED, id="failed"
        ),
        pytest.param(
            "Job",
            {"conditions": _conditions(SuccessCriteriaMet="True")},
            {},
            State.WAITING,
            id="ending well",
        ),
        pytest.param("Job", {}, {"suspend": True}, State.FAILED, id="suspended"),
        pytest.param(
            "Job",
            {"conditions": _conditions(Suspended="True", Complete="False")},
            {},
            State.WAITING,
            id="conditions that do not hold",
        ),
    ],
)
def test_other_kinds(kind: str, status: Any, spec: Any, state: State) -> None:
    assert judge(_of(kind, status, spec)).state is state


def test_a_set_that_is_updated_by_hand_is_ready_and_that_is_said() -> None:
    status = {**_SET, "updatedReplicas": 0, "currentRevision": "a", "updateRevision": "b"}
    spec = {"replicas": 2, "updateStrategy": {"type": "OnDelete"}}
    found = judge(_of("StatefulSet", status, spec))
    assert found.ready and "OnDelete" in found.reason


@pytest.mark.parametrize(
    ("status", "state"),
    [
        pytest.param(_HEALTHY, State.READY, id="healthy"),
        pytest.param({}, State.WAITING, id="no status yet"),
        pytest.param({**_HEALTHY, "readyInstances": 2}, State.WAITING, id="an instance is missing"),
        pytest.param({**_HEALTHY, "phase": "Failing over"}, State.WAITING, id="on its way"),
        pytest.param(
            {**_HEALTHY, "phase": "Waiting for user action"},
            State.FAILED,
            id="it waits for a person",
        ),
        pytest.param(
            {**_HEALTHY, "conditions": _conditions(Ready="False")}, State.WAITING, id="not Ready"
        ),
        pytest.param(
            {
                **_HEALTHY,
                "conditions": [{"type": "Ready", "status": "True", "observedGeneration": 1}],
            },
            State.WAITING,
            id="Ready before the change",
        ),
    ],
)
def test_clusters(status: Any, state: State) -> None:
    assert judge(_of("Cluster", status, {"instances": 3})).state is state


def test_a_hibernated_cluster_has_failed() -> None:
    asleep = _of("Cluster", _HEALTHY, annotations={"cnpg.io/hibernation": "on"})
    assert judge(asleep).state is State.FAILED


def test_a_pooler_is_ready_with_its_deployment() -> None:
    pooler = _of("Pooler", {"instances": 2}, {"instances": 2})
    deployment = _of("Deployment", _DONE, {"replicas": 2})
    assert judge_pooler(pooler, deployment).ready
    for other in (None, _of("Deployment", _DONE, {"replicas": 1})):
        assert judge_pooler(pooler, other).state is State.WAITING
    late = _of("Deployment", {**_DONE, "availableReplicas": 1}, {"replicas": 2})
    assert judge_pooler(pooler, late).state is State.WAITING
    assert judge_pooler(_of("Pooler", {}, {"instances": 2}), deployment).state is State.WAITING
    assert judge_pooler(None, deployment).state is State.WAITING


def test_what_is_gone_or_going_is_waited_for() -> None:
    assert judge(None).state is State.WAITING
    going = _of("Deployment", _DONE, {"replicas": 2}, deletionTimestamp="2026-01-01T00:00:00Z")
    assert judge(going).state is State.WAITING


def test_only_a_deployment_has_its_own_deadline() -> None:
    own = _of("Deployment", {}, {"progressDeadlineSeconds": 7})
    assert deadline_of(own, 60.0) == 7.0
    assert deadline_of(_of("Deployment", {}), 60.0) == 600.0
    assert deadline_of(_of("StatefulSet", {}), 60.0) == 60.0


def test_progress_is_what_counts_in_a_status() -> None:
    before = _of("Deployment", {"updatedReplicas": 1, "conditions": []})
    assert progress_of(before) == progress_of(
        _of("Deployment", {"updatedReplicas": 1, "conditions": [{}]})
    )
    assert progress_of(before) != progress_of(_of("Deployment", {"updatedReplicas": 2}))


@pytest.mark.parametrize(
    ("active", "told"), [(1, "1 pod runs, 0 failed"), (2, "2 pods run, 0 failed")]
)
def test_the_pods_of_a_job_are_counted(active: int, told: str) -> None:
    assert judge({"kind": "Job", "status": {"active": active}}).reason == told
