"""A build as kubectl made it, traced back to the sources as far as that goes.

For overlays that use what the own reader does not know. What kubectl built is what is deployed;
where the own build has the same text at the same place, the leaf keeps its source.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from dataclasses import replace

from msgspec import structs

from repoint.formats.base import FileKind, ParsedFile
from repoint.formats.read import read_file
from repoint.kube.effective import MADE, Effective, Origin, Value, effective, leaves_of, text
from repoint.kube.files import FileIndex
from repoint.kube.kustomize import Build
from repoint.kube.objects import objects
from repoint.kube.resource import Resource
from repoint.sites.detect import detect

_HASH = len("-0123456789")


def from_render(own: Build, stream: str, index: FileIndex) -> Build:
    """The build that `stream`, the output of `kubectl kustomize`, shows.

    `untraced` of the result names the connections whose source is not known.
    """
    where = next(iter(sorted(own.files)), own.overlay)
    parsed = read_file(f"{own.overlay}/render.yaml", stream.encode())
    made = [(one, _unplaced(effective(one.root, "", one.at), where)) for one in objects(parsed)]
    graft = _Graft(own.objects, _texts_of(own.files, index))
    resources: list[Resource] = []
    traced: dict[int, Resource] = {}
    for one, body in made:
        if isinstance(body, dict):
            resource = graft.resource(body, where)
            resources.append(resource)
            traced[one.document] = resource
    return structs.replace(
        own,
        objects=tuple(resources),
        problems=(),
        unsupported=(),
        untraced=tuple(dict.fromkeys(_untraced(parsed, traced))),
    )


def _unplaced(tree: Effective, where: str) -> Effective:
    """A tree of the render: no file of the repository spells its leaves."""
    if isinstance(tree, dict):
        return {
            key: _unplaced(value, where)
            for key, value in tree.items()
            if not (isinstance(value, Value) and value.is_null)
        }
    if isinstance(tree, list):
        return [_unplaced(item, where) for item in tree]
    return Value(tree.text, Origin(where, MADE))


def _texts_of(files: Iterable[str], index: FileIndex) -> dict[str, Value | None]:
    """The leaves of an overlay's files by their text; None for a text that is there twice."""
    found: dict[str, Value | None] = {}
    for path in sorted(files):
        parsed = index.get(path)
        if parsed is None or parsed.kind not in (FileKind.YAML, FileKind.JSON):
            continue
        for document in parsed.documents:
            if document.root is not None:
                for leaf in leaves_of(effective(document.root, path, (document.index,))):
                    found[leaf.text] = None if leaf.text in found else leaf
    return found


class _Graft:
    """Gives leaves of a render the sources that the own build knows for them."""

    def __init__(self, own: tuple[Resource, ...], texts: dict[str, Value | None]) -> None:
        self._own = own
        self._texts = texts
        self._bare = {one.name: one for one in own if one.hashed}

    def resource(self, body: dict[str, Effective], where: str) -> Resource:
        """An object of the render in the place of the own one that it is."""
        made = Resource(body, where)
        twin = self._twin(made)
        if twin is None:
            self._graft_into(made, {})
            return made
        made = replace(made, path=twin.path, generated=twin.generated, hashed=twin.hashed)
        made.previous = list(twin.previous)
        if twin.generated and made.kind == "Secret":
            made.body = _decoded(made.body)
        self._graft_into(made, twin.body)
        if twin.hashed:
            made.set_metadata("name", twin.name, Origin(twin.path, MADE))
        return made

    def _graft_into(self, made: Resource, own: dict[str, Effective]) -> None:
        body = self._tree(made.body, own)
        assert isinstance(body, dict)
        made.body = body

    def _twin(self, made: Resource) -> Resource | None:
        alike = [
            one
            for one in self._own
            if one.kind == made.kind and (one.name == made.name or self._is_hashed(made.name, one))
        ]
        near = [one for one in alike if one.id.scope == made.id.scope]
        return next(iter(near or alike), None)

    def _is_hashed(self, name: str, own: Resource) -> bool:
        return own.hashed and name[:-_HASH] == own.name and name[-_HASH] == "-"

    def _tree(self, made: Effective, own: Effective | None) -> Effective:
        if isinstance(made, dict):
            known = own if isinstance(own, dict) else {}
            return {key: self._tree(value, known.get(key)) for key, value in made.items()}
        if isinstance(made, list):
            return [self._tree(*pair) for pair in _paired(made, own)]
        if isinstance(own, Value) and own.text == made.text:
            return own
        if self._is_reference(made.text):
            return structs.replace(made, text=made.text[:-_HASH])
        # A number alone says too little of where it comes from.
        source = self._texts.get(made.text) if not made.text.isdigit() else None
        return source or made

    def _is_reference(self, name: str) -> bool:
        own = self._bare.get(name[:-_HASH])
        return own is not None and self._is_hashed(name, own)


def _paired(
    made: list[Effective], own: Effective | None
) -> Iterator[tuple[Effective, Effective | None]]:
    """The items of a list with those they are in the own build: by name, else by position."""
    known = own if isinstance(own, list) else []
    named = {text(item, "name"): item for item in known if text(item, "name")}
    for number, item in enumerate(made):
        name = text(item, "name")
        if name:
            yield item, named.get(name)
        else:
            yield item, known[number] if number < len(known) else None


def _decoded(body: dict[str, Effective]) -> dict[str, Effective]:
    """A generated Secret with its values in clear, as the own build has them."""
    data = body.get("data")
    if not isinstance(data, dict):
        return body
    clear: dict[str, Effective] = {}
    for key, value in data.items():
        try:
            leaf = value.text if isinstance(value, Value) else ""
            clear[key] = Value(base64.b64decode(leaf).decode(), Origin("", MADE))
        except (binascii.Error, ValueError):
            clear[key] = value
    written = body.get("stringData")
    clear.update(written if isinstance(written, dict) else {})
    return {**{key: value for key, value in body.items() if key != "data"}, "stringData": clear}


def _untraced(parsed: ParsedFile, traced: dict[int, Resource]) -> Iterator[str]:
    for site in detect(parsed):
        document, *keys = (site.value_pointer or site.location.pointer).split("/")[1:]
        resource = traced.get(int(document)) if document.isdigit() else None
        if resource is None:
            continue
        if keys[:1] == ["data"] and resource.generated and resource.kind == "Secret":
            keys = ["stringData", *keys[1:]]
        leaf = _at(resource.body, [key.replace("~1", "/").replace("~0", "~") for key in keys])
        if isinstance(leaf, Value) and leaf.origin.pointer == MADE and leaf.scalar is None:
            yield f"{resource.kind} `{resource.name}`: `{site.key}` names `{site.host.text}`"


def _at(tree: Effective | None, keys: list[str]) -> Effective | None:
    for key in keys:
        if isinstance(tree, dict):
            tree = tree.get(key)
        elif isinstance(tree, list) and key.isdigit() and int(key) < len(tree):
            tree = tree[int(key)]
        else:
            return None
    return tree
