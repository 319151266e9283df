"""Whether an object is as it should be: ready, on its way, or failed, and why.

Judged by status alone, and where the kind tells it by the generation that the status is of: a
status that is older than the last change says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from repoint.model.cluster import Document, ObjectRef
from repoint.model.told import count
from repoint.rollout.objects import (
    at,
    conditions,
    holds,
    mapping_at,
    marks_of,
    number_at,
)

PROGRESS_DEADLINE_S = 600
"""Kubernetes' default of `spec.progressDeadlineSeconds`."""

_HEALTHY = "Cluster in healthy state"
# Phases that CNPG does not leave by itself (`api/v1/cluster_types.go`, 1.25 to 1.28).
_STUCK = (
    "Cluster is unrecoverable and needs manual intervention",
    "Cluster cannot proceed to reconciliation due to an unknown plugin being required",
    "Cluster has incomplete or invalid image catalog",
    "Cluster cannot execute instance online upgrade due to missing architecture binary",
    "Waiting for user action",
)


class State(StrEnum):
    """How far an object is."""

    READY = "ready"
    WAITING = "waiting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A state, and what it is judged by in a few words."""

    state: State
    reason: str = ""

    @property
    def ready(self) -> bool:
        """Whether nothing is left to wait for."""
        return self.state is State.READY


READY = Judgement(State.READY)


def judge(document: Document | None) -> Judgement:
    """How far an object is; a kind that has no such notion is ready when it is there."""
    if document is None:
        return _waiting("it is not there yet")
    if at(document, "metadata", "deletionTimestamp"):
        return _waiting("it is being deleted")
    found = _JUDGES.get(str(document.get("kind", "")))
    return found(document) if found is not None else READY


def pooler_deployment(pooler: ObjectRef) -> ObjectRef:
    """The Deployment that CNPG makes of a Pooler: it has its name."""
    return ObjectRef("apps/v1", "Deployment", pooler.namespace, pooler.name)


def judge_pooler(pooler: Document | None, deployment: Document | None) -> Judgement:
    """A Pooler is ready when the Deployment that CNPG makes of it is.

    `status.instances` counts pods that were made, not those that are ready, and has no
    generation (`PoolerStatus`, CNPG 1.25 to 1.28).
    """
    if pooler is None:
        return _waiting("it is not there yet")
    if at(pooler, "metadata", "deletionTimestamp"):
        return _waiting("it is being deleted")
    wanted = number_at(pooler, "spec", "instances", default=1)
    if deployment is None:
        return _waiting("CloudNativePG has made no Deployment of it yet")
    size = number_at(deployment, "spec", "replicas", default=1)
    if size != wanted:
        return _waiting(f"its Deployment has {size} of {wanted} instances")
    below = _deployment(deployment)
    if not below.ready:
        return below
    made = number_at(pooler, "status", "instances")
    return READY if made >= wanted else _waiting(f"{made} of {wanted} instances made")


def deadline_of(document: Document, default_s: float) -> float:
    """Seconds that may pass without progress: the object's own, else `default_s`."""
    if document.get("kind") == "Deployment":
        own = number_at(document, "spec", "progressDeadlineSeconds", default=PROGRESS_DEADLINE_S)
        return float(own)
    return default_s


def progress_of(document: Document | None) -> tuple[object, ...]:
    """What of a status changes when there is progress; equal ones are a standstill."""
    status = mapping_at(document, "status")
    numbers = sorted((key, value) for key, value in status.items() if isinstance(value, int))
    return (status.get("phase"), *numbers)


def _waiting(reason: str) -> Judgement:
    return Judgement(State.WAITING, reason)


def _failed(reason: str) -> Judgement:
    return Judgement(State.FAILED, reason)


def _told(condition: Mapping[str, Any]) -> str:
    return ": ".join(str(condition[key]) for key in ("reason", "message") if condition.get(key))


def _unseen(document: Document) -> bool:
    """Whether the status is of an older generation than the object."""
    seen = number_at(document, "status", "observedGeneration")
    return seen < number_at(document, "metadata", "generation")


