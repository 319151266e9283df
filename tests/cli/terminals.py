"""Terminals as the kernel makes them, for what looks at whether it writes to one."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

DEADLINE_S = 15.0
"""After this long a screen will not show any more what a test waits for."""


@dataclass
class Screen:
    """The side of a terminal on which somebody looks; `said` is all that was ever written."""

    number: int
    said: str = ""

    def resize(self, columns: int, rows: int = 24) -> None:
        """Change the size, as a person does with the mouse."""
        fcntl.ioctl(self.number, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self.number, text.encode())

    def read(self) -> str:
        """What was written until now."""
        while select.select([self.number], [], [], 0)[0]:
            if not self._more():
                break
        return self.said

    def until(self, wanted: str) -> str:
        """Wait for a text to be written; everything that was written by then."""
        end = time.monotonic() + DEADLINE_S
        while wanted not in self.said:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.number], [], [], left)[0] or not self._more():
                raise AssertionError(f"{wanted!r} is not in {self.said!r}")
        return self.said

    def rest(self) -> str:
        """Everything, when nobody writes any more."""
        while self._more():
            pass
        return self.said

    def _more(self) -> bool:
        try:
            read = os.read(self.number, 65536)
        except OSError:  # Linux' way to say that the other side is closed
            return False
        self.said += read.decode(errors="replace")
        return bool(read)


@contextmanager
def terminal(columns: int = 80) -> Iterator[tuple[Screen, int]]:
    """A screen, and the number of the file that a program writes to."""
    screen, program = pty.openpty()
    try:
        found = Screen(screen)
        found.resize(columns)
        yield found, program
    finally:
        os.close(screen)
        os.close(program)


@contextmanager
def as_stderr(monkeypatch: pytest.MonkeyPatch, columns: int = 80) -> Iterator[Screen]:
    """This process' stderr is a terminal, and no CI runs it."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("CI", raising=False)
    with terminal(columns) as (screen, program), os.fdopen(os.dup(program), "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        yield screen
        monkeypatch.undo()


@contextmanager
def started(
    argv: Sequence[str],
    *,
    columns: int = 80,
    rows: int = 24,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[tuple[Screen, subprocess.Popen[bytes]]]:
    """A program with a terminal of its own, which is killed where it outlives the block."""
    wanted = {"TERM": "xterm-256color", **(env or {})}
    kept = {key: value for key, value in os.environ.items() if key != "CI"}
    seen, number = pty.openpty()
    screen = Screen(seen)
    screen.resize(columns, rows)
    process = subprocess.Popen(
        argv,
        stdin=number,
        stdout=number,
        stderr=number,
        env={**kept, **wanted},
        cwd=cwd,
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(number)  # So that there is an end when the program closes its side.
    try:
        yield screen, process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(seen)


def _take_terminal() -> None:
    """Make stdin the terminal that rules this session: Ctrl-C comes as SIGINT."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
