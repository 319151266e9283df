"""JSON with spans; comments and trailing commas are tolerated, as JSON5 writers use them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from repoint.formats.base import Document, Mapping, Node, Scalar, Sequence
from repoint.formats.escapes import unescape
from repoint.formats.json_rows import read_rows
from repoint.formats.source import Source

_SPACE = re.compile(r"(?:[ \t\r\n\f\v\ufeff]++|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+\*/|#[^\n]*+)*+")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/|#[^\n]*", re.DOTALL)
_TOKEN = re.compile(
    r"(?P<double>\"(?:[^\"\\\n]|\\.)*+\")|(?P<single>'(?:[^'\\\n]|\\.)*+')"
    r"|(?P<mark>[{}\[\],:])|(?P<plain>[^\s{}\[\],:\"'/#]+)"
)
_BEFORE = {":": "colon", ",": "comma"}
_MAX_DEPTH = 200


@dataclass(slots=True)
class JsonReading:
    """The documents of a JSON text: one, or one per value of a JSON Lines file."""

    documents: tuple[Document, ...] = ()
    problem: str = ""
    comments: list[tuple[int, int]] = field(default_factory=list)
    """Where they start and end in the text."""


@dataclass(slots=True)
class _Open:
    """A collection whose end was not seen yet; `expects` is what may come next."""

    start: int
    is_mapping: bool
    pairs: list[tuple[Scalar, Node]] = field(default_factory=list)
    items: list[Node] = field(default_factory=list)
    key: Scalar | None = None
    expects: str = "value"


class _Broken(Exception):
    """The text at `offset` is not JSON."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(reason)
        self.offset = offset
        self.reason = reason


def read_json(source: Source) -> JsonReading:
    """Read every value of the text; what follows the first error is not read."""
    rows = read_rows(source)
    return JsonReading(rows) if rows is not None else read_tolerant(source)


def read_tolerant(source: Source) -> JsonReading:
    """Read token by token: comments, bare words and single quotes too, up to the first error."""
    reading = JsonReading()
    documents: list[Document] = []
    reader = _Reader(source, reading)
    at = reader.skip(0)
    try:
        while at < len(source.text):
            node, at = reader.value(at)
            documents.append(Document(len(documents), node))
            at = reader.skip(at)
    except _Broken as broken:
        line = source.line(min(broken.offset, len(source.text)))
        reading.problem = f"line {line}: {broken.reason}"
    reading.documents = tuple(documents)
    return reading


class _Reader:
    """Reads one value at a time with its own stack, so that depth costs no recursion."""

    def __init__(self, source: Source, reading: JsonReading) -> None:
        self.source = source
        self.text = source.text
        self.reading = reading
        self.stack: list[_Open] = []

    def skip(self, at: int) -> int:
        """The next token after blanks and comments."""
        match = _SPACE.match(self.text, at)
        if match is None or match.end() == at:
            return at
        if "/" in match.group() or "#" in match.group():
            for comment in _COMMENT.finditer(self.text, at, match.end()):
                self.reading.comments.append(comment.span())
        return match.end()

    def value(self, at: int) -> tuple[Node, int]:
        """The value at `at` and where it ends."""
        self.stack = []
        while True:
            at = self.skip(at)
            match = _TOKEN.match(self.text, at)
            if match is None:
                reason = "unexpected end" if at >= len(self.text) else "not valid JSON"
                raise _Broken(at, reason)
            at = match.end()
            done = self._token(match)
            if done is not None:
                return done, at

    def _token(self, match: re.Match[str]) -> Node | None:
        mark = match["mark"]
        start = match.start()
        if mark is None:
            return self._add(self._scalar(match), start)
        if mark in "{[":
            self._expect("value", start, opening=True)
            if len(self.stack) >= _MAX_DEPTH:
                raise _Broken(start, f"nested deeper than {_MAX_DEPTH} levels")
            self.stack.append(_Open(start, mark == "{"))
            return None
        if not self.stack:
            raise _Broken(start, "not valid JSON")
        top = self.stack[-1]
        if top.expects == _BEFORE.get(mark):
            top.expects = "value"
        elif mark in "}]" and top.key is None and top.is_mapping == (mark == "}"):
            return self._close(match.end())
        else:
            raise _Broken(start, "not valid JSON")
        return None

    def _expect(self, what: str, start: int, *, opening: bool = False) -> None:
        if not self.stack:
            return
        top = self.stack[-1]
        if top.expects != what or (opening and top.is_mapping and top.key is None):
            raise _Broken(start, "not valid JSON")

    def _scalar(self, match: re.Match[str]) -> Scalar:
        start, end = match.span()
        style = match.lastgroup or ""
        if style == "plain":
            return self.source.verbatim(start, end)
        text, runs = unescape(self.text[start + 1 : end - 1], start + 1)
        return self.source.scalar(start, end, style, text, runs)

    def _close(self, end: int) -> Node | None:
        top = self.stack.pop()
        span = self.source.span(top.start, end)
        line = self.source.line(top.start)
        if top.is_mapping:
            return self._add(Mapping(tuple(top.pairs), span, line, True), top.start)
        return self._add(Sequence(tuple(top.items), span, line, True), top.start)

    def _add(self, node: Node, start: int) -> Node | None:
        """Put a finished value where it belongs; return it when it is the outermost."""
        if not self.stack:
            return node
        self._expect("value", start)
        top = self.stack[-1]
        if not top.is_mapping:
            top.items.append(node)
            top.expects = "comma"
        elif top.key is None:
            if not isinstance(node, Scalar):
                raise _Broken(start, "not valid JSON")
            top.key, top.expects = node, "colon"
        else:
            top.pairs.append((top.key, node))
            top.key, top.expects = None, "comma"
        return None
