"""Work shared with a forked copy of this process.

A fork starts in milliseconds and sees all memory as it is, so nothing is handed over but the
results. Threads would not help: the interpreter runs one at a time.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Generic, NoReturn, TypeVar

from repoint.errors import RepointError

Result = TypeVar("Result")

MOST_PIECES = 256
"""A piece is told by one byte."""

_Outcome = tuple[bool, Result | RepointError]
"""Whether a piece was done, and its result or its error."""


def forked(pieces: Sequence[Callable[[], Result]]) -> Callable[[], list[Result]]:
    """Start on `pieces` in a copy of this process; implements `ports.Aside`.

    When the results are asked for, this process takes pieces too, until none is left: each of the
    two takes the next one when it is done with its own. All are done in this process where there
    is one processor only, where other threads run (their locks would be copied as they stand),
    where a fork is not safe (macOS); and those that the copy took, where it ends without results.

    Raises:
        ValueError: there are more than `MOST_PIECES` pieces.
    """
    if len(pieces) > MOST_PIECES:
        raise ValueError(f"{len(pieces)} pieces are more than {MOST_PIECES}")
    alone = sys.platform == "darwin" or threading.active_count() > 1 or processors() < 2
    if alone or not pieces:
        return _Shared(pieces, None, None)
    left = _numbers(len(pieces))
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        _work(pieces, left, reading, writing, parent)
    os.close(writing)
    return _Shared(pieces, left, (child, reading))


class _Shared(Generic[Result]):
    """The results of all pieces, worked for and waited for at the first call."""

    def __init__(
        self,
        pieces: Sequence[Callable[[], Result]],
        left: int | None,
        child: tuple[int, int] | None,
    ) -> None:
        self._pieces = pieces
        self._left = left
        self._child = child
        self._outcomes: dict[int, _Outcome[Result]] = {}

    def __call__(self) -> list[Result]:
        if self._left is not None and self._child is not None:
            left, self._left = self._left, None
            try:
                self._outcomes = _taken(self._pieces, left)
            finally:
                child, self._child = self._child, None
                self._outcomes |= _told_by(*child)
        return [self._result(number) for number in range(len(self._pieces))]

    def _result(self, number: int) -> Result:
        outcome = self._outcomes.get(number)
        if outcome is None:
            # Nobody did it: a bug in the copy shows itself here.
            outcome = self._outcomes[number] = _done(self._pieces[number])
        result = outcome[1]
        if isinstance(result, RepointError) and not outcome[0]:
            raise result
        assert not isinstance(result, RepointError)
        return result


def processors() -> int:
    """How many this process may use; all of the machine where the system does not tell (macOS)."""
    known = hasattr(os, "sched_getaffinity")
    return len(os.sched_getaffinity(0)) if known else os.cpu_count() or 1


def _numbers(count: int) -> int:
    """A pipe that holds the numbers of all pieces; who reads one has taken it."""
    reading, writing = os.pipe()
    os.write(writing, bytes(range(count)))
    os.close(writing)
    return reading


def _taken(
    pieces: Sequence[Callable[[], Result]], left: int, parent: int | None = None
) -> dict[int, _Outcome[Result]]:
    """Do one piece after another until none is left, or nobody asks for the results any more.

    A copy that goes on would hold the repository's lock for a `parent` that was killed.
    """
    outcomes: dict[int, _Outcome[Result]] = {}
    with os.fdopen(left, "rb", buffering=0) as numbers:
        while parent in (None, os.getppid()) and (taken := numbers.read(1)):
            outcomes[taken[0]] = _done(pieces[taken[0]])
    return outcomes


def _done(piece: Callable[[], Result]) -> _Outcome[Result]:
    try:
        return True, piece()
    except RepointError as error:
        return False, error


def _work(
    pieces: Sequence[Callable[[], object]], left: int, reading: int, writing: int, parent: int
) -> NoReturn:
    """What the copy does; it never returns into the caller's code."""
    try:
        os.close(reading)
        outcomes = _taken(pieces, left, parent)
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(outcomes, pipe, pickle.HIGHEST_PROTOCOL)
        os._exit(0)
    finally:
        # A bug shows itself when this process does the work again.
        os._exit(1)


def _told_by(child: int, reading: int) -> dict[int, _Outcome[Result]]:
    """What the copy wrote; nothing when it ended without results."""
    with os.fdopen(reading, "rb") as pipe:
        raw = pipe.read()
    _, status = os.waitpid(child, 0)
    known: dict[int, _Outcome[Result]] = pickle.loads(raw) if status == 0 else {}
    return known
