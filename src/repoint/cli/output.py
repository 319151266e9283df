"""Where output goes: data to stdout, notices and progress to stderr."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import click

from repoint.cli.looks import looks
from repoint.cli.progress import hidden
from repoint.cli.stdout import emit
from repoint.errors import FileRefused
from repoint.views.visible import spoken


@dataclass(frozen=True, slots=True)
class Terminal:
    """What the user asked of the output, and what the streams can show."""

    color: bool
    quiet: bool
    width: int

    @classmethod
    def detect(cls, *, no_color: bool, quiet: bool) -> Terminal:
        """Look at the streams, `NO_COLOR` and `TERM`; 80 columns when stdout is no terminal."""
        color, width = looks(no_color=no_color)
        return cls(color, quiet, width)

    @property
    def looks(self) -> tuple[bool, int]:
        """What a human view depends on: color and columns."""
        return self.color, self.width

    def notice(self, text: str) -> None:
        """Tell a person something on stderr, unless asked to be quiet."""
        if not self.quiet:
            self.say(text)

    def say(self, text: str) -> None:
        """Tell a person something on stderr that quiet does not keep away."""
        with hidden():
            click.echo(spoken(text), err=True)

    def done(self, text: str) -> None:
        """Write to stdout what a command has done: it is done, also where stdout takes nothing.

        The exit status stays what it is.
        """
        try:
            emit(text)
        except FileRefused as error:
            self.say(f"note: {error.message}; the exit status tells what was done")


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
        FileRefused: it cannot be written, or a link in its place leads out of its folder.
    """
    if _leads_away(path):
        raise FileRefused(
            f"`{path}` is a link to a file elsewhere", hint="name that file, or another one"
        )
    try:
        path.write_bytes(content)
    except OSError as error:
        raise FileRefused.by(f"`{path}` cannot be written", error) from None


def _leads_away(path: Path) -> bool:
    """Whether a file elsewhere would be overwritten: a repository of strangers may hold links."""
    if not path.is_symlink() or path.parent == Path("/dev"):
        return False
    target = path.resolve()
    return target.parent != path.parent.resolve() and (target.is_file() or not target.exists())
