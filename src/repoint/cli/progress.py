"""How far a run is: what changes in place on stderr, and nothing else draws there.

The steps of a run only count; a thread of its own looks ten times a second and draws what is
new, so that a step that says nothing for a minute shows how long it has lasted, and one that
counts a hundred thousand files costs an addition for each.
"""

from __future__ import annotations

import _thread
import os
import sys
import time
from collections.abc import Iterator, MutableSequence, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

_FIRST_S = 0.5
_EVERY_S = 0.1
_TELLS_TIME_S = 3.0
_WIDEST = 100
_LEAST_PLACE = 12


def is_watched() -> bool:
    """Whether a person sees stderr change: a terminal that can be drawn on, outside CI."""
    able = os.environ.get("TERM") != "dumb" and not os.environ.get("CI")
    return able and sys.stderr is not None and sys.stderr.isatty()


class Region:
    """The last lines on stderr's terminal, drawn over in place.

    A line that wrapped could not be found again, so none is as wide as the terminal, whose width
    is asked for each time. Everything is one write, and nothing is cleared before it is drawn
    over: that is what flickers. stderr's own buffer is passed by, since its lock would be held in
    the copy when a process forks meanwhile.
    """

    def __init__(self) -> None:
        self._drawn: tuple[str, ...] = ()

    def draw(self, lines: Sequence[str]) -> None:
        """Put `lines`, of what a terminal may be shown, where the last ones are."""
        from repoint.views.columns import cut

        columns, rows = _size()
        shown = tuple(cut(line, columns - 1) for line in lines[: rows - 1])
        if shown == self._drawn or not _in_foreground():
            return
        up = f"\x1b[{len(self._drawn) - 1}A" if len(self._drawn) > 1 else ""
        text = f"\r{up}" + "\x1b[K\n".join(shown) + "\x1b[J"
        self._drawn = shown
        number = sys.stderr.fileno()
        os.write(number, text.encode(sys.stderr.encoding or "ascii", errors="replace"))

    def clear(self) -> None:
        """Leave the place as it was found."""
        self.draw(())


@dataclass(frozen=True, slots=True)
class Step:
    """What a run is at: `total` units of it (None is unknown), since `began` (monotonic)."""

    label: str = ""
    total: int | None = None
    began: float = 0.0


def told(step: Step, done: int, place: str, now: float, columns: int) -> str:
    """A step as one line: what, how much of it, where, and for how long when it is long."""
    from repoint.views.columns import columns as wide
    from repoint.views.columns import cut_middle
    from repoint.views.visible import visible

    count = f" {min(done, step.total)}/{step.total}" if step.total else ""
    lasts = now - step.began
    time_told = f" ({lasts:.0f} s)" if lasts >= _TELLS_TIME_S else ""
    text = f"{visible(step.label)}{count}"
    left = min(columns, _WIDEST) - wide(text) - len(time_told) - 3
    where = f": {cut_middle(visible(place), left)}" if place and left >= _LEAST_PLACE else ""
    return f"{text}{where}{time_told}"


class StderrProgress:
    """A line on stderr that tells the step, the count and the place; cleared at the end.

    Silent when nobody watches or `quiet` is asked for, and for the first half second: a short run
    shows nothing. Implements `ports.Progress`.
    """

    def __init__(self, *, quiet: bool) -> None:
        self.shows = not quiet and is_watched()
        self._began = time.monotonic()
        self._step = Step()
        # By this process, and by a forked copy of it, which shares the numbers where one looks.
        self._done: MutableSequence[int] | memoryview = [0, 0]
        self._process = os.getpid()
        self._place = ""
        self._region = Region()
        self._drawing = _thread.allocate_lock()
        self._ended: _thread.LockType | None = None
        if self.shows:
            import mmap

            self._done = memoryview(mmap.mmap(-1, 16)).cast("Q")
            _SHOWN.append(self)

    def step(self, label: str, total: int | None = None) -> None:
        """Begin a step of `total` units (unknown when None); a forked copy only counts."""
        if os.getpid() != self._process:
            return
        self._done[0] = self._done[1] = 0
        self._step, self._place = Step(label, total, time.monotonic()), ""
        if self.shows and self._ended is None:
            self._ended = ended = _thread.allocate_lock()
            ended.acquire()
            # threading would count it, and a scan does not fork beside a thread of unknown locks.
            _thread.start_new_thread(self._beat, (ended,))

    def advance(self, count: int = 1) -> None:
        """`count` more units are done."""
        if self.shows:
            self._done[os.getpid() != self._process] += count

    def at(self, place: str) -> None:
        """What is worked on now, such as a path."""
        self._place = place

    def close(self) -> None:
        """Clear the line; the next step shows again."""
        if self._ended is not None:
            self._ended.release()
            self._ended = None
        with self._drawing:
            self._region.clear()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Something is printed while the block runs; the line is not there meanwhile."""
        with self._drawing:
            self._region.clear()
            yield

    def _beat(self, ended: _thread.LockType) -> None:
        while not ended.acquire(timeout=_EVERY_S):
            now = time.monotonic()
            with self._drawing:
                if self._ended is not ended:
                    return
                if now - self._began >= _FIRST_S:
                    columns, _ = _size()
                    step = self._step
                    self._region.draw((told(step, sum(self._done), self._place, now, columns),))


_SHOWN: list[StderrProgress] = []
"""Whoever may have drawn on this process's stderr: what is printed has to know."""


@contextmanager
def hidden() -> Iterator[None]:
    """Something is printed on stderr while the block runs."""
    if not _SHOWN:
        yield
        return
    with _SHOWN[-1].hidden():
        yield


def ended() -> None:
    """The result, or an error, is printed now: nothing is drawn any more."""
    for one in _SHOWN:
        one.close()


def _size() -> tuple[int, int]:
    try:
        size = os.get_terminal_size(sys.stderr.fileno())
    except (OSError, ValueError):
        return 80, 24
    return size.columns or 80, size.lines or 24


def _in_foreground() -> bool:
    """Whether this process has the terminal; in the background it would draw into a prompt."""
    try:
        return os.tcgetpgrp(sys.stderr.fileno()) == os.getpgrp()
    except OSError:
        return True
