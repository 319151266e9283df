"""Arguments of `repoint` as the real parser takes them, without running anything."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence

import click

from repoint.cli import main


def complaint(words: Sequence[str]) -> str:
    """Why `repoint` would refuse these arguments as wrong usage; empty when it would not.

    A file that the reader has and this machine lacks is no wrong usage.
    """
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # --help and --version print
            _parse(main, "repoint", list(words), None)
    except click.exceptions.Exit:
        return ""
    except click.BadParameter as error:
        missing = isinstance(error.param, click.Parameter) and isinstance(
            error.param.type, click.Path
        )
        return "" if missing and "does not exist" in error.message else error.format_message()
    except click.UsageError as error:
        return error.format_message()
    return ""


def _parse(
    command: click.Command, name: str, words: list[str], parent: click.Context | None
) -> None:
    if not words and isinstance(command, click.Group):
        return
    quiet = {"color": False, "max_content_width": 100}
    with command.make_context(name, words, parent, **quiet) as context:
        if isinstance(command, click.Group):
            rest = [*context._protected_args, *context.args]
            inner_name, inner, inner_words = command.resolve_command(context, rest)
            if inner is not None and inner_name is not None:
                _parse(inner, inner_name, inner_words, context)
