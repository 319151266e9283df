"""What an extra of repoint brings, asked for before any work that would need it at the end."""

from __future__ import annotations

from importlib.util import find_spec

from repoint.errors import ToolMissing


def need(extra: str, module: str, purpose: str) -> None:
    """Pass where `module` can be imported; `purpose` says what for, as in "a chart".

    Raises:
        ToolMissing: repoint was installed without its `extra`; the hint is the command.
    """
    if find_spec(module) is None:
        raise ToolMissing(
            f"{purpose} needs the Python package `{module}`",
            hint=f"install repoint with it: `pip install 'repoint[{extra}]'`",
        )
