"""Where the leaves of a file stand to the spans that an edit changes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from enum import Enum

from repoint.formats.base import Scalar
from repoint.model.source import Span

_BLOCKS = frozenset({"literal", "folded"})


class Place(Enum):
    """Where a leaf stands to the changed spans."""

    OUT = 0
    EDGE = 1
    INSIDE = 2


class Places:
    """The changed spans of one side of an edit: the file before it, or the one after.

    `changed` is in file order and does not overlap; `shifts[i]` is by how many bytes what follows
    the first `i` spans stands further down than in the file before the edit.
    """

    def __init__(self, changed: Sequence[Span], shifts: Sequence[int]) -> None:
        self.changed = changed
        self.shifts = shifts
        self._ends = [span.end for span in changed]

    def before(self, offset: int) -> int:
        """The byte offset counted in the file before the edit."""
        return offset - self.shifts[bisect_right(self._ends, offset)]

    def gap(self, offset: int) -> tuple[int, int, int | None]:
        """The changes before a byte: how many, where the last ends, and where the next starts."""
        count = bisect_left(self._ends, offset)
        last = self._ends[count - 1] if count else -1
        return count, last, self.changed[count].start if count < len(self.changed) else None

    def place(self, node: Scalar, own: Span) -> Place:
        """Where a scalar whose token is `own` stands."""
        start, end = own.start, own.end
        low = max(0, bisect_left(self._ends, start) - 1)
        place = Place.OUT
        for span in self.changed[low:]:
            if span.start > end:
                break
            if span.overlaps(own) or start < span.start == span.end < end:
                return Place.INSIDE
            swallows = span.start == end and node.style in _BLOCKS
            if span.start <= end and start <= span.end and not swallows:
                place = Place.EDGE
        return place

    def kept(self, node: Scalar) -> tuple[str | None, str]:
        """The text before and after the changes, when all of them lie inside mapped text."""
        touching = [span for span in self.changed if _touch(span, node.span)]
        places = [(_offset(node, span.start), _offset(node, span.end)) for span in touching]
        starts = [start for start, _ in places if start is not None]
        ends = [end for _, end in places if end is not None]
        if len(starts) < len(touching) or len(ends) < len(touching):
            return None, ""
        return node.text[: min(starts)], node.text[max(ends) :]


def keeps(text: str, head: str, tail: str) -> bool:
    """Whether an edited text has what stood before and after the edit inside it."""
    return len(text) >= len(head) + len(tail) and text.startswith(head) and text.endswith(tail)


def _touch(changed: Span, token: Span) -> bool:
    return changed.start <= token.end and token.start <= changed.end


def _offset(node: Scalar, byte: int) -> int | None:
    """The offset in the text that stands at `byte`, if it is mapped."""
    for at, start, piece in node.map.runs:
        data = piece.encode()
        if start <= byte <= start + len(data):
            return at + len(data[: byte - start].decode(errors="replace"))
    return None
