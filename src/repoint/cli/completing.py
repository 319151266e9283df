"""Answers a shell that asks what could follow on a line: fast, silent, and never with an error.

The scripts that ask are in `repoint/data/completion`. Each answer is a line of kind (`plain`,
`file` or `dir`), the whole word, and a few words about it, with tabs between them.
"""

from __future__ import annotations

import os
import re
import sys
import time
from contextvars import ContextVar
from pathlib import Path

import click
from click.shell_completion import CompletionItem, ShellComplete, split_arg_string

from repoint.cli.options import ASKS

LINE = "COMP_WORDS"
"""The line up to the cursor."""

_MOST_S = 2.0
_SPARE_S = 0.5
"""A program that is asked has to be ended before the watchdog, which ends this process alone."""
_ENDS: ContextVar[float] = ContextVar("repoint_completion_ends")
_SAFE = re.compile(r"[\w.,:/@%+=-]+")
_LONGEST_HELP = 60


def answer(command: click.Command) -> int:
    """Print what could follow on the line; always status 0.

    Whatever goes wrong, nothing is offered: a prompt is no place for errors. A repoint.yaml that
    takes longer than two seconds to read is given up, by a watchdog that needs no interpreter.
    """
    import faulthandler

    _ENDS.set(time.monotonic() + _MOST_S - _SPARE_S)
    with Path(os.devnull).open("w") as nowhere:
        faulthandler.dump_traceback_later(_MOST_S, exit=True, file=nowhere)
        try:
            found = _offered(command, os.environ.get(LINE, ""))
        except Exception:
            found = []
        faulthandler.cancel_dump_traceback_later()
    try:
        sys.stdout.write("".join(f"{line}\n" for line in found))
        sys.stdout.flush()
    except (OSError, UnicodeError):
        return 0
    return 0


def patience_s() -> float:
    """Seconds that a program may take which is asked for the answer."""
    return max(0.0, _ENDS.get() - time.monotonic())


def _offered(command: click.Command, line: str) -> list[str]:
    words = split_arg_string(line)[1:]
    begun = words.pop() if words and not line[-1:].isspace() else ""
    head = f"{begun.partition('=')[0]}=" if begun.startswith("-") and "=" in begun else ""
    asked = ShellComplete(command, {}, "repoint", ASKS)
    return [_line(head, item) for item in asked.get_completions(words, begun) if _is_safe(item)]


def _is_safe(item: CompletionItem) -> bool:
    """Whether it may stand on a command line: a name in a repository may be `$(..)`."""
    return item.type != "plain" or bool(_SAFE.fullmatch(str(item.value)))


def _line(head: str, item: CompletionItem) -> str:
    about = " ".join((item.help or "").split())
    if len(about) > _LONGEST_HELP:
        about = f"{about[: _LONGEST_HELP - 3].rpartition(' ')[0]}..."
    return f"{item.type}\t{head}{item.value}\t{about}"
