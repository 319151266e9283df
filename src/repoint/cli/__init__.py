"""The command line: parse, call one flow, hand the result to a view, map it to a status."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from repoint.cli.app import main

__all__ = ["main"]


def __getattr__(name: str) -> object:
    """The group, imported when somebody asks for it: a repeated scan does without."""
    if name != "main":
        raise AttributeError(name)
    from repoint.cli.app import main

    return main
