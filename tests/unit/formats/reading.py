"""What the tests of the formats package share: round trips through the text maps."""

from __future__ import annotations

from collections.abc import Iterable

from repoint.formats.base import (
    Document,
    Leaf,
    Mapping,
    Node,
    ParsedFile,
    Scalar,
    TextMap,
    leaves,
)
from repoint.formats.read import read_file
from repoint.formats.source import Source


def read(raw: bytes | str, path: str = "a.yaml") -> ParsedFile:
    """Read `raw` and check every run of every scalar against the bytes."""
    data = raw.encode() if isinstance(raw, str) else raw
    parsed = read_file(path, data)
    check_runs(parsed, data)
    return parsed


def check_runs(parsed: ParsedFile, raw: bytes) -> None:
    """Every mapped piece stands in the file, inside its scalar's span, and in its text."""
    for leaf in leaves(parsed.documents, keys=True):
        scalar = leaf.scalar
        for at, place, piece in scalar.map.runs:
            data = piece.encode()
            assert raw[place : place + len(data)] == data, leaf.pointer
            assert scalar.text[at : at + len(piece)] == piece, leaf.pointer
            assert scalar.span.start <= place, leaf.pointer
            assert place + len(data) <= scalar.span.end, leaf.pointer
        whole = scalar.map.span(0, len(scalar.text))
        if whole is not None:
            assert raw[whole.start : whole.end].decode() == scalar.text, leaf.pointer
    for comment in parsed.comments:
        assert comment.start < comment.end


def values(parsed: ParsedFile) -> dict[str, str]:
    """Pointer to text of every value."""
    return {leaf.pointer: leaf.scalar.text for leaf in leaves(parsed.documents)}


def leaf(parsed: ParsedFile, pointer: str) -> Leaf:
    """The value at `pointer`."""
    return next(found for found in leaves(parsed.documents) if found.pointer == pointer)


def token(raw: str | bytes, parsed: ParsedFile, pointer: str) -> str:
    """The raw token of the value at `pointer`, as it stands in the file."""
    data = raw.encode() if isinstance(raw, str) else raw
    span = leaf(parsed, pointer).scalar.span
    return data[span.start : span.end].decode()


def outline(node: Node | None) -> object:
    """Everything that a tree tells, as plain values."""
    if node is None:
        return None
    if isinstance(node, Scalar):
        place = (node.span, node.line, node.column)
        return (node.text, node.style, place, node.map.runs, node.anchor, node.aliased, node.tag)
    children = node.pairs if isinstance(node, Mapping) else node.items
    return (
        type(node), node.span, node.line, node.flow,
        [
            tuple(outline(part) for part in child) if isinstance(child, tuple) else outline(child)
            for child in children
        ],
    )  # fmt: skip


def outlines(documents: Iterable[Document]) -> list[object]:
    """The outline of each document."""
    return [(document.index, outline(document.root)) for document in documents]


def source(text: str) -> Source:
    """A file's text as a source."""
    return Source(text, TextMap(((0, 0, text),)))
