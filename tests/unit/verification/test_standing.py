"""Whether a workload stands, and whether its pods began late enough."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from repoint.model.rehearsal import Verdict
from repoint.model.tokens import CHANGED, new_token
from repoint.rollout.values import with_tokens
from repoint.verification.standing import Change, change_of, stands, started_late_enough

PASS, FAIL, UNKNOWN, SKIPPED = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN, Verdict.SKIPPED


def workload(kind: str, spec: Any = None, generation: int = 2, **status: Any) -> dict[str, Any]:
    seen = {"observedGeneration": 2, **status}
    metadata = {"name": "web", "generation": generation}
    return {"kind": kind, "metadata": metadata, "spec": spec or {}, "status": seen}


def deployment(**status: Any) -> dict[str, Any]:
    good = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}
    return workload("Deployment", {"replicas": 2}, **{**good, **status})


def stateful_set(**status: Any) -> dict[str, Any]:
    good = {
        "replicas": 1,
        "availableReplicas": 1,
        "updateRevision": "b",
        "currentRevision": "b",
        **status,
    }
    return workload("StatefulSet", {"replicas": 1}, **good)


def daemon_set(**status: Any) -> dict[str, Any]:
    good = {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2}
    return workload("DaemonSet", **{**good, **status})


def job(*conditions: str) -> dict[str, Any]:
    held = [{"type": one, "status": "True"} for one in conditions]
    return {"kind": "Job", "metadata": {}, "status": {"conditions": held}}


def pod(
    name: str = "web-1", began: str = "2026-01-01T10:00:00Z", **metadata: Any
) -> dict[str, Any]:
    return {"metadata": {"name": name, **metadata}, "status": {"startTime": began}}


@pytest.mark.parametrize(
    ("document", "verdict"),
    [
        (deployment(), PASS),
        (deployment(observedGeneration=1), FAIL),
        (deployment(updatedReplicas=1), FAIL),
        (deployment(replicas=3), FAIL),
        (deployment(availableReplicas=1), FAIL),
        (workload("Deployment", {"replicas": 0}), UNKNOWN),
        (
            workload(
                "Rollout",
                {"replicas": 1},
                observedGeneration="2",
                replicas=1,
                updatedReplicas=1,
                availableReplicas=1,
            ),
            PASS,
        ),
        (stateful_set(), PASS),
        (stateful_set(updateRevision="c"), FAIL),
        (stateful_set(availableReplicas=0), FAIL),
        (daemon_set(), PASS),
        (daemon_set(updatedNumberScheduled=1), FAIL),
        (daemon_set(numberAvailable=1), FAIL),
        (job("Complete"), PASS),
        (job("Failed"), FAIL),
        (job(), UNKNOWN),
        (workload("CronJob"), PASS),
        (workload("Pod", conditions=[{"type": "Ready", "status": "True"}]), PASS),
        (workload("Pod", conditions=[{"type": "Ready", "status": "False"}]), FAIL),
        (workload("Cluster"), UNKNOWN),
    ],
)
def test_a_workload_stands(document: Any, verdict: Verdict) -> None:
    assert stands(document, [pod()])[0] is verdict


@pytest.mark.parametrize("document", [deployment(), daemon_set(), stateful_set()])
def test_an_old_pod_that_still_stops(document: Any) -> None:
    stopping = pod("web-0", deletionTimestamp="2026-01-01T10:00:00Z")
    assert stands(document, [pod(), stopping]) == (FAIL, "an old pod still stops: `web-0`")
    over = {**stopping, "status": {"phase": "Failed"}}
    assert stands(document, [pod(), over])[0] is PASS


def at(hour: int, *, exact: bool = True) -> Change:
    return Change("Secret/db key URL", f"2026-01-01T{hour:02}:00:00Z", exact)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ([], SKIPPED),
        ([at(9)], PASS),
        ([at(10)], PASS),
        ([at(11)], FAIL),
        ([at(11, exact=False)], UNKNOWN),
        ([at(11, exact=False), at(11)], FAIL),
        ([at(9), at(11)], FAIL),
    ],
)
def test_a_pod_began_after_the_change(changes: list[Change], verdict: Verdict) -> None:
    assert started_late_enough([pod()], changes)[0] is verdict


def test_no_pod_tells_nothing() -> None:
    assert started_late_enough([], [at(9)])[0] is SKIPPED


def held(annotation: str = "", *entries: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": "db", "managedFields": list(entries)}
    if annotation:
        metadata["annotations"] = {"repoint.dev/changed": annotation}
    return {"kind": "Secret", "metadata": metadata}


def owned(time: str, *keys: str, manager: str = "kubectl") -> dict[str, Any]:
    fields = {"f:data": {f"f:{key}": {} for key in keys}}
    return {"time": time, "manager": manager, "fieldsV1": fields}


def test_when_a_key_changed_by_its_manager() -> None:
    times = (owned("2026-01-02T00:00:00Z", "URL"), owned("2026-01-03T00:00:00Z", "OTHER"))
    guess = Change("Secret/db key URL", "2026-01-02T00:00:00Z", exact=False)
    assert change_of(held("", *times), "URL") == guess
    assert change_of(held(), "URL") is None
    assert change_of(held("no json", times[0]), "URL") == guess
    assert change_of(held('["a"]'), "URL") is None


def test_when_a_rollout_changed_a_key() -> None:
    """By the annotation that a rollout really writes."""
    before = {"kind": "Secret", "data": {"URL": "YQ==", "OTHER": "YQ=="}}
    after = {"kind": "Secret", "data": {"URL": "Yg==", "OTHER": "YQ=="}}
    token = new_token(datetime(2026, 1, 1, 9, tzinfo=UTC), "x1")
    written = with_tokens(before, after, token)["metadata"]["annotations"][CHANGED]

    later = owned("2026-02-01T00:00:00Z", "URL", "OTHER", manager="repoint")
    earlier = owned("2025-02-01T00:00:00Z", "URL", "OTHER")
    both = held(written, later, earlier)
    told = Change("Secret/db key URL", "2026-01-01T09:00:00Z", exact=True)
    assert change_of(both, "URL") == told
    untouched = Change("Secret/db key OTHER", "2025-02-01T00:00:00Z", exact=False)
    assert change_of(both, "OTHER") == untouched

    by_hand = held(written, later, owned("2026-03-01T00:00:00Z", "URL"))
    guess = Change("Secret/db key URL", "2026-03-01T00:00:00Z", exact=False)
    assert change_of(by_hand, "URL") == guess
