"""Objects of a Kubernetes API server, as the flows name and hold them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

FIELD_MANAGER = "repoint"
"""The name under which repoint owns the fields that it applies."""

Document = Mapping[str, Any]
"""An object as JSON holds it: `apiVersion`, `kind`, `metadata`, and the rest."""


class ClusterVerb(StrEnum):
    """The commands that reach the cluster."""

    ROLLOUT = "rollout"
    VERIFY = "verify"
    DATA = "data"
    ROLLBACK = "rollback"
    STATUS = "status"


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """Names one object; `namespace` is empty for what belongs to the whole cluster."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        return self.api_version.rpartition("/")[0]

    def __str__(self) -> str:
        return "/".join(part for part in (self.kind, self.namespace, self.name) if part)


def ref_of(document: Document) -> ObjectRef:
    """The name of an object; parts that it lacks are empty."""
    metadata = document.get("metadata") or {}
    return ObjectRef(
        str(document.get("apiVersion", "")),
        str(document.get("kind", "")),
        str(metadata.get("namespace", "")),
        str(metadata.get("name", "")),
    )
