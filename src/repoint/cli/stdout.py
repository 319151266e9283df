"""Data to stdout, whoever reads it."""

from __future__ import annotations

import os
import sys

from repoint.errors import FileRefused
from repoint.views.visible import harmless


def emit(text: str) -> None:
    """Write data to stdout; a reader that went away is no error.

    On a terminal nothing but repoint's own colors is obeyed; a file gets every byte as it is.
    """
    if sys.stdout.isatty():
        from repoint.cli.progress import ended

        ended()
        text = harmless(text)
    try:
        sys.stdout.write(text)
        if text and not text.endswith("\n"):
            sys.stdout.write("\n")
        sys.stdout.flush()
    except BrokenPipeError:
        close_stdout()
    except OSError as error:
        close_stdout()
        raise FileRefused(f"the result cannot be written to stdout: {error.strerror}") from None


def close_stdout() -> None:
    """Send what is still unwritten to nowhere: the reader of the pipe has gone."""
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, sys.stdout.fileno())
    except (OSError, ValueError):
        return  # stdout is no file here, so there is nothing left to flush
    finally:
        os.close(null)