def _deployment(document: Document) -> Judgement:
    if at(document, "spec", "paused"):
        return _failed("it is paused: `kubectl rollout resume` lets it go on")
    if _unseen(document):
        return _waiting("its controller has not seen the change yet")
    progressing = conditions(document).get("Progressing", {})
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return _failed("it made no progress within its progress deadline")
    wanted = number_at(document, "spec", "replicas", default=1)
    total, updated, available = (
        number_at(document, "status", key)
        for key in ("replicas", "updatedReplicas", "availableReplicas")
    )
    if holds(document, "ReplicaFailure"):
        why = _told(conditions(document)["ReplicaFailure"])
        return _waiting(f"a pod cannot be made: {why}")
    if updated < wanted:
        return _waiting(f"{updated} of {wanted} pods are new")
    if total > updated:
        return _waiting(f"{total - updated} old pods are still there")
    if available < updated:
        return _waiting(f"{available} of {updated} new pods are available")
    return READY


def _stateful_set(document: Document) -> Judgement:
    if _unseen(document):
        return _waiting("its controller has not seen the change yet")
    wanted = number_at(document, "spec", "replicas", default=1)
    ready = number_at(document, "status", "readyReplicas")
    if ready < wanted:
        return _waiting(f"{ready} of {wanted} pods are ready")
    status = mapping_at(document, "status")
    if at(document, "spec", "updateStrategy", "type") == "OnDelete":
        same = status.get("currentRevision") == status.get("updateRevision")
        told = "" if same else "OnDelete: its pods take the change when somebody deletes them"
        return Judgement(State.READY, told)
    partition = number_at(document, "spec", "updateStrategy", "rollingUpdate", "partition")
    updated = number_at(document, "status", "updatedReplicas")
    if updated < wanted - partition and status.get("updateRevision"):
        return _waiting(f"{updated} of {wanted - partition} pods are new")
    if not partition and status.get("currentRevision") != status.get("updateRevision"):
        return _waiting(f"{updated} of {wanted} pods are new")
    return READY


def _daemon_set(document: Document) -> Judgement:
    if _unseen(document):
        return _waiting("its controller has not seen the change yet")
    wanted, updated, available = (
        number_at(document, "status", key)
        for key in ("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable")
    )
    on_delete = at(document, "spec", "updateStrategy", "type") == "OnDelete"
    if updated < wanted and not on_delete:
        return _waiting(f"{updated} of {wanted} pods are new")
    if available < wanted:
        return _waiting(f"{available} of {wanted} pods are available")
    told = "OnDelete: its pods take the change when somebody deletes them"
    return Judgement(State.READY, told if on_delete and updated < wanted else "")


def _job(document: Document) -> Judgement:
    if holds(document, "Complete"):
        return READY
    if holds(document, "Failed"):
        return _failed(_told(conditions(document)["Failed"]) or "it failed")
    if at(document, "spec", "suspend"):
        return _failed("it is suspended")
    for ending in ("SuccessCriteriaMet", "FailureTarget"):
        if holds(document, ending):
            return _waiting(f"its pods are ending ({ending})")
    active, failed = (number_at(document, "status", key) for key in ("active", "failed"))
    return _waiting(f"{count(active, 'pod')} {'runs' if active == 1 else 'run'}, {failed} failed")


def _cluster(document: Document) -> Judgement:
    """CNPG tells no generation; only its conditions may."""
    if marks_of(document).get("cnpg.io/hibernation") == "on":
        return _failed("it is hibernated")
    phase = str(at(document, "status", "phase") or "")
    reason = str(at(document, "status", "phaseReason") or "")
    told = ": ".join(part for part in (phase, reason) if part) or "it has no status yet"
    if phase in _STUCK:
        return _failed(told)
    if phase != _HEALTHY:
        return _waiting(told)
    wanted = number_at(document, "spec", "instances", default=1)
    ready = number_at(document, "status", "readyInstances")
    if ready < wanted:
        return _waiting(f"{ready} of {wanted} instances are ready")
    condition = conditions(document).get("Ready", {})
    if condition.get("status", "True") != "True":
        return _waiting(_told(condition))
    seen = number_at(condition, "observedGeneration")
    if seen and seen < number_at(document, "metadata", "generation"):
        return _waiting("the operator has not seen the change yet")
    return READY


def _claim(document: Document) -> Judgement:
    lost = at(document, "status", "phase") == "Lost"
    return _failed("its volume is lost") if lost else READY


_JUDGES: Mapping[str, Callable[[Document], Judgement]] = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "Cluster": _cluster,
    "PersistentVolumeClaim": _claim,
}
