"""kustomize replacements: a field of one object copied into others, provenance and all."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from repoint.formats.base import Mapping, Sequence
from repoint.kube.effective import (
    Effective,
    Origin,
    Value,
    child,
    effective,
    items,
    mapping,
    text,
    texts,
)
from repoint.kube.files import FileIndex, join
from repoint.kube.patches import selected
from repoint.kube.resource import Resource

_NOWHERE = Origin("", "")
_PART = re.compile(r"(?:\\.|\[[^\]]*\]|[^.\\\[])+")


def replace_fields(
    tree: dict[str, Effective], path: str, resources: list[Resource], index: FileIndex
) -> list[str]:
    """Apply `replacements` of the kustomization at `path`; return what could not be."""
    problems: list[str] = []
    for entry in items(tree, "replacements"):
        for one in _spelled(entry, path, index):
            problem = _replace(one, resources)
            if problem:
                problems.append(f"`{path}`: {problem}")
    return problems


def _spelled(entry: Effective, path: str, index: FileIndex) -> Iterator[Effective]:
    """A replacement, or those of the file that an entry names."""
    file = text(entry, "path")
    if not file:
        yield entry
        return
    parsed = index.get(join(posixpath.dirname(path), file))
    for document in parsed.documents if parsed is not None else ():
        if isinstance(document.root, Mapping | Sequence):
            found = effective(document.root, parsed.path if parsed else "", (document.index,))
            yield from found if isinstance(found, list) else [found]


def _replace(replacement: Effective, resources: list[Resource]) -> str:
    source = mapping(replacement, "source")
    where = text(source, "fieldPath") or "metadata.name"
    chosen = [one for one in resources if selected(one, _named(source), between=True)]
    if len(chosen) != 1:
        return f"a replacement's source {text(source, 'kind')} `{text(source, 'name')}` is not one"
    value = _read(chosen[0].body, _parts(where))
    if value is None or _is_coded(chosen[0], where):
        return f"a replacement's source has no field `{where}`"
    for target in items(replacement, "targets"):
        if text(source, "options", "delimiter") or text(target, "options", "delimiter"):
            return "a replacement of a part of a value (`delimiter`) is not shown"
        rejected = [mapping(one) for one in items(target, "reject")]
        for resource in resources:
            if selected(resource, mapping(target, "select"), between=True) and not any(
                selected(resource, one, between=True) for one in rejected
            ):
                create = text(target, "options", "create") == "true"
                for field in texts(target, "fieldPaths") or ("metadata.name",):
                    body = _written(resource.body, _parts(field), value, create=create)
                    if body is None or not isinstance(body, dict) or _is_coded(resource, field):
                        return f"a replacement's target {resource.kind} has no field `{field}`"
                    before, resource.body = resource.id, body
                    if resource.id != before:
                        resource.previous.append(before)
    return ""


def _is_coded(resource: Resource, field: str) -> bool:
    """Whether a field is a generated Secret's value, which kustomize has in base64."""
    coded = resource.generated and resource.kind == "Secret"
    return coded and field.startswith(("data", "stringData"))


def _named(source: dict[str, Effective]) -> dict[str, Effective]:
    """The selector in a source: names there are exact, not patterns."""
    keys = ("group", "version", "kind", "name", "namespace")
    return {key: source[key] for key in keys if key in source}


def _parts(path: str) -> list[str]:
    return [part.replace("\\.", ".") for part in _PART.findall(path)]


def _read(tree: Effective, parts: list[str]) -> Effective | None:
    node: Effective | None = tree
    for part in parts:
        if isinstance(node, list):
            node = next(iter(_members(node, part)), None)
        else:
            node = child(node, part)
    return node


def _members(found: list[Effective], part: str) -> list[Effective]:
    if part == "*":
        return list(found)
    if part.startswith("["):
        key, _, wanted = part[1:-1].partition("=")
        return [one for one in found if text(one, key) == wanted]
    return [found[int(part)]] if part.isdigit() and int(part) < len(found) else []


def _written(
    tree: Effective, parts: list[str], value: Effective, *, create: bool
) -> Effective | None:
    """The tree with a value put where `parts` lead; None when that is nowhere."""
    if not parts:
        if isinstance(tree, Value) or create:
            return value
        return value if isinstance(value, dict | list) else None
    first, rest = parts[0], parts[1:]
    if isinstance(tree, list):
        chosen = _members(tree, first)
        if not chosen and create and first.startswith("["):
            key, _, wanted = first[1:-1].partition("=")
            origin = value.origin if isinstance(value, Value) else _NOWHERE
            chosen = [{key: Value(wanted, origin)}]
            tree = [*tree, *chosen]
        changed = {id(one): _written(one, rest, value, create=create) for one in chosen}
        if not chosen or None in changed.values():
            return None
        return [found if (found := changed.get(id(one))) is not None else one for one in tree]
    if not isinstance(tree, dict):
        return None
    inner = tree.get(first)
    if inner is None:
        if not create:
            return None
        inner = value if not rest else {}
    made = _written(inner, rest, value, create=create)
    return None if made is None else {**tree, first: made}
