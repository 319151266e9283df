"""Where output goes: data to stdout, notices and progress to stderr."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import click

from repoint.errors import FileRefused
from repoint.views.visible import visible


@dataclass(frozen=True, slots=True)
class Terminal:
    """What the user asked of the output, and what the streams can show."""

    color: bool
    quiet: bool
    width: int

    @classmethod
    def detect(cls, *, no_color: bool, quiet: bool) -> Terminal:
        """Look at the streams, `NO_COLOR` and `TERM`; 80 columns when stdout is no terminal."""
        shows = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        width = 80
        if shows:
            try:
                width = max(60, os.get_terminal_size(sys.stdout.fileno()).columns)
            except (OSError, ValueError):
                width = 80
        return cls(shows and not no_color and not os.environ.get("NO_COLOR"), quiet, width)

    @property
    def looks(self) -> tuple[bool, int]:
        """What a human view depends on: color and columns."""
        return self.color, self.width

    def notice(self, text: str) -> None:
        """Tell a person something on stderr, unless asked to be quiet."""
        if not self.quiet:
            click.echo(visible(text), err=True)


def check_output(path: Path | None) -> None:
    """Look whether `path` can be written, before the work whose result it gets.

    Raises:
        FileRefused: its folder is not there, or closed to this user.
    """
    if path is not None and not os.access(path.parent, os.W_OK | os.X_OK):
        why = "cannot be written in" if path.parent.is_dir() else "is no folder"
        raise FileRefused(f"`{path.parent}` {why}", hint="name another file")


def write_output(path: Path, content: bytes) -> None:
    """Write a result to the file that the user named.

    Raises:
        FileRefused: it cannot be written.
    """
    try:
        path.write_bytes(content)
    except OSError as error:
        raise FileRefused(f"`{path}` cannot be written: {error.strerror}") from None


class StderrProgress:
    """A single line on stderr that tells the step and the count; cleared at the end.

    Silent when stderr is no terminal, when asked to be quiet, and for the first
    half second: short runs show nothing.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._shows = sys.stderr.isatty() and not quiet and os.environ.get("TERM") != "dumb"
        self._label = ""
        self._total: int | None = None
        self._done = 0
        self._next = time.monotonic() + 0.5
        self._drawn = False

    def step(self, label: str, total: int | None = None) -> None:
        """Begin a step of `total` units (unknown when None)."""
        self._label, self._total, self._done = label, total, 0
        self._draw()

    def advance(self, count: int = 1) -> None:
        """`count` more units are done."""
        self._done += count
        self._draw()

    def close(self) -> None:
        """Clear the line."""
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._drawn = False

    def _draw(self) -> None:
        now = time.monotonic()
        if not self._shows or now < self._next:
            return
        self._next = now + 0.1
        count = f" {self._done}/{self._total}" if self._total else ""
        sys.stderr.write(f"\r\x1b[K{visible(self._label)}{count}")
        sys.stderr.flush()
        self._drawn = True
