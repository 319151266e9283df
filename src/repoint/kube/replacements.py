"""kustomize replacements: a field of one object copied into others, provenance and all."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from repoint.formats.base import Mapping, Sequence
from repoint.kube.effective import (
    Effective,
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
    chosen = [one for one in resources if selected(one, _named(source))]
    if len(chosen) != 1:
        return f"a replacement's source {text(source, 'kind')} `{text(source, 'name')}` is not one"
    value = _read(chosen[0].body, _parts(where))
    if value is None:
        return f"a replacement's source has no field `{where}`"
    for target in items(replacement, "targets"):
        if text(source, "options", "delimiter") or text(target, "options", "delimiter"):
            return "a replacement of a part of a value (`delimiter`) is not shown"
        rejected = [mapping(one) for one in items(target, "reject")]
        for resource in resources:
            if selected(resource, mapping(target, "select")) and not any(
                selected(resource, one) for one in rejected
            ):
                create = text(target, "options", "create") == "true"
                for field in texts(target, "fieldPaths") or ("metadata.name",):
                    _write(resource.body, _parts(field), value, create=create)
    return ""


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


def _write(tree: Effective, parts: list[str], value: Effective, *, create: bool) -> None:
    first, rest = parts[0], parts[1:]
    if isinstance(tree, list):
        if not rest and first.isdigit() and int(first) < len(tree):
            tree[int(first)] = value
        for member in _members(tree, first) if rest else ():
            _write(member, rest, value, create=create)
    elif isinstance(tree, dict):
        if not rest:
            if create or isinstance(tree.get(first), Value):
                tree[first] = value
            return
        if create and first not in tree:
            tree[first] = {}
        inner = tree.get(first)
        if inner is not None:
            _write(inner, rest, value, create=create)
