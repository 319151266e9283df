"""A text and where its characters stand in the file; every reader works on one.

A whole file is one run of bytes. A text that is itself inside a scalar (a shell
script in a block scalar, JSON in a ConfigMap key) is a `Source` over the scalar's
`TextMap`, so that a reader run on it yields spans of the outer file.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

from repoint.formats.base import PiecedScalar, Run, Scalar, TextMap
from repoint.formats.offsets import ByteOffsets, byte_offsets
from repoint.model.source import Span

_QUOTED = ("single", "double")


class Source:
    """A text, the bytes it was decoded from, and its lines.

    `first_line` is the line of the file that `text` begins in (1 for a file). Lines end
    at `\\n` for every format, so that a line number means the same in git and in an editor.
    """

    __slots__ = ("_base", "_bytes", "_newlines", "_starts", "first_line", "origin", "text")

    def __init__(self, text: str, origin: TextMap, first_line: int = 1) -> None:
        self.text = text
        self.first_line = first_line
        self.origin = origin
        self._newlines: array[int] | None = None
        self._bytes: Sequence[ByteOffsets] = ()
        self._starts: Sequence[int] = ()
        whole = text.isascii() and self.is_whole
        self._base = origin.runs[0][1] if whole else -1
        if not whole:
            self._starts = [run[0] for run in origin.runs]
            self._bytes = [byte_offsets(run[2]) for run in origin.runs]

    @property
    def is_whole(self) -> bool:
        """Whether the whole text is one verbatim run."""
        runs = self.origin.runs
        return len(runs) == 1 and runs[0][0] == 0 and runs[0][2] == self.text

    def whole_map(self) -> TextMap:
        """The map of the whole text."""
        return self.origin if self.is_whole else self.map(((0, 0, len(self.text)),))

    def span(self, start: int, end: int) -> Span:
        """Bytes from `text[start]` to `text[end]`.

        Where an end has no bytes of its own (inside an escape of the outer scalar) the
        nearest mapped place inside the range is taken; `Span(0, 0)` when there is none.
        """
        if self._base >= 0:
            return Span(start + self._base, end + self._base)
        if not self.origin.runs:
            return Span(0, 0)
        low = self._low(start)
        high = self._high(end) if end > start else low
        return Span(low, max(low, high))

    def _low(self, offset: int) -> int:
        at = bisect_right(self._starts, offset) - 1
        if at >= 0 and offset < self._starts[at] + len(self.origin.runs[at][2]):
            return self.origin.runs[at][1] + self._bytes[at][offset - self._starts[at]]
        if at + 1 < len(self.origin.runs) and not self._ends_at(at, offset):
            return self.origin.runs[at + 1][1]
        return self._end_of(at)

    def _high(self, offset: int) -> int:
        at = bisect_left(self._starts, offset) - 1
        if at < 0:
            return self.origin.runs[0][1]
        inside = min(offset - self._starts[at], len(self.origin.runs[at][2]))
        return self.origin.runs[at][1] + self._bytes[at][inside]

    def _ends_at(self, at: int, offset: int) -> bool:
        last = len(self.text)
        return at >= 0 and offset == last == self._starts[at] + len(self.origin.runs[at][2])

    def _end_of(self, at: int) -> int:
        return self.origin.runs[at][1] + self._bytes[at][len(self.origin.runs[at][2])]

    def map(self, runs: Iterable[Run]) -> TextMap:
        """The `TextMap` of a scalar whose text stands verbatim in `runs` of this source."""
        if self._base >= 0:
            base, text = self._base, self.text
            return TextMap(tuple([(t, c + base, text[c : c + n]) for t, c, n in runs]))
        pieces: list[tuple[int, int, str]] = []
        for at_text, at_source, length in runs:
            pieces += self._cut(at_text, at_source, length)
        return TextMap(tuple(pieces))

    def _cut(self, at_text: int, at_source: int, length: int) -> Iterable[tuple[int, int, str]]:
        if not self._starts:
            return
        end = at_source + length
        first = max(0, bisect_right(self._starts, at_source) - 1)
        for at in range(first, len(self._starts)):
            begin, byte, piece = self.origin.runs[at]
            low, high = max(at_source, begin), min(end, begin + len(piece))
            if begin > end:
                return
            if low < high or (low == high and length == 0):
                place = byte + self._bytes[at][low - begin]
                yield at_text + low - at_source, place, piece[low - begin : high - begin]
                if length == 0:
                    return

    def scalar(self, start: int, end: int, style: str, text: str, runs: Iterable[Run]) -> Scalar:
        """A scalar whose raw token is `text[start:end]` and that reads as `text`."""
        pieces = tuple(runs)
        quote = 1 if style in _QUOTED else 0
        whole = (0, start + quote, end - start - 2 * quote)
        if len(text) == whole[2] and (pieces == (whole,) or not (pieces or end > start)):
            return Scalar(text, style, self, start)
        return PiecedScalar(text, style, self, start, end, pieces)

    def verbatim(self, start: int, end: int, style: str = "plain") -> Scalar:
        """A scalar that reads as it is written; a quote at each end for the quoted styles."""
        quote = 1 if style in _QUOTED else 0
        return Scalar(self.text[start + quote : end - quote], style, self, start)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of `text[offset]`, both from 1; columns count code points."""
        if self._newlines is None:
            lengths = map(len, self.text.split("\n"))
            self._newlines = array("I", accumulate(lengths, lambda end, length: end + length + 1))
        line = bisect_right(self._newlines, offset - 1)
        start = self._newlines[line - 1] + 1 if line else 0
        return line + self.first_line, offset - start + 1

    def line(self, offset: int) -> int:
        """The line that holds `text[offset]`."""
        return self.position(offset)[0]
