"""Where the repository is that a command works on."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

CONFIG_FILE = "repoint.yaml"
JOURNAL = ".repoint/journal"
"""What a run that writes leaves where it is stopped half-way."""
RECEIPTS = ".repoint/receipts"
"""The folder of what was applied."""


def find_root(directory: Path | None, root: Path | None) -> Path:
    """The repository to work on.

    An argument wins over `-C`; without both it is the nearest folder, from the current
    one upward, that holds a repoint.yaml, else the current folder.
    """
    from pathlib import Path

    given = root or directory
    return given.resolve() if given is not None else Path(nearest())


def nearest() -> str:
    """The nearest folder upward that holds a repoint.yaml, else the current one.

    Raises:
        UsageError: somebody removed the current folder.
    """
    here = folder = _current()
    while not os.path.isfile(f"{folder}/{CONFIG_FILE}"):
        above = os.path.dirname(folder)
        if above == folder:
            return here
        folder = above
    return folder


def _current() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:
        from repoint.errors import UsageError

        hint = "change into the repository, or name it: `repoint -C ROOT ..`"
        raise UsageError("the current folder is not there any more", hint=hint) from None
