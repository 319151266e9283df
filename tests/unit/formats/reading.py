"""What the tests of the formats package share: round trips through the text maps."""

from __future__ import annotations

from repoint.formats.base import Leaf, ParsedFile, leaves
from repoint.formats.read import read_file


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
