"""What the line-based readers share: a reading, and quoted values on a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from repoint.formats.base import Document, Mapping, Node, Scalar
from repoint.formats.escapes import unescape
from repoint.formats.source import Source

_LINE = re.compile(r"([^\n\r]*)(?:\r\n|\n|\r|\Z)")


@dataclass(slots=True)
class Sections:
    """Pairs gathered under section names, in file order; sections may repeat."""

    source: Source
    pairs: list[tuple[Scalar, Node]] = field(default_factory=list)
    problem: str = ""
    comments: list[tuple[int, int]] = field(default_factory=list)
    sealed: bool = False
    _open: tuple[Scalar, int] | None = None
    _inside: list[tuple[Scalar, Node]] = field(default_factory=list)

    def begin(self, name: Scalar, offset: int) -> None:
        """Begin the section `name`, whose header stands at `offset`."""
        self.end(offset)
        self._open = (name, offset)

    def add(self, key: Scalar, value: Node) -> None:
        """Add a pair to the section at hand, or to the top level."""
        (self.pairs if self._open is None else self._inside).append((key, value))

    def comment(self, start: int, end: int) -> None:
        """Note a comment."""
        self.comments.append((start, end))

    def end(self, offset: int) -> None:
        """Close the section at hand."""
        if self._open is not None:
            name, start = self._open
            span = self.source.span(start, offset)
            line = self.source.line(start)
            self.pairs.append((name, Mapping(tuple(self._inside), span, line)))
        self._open = None
        self._inside = []

    def document(self) -> tuple[Document, ...]:
        """The one document of the file."""
        end = len(self.source.text)
        self.end(end)
        root = Mapping(tuple(self.pairs), self.source.span(0, end), self.source.first_line)
        return (Document(0, root),)


def each_line(text: str, start: int = 0) -> Iterator[tuple[int, int, int]]:
    """`(start, end without the line break, start of the next line)` of every line."""
    at = start
    while at < len(text):
        match = _LINE.match(text, at)
        if match is None:
            return
        yield at, match.end(1), match.end()
        at = match.end()


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    """The range without blanks at its ends."""
    piece = text[start:end]
    low = start + len(piece) - len(piece.lstrip(" \t\f"))
    return low, max(low, start + len(piece.rstrip(" \t\f")))


def value_scalar(source: Source, start: int, end: int) -> Scalar:
    """The value at `[start, end)`: its quotes are removed when they enclose all of it."""
    text = source.text
    first = text[start : start + 1]
    if end - start >= 2 and first in ("'", '"') and text[end - 1] == first:
        if first == "'":
            return source.verbatim(start, end, "single")
        inner, runs = unescape(text[start + 1 : end - 1], start + 1)
        return source.scalar(start, end, "double", inner, runs)
    return source.verbatim(start, end)
