"""Offsets inside `|` and `>` scalars, line by line.

The mapping is guarded by equality: where the lines, put together again, are not the
value that libyaml read, the scalar gets no runs and cannot be edited in place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from repoint.formats.base import Run, Scalar, TextMap
from repoint.model.source import Span

_LINE = re.compile(r"([^\n\r\x85\u2028\u2029]*)(\r\n|[\n\r\x85\u2028\u2029]|\Z)")
_KEPT = "\n\u2028\u2029"
"""Line breaks as they are in a value."""
_MARGIN = re.compile(rf"(?:[ \t]*[{_KEPT}])*( *)")
"""Of a value's first line that is not blank; blanks before it may be text, too."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block scalar's text, its verbatim runs, and where its last line ends."""

    text: str
    runs: tuple[Run, ...]
    end: int


class BlockScalar(Scalar, frozen=True, eq=False, gc=False):
    """A block scalar of a text without template actions; its lines are looked at when asked."""

    end: int
    """Where its last line ends in the ground's text, trailing blank lines left out."""

    @property
    def span(self) -> Span:
        """Bytes from the header to the end of the last line."""
        return self.ground.span(self.start, self.end)

    @property
    def map(self) -> TextMap:
        """Where the lines stand."""
        whole = self.ground.text
        return self.ground.map(read_block(whole, whole, self.start, self.end, self.text).runs)


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    content: str
    ending: str


def read_block(source: str, original: str, start: int, end: int, value: str) -> Block:
    """Map the block scalar at `source[start:end]` (header first) that reads as `value`.

    `original` is `source` before template actions were masked, of the same length;
    the block's text and runs show the original. The returned end leaves out
    trailing blank lines unless they are text: the header keeps them (`+`), or the file
    ends in one.
    """
    header, lines = _split(source, start, end)
    last = max((at for at, line in enumerate(lines) if line.content.strip(" \t")), default=-1)
    if last < 0:
        return Block(value, (), end if "+" in header else start + len(header))
    stop = lines[last].start + len(lines[last].content) + len(lines[last].ending)
    if "+" in header:
        stop = end
    indent = _indent(lines, value)
    if indent < 0:
        return Block(value, (), stop)
    read = _literal if header[0] == "|" else _folded
    block = read(lines, indent, value)
    if block is None:
        return Block(value, (), stop)
    # Blanks beyond the indentation in the last line of all are text, and belong to the token.
    stop = max([stop, *(place + length for _, place, length in block[-1:])])
    if source is not original and source[start:end] != original[start:end]:
        text, runs = _unmask(block, lines, original, value)
        return Block(text, runs, stop)
    return Block(value, tuple(block), stop)


def _split(source: str, start: int, end: int) -> tuple[str, list[_Line]]:
    lines: list[_Line] = []
    at = start
    while at < end:
        match = _LINE.match(source, at, end)
        if match is None or match.end() == at:
            break
        lines.append(_Line(at, match.group(1), match.group(2)))
        at = match.end()
    if not lines:
        return source[start:end] or "|", []
    return lines[0].content.split("#")[0] or "|", lines[1:]


def _indent(lines: list[_Line], value: str) -> int:
    """The block's indentation; negative when lines and value do not fit."""
    first = next(line.content for line in lines if line.content.strip(" \t"))
    margin = _MARGIN.match(value)
    return _spaces(first) - (len(margin[1]) if margin else 0)


def _spaces(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


def _literal(lines: list[_Line], indent: int, value: str) -> list[Run] | None:
    runs: list[Run] = []
    at = 0
    for line in lines:
        content = line.content[indent:]
        if at >= len(value) and not content:
            break
        if not value.startswith(content, at):
            return None
        length = len(content)
        if value[at + length : at + length + 1] == line.ending and line.ending:
            length += 1
        if length:
            runs.append((at, line.start + min(indent, len(line.content)), length))
        at += len(content) + 1
    return runs if at >= len(value) else None


def _folded(lines: list[_Line], indent: int, value: str) -> list[Run] | None:
    runs: list[Run] = []
    at = 0
    for line in lines:
        content = line.content[indent:]
        if not content:
            continue
        found = value.find(content, at)
        if found < 0 or value[at:found].strip(_KEPT) not in ("", " "):
            return None
        runs.append((found, line.start + indent, len(content)))
        at = found + len(content)
    return runs if not value[at:].strip(_KEPT) else None


def _unmask(
    runs: list[Run], lines: list[_Line], original: str, value: str
) -> tuple[str, tuple[Run, ...]]:
    """The text with template actions shown as written, and its runs.

    An action may begin left of the block's indentation (`{{- if }}` at column 1);
    such a line is shown from its first character.
    """
    starts = {line.start + len(line.content): line.start for line in lines}
    pieces: list[str] = []
    shown: list[Run] = []
    length = cursor = 0
    for at, place, count in runs:
        gap = value[cursor:at]
        begin = place
        end_of_content = place + len(original[place : place + count].rstrip("\r\n"))
        line_start = starts.get(end_of_content, place)
        if original[line_start:place].strip(" "):
            begin = line_start + _spaces(original[line_start:place])
        piece = original[begin : place + count]
        pieces += gap, piece
        shown.append((length + len(gap), begin, len(piece)))
        length += len(gap) + len(piece)
        cursor = at + count
    pieces.append(value[cursor:])
    return "".join(pieces), tuple(shown)
