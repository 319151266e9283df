"""Data to stdout, whoever reads it."""

from __future__ import annotations

import os
import sys

_SLICE = 1024 * 1024
"""Characters that are encoded at once: a large repository's result would stand there twice."""


def emit(text: str) -> None:
    """Write data to stdout; a reader that went away is no error.

    On a terminal nothing but repoint's own colors is obeyed; a file gets every byte as it is.
    A stream whose encoding has no sign for a letter gets its number (`\\u2192`).
    """
    if sys.stdout.isatty():
        from repoint.cli.progress import ended
        from repoint.views.visible import harmless

        ended()
        text = harmless(text)
    with _ForAnyReader():
        for at in range(0, len(text), _SLICE):
            _write(text[at : at + _SLICE])
        if text and not text.endswith("\n"):
            sys.stdout.write("\n")
        sys.stdout.flush()


def _write(text: str) -> None:
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        from repoint.views.visible import within

        sys.stdout.write(within(text, sys.stdout.encoding))


def emit_encoded(text: memoryview) -> None:
    """Write data that is in UTF-8 already; where stdout takes that, it goes as it is."""
    stream = sys.stdout
    raw = getattr(stream, "buffer", None)
    plain = not stream.isatty() and stream.encoding.lower() == "utf-8" and os.linesep == "\n"
    if raw is None or not plain:
        emit(str(text, "utf-8", "surrogateescape"))
        return
    with _ForAnyReader():
        stream.flush()
        raw.write(text)
        if text and text[-1] != ord("\n"):
            raw.write(b"\n")
        raw.flush()


class _ForAnyReader:
    """A block that writes to stdout: a reader that went away is no error, a full disk is one."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, OSError):
            close_stdout()
            if not isinstance(error, BrokenPipeError):
                from repoint.errors import FileRefused

                raise FileRefused.by(
                    "the result cannot be written to stdout", error, hint="send it to another place"
                ) from None
        return isinstance(error, OSError)


def close_stdout() -> None:
    """Send what is still unwritten to nowhere: the reader of the pipe has gone."""
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, sys.stdout.fileno())
    except (OSError, ValueError):
        return  # stdout is no file here, so there is nothing left to flush
    finally:
        os.close(null)
