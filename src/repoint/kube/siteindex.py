"""Sites by the scalar that holds them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from repoint.formats.base import FileKind, ParsedFile
from repoint.formats.kinds import kind_of
from repoint.formats.shelf import Shelf
from repoint.kube.effective import Effective, Value
from repoint.kube.objects import scalar_at
from repoint.model.consumer import Site

_ANCHOR = re.compile(rb"(?:^|[\s\[{,:\xbf])&[^\s,\[\]{}]")
"""What may be an anchor of YAML; the `&` of a connection string stands behind a value."""

_TREES = frozenset({FileKind.YAML, FileKind.HELM_TEMPLATE, FileKind.JSON})


class SiteIndex:
    """Finds the sites that stand in an effective leaf.

    A leaf is matched by its pointer; through an alias by the token it shares; inside an
    inline patch by the bytes of its own part of the text.
    """

    def __init__(
        self, sites: Mapping[str, tuple[Site, ...]], files: Mapping[str, ParsedFile]
    ) -> None:
        self._by_file = sites
        self._below: dict[int, tuple[Effective, tuple[Site, ...]]] = {}
        self._files = files
        self._by_pointer: dict[str, dict[str, list[Site]]] = {}
        self._by_token: dict[str, dict[int, list[Site]]] = {}
        for path, found in sites.items():
            spots = self._by_pointer.setdefault(path, {})
            for site in found:
                spots.setdefault(_pointer(site), []).append(site)

    def of(self, value: Value) -> tuple[Site, ...]:
        """The sites in a leaf, in file order."""
        place, scalar = value.place, value.scalar
        if isinstance(place, str):
            path, pointer, embedded = value.path, place, False
        else:
            path, pointer, embedded = place.path, place.pointer, place.embedded
        spots = self._by_pointer.get(path)
        if spots is None:
            return ()
        if not pointer:
            return self._by_file.get(path, ()) if scalar is None else ()
        if embedded:
            return self._inside(value)
        found = spots.get(pointer)
        if not found and scalar is not None:
            found = self._tokens(path).get(scalar.start)
        return tuple(found) if found else ()

    def _tokens(self, path: str) -> dict[int, list[Site]]:
        """The sites of a file by where the token of each starts; asked for after a look at it."""
        known = self._by_token.get(path)
        if known is None:
            known = self._by_token[path] = {}
            parsed = self._files.get(path) if self._may_alias(path) else None
            if parsed is None:
                return known
            for site in self._by_file[path]:
                scalar = scalar_at(parsed, _pointer(site))
                if scalar is not None:
                    known.setdefault(scalar.start, []).append(site)
        return known

    def _may_alias(self, path: str) -> bool:
        """Whether two pointers of a file may lead to one token; YAML needs an anchor for that."""
        raw = self._files.raw(path) if isinstance(self._files, Shelf) else None
        return raw is None or kind_of(path, b"") not in _TREES or bool(_ANCHOR.search(raw))

    def below(self, tree: Effective) -> Collection[Site]:
        """The sites in all leaves of a tree; overlays share most of their objects' fields."""
        if isinstance(tree, Value):
            return self.of(tree)
        known = self._below.get(id(tree))
        if known is None:
            # The tree is kept, so that its id stays its own.
            known = self._below[id(tree)] = (tree, self._all_below(tree))
        return known[1]

    def _all_below(self, tree: Effective) -> tuple[Site, ...]:
        by_pointer = self._by_pointer
        found: dict[int, Site] = {}
        todo = [tree]
        while todo:
            node = todo.pop()
            if isinstance(node, dict):
                todo += node.values()
            elif isinstance(node, list):
                todo += node
            elif (node.path or node.origin.path) in by_pointer:
                found.update((id(site), site) for site in self.of(node))
        return tuple(found.values())

    def _inside(self, value: Value) -> tuple[Site, ...]:
        scalar = value.scalar
        if scalar is None:
            return ()
        found: list[Site] = []
        spots = self._by_pointer.get(value.origin.path, {})
        for site in spots.get(value.origin.pointer, ()):
            span = site.host.span
            if span is None:
                if site.location.line == scalar.line:
                    found.append(site)
            elif scalar.span.start <= span.start and span.end <= scalar.span.end:
                found.append(site)
        return tuple(found)


def _pointer(site: Site) -> str:
    return site.value_pointer or site.location.pointer
