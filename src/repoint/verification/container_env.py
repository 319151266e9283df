"""A container's environment as the kubelet makes it, from live objects."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from repoint.model.sensitive import Sensitive

Keys = Mapping[str, Sensitive]
"""The keys of a Secret or ConfigMap with their texts."""
Find = Callable[[str, str], Keys | None]
"""The keys of `Secret` or `ConfigMap` by kind and name, None when it is not there."""

# Kubernetes' own expansion: `$(NAME)`, and `$$` for a dollar sign.
_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_.\-][A-Za-z0-9_.\-]*)\)")


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a container; `value` is None where nothing here tells it.

    `origin` names the object and key that it comes from, empty for a literal.
    """

    name: str
    value: Sensitive | None
    origin: str = ""


def container_env(container: Mapping[str, Any], find: Find) -> dict[str, Variable]:
    """The variables of a container: `envFrom` in order, then `env`, the later winning.

    `$(NAME)` in a literal stands for a variable above it, as in Kubernetes; a text that comes
    from a Secret or ConfigMap is never expanded (X2).
    """
    known: dict[str, Variable] = {}
    for source in container.get("envFrom") or ():
        known |= {one.name: one for one in _whole_object(source, find)}
    for entry in container.get("env") or ():
        one = _entry(entry, known, find)
        known[one.name] = one
    return known


def expanded(text: str, known: Mapping[str, Variable]) -> str:
    """`text` with `$(NAME)` of every variable that is known; others stay as they are."""

    def replaced(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        one = known.get(found[1])
        return found[0] if one is None or one.value is None else one.value.reveal()

    return _REFERENCE.sub(replaced, text)


def is_composed(text: str) -> bool:
    """Whether Kubernetes would replace something in a literal."""
    return _REFERENCE.search(text) is not None


def references(containers: Iterable[Mapping[str, Any]]) -> set[tuple[str, str]]:
    """Kind and name of every Secret and ConfigMap that containers read variables from."""
    found: set[tuple[str, str]] = set()
    for container in containers:
        for source in container.get("envFrom") or ():
            for field, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
                found.add((kind, str((source.get(field) or {}).get("name", ""))))
        for entry in container.get("env") or ():
            kind, name, _ = _source_of(entry)
            found.add((kind, name))
    return {(kind, name) for kind, name in found if kind and name}


def _whole_object(source: Mapping[str, Any], find: Find) -> list[Variable]:
    for field, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
        name = str((source.get(field) or {}).get("name", ""))
        if name:
            keys = find(kind, name) or {}
            prefix = str(source.get("prefix") or "")
            return [
                Variable(f"{prefix}{key}", text, f"{kind}/{name} key {key}")
                for key, text in keys.items()
            ]
    return []


def _entry(entry: Mapping[str, Any], known: Mapping[str, Variable], find: Find) -> Variable:
    name = str(entry.get("name", ""))
    if "valueFrom" not in entry:
        return Variable(name, Sensitive(expanded(str(entry.get("value") or ""), known)))
    kind, source, key = _source_of(entry)
    if not kind:
        return Variable(name, None)
    keys = find(kind, source)
    return Variable(name, keys.get(key) if keys else None, f"{kind}/{source} key {key}")


def _source_of(entry: Mapping[str, Any]) -> tuple[str, str, str]:
    """Kind, name and key of what an entry refers to; empty for none."""
    given = entry.get("valueFrom") or {}
    for field, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
        if given.get(field):
            return kind, str(given[field].get("name", "")), str(given[field].get("key", ""))
    return "", "", ""
