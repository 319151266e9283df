"""Children that are forked rather than started: thousands of processes in a minute.

Everything of repoint is imported in the parent; a child has it at once, and nothing of what it
does or forgets is seen by the next one.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass

from repoint.errors import RepointError


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended: `done`, `refused` (a RepointError), `crashed` (a bug) or `killed`."""

    how: str
    told: str = ""
    error: str = ""


class Child:
    """A forked process that runs `work` and reports what it returned."""

    def __init__(self, work: Callable[[], str]) -> None:
        reading, writing = os.pipe()
        with warnings.catch_warnings():
            # A thread of the test runner may be there; the child never comes back to it.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
        if self.pid == 0:
            os.close(reading)
            _be_the_child(work, writing)
        os.close(writing)
        self._reading = reading
        self._ended: Ended | None = None

    def kill(self) -> None:
        """SIGKILL, if it is still there."""
        if self._ended is None:
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> Ended:
        """Wait for its end."""
        if self._ended is None:
            pieces = []
            while piece := os.read(self._reading, 65536):
                pieces.append(piece)
            os.close(self._reading)
            _, status = os.waitpid(self.pid, 0)
            self._ended = _ended(os.waitstatus_to_exitcode(status), b"".join(pieces))
        return self._ended


def in_child(work: Callable[[], str]) -> Ended:
    """Run `work` in a forked process to its end."""
    return Child(work).wait()


def _be_the_child(work: Callable[[], str], writing: int) -> None:
    """Run and report, past the hooks that `work` may have put on `os`; never returns."""
    write, leave = os.write, os._exit
    code = 70
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        try:
            told = Ended("done", work())
        except RepointError as error:
            told = Ended("refused", error.message, type(error).__name__)
        except BaseException as error:
            told = Ended("crashed", traceback.format_exc(), type(error).__name__)
        write(writing, json.dumps([told.how, told.told, told.error]).encode())
        sys.stderr.flush()
        code = 0
    finally:
        leave(code)


def _ended(code: int, told: bytes) -> Ended:
    if code == -signal.SIGKILL:
        return Ended("killed")
    if code != 0 or not told:
        return Ended("crashed", f"the child ended with {code}")
    return Ended(*json.loads(told))
