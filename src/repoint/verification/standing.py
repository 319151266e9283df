"""Whether a workload stands: rolled out, without pods of its past, and started late enough."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repoint.model.cluster import FIELD_MANAGER, Document
from repoint.model.rehearsal import Verdict
from repoint.model.tokens import CHANGED, token_time

Answered = tuple[Verdict, str]
"""The verdict, and what was seen in a few words."""

_SCALED = frozenset({"Deployment", "StatefulSet", "Rollout", "ReplicaSet"})


@dataclass(frozen=True, slots=True)
class Change:
    """When a key that a consumer reads changed: `at` in UTC as Kubernetes writes times.

    `exact` tells that it is the time of that very key; else something in the object changed then.
    """

    key: str
    at: str
    exact: bool


def stands(document: Document, pods: Sequence[Document]) -> Answered:
    """Whether a workload is rolled out as its spec says, with no pod of before."""
    kind = document.get("kind")
    if kind == "Job":
        return _job(document)
    if kind == "CronJob":
        return Verdict.PASS, "it is there; its next run takes what it is given now"
    if kind == "Pod":
        ready = _is_ready(document)
        return _of(ready, "ready" if ready else "not ready")
    if kind == "DaemonSet":
        return _daemon_set(document, pods)
    if kind in _SCALED:
        return _scaled(document, pods)
    return Verdict.UNKNOWN, f"what a {kind} brings up is not known here"


def started_late_enough(pods: Iterable[Document], changes: Iterable[Change]) -> Answered:
    """Whether every pod began after what it reads at its start was changed.

    A variable is read when a container starts: a pod that is older than the change still has
    the text of before, whatever the Secret says now.
    """
    pods, changes = tuple(pods), tuple(changes)
    if not changes:
        return Verdict.SKIPPED, "what it reads tells no time of a change"
    if not pods:
        return Verdict.SKIPPED, "it has no pod"
    unsure = ""
    for pod in pods:
        began = str((pod.get("status") or {}).get("startTime") or _meta(pod, "creationTimestamp"))
        for change in changes:
            if began[:19] >= change.at[:19]:
                continue
            told = f"pod `{_meta(pod, 'name')}` began before {change.key} changed ({change.at})"
            if change.exact:
                return Verdict.FAIL, told
            unsure = unsure or told.replace(" changed", " or another of its keys changed")
    return (Verdict.UNKNOWN, unsure) if unsure else (Verdict.PASS, "every pod began later")


def change_of(document: Document, key: str) -> Change | None:
    """When `key` of a Secret or ConfigMap was changed last, None where nothing tells.

    repoint's own annotation tells it exactly, for each key that repoint changed. The API server's
    `managedFields` tell when another manager that owns the key last changed anything.
    """
    name = f"{document.get('kind')}/{_meta(document, 'name')} key {key}"
    metadata = document.get("metadata") or {}
    tokens = _tokens(str((metadata.get("annotations") or {}).get(CHANGED, "")))
    ours = Change(name, told, exact=True) if (told := token_time(tokens.get(key, ""))) else None
    times = [
        str(entry.get("time", ""))
        for entry in metadata.get("managedFields") or ()
        if _owns(entry.get("fieldsV1") or {}, key)
        # What repoint itself changed is in the annotation.
        and not (tokens and entry.get("manager") == FIELD_MANAGER)
    ]
    latest = max(filter(None, times), default="")
    if ours is not None and latest <= ours.at:
        return ours
    return Change(name, latest, exact=False) if latest else None


def _tokens(text: str) -> dict[str, str]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def selector_of(document: Document) -> str:
    """The label selector of a workload's pods, as a query spells it; empty where none tells."""
    selector = (document.get("spec") or {}).get("selector") or {}
    labels = dict(selector.get("matchLabels") or {})
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def is_over(pod: Document) -> bool:
    """Whether a pod ran to its end."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _owns(fields: Mapping[str, Any], key: str) -> bool:
    return any(f"f:{key}" in (fields.get(part) or {}) for part in ("f:data", "f:stringData"))


def _scaled(document: Document, pods: Sequence[Document]) -> Answered:
    spec, status = document.get("spec") or {}, document.get("status") or {}
    wanted = int(spec.get("replicas", 1))
    if not _observed(document):
        return Verdict.FAIL, "its newest spec is not rolled out yet"
    updated, present = int(status.get("updatedReplicas") or 0), int(status.get("replicas") or 0)
    ready = int(status.get("availableReplicas") or status.get("readyReplicas") or 0)
    if document.get("kind") == "StatefulSet":
        same = status.get("updateRevision") == status.get("currentRevision")
        updated = wanted if same else updated
    old = _stopping(pods)
    if updated < wanted or present > updated:
        return Verdict.FAIL, f"{updated} of {wanted} pods are new, {present - updated} are old"
    if old:
        return Verdict.FAIL, f"an old pod still stops: `{old}`"
    if wanted == 0:
        return Verdict.UNKNOWN, "it is scaled to zero, so nobody uses the connection"
    return _of(ready >= wanted, f"{ready} of {wanted} pods are available, none is old")


def _daemon_set(document: Document, pods: Sequence[Document]) -> Answered:
    status = document.get("status") or {}
    wanted = int(status.get("desiredNumberScheduled") or 0)
    updated = int(status.get("updatedNumberScheduled") or 0)
    ready = int(status.get("numberAvailable") or 0)
    old = _stopping(pods)
    if not _observed(document) or updated < wanted:
        return Verdict.FAIL, f"{updated} of {wanted} pods are new"
    if old:
        return Verdict.FAIL, f"an old pod still stops: `{old}`"
    return _of(ready >= wanted, f"{ready} of {wanted} pods are available, none is old")


def _job(document: Document) -> Answered:
    conditions = (document.get("status") or {}).get("conditions") or ()
    held = {str(one.get("type")) for one in conditions if one.get("status") == "True"}
    if "Failed" in held:
        return Verdict.FAIL, "it failed"
    if held & {"Complete", "SuccessCriteriaMet"}:
        return Verdict.PASS, "it is complete"
    return Verdict.UNKNOWN, "it has not ended yet"


def _observed(document: Document) -> bool:
    seen = (document.get("status") or {}).get("observedGeneration")
    return bool(str(seen or 0) == str(_meta(document, "generation") or 0))


def _stopping(pods: Sequence[Document]) -> str:
    stopping = (p for p in pods if (p.get("metadata") or {}).get("deletionTimestamp"))
    return next((_meta(pod, "name") for pod in stopping if not is_over(pod)), "")


def _is_ready(pod: Document) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)


def _meta(document: Document, key: str) -> str:
    return str((document.get("metadata") or {}).get(key, ""))


def _of(holds: bool, observed: str) -> Answered:
    return (Verdict.PASS if holds else Verdict.FAIL), observed
