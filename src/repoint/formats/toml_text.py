"""TOML with spans: tables by their written name, inline tables and arrays as trees."""

from __future__ import annotations

import re
from collections.abc import Callable

from repoint.formats.base import Mapping, Node, Scalar, Sequence
from repoint.formats.escapes import unescape
from repoint.formats.lines import Sections
from repoint.formats.source import Source

_SPACE = re.compile(r"(?:[ \t\r\n]+|#[^\n\r]*)+")
_INLINE_SPACE = re.compile(r"[ \t]*")
_COMMENT = re.compile(r"#[^\n\r]*")
_KEY = re.compile(r"(?:[\w-]+|\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*')")
_KEYS = re.compile(rf"{_KEY.pattern}(?:[ \t]*\.[ \t]*{_KEY.pattern})*")
_HEADER = re.compile(rf"\[\[?[ \t]*(?P<name>{_KEYS.pattern})[ \t]*\]\]?")
_STRINGS = re.compile(
    r"(?P<long_double>\"\"\"(?:\\.|[^\\])*?\"\"\"+)|(?P<long_single>'''.*?'''+)"
    r"|(?P<double>\"(?:\\.|[^\"\\\n])*+\")|(?P<single>'[^'\n]*+')",
    re.DOTALL,
)
_BARE = re.compile(r"[^\s,\]}#]+(?: [^\s,\]}#]+)?")
_LINE_REST = re.compile(r"[^\n]*\n?")
_MAX_DEPTH = 200


class _Broken(Exception):
    """The text at `offset` is not TOML."""

    def __init__(self, offset: int) -> None:
        super().__init__()
        self.offset = offset


def read_toml(source: Source) -> Sections:
    """Read every table; a line that is not TOML is told and skipped."""
    found = Sections(source)
    reader = _Reader(source, found)
    text = source.text
    at = reader.skip(0)
    while at < len(text):
        header = _HEADER.match(text, at)
        if header is not None:
            found.begin(reader.key(*header.span("name")), at)
            at = reader.skip(header.end())
            continue
        try:
            at = reader.skip(reader.pair(at, found.add))
        except _Broken as broken:
            found.problem = found.problem or f"line {source.line(broken.offset)}: not valid TOML"
            rest = _LINE_REST.match(text, max(at, broken.offset))
            at = reader.skip(rest.end() if rest else len(text))
    return found


class _Reader:
    """Reads values at offsets of one source."""

    def __init__(self, source: Source, found: Sections) -> None:
        self.source = source
        self.text = source.text
        self.found = found
        self.depth = 0

    def skip(self, at: int) -> int:
        """The next token after blanks, line breaks and comments."""
        match = _SPACE.match(self.text, at)
        if match is None:
            return at
        for comment in _COMMENT.finditer(self.text, at, match.end()):
            self.found.comment(*comment.span())
        return match.end()

    def key(self, start: int, end: int) -> Scalar:
        """A key, dotted keys as written; the quotes of a simple key are removed."""
        match = _STRINGS.fullmatch(self.text, start, end)
        if match is not None:
            return self._string(match)
        return self.source.verbatim(start, end)

    def pair(self, at: int, add: Callable[[Scalar, Node], None]) -> int:
        """Read `key = value` at `at`, hand it to `add`, return where it ends."""
        keys = _KEYS.match(self.text, at)
        if keys is None:
            raise _Broken(at)
        sign = self._blanks(keys.end())
        if not self.text.startswith("=", sign):
            raise _Broken(at)
        value, end = self.value(self._blanks(sign + 1))
        add(self.key(*keys.span()), value)
        return end

    def _blanks(self, at: int) -> int:
        match = _INLINE_SPACE.match(self.text, at)
        return match.end() if match else at

    def value(self, at: int) -> tuple[Node, int]:
        """The value at `at` and where it ends."""
        match = _STRINGS.match(self.text, at)
        if match is not None:
            return self._string(match), match.end()
        opener = self.text[at : at + 1]
        if opener in ("[", "{"):
            self.depth += 1
            if self.depth > _MAX_DEPTH:
                raise _Broken(at)
            node, end = self._array(at) if opener == "[" else self._table(at)
            self.depth -= 1
            return node, end
        bare = _BARE.match(self.text, at)
        if bare is None:
            raise _Broken(at)
        return self.source.verbatim(*bare.span()), bare.end()

    def _string(self, match: re.Match[str]) -> Scalar:
        style = match.lastgroup or ""
        start, end = match.span()
        if style == "single":
            return self.source.verbatim(start, end, "single")
        if style == "double":
            text, runs = unescape(self.text[start + 1 : end - 1], start + 1)
            return self.source.scalar(start, end, "double", text, runs)
        low, high = start + 3, end - 3
        for newline in ("\r\n", "\n"):
            if self.text.startswith(newline, low):
                low += len(newline)
                break
        raw = self.text[low:high]
        if style == "long_single":
            return self.source.scalar(start, end, "single", raw, ((0, low, high - low),))
        text, runs = unescape(raw, low)
        return self.source.scalar(start, end, "double", text, runs)

    def _array(self, start: int) -> tuple[Node, int]:
        items: list[Node] = []
        at = self.skip(start + 1)
        while not self.text.startswith("]", at):
            value, at = self.value(at)
            items.append(value)
            at = self._comma(at, "]")
        span = self.source.span(start, at + 1)
        return Sequence(tuple(items), span, self.source.line(start), True), at + 1

    def _table(self, start: int) -> tuple[Node, int]:
        pairs: list[tuple[Scalar, Node]] = []
        at = self.skip(start + 1)
        while not self.text.startswith("}", at):
            at = self.pair(at, lambda key, value: pairs.append((key, value)))
            at = self._comma(at, "}")
        span = self.source.span(start, at + 1)
        return Mapping(tuple(pairs), span, self.source.line(start), True), at + 1

    def _comma(self, at: int, closer: str) -> int:
        at = self.skip(at)
        if self.text.startswith(",", at):
            return self.skip(at + 1)
        if not self.text.startswith(closer, at):
            raise _Broken(at)
        return at
