"""Whether the source still stands: its Service, the workload behind it, and its volume."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repoint.model.cluster import Document, ObjectRef, ref_of
from repoint.model.rehearsal import Verdict

WORKLOADS = (("apps/v1", "StatefulSet"), ("apps/v1", "Deployment"))
"""Kinds of workload that a database of one's own runs in."""


@dataclass(frozen=True, slots=True)
class SourceParts:
    """The objects that the source is made of, in the order Service, workload, volume claim."""

    services: tuple[ObjectRef, ...] = ()
    workloads: tuple[ObjectRef, ...] = ()
    claims: tuple[ObjectRef, ...] = ()

    @property
    def refs(self) -> tuple[ObjectRef, ...]:
        """All of them."""
        return (*self.services, *self.workloads, *self.claims)


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether there is a way back to the source: `reasons` say why there is none, or why
    nobody can tell. `parts` are what was looked at.
    """

    verdict: Verdict
    reasons: tuple[str, ...] = ()
    parts: SourceParts = SourceParts()


def source_parts(documents: Sequence[Document], names: Collection[tuple[str, str]]) -> SourceParts:
    """What the source is made of; `names` are `(namespace, name)` of its Services.

    `documents` are of any origin; an object that is there several times counts once.
    """
    services = [one for one in documents if one.get("kind") == "Service" and _name(one) in names]
    workloads = [
        one
        for one in documents
        if one.get("kind") in {kind for _, kind in WORKLOADS} and _behind(one, services)
    ]
    claims = dict.fromkeys(claim for one in workloads for claim in _claims(one))
    return SourceParts(
        tuple(dict.fromkeys(map(ref_of, services))),
        tuple(dict.fromkeys(map(ref_of, workloads))),
        tuple(claims),
    )


def judge_standing(
    parts: SourceParts,
    desired: Sequence[Document],
    live: Mapping[ObjectRef, Document | None] | None,
) -> Standing:
    """Whether every part is in the environment's objects and in the cluster.

    Args:
        parts: What the source is made of.
        desired: The environment's objects as they are to be.
        live: Each part as the cluster has it, None for what is not there; None for a cluster
            that nobody can look at.
    """
    if not parts.services:
        why = "no Service of the source is in the environment's objects"
        if live is None:
            return Standing(Verdict.UNKNOWN, (why,), parts)
        return Standing(Verdict.FAIL, (f"{why}, nor in the cluster",), parts)
    wanted = {_place(ref_of(one)): one for one in desired}
    reasons = list(_from_render(parts, wanted))
    if live is not None:
        reasons += _from_cluster(parts, live)
    if reasons:
        return Standing(Verdict.FAIL, tuple(reasons), parts)
    if live is None:
        return Standing(Verdict.UNKNOWN, ("nobody looked into the cluster",), parts)
    if not parts.workloads:
        why = f"nothing is known of what runs behind {parts.services[0]}"
        return Standing(Verdict.UNKNOWN, (why,), parts)
    return Standing(Verdict.PASS, (), parts)


def _from_render(
    parts: SourceParts, wanted: Mapping[tuple[str, str, str], Document]
) -> Iterator[str]:
    for ref in (*parts.services, *parts.workloads):
        found = wanted.get(_place(ref))
        if found is None:
            yield f"{ref} is gone from the environment's objects: a delivery may delete it"
        elif _replicas(found) == 0:
            yield f"{ref} is to have 0 replicas"


def _from_cluster(parts: SourceParts, live: Mapping[ObjectRef, Document | None]) -> Iterator[str]:
    for ref in parts.refs:
        found = live.get(ref)
        if found is None:
            yield f"{ref} is gone from the cluster"
        elif (found.get("metadata") or {}).get("deletionTimestamp"):
            yield f"{ref} is being deleted"
        elif (found.get("status") or {}).get("phase") == "Lost":
            yield f"{ref} lost its volume"
        elif ref in parts.workloads and _replicas(found) == 0:
            yield f"{ref} has 0 replicas"


def _behind(workload: Document, services: Sequence[Document]) -> bool:
    """Whether the workload's pods are what one of the Services selects."""
    namespace = ref_of(workload).namespace
    labels = _at(workload, "spec", "template", "metadata", "labels")
    for service in services:
        selector = _at(service, "spec", "selector")
        same = ref_of(service).namespace == namespace and bool(selector)
        if same and all(labels.get(key) == value for key, value in selector.items()):
            return True
    return False


def _claims(workload: Document) -> Iterator[ObjectRef]:
    ref = ref_of(workload)
    spec = workload.get("spec") or {}
    for one in _at(workload, "spec", "template", "spec").get("volumes") or []:
        name = (one.get("persistentVolumeClaim") or {}).get("claimName")
        if name:
            yield ObjectRef("v1", "PersistentVolumeClaim", ref.namespace, str(name))
    for template in spec.get("volumeClaimTemplates") or []:
        name = (template.get("metadata") or {}).get("name")
        # The first pod's is the primary's, wherever a StatefulSet runs a single PostgreSQL.
        yield ObjectRef("v1", "PersistentVolumeClaim", ref.namespace, f"{name}-{ref.name}-0")


def _replicas(document: Document) -> int | None:
    found = (document.get("spec") or {}).get("replicas")
    return found if isinstance(found, int) else None


def _at(document: Document, *path: str) -> Mapping[str, Any]:
    found: Any = document
    for one in path:
        found = (found or {}).get(one)
    return found or {}


def _name(document: Document) -> tuple[str, str]:
    ref = ref_of(document)
    return ref.namespace, ref.name


def _place(ref: ObjectRef) -> tuple[str, str, str]:
    return ref.kind, ref.namespace, ref.name
