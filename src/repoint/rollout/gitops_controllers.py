"""What Argo CD and Flux say of the objects that they bring."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from repoint.dsn.mask import mask
from repoint.model.cluster import Document, ObjectRef, ref_of
from repoint.rollout.objects import (
    at,
    conditions,
    holds,
    items_at,
    mapping_at,
    marks_of,
    number_at,
)

ARGO_API = "argoproj.io/v1alpha1"
FLUX_API = "kustomize.toolkit.fluxcd.io/v1"
HELM_API = "helm.toolkit.fluxcd.io/v2"
_TRACKING = "argocd.argoproj.io/tracking-id"
_INSTANCE = "app.kubernetes.io/instance"
_LABELS = {
    "kustomize.toolkit.fluxcd.io": (FLUX_API, "Kustomization"),
    "helm.toolkit.fluxcd.io": (HELM_API, "HelmRelease"),
}
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Told:
    """What a controller says of one of its objects.

    `done` tells that it brought `revision` and finds it well, `busy` that it is at it, `failed`
    that it could not. `hooks` are the Jobs that it says ran to their end, as `namespace/name`.
    """

    ref: ObjectRef
    summary: str
    revision: str = ""
    done: bool = False
    busy: bool = False
    failed: bool = False
    hooks: tuple[str, ...] = ()


def holders(live: Iterable[Document]) -> tuple[tuple[ObjectRef, ...], tuple[str, ...]]:
    """Who brings live objects, as they are marked.

    Returns:
        Objects of Flux by name, and names of Argo CD Applications, whose namespace the marks
        do not always tell (an `app.kubernetes.io/instance` may be no Application at all).
    """
    flux: dict[ObjectRef, None] = {}
    argo: dict[str, None] = {}
    for document in live:
        labels = mapping_at(document, "metadata", "labels")
        for domain, (api, kind) in _LABELS.items():
            name, namespace = (str(labels.get(f"{domain}/{k}", "")) for k in ("name", "namespace"))
            if name and namespace:
                flux[ObjectRef(api, kind, namespace, name)] = None
        tracked = str(marks_of(document).get(_TRACKING, "")).partition(":")[0]
        instance = str(labels.get(_INSTANCE, ""))
        for name in (tracked.rpartition("_")[2], instance):
            if name:
                argo[name] = None
    return tuple(flux), tuple(argo)


def told(document: Document) -> Told:
    """What an Application, a Kustomization or a HelmRelease says."""
    if document.get("kind") == "Application":
        return _application(document)
    return _flux(document)


def _application(document: Document) -> Told:
    status = mapping_at(document, "status")
    sync, health = (str(at(status, key, "status") or "Unknown") for key in ("sync", "health"))
    operation = mapping_at(status, "operationState")
    phase = str(operation.get("phase") or "")
    revision = str(at(status, "sync", "revision") or "")
    parts = [sync, health]
    if phase and phase != "Succeeded":
        parts.append(f"operation {phase}")
    errors = [
        str(one.get("message", ""))
        for name, one in conditions(document).items()
        if name.endswith("Error")
    ]
    message = str(operation.get("message") or "") if phase in ("Failed", "Error") else ""
    failed = phase in ("Failed", "Error") or bool(errors)
    return Told(
        ref_of(document),
        _said(parts, *errors, message),
        revision,
        done=sync == "Synced" and health == "Healthy" and phase in ("", "Succeeded"),
        busy=phase in ("Running", "Terminating"),
        failed=failed,
        hooks=tuple(_hooks(operation)),
    )


def _hooks(operation: Document) -> Iterator[str]:
    for one in items_at(operation, "syncResult", "resources"):
        if at(one, "kind") == "Job" and at(one, "hookPhase") == "Succeeded":
            yield f"{at(one, 'namespace')}/{at(one, 'name')}"


def _flux(document: Document) -> Told:
    ready = conditions(document).get("Ready", {})
    status = mapping_at(document, "status")
    revision = str(status.get("lastAppliedRevision") or status.get("lastAttemptedRevision") or "")
    behind = number_at(status, "observedGeneration") < number_at(document, "metadata", "generation")
    suspended = at(document, "spec", "suspend") is True
    busy = holds(document, "Reconciling") or ready.get("status") == "Unknown" or behind
    parts = [f"Ready {ready.get('status', 'Unknown')}"]
    if ready.get("reason"):
        parts.append(str(ready["reason"]))
    if suspended:
        parts.append("suspended")
    message = "" if ready.get("status") == "True" else str(ready.get("message") or "")
    return Told(
        ref_of(document),
        _said(parts, message),
        revision,
        done=ready.get("status") == "True" and not behind and not suspended,
        busy=busy and not suspended,
        failed=ready.get("status") == "False" and not busy,
    )


def _said(parts: Iterable[str], *messages: str) -> str:
    text = ", ".join(parts)
    for message in messages:
        short = mask(" ".join(message.split()))
        if short:
            text += f": {short if len(short) <= _LONGEST else short[:_LONGEST] + '...'}"
    return text
