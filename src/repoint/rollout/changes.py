"""What an apply changes in an object: the names of its fields, never their values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from repoint.model.cluster import Document
from repoint.model.tokens import CHANGED
from repoint.rollout.names import INPUTS, SPEC, START_DUE
from repoint.rollout.objects import annotated, template_path

_SERVERS = ("managedFields", "resourceVersion", "generation", "creationTimestamp", "uid")
_OWN = (CHANGED, INPUTS, SPEC, START_DUE)


def changed_fields(before: Document, after: Document) -> tuple[str, ...]:
    """The fields that differ between an object and what an apply would make of it, sorted.

    What the server keeps for itself is left out, and so are repoint's own marks. Items of
    lists are told by their `name` where they have one.
    """
    old, new = _told(before), _told(after)
    return tuple(sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key)))


def template_changes(before: Document, after: Document) -> bool:
    """Whether pods would be replaced: the template differs by more than repoint's marks."""
    prefix = ".".join(template_path(after)) + "."
    return any(field.startswith(prefix) for field in changed_fields(before, after))


def _told(document: Document) -> dict[str, Any]:
    plain = {key: value for key, value in document.items() if key != "status"}
    metadata = plain.get("metadata") or {}
    plain["metadata"] = {key: value for key, value in metadata.items() if key not in _SERVERS}
    nothing = dict.fromkeys(_OWN)
    plain = annotated(plain, nothing)
    path = template_path(document)
    if path and isinstance(plain.get("spec"), Mapping) and "template" in plain["spec"]:
        plain = annotated(plain, nothing, *path)
    return dict(_leaves(plain, ""))


def _leaves(value: object, at: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        if not value and at and not at.endswith("annotations"):
            yield at, "{}"
        for key, inner in value.items():
            name = f"[{key}]" if "." in str(key) or "/" in str(key) else f".{key}" if at else key
            yield from _leaves(inner, f"{at}{name}")
    elif isinstance(value, list):
        names = [item.get("name") if isinstance(item, Mapping) else None for item in value]
        by_name = all(names) and len(set(names)) == len(names)
        if not value:
            yield at, "[]"
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{at}[{names[number] if by_name else number}]")
    else:
        yield at, value
