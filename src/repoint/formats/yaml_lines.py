"""Plain block YAML, a line at a time: what nearly every manifest is made of.

libyaml reads everything, at several times the price. This reader knows block mappings and
sequences, scalars on one line, literal and folded blocks and flow collections on one line.
At anything else (anchors, tags, escapes, scalars over several lines, tabs, an indentation
that does not fit) it says nothing, and libyaml reads the file. It must never take what
libyaml refuses nor read it differently: a property test holds the two side by side.
"""

from __future__ import annotations

import re
from sys import intern

from repoint.formats.base import Document, Mapping, Node, Scalar, Sequence
from repoint.formats.blocks import BlockScalar
from repoint.formats.source import Source
from repoint.formats.yaml_flow import MAX_KEY, QUOTED, read_flow

_MAX_LENGTH = 1024 * 1024
_MAX_DEPTH = 100
_SHORT = 24

_PLAIN = (
    r"""(?:[^\s\-?:,\[\]{}#&*!|>'"%@`]|[\-?:](?![ \n]))[^:#\n]*+"""
    r"""(?::(?![ \n])[^:#\n]*+|(?<! )#[^:#\n]*+)*+"""
)
_SCALAR = rf"{_PLAIN}|{QUOTED}"
_LINE = re.compile(
    r"^( *+)((?:-(?![^ \n]) *+)*+)"  # indentation, `- ` of the items that begin here
    rf"(?:({_SCALAR})((?<! ):(?![^ \n]) *+))?"  # key, `: `
    rf"(?:({_SCALAR}|\[[^\n]*\]|\{{[^\n]*\}})?+"  # value
    r"( *+(?:(?<![^ \n])#[^\n]*+)?)\n"  # blanks and a comment
    r"|([|>]-? *+)\n((\1 +)[^ \n][^\n]*+\n(?:\9[^\n]*+\n| *+\n)*+))"  # a block, its margin
    r"|[\s\S]++",  # anything else ends it
    re.MULTILINE,
)
_ASCII = bytes([10, *range(32, 127)])
# Control characters, Unicode's line ends, halves of pairs, marks of byte order. These are named,
# not all others: a class that goes up to the last plane takes milliseconds to compile.
_ODD = re.compile("[\x00-\t\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_ODD_MARK = re.compile(r"^(?:---(?! *(?: #[^\n]*)?$)|\.\.\.)", re.MULTILINE)


class _Unsure(Exception):
    """Something that libyaml should read."""


class _Open:
    """A collection whose end was not seen yet; the first one of a document holds its root.

    `waits` tells of a key or a `-` that was seen without its value, `last` where the value
    before, or what stands for a missing one, ends.
    """

    __slots__ = ("column", "is_mapping", "items", "key", "last", "line", "pairs", "start", "waits")

    def __init__(self, column: int, is_mapping: bool, start: int, line: int) -> None:
        self.column = column
        self.is_mapping = is_mapping
        self.start = start
        self.line = line
        self.last = start
        self.waits = False
        self.key: Scalar | None = None
        self.pairs: list[tuple[Scalar, Node]] = []
        self.items: list[Node] = []

    def add(self, node: Node, end: int) -> None:
        """Put a value where one is waited for."""
        if self.key is not None:
            self.pairs.append((self.key, node))
            self.key = None
        else:
            self.items.append(node)
        self.waits = False
        self.last = end


def read_lines(source: Source) -> tuple[Document, ...] | None:
    """The documents of a text that is plain block YAML; None where libyaml should say."""
    text = source.text
    if len(text) > _MAX_LENGTH:
        return None
    if text.encode().translate(None, _ASCII) if text.isascii() else _ODD.search(text):
        return None
    if ("\n---" in text or "\n..." in text or text.startswith(("---", "..."))) and (
        _ODD_MARK.search(text)
    ):
        return None
    try:
        return _Lines(source).read(text if text.endswith("\n") else text + "\n")
    except _Unsure:
        return None


class _Lines:
    """The lines of one text, put together."""

    __slots__ = ("documents", "marked", "source", "stack", "top")

    def __init__(self, source: Source) -> None:
        self.source = source
        self.documents: list[Document] = []
        self.marked = False
        self._begin()

    def _begin(self) -> None:
        self.top = _Open(-1, False, 0, 0)
        self.top.waits = True
        self.stack = [self.top]

    def read(self, text: str) -> tuple[Document, ...]:
        """Read `text`, which is the source's, with a line break at its end."""
        source, top = self.source, self.top
        place, line = 0, source.first_line
        for indent, dashes, key, sep, value, tail, head, block, margin in _LINE.findall(text):
            column = len(indent)
            start = place + column
            if dashes:
                top = self._item(column, start, dashes, line)
                column += len(dashes)
                start += len(dashes)
                if key:
                    top = self._push(column, True, start, line)
            elif not key:
                if value or head:
                    self._mark(column, value, head)
                    top = self.top
                place = start + len(value) + len(tail) + 1
                line += 1
                continue
            elif column != top.column or not top.is_mapping:
                top = self._mapping(column, start, line)
            elif top.waits:
                self._miss(top)
            end = start + len(key)
            if key:
                top.key = self._key(key, start)
                top.waits = True
                top.last = end + 1
                end += len(sep)
            if value:
                place = self._value(top, value, end, line) + len(tail) + 1
            elif head:
                place = self._block(top, head, block, margin, end)
                line += block.count("\n")
            else:
                place = end + len(tail) + 1
            line += 1
        if place != len(text):
            raise _Unsure
        self._end()
        return tuple(self.documents)

    def _mark(self, column: int, value: str, head: str) -> None:
        """Begin a document at `---`, which is all that may stand on a line by itself."""
        if column or head or value.rstrip(" ") != "---":
            raise _Unsure
        self._end()
        self._begin()
        self.marked = True

    def _end(self) -> None:
        """End the document at hand, if one began."""
        self._back_to(-1)
        if self.marked or self.top.items:
            root = self.top.items[0] if self.top.items else None
            self.documents.append(Document(len(self.documents), root))

    def _key(self, token: str, start: int) -> Scalar:
        if len(token) > MAX_KEY:
            raise _Unsure
        if token[0] == '"':
            return Scalar(token[1:-1], "double", self.source, start)
        if token[0] == "'":
            return Scalar(token[1:-1], "single", self.source, start)
        return Scalar(intern(token), "plain", self.source, start)

    def _value(self, top: _Open, token: str, start: int, line: int) -> int:
        """Add the value that begins at `start`; where the token ends, its trailing blanks too."""
        end = after = start + len(token)
        first = token[0]
        node: Node | None
        if first == '"':
            node = Scalar(token[1:-1], "double", self.source, start)
        elif first == "'":
            node = Scalar(token[1:-1], "single", self.source, start)
        elif first in "[{":
            node = read_flow(self.source, token, start, line)
            if node is None:
                raise _Unsure
        else:
            if token[-1] == " ":
                token = token.rstrip(" ")
                end = start + len(token)
            # Kinds, versions, names of variables: most words of manifests come again and again.
            text = intern(token) if len(token) < _SHORT else token
            node = Scalar(text, "plain", self.source, start)
        top.add(node, end)
        return after

    def _block(self, top: _Open, head: str, block: str, margin: str, start: int) -> int:
        """Add the block scalar whose header is at `start`; where its last line ends."""
        indent = len(margin)
        lines = block.split("\n")
        lines.pop()
        while not lines[-1].strip(" "):
            if len(lines.pop()) > indent:
                raise _Unsure
        begin = start + len(head) + 1
        end = begin + sum(map(len, lines)) + len(lines)
        if indent <= top.column or end > len(self.source.text):
            raise _Unsure
        style, join = ("literal", "\n") if head[0] == "|" else ("folded", " ")
        if join == " " and any(line[indent : indent + 1] in ("", " ") for line in lines):
            raise _Unsure
        text = join.join([line[indent:] for line in lines])
        if head[1:2] != "-":
            text += "\n"
        top.add(BlockScalar(text, style, self.source, start, end), end)
        return begin + len(block)

    def _mapping(self, column: int, start: int, line: int) -> _Open:
        """The mapping that a key at `column` belongs to."""
        top = self._back_to(column)
        if top.column == column and not top.is_mapping:
            # Items may stand at the column of the key that they belong to.
            self._close()
            top = self.top
        if top.column == column and top.is_mapping:
            if top.waits:
                self._miss(top)
            return top
        if top.waits and column > top.column:
            return self._push(column, True, start, line)
        raise _Unsure

    def _item(self, column: int, start: int, dashes: str, line: int) -> _Open:
        """The sequence that the last `-` of `dashes` begins an item of."""
        top = self._back_to(column)
        if top.column == column and not top.is_mapping:
            if top.waits:
                self._miss(top)
        elif top.waits and (column > top.column or column == top.column >= 0):
            top = self._push(column, False, start, line)
        else:
            raise _Unsure
        top.waits = True
        top.last = start + 1
        at = dashes.find("-", 1)
        while at > 0:
            top = self._push(column + at, False, start + at, line)
            top.waits = True
            top.last = start + at + 1
            at = dashes.find("-", at + 1)
        return top

    def _back_to(self, column: int) -> _Open:
        """Close what stands deeper than `column`."""
        while self.top.column > column:
            self._close()
        return self.top

    def _push(self, column: int, is_mapping: bool, start: int, line: int) -> _Open:
        if len(self.stack) > _MAX_DEPTH:
            raise _Unsure
        self.top = _Open(column, is_mapping, start, line)
        self.stack.append(self.top)
        return self.top

    def _miss(self, top: _Open) -> None:
        """Add what stands for a missing value: an empty text after the `:` or `-`."""
        top.add(Scalar("", "plain", self.source, top.last), top.last)

    def _close(self) -> None:
        top = self.stack.pop()
        if top.waits:
            self._miss(top)
        span = self.source.span(top.start, top.last)
        if top.is_mapping:
            node: Node = Mapping(tuple(top.pairs), span, top.line)
        else:
            node = Sequence(tuple(top.items), span, top.line)
        self.top = self.stack[-1]
        self.top.add(node, top.last)
