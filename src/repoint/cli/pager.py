"""A long text on a terminal goes through the user's pager, as git's does."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys

from repoint.cli.stdout import emit
from repoint.views.visible import harmless

_LESS = {"LESS": "FRX", "LV": "-c"}
"""What git gives to `less` and `lv` whose user says nothing: quit when it fits, keep colors."""


def show(text: str, *, wanted: bool = True) -> None:
    """Print data, through the pager where stdout is a terminal that is too low for it.

    The pager is `$PAGER`, a command of the shell, else `less`; an empty one and `cat` are none. A
    pager that cannot be started is passed by.
    """
    pager = chosen_pager() if wanted else ""
    if not pager or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb" or _fits(text):
        emit(text)
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the pager's.
    try:
        status = _paged(pager, harmless(text))
    finally:
        signal.signal(signal.SIGINT, before)
    if status in (126, 127):  # What sh says of a program that it cannot start.
        emit(text)


def chosen_pager() -> str:
    """The pager's command line; empty for none."""
    named = os.environ.get("PAGER")
    if named is None:
        named = "less" if shutil.which("less") else ""
    return "" if named.strip() in ("", "cat") else named


def _fits(text: str) -> bool:
    try:
        rows = os.get_terminal_size(sys.stdout.fileno()).lines
    except (OSError, ValueError):
        return True
    return text.count("\n") < rows - 1


def _paged(pager: str, text: str) -> int:
    sys.stdout.flush()
    environment = {**_LESS, **os.environ}
    process = subprocess.Popen(pager, shell=True, stdin=subprocess.PIPE, env=environment)
    assert process.stdin is not None
    try:
        process.stdin.write(text.encode(sys.stdout.encoding or "utf-8", errors="replace"))
        process.stdin.close()
    except OSError:
        pass  # The reader has seen enough.
    return process.wait()
