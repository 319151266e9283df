"""Which objects come before which.

Namespaces, rights, network policies, Services, Cluster, Pooler and all that is no workload come
first; then, once Cluster and Pooler are ready, Secrets and ConfigMaps; then Jobs; then
workloads. What the Cluster itself reads has to be there before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import IntEnum

from repoint.model.cluster import Document, ObjectRef, ref_of
from repoint.rollout.names import POD_MAKERS
from repoint.rollout.objects import at, marks_of
from repoint.rollout.values import KINDS

CNPG = "postgresql.cnpg.io"
_WAVE = "argocd.argoproj.io/sync-wave"
_FIRST = (
    "Namespace",
    "CustomResourceDefinition",
    "PriorityClass",
    "ResourceQuota",
    "LimitRange",
    "ServiceAccount",
    "ClusterRole",
    "Role",
    "ClusterRoleBinding",
    "RoleBinding",
    "NetworkPolicy",
)
_LATE = ("Cluster", "Pooler")


class Wave(IntEnum):
    """The waves of a rollout, in order."""

    NAMESPACES = 0
    GROUND = 1
    """All that is neither of the others, the Cluster and the Pooler last."""
    VALUES = 2
    """Secrets and ConfigMaps."""
    JOBS = 3
    WORKLOADS = 4


def wave_of(document: Document, early: Iterable[ObjectRef] = ()) -> Wave:
    """The wave of an object; `early` are values that belong to the ground (see `early_values`)."""
    ref = ref_of(document)
    if ref.kind == "Namespace":
        return Wave.NAMESPACES
    if is_values(ref):
        return Wave.GROUND if ref in early else Wave.VALUES
    if ref.kind == "Job" and ref.group == "batch":
        return Wave.JOBS
    return Wave.WORKLOADS if ref.kind in POD_MAKERS else Wave.GROUND


def is_values(ref: ObjectRef) -> bool:
    """Whether an object is a Secret or a ConfigMap of Kubernetes itself."""
    return ref.kind in KINDS and ref.api_version == "v1"


def is_cnpg(ref: ObjectRef, kind: str) -> bool:
    """Whether an object is CloudNativePG's `kind`."""
    return ref.group == CNPG and ref.kind == kind


def place_of(document: Document) -> tuple[int, int]:
    """The order within a wave: Argo CD's sync wave, then what others need first."""
    ref = ref_of(document)
    if ref.kind in _FIRST:
        rank = _FIRST.index(ref.kind)
    elif is_values(ref):
        rank = len(_FIRST)
    elif ref.group == CNPG and ref.kind in _LATE:
        rank = len(_FIRST) + 3 + _LATE.index(ref.kind)
    else:
        rank = len(_FIRST) + (2 if ref.kind == "Deployment" else 1)
    return sync_wave(document), rank


def sync_wave(document: Document) -> int:
    """The wave that an Argo CD annotation gives, 0 without one."""
    text = str(marks_of(document).get(_WAVE, "0"))
    return int(text) if re.fullmatch(r"[-+]?\d{1,6}", text) else 0


def early_values(
    documents: Iterable[Document], live: Mapping[ObjectRef, bool], read: Iterable[ObjectRef]
) -> frozenset[ObjectRef]:
    """Secrets and ConfigMaps that have to be there before the Cluster can be.

    They are those that a Cluster or Pooler names. One that is there already and that workloads
    read, too (`read`), stays with the others: a pod that starts in between must not get
    the new value early. `live` tells which are there.
    """
    known = tuple(documents)
    named: set[tuple[str, str]] = set()
    for document in known:
        ref = ref_of(document)
        if ref.group == CNPG:
            named |= {(ref.namespace, name) for name in _names(at(document, "spec"))}
    workloads = frozenset(read)
    return frozenset(
        ref
        for ref in map(ref_of, known)
        if is_values(ref)
        and (ref.namespace, ref.name) in named
        and not (live.get(ref) and ref in workloads)
    )


def secrets_named(value: object) -> set[str]:
    """The Secrets that a Cluster's spec names (`initdb.secret`, `roles[].passwordSecret` ...)."""
    if isinstance(value, list):
        return set().union(*(secrets_named(inner) for inner in value))
    found: set[str] = set()
    if isinstance(value, Mapping):
        for key, inner in value.items():
            found |= secrets_named(inner)
            if str(key).lower().endswith("secret") and isinstance(at(inner, "name"), str):
                found.add(at(inner, "name"))
    return found


def _names(value: object) -> set[str]:
    """Every text under a key `name` (`initdb.secret.name`, `passwordSecret.name` and so on)."""
    if isinstance(value, Mapping):
        own = {value["name"]} if isinstance(value.get("name"), str) else set()
        return own.union(*(_names(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(_names(inner) for inner in value))
    return set()
