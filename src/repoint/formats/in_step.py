"""Two readings of a file walked in step: most edits are proved by it, and none is refused.

What it says yes to, the outlines of `formats.verify` say yes to as well; where it is not sure,
they decide.
"""

from __future__ import annotations

from repoint.formats.base import Ground, Mapping, Node, ParsedFile, PiecedScalar, Scalar, Sequence
from repoint.formats.blocks import BlockScalar
from repoint.formats.places import Place, Places, keeps
from repoint.model.source import Span


def in_step(old: ParsedFile, new: ParsedFile, here: Places, there: Places) -> bool:
    """Whether `new` is `old` but for its changed spans: the same tree, leaf by leaf.

    Every leaf beside the changes begins where it did and has its text; one that a change lies
    in keeps what stands before and after it. No, also where an alias may lead to a leaf twice,
    and where letters of several bytes would make every offset a search.
    """
    if "&" in new.text and "*" in new.text:
        return False
    if len(old.documents) != len(new.documents):
        return False
    walk = _Walk(here, there, len(old.text), len(new.text))
    return all(
        was.index == will.index and walk.same(was.root, will.root)
        for was, will in zip(old.documents, new.documents, strict=True)
    )


class _Walk:
    """Both trees, and the stretch between two changes that the walk is in."""

    def __init__(self, here: Places, there: Places, length: int, length_after: int) -> None:
        self._here = here
        self._there = there
        self._lengths = length, length_after
        self._grounds: tuple[Ground | None, Ground | None] = None, None
        self._low, self._high, self._shift = 0, -1, 0

    def same(self, old: Node | None, new: Node | None) -> bool:
        """Whether both hold the same."""
        todo = [(old, new)]
        while todo:
            was, will = todo.pop()
            if isinstance(was, Scalar):
                if not isinstance(will, Scalar) or not self._scalar(was, will):
                    return False
            elif isinstance(was, Mapping):
                if not isinstance(will, Mapping) or len(was.pairs) != len(will.pairs):
                    return False
                for (key, value), (other, beside) in zip(was.pairs, will.pairs, strict=True):
                    if not self._scalar(key, other):
                        return False
                    todo.append((value, beside))
            elif isinstance(was, Sequence):
                if not isinstance(will, Sequence) or len(was.items) != len(will.items):
                    return False
                todo += zip(was.items, will.items, strict=True)
            elif will is not None:
                return False
        return True

    def _scalar(self, was: Scalar, will: Scalar) -> bool:
        start = was.start
        end = start + len(was.text) + 2  # its quotes, if it has any
        if isinstance(was, PiecedScalar | BlockScalar):
            end = was.end
        if not self._low < start or not end < self._high:
            count, self._low, high = self._here.gap(start)
            self._shift = self._there.shifts[count]
            self._high = self._lengths[0] + 1 if high is None else high
            if not self._low < start or not end < self._high:
                self._high = -1
                return self._on_files(was, will) and self._beside(was, will)
        if will.start != start + self._shift or was.text != will.text:
            return False
        grounds = was.ground, will.ground
        return grounds == self._grounds or self._on_files(was, will)

    def _on_files(self, was: Scalar, will: Scalar) -> bool:
        """Whether the offsets of both are the files' bytes: no mark before them, ASCII alone."""
        self._grounds = was.ground, will.ground
        return all(
            ground.span(0, length) == Span(0, length)
            for ground, length in zip(self._grounds, self._lengths, strict=True)
        )

    def _beside(self, was: Scalar, will: Scalar) -> bool:
        """Whether a leaf that a change touches, or lies in, is what it was but for the change."""
        old, new = was.span, will.span
        place = self._here.place(was, old)
        if place is not self._there.place(will, new):
            return False
        if old.start != self._there.before(new.start):
            return False
        if place is not Place.INSIDE:
            return was.text == will.text
        head, tail = self._here.kept(was)
        if head is None:
            return True
        return old.end == self._there.before(new.end) and keeps(will.text, head, tail)
