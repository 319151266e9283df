"""Trees whose leaves know the file, the pointer and the bytes they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from sys import intern
from typing import TypeAlias

from msgspec import Struct

from repoint.formats.base import Mapping, Node, Scalar

MADE = "-"
"""The pointer of a leaf that kustomize makes on behalf of a file, such as a new name."""


class Origin(Struct, frozen=True, order=True, gc=False):
    """Where a leaf is written.

    `pointer` names the scalar of `path` that holds it, document index first; empty when
    the whole file is the value, `MADE` when no scalar spells it.
    `embedded` tells that the leaf is a part of that scalar's text (an inline patch), so
    that the leaf's own span tells it from its neighbours.
    """

    path: str
    pointer: str
    embedded: bool = False


class Value(Struct, frozen=True, eq=False, gc=False):
    """A leaf: the text a cluster would get, and the scalar that spells it.

    `scalar` is None for a leaf that no file spells (a generated kind, a new namespace).
    `text` differs from the scalar's where kustomize cuts or composes (a literal, an image).
    """

    text: str
    place: Origin | str
    """Its origin, or the pointer in the file at `path`: most leaves are a file's own."""
    scalar: Scalar | None = None
    path: str = ""

    @property
    def origin(self) -> Origin:
        """Where it is written."""
        place = self.place
        return Origin(self.path, place) if isinstance(place, str) else place

    @property
    def is_null(self) -> bool:
        """Whether the leaf is written as null."""
        scalar = self.scalar
        return scalar is not None and scalar.style not in _QUOTED and scalar.text in _NULLS


Effective: TypeAlias = "Value | dict[str, Effective] | list[Effective]"

_QUOTED = frozenset({"single", "double", "literal", "folded", "string"})
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


def pointer_of(path: tuple[str | int, ...]) -> str:
    """Spell a path as a pointer, the way `Leaf.pointer` does."""
    return "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in path)


def effective(
    node: Node, path: str, at: tuple[str | int, ...], outer: str | None = None
) -> Effective:
    """Copy a parsed tree; the first of duplicate keys wins, as in kustomize.

    `outer` is the pointer of the scalar whose text holds the tree, for embedded text.
    """
    return _copied(node, path, pointer_of(at), outer)


def _copied(node: Node, path: str, at: str, outer: str | None) -> Effective:
    if isinstance(node, Scalar):
        if outer is not None:
            return Value(node.text, Origin(path, outer, embedded=True), node)
        # Manifests are alike: the same pointers stand in most of them.
        return Value(node.text, intern(at), node, path)
    if isinstance(node, Mapping):
        return _mapping(node, path, at, outer)
    return [_copied(item, path, f"{at}/{i}", outer) for i, item in enumerate(node.items)]


def _mapping(node: Mapping, path: str, at: str, outer: str | None) -> dict[str, Effective]:
    result: dict[str, Effective] = {}
    merged: list[Effective] = []
    for key, value in node.pairs:
        name = key.text
        if name == "<<" and key.style in ("plain", ""):
            inner = _copied(value, path, f"{at}/<<", outer)
            merged += inner if isinstance(inner, list) else [inner]
        elif name not in result:
            escaped = name.replace("~", "~0").replace("/", "~1")
            result[name] = _copied(value, path, f"{at}/{escaped}", outer)
    for inner in merged:
        if isinstance(inner, dict):
            result = {**{k: v for k, v in inner.items() if k not in result}, **result}
    return result


def clone(tree: Effective) -> Effective:
    """Copy the containers of a tree; leaves are shared."""
    if isinstance(tree, dict):
        return {key: clone(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [clone(item) for item in tree]
    return tree


def edited(
    tree: Effective,
    path: tuple[str, ...],
    change: Callable[[Effective], Effective],
    *,
    create: bool = False,
) -> Effective:
    """The tree with `change` made where `path` leads, through every item of lists on the way.

    Nothing is changed in place: what stands beside the path is shared, and a tree in which
    nothing changes is given back itself. `create` makes the mappings that are missing.
    """
    if isinstance(tree, list):
        items = [edited(item, path, change, create=create) for item in tree]
        same = all(old is new for old, new in zip(tree, items, strict=True))
        return tree if same else items
    if not path:
        return change(tree)
    if not isinstance(tree, dict):
        return tree
    old = tree.get(path[0])
    if old is None or (create and isinstance(old, Value) and old.is_null):
        if not create:
            return tree
        old = {}
    new = edited(old, path[1:], change, create=create)
    return tree if new is old else {**tree, path[0]: new}


def child(tree: Effective | None, *keys: str) -> Effective | None:
    """The subtree at a path of keys, or None."""
    for key in keys:
        if not isinstance(tree, dict):
            return None
        tree = tree.get(key)
    return tree


def text(tree: Effective | None, *keys: str) -> str:
    """The text of the leaf at a path of keys; empty when missing or null."""
    for key in keys:
        if not isinstance(tree, dict):
            return ""
        tree = tree.get(key)
    if not isinstance(tree, Value):
        return ""
    return "" if tree.text in _NULLS and tree.is_null else tree.text


# These few are asked for every field of every object: each goes down by itself, without a call.
def mapping(tree: Effective | None, *keys: str) -> dict[str, Effective]:
    """The mapping at a path of keys, or an empty one."""
    for key in keys:
        if not isinstance(tree, dict):
            return {}
        tree = tree.get(key)
    return tree if isinstance(tree, dict) else {}


def items(tree: Effective | None, *keys: str) -> list[Effective]:
    """The list at a path of keys, or an empty one."""
    for key in keys:
        if not isinstance(tree, dict):
            return []
        tree = tree.get(key)
    return tree if isinstance(tree, list) else []


def texts(tree: Effective | None, *keys: str) -> tuple[str, ...]:
    """The texts of the leaves of a list, or the text of a single leaf."""
    for key in keys:
        if not isinstance(tree, dict):
            return ()
        tree = tree.get(key)
    if isinstance(tree, list):
        return tuple([item.text for item in tree if isinstance(item, Value)])
    if isinstance(tree, Value):
        return (tree.text,) if tree.text and not tree.is_null else ()
    return ()


def pairs(tree: Effective | None, *keys: str) -> tuple[tuple[str, str], ...]:
    """The scalar entries of a mapping, in order."""
    found = mapping(tree, *keys)
    return tuple((key, leaf.text) for key, leaf in found.items() if isinstance(leaf, Value))


def plain(tree: Effective) -> object:
    """The tree as plain dicts, lists and texts, for facts that need no provenance."""
    if isinstance(tree, dict):
        return {key: plain(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [plain(item) for item in tree]
    return None if tree.is_null else tree.text


def leaves_of(tree: Effective) -> Iterator[Value]:
    """Every leaf of a tree, in order."""
    if isinstance(tree, Value):
        yield tree
    else:
        for inner in tree.values() if isinstance(tree, dict) else tree:
            yield from leaves_of(inner)
