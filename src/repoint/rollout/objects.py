"""Reaching into plain objects without stumbling over what is not there."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from repoint.model.cluster import Document

_TEMPLATES = {
    "Pod": (),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}


def at(document: object, *keys: str) -> Any:
    """The value at a path of keys; None where the path ends early."""
    found = document
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def mapping_at(document: object, *keys: str) -> Mapping[str, Any]:
    """The mapping at a path of keys; an empty one where there is none."""
    found = at(document, *keys)
    return found if isinstance(found, Mapping) else {}


def items_at(document: object, *keys: str) -> tuple[Any, ...]:
    """The items of the list at a path of keys; nothing where there is none."""
    found = at(document, *keys)
    return tuple(found) if isinstance(found, list) else ()


def number_at(document: object, *keys: str, default: int = 0) -> int:
    """The whole number at a path of keys."""
    found = at(document, *keys)
    return found if isinstance(found, int) and not isinstance(found, bool) else default


def marks_of(document: object) -> Mapping[str, Any]:
    """The annotations of an object or a pod template."""
    return mapping_at(document, "metadata", "annotations")


def template_path(document: Document) -> tuple[str, ...]:
    """Where the pod template stands in an object of its kind."""
    return _TEMPLATES.get(str(document.get("kind", "")), ("spec", "template"))


def template_of(document: Document) -> Mapping[str, Any]:
    """The pod template of a workload; a Pod is its own."""
    return mapping_at(document, *template_path(document))


def annotated(document: Document, values: Mapping[str, str | None], *path: str) -> dict[str, Any]:
    """A copy whose annotations (of what stands at `path`) have `values`; None removes one."""
    changed: dict[str, Any] = copy.deepcopy(dict(document))
    place = changed
    for key in path:
        place = place.setdefault(key, {})
    metadata = place.get("metadata") or {}
    kept = {**(metadata.get("annotations") or {}), **values}
    metadata["annotations"] = {key: value for key, value in kept.items() if value is not None}
    place["metadata"] = metadata
    return changed


def conditions(document: Document) -> dict[str, Mapping[str, Any]]:
    """The conditions of an object's status by their type."""
    return {
        str(one.get("type")): one
        for one in items_at(document, "status", "conditions")
        if isinstance(one, Mapping)
    }


def holds(document: Document, condition: str) -> bool:
    """Whether a condition is `True`."""
    return conditions(document).get(condition, {}).get("status") == "True"
