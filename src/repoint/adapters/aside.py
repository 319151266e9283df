"""Work in a forked copy of this process, while the process itself goes on.

A fork starts in milliseconds and sees all memory as it is, so nothing is handed over but the
result. Threads would not help: the interpreter runs one at a time.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
from collections.abc import Callable
from typing import Any, Generic, NoReturn, TypeVar

from repoint.errors import RepointError

Result = TypeVar("Result")


def forked(task: Callable[[], Result]) -> Callable[[], Result]:
    """Start `task` in a copy of this process; implements `ports.Aside`.

    It is done in this process instead, when its result is asked for, where there is one processor
    only, where other threads run (their locks would be copied as they stand), where a fork is not
    safe (macOS), and where the copy ends without a result.
    """
    if sys.platform == "darwin" or threading.active_count() > 1 or _processors() < 2:
        return _Later(task, None)
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        _work(task, reading, writing)
    os.close(writing)
    return _Later(task, (child, reading))


class _Later(Generic[Result]):
    """The result of a task, waited for at the first call."""

    def __init__(self, task: Callable[[], Result], child: tuple[int, int] | None) -> None:
        self._task = task
        self._child = child
        self._outcome: tuple[bool, Result] | None = None

    def __call__(self) -> Result:
        if self._outcome is None and self._child is not None:
            self._outcome = _outcome(*self._child)
            self._child = None
        if self._outcome is None:
            self._outcome = True, self._task()
        done, result = self._outcome
        if not done and isinstance(result, RepointError):
            raise result
        return result


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _work(task: Callable[[], Result], reading: int, writing: int) -> NoReturn:
    """What the copy does; it never returns into the caller's code."""
    try:
        os.close(reading)
        try:
            outcome: tuple[bool, object] = True, task()
        except RepointError as error:
            outcome = False, error
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(outcome, pipe, pickle.HIGHEST_PROTOCOL)
        os._exit(0)
    finally:
        # A bug shows itself when this process does the task again.
        os._exit(1)


def _outcome(child: int, reading: int) -> Any:
    """What the copy wrote; None when it ended without a result."""
    with os.fdopen(reading, "rb") as pipe:
        raw = pipe.read()
    _, status = os.waitpid(child, 0)
    return pickle.loads(raw) if status == 0 else None
