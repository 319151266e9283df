"""What the system tells of files without opening them: whether they are as they were.

A change of a file sets the time of its change, which no program can choose; a change of the names
in a folder sets the folder's. Times of one tick of the clock are alike, so that marks which are
as young as a tick tell nothing (`are_settled`).
"""

from __future__ import annotations

import os
from array import array
from itertools import chain
from operator import attrgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_TOLD = attrgetter("st_ctime_ns", "st_mtime_ns", "st_ino", "st_size")
_WIDTH = 4
_FINE = 10_000_000
"""A time that is no multiple of it (ns) is of a clock that ticks at least as often."""
_SOON = 100_000_000
_LATER = 3_000_000_000
"""FAT counts every other second."""


def marks_of(paths: Sequence[bytes], *, followed: bool = False) -> bytes | None:
    """The marks of all files, or of what the links lead to; None where one is not there."""
    look = os.stat if followed else os.lstat
    try:
        return array("Q", chain.from_iterable(map(_TOLD, map(look, paths)))).tobytes()
    except (OSError, OverflowError, ValueError):
        return None


def are_settled(marks: bytes, since: int) -> bool:
    """Whether no file was changed so shortly before `since` that it may look alike if it is again.

    `since` is in nanoseconds, and no later than when the marks were taken.
    """
    numbers = array("Q", marks)
    times = chain(numbers[0::_WIDTH], numbers[1::_WIDTH])
    return not any(
        time > since - (_SOON if time % _FINE else _LATER)
        for time in times
        if time > since - _LATER
    )
