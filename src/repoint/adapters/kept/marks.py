"""What the system tells of files without opening them: whether they are as they were.

A change of a file sets the time of its change, which no program can choose; a change of the names
in a folder sets the folder's. Times of one tick of the clock are alike, so that marks which are
as young as a tick tell nothing (`are_settled`).
"""

from __future__ import annotations

import os
import sys
from itertools import chain
from operator import attrgetter
from struct import error, pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_TOLD = attrgetter("st_ctime_ns", "st_mtime_ns", "st_ino", "st_size")
_WIDTH = 4
_NUMBER = 8
"""Bytes of each number of a mark."""
_MANY = 4000
"""Below, a fork takes longer than it spares."""
_SOME = 500
"""So many are looked at before they are compared: where one differs, the rest need no look."""
_KILL = 9
"""The signal; the module that has its name takes longer to load than a look at all files."""
_FINE = 10_000_000
"""A time that is no multiple of it (ns) is of a clock that ticks at least as often."""
_SOON = 100_000_000
_LATER = 3_000_000_000
"""FAT counts every other second."""


def marks_of(paths: Sequence[bytes], *, followed: bool = False) -> bytes | None:
    """The marks of all files, or of what the links lead to; None where one is not there."""
    look = os.stat if followed else os.lstat
    try:
        told = [*chain.from_iterable(map(_TOLD, map(look, paths)))]
        return pack(f"={len(told)}Q", *told)
    except (OSError, ValueError, error):
        return None


def have_marks(paths: Sequence[bytes], marks: memoryview) -> bool:
    """Whether files have these marks; another processor looks at half of many."""
    if len(paths) < _MANY or not _may_fork():
        return _all_alike(paths, marks)
    half = len(paths) // 2
    at = half * _WIDTH * _NUMBER
    child = _looking(paths[half:], marks[at:])
    if child is None:
        return _all_alike(paths, marks)
    same = _all_alike(paths[:half], marks[:at])
    if not same:
        os.kill(child, _KILL)
    return os.waitpid(child, 0)[1] == 0 and same


def _all_alike(paths: Sequence[bytes], marks: memoryview) -> bool:
    """Whether files have these marks; it ends at the first of them that have others."""
    size = _WIDTH * _NUMBER
    return len(marks) == len(paths) * size and all(
        marks_of(paths[at : at + _SOME]) == bytes(marks[at * size : (at + _SOME) * size])
        for at in range(0, len(paths), _SOME)
    )


def _may_fork() -> bool:
    """Whether another processor is there, and a fork safe: not on macOS."""
    return sys.platform != "darwin" and len(os.sched_getaffinity(0)) > 1


def _looking(paths: Sequence[bytes], marks: memoryview) -> int | None:
    """A process that ends with 0 where files have these marks; None where there may be no more."""
    try:
        child = os.fork()
    except OSError:
        return None
    if not child:
        # Nothing else of this process may run twice, not even on an error.
        try:
            os._exit(0 if _all_alike(paths, marks) else 1)
        finally:
            os._exit(1)
    return child


def are_settled(marks: bytes, since: int) -> bool:
    """Whether no file was changed so shortly before `since` that it may look alike if it is again.

    `since` is in nanoseconds, and no later than when the marks were taken.
    """
    numbers = memoryview(marks).cast("Q")
    times = chain(numbers[0::_WIDTH], numbers[1::_WIDTH])
    return not any(
        time > since - (_SOON if time % _FINE else _LATER)
        for time in times
        if time > since - _LATER
    )
