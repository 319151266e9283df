"""Where something stands in a file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open range of bytes, `start <= end`."""

    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start

    def overlaps(self, other: Span) -> bool:
        """Tell whether the two ranges share a byte."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file.

    `pointer` names the value for a person and for a second reading: JSON-pointer
    like for trees (`/1/spec/template/...`, the first part is the document's
    index), `line/<n>` where a file has no tree.
    """

    path: str
    line: int
    column: int
    pointer: str


@dataclass(frozen=True, slots=True, order=True)
class Unreadable:
    """A file, value or overlay that could not be read, and why (law 8)."""

    path: str
    reason: str
