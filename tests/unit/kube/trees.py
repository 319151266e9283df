"""Small repositories spelled as a table of path and text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping

from repoint.formats.base import ParsedFile
from repoint.formats.kinds import kind_of
from repoint.formats.read import read_file
from repoint.kube.files import FileIndex
from repoint.kube.objects import scalar_at
from repoint.model.consumer import Part, Site, Style
from repoint.model.source import Location

Tree = Mapping[str, str]


def dedent(tree: Tree) -> dict[str, str]:
    """The tree with each text's common indentation removed."""
    return {path: textwrap.dedent(text).lstrip("\n") for path, text in tree.items()}


def parse(tree: Tree) -> dict[str, ParsedFile]:
    """Read every file that may hold a site."""
    raw = {path: text.encode() for path, text in dedent(tree).items()}
    return {path: read_file(path, text) for path, text in raw.items() if kind_of(path, text)}


def index(tree: Tree) -> FileIndex:
    """The tree as the resolver sees it."""
    return FileIndex(parse(tree), tree)


def site(files: Mapping[str, ParsedFile], path: str, pointer: str, key: str = "KEY") -> Site:
    """A site at a scalar of a file, with no more than its place."""
    scalar = scalar_at(files[path], pointer)
    line, column = (scalar.line, scalar.column) if scalar is not None else (1, 1)
    return Site(
        location=Location(path, line, column, pointer),
        style=Style.URL,
        key=key,
        host=Part("db", scalar.span if scalar is not None else None),
        port=None,
        database=None,
        user=None,
        schema=None,
        value_pointer=pointer,
    )


def sites_at(
    files: Mapping[str, ParsedFile], places: Iterable[tuple[str, str]]
) -> dict[str, tuple[Site, ...]]:
    """Sites by file, for `resolve`."""
    found: dict[str, tuple[Site, ...]] = {}
    for path, pointer in places:
        found[path] = (*found.get(path, ()), site(files, path, pointer))
    return found
