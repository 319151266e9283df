"""Where the repository is that a command works on."""

from __future__ import annotations

from pathlib import Path

CONFIG_FILE = "repoint.yaml"
JOURNAL = ".repoint/journal"
"""What a run that writes leaves where it is stopped half-way."""


def find_root(directory: Path | None, root: Path | None) -> Path:
    """The repository to work on.

    An argument wins over `-C`; without both it is the nearest folder, from the current
    one upward, that holds a repoint.yaml, else the current folder.
    """
    given = root or directory
    if given is not None:
        return given.resolve()
    here = Path.cwd()
    return next(
        (folder for folder in (here, *here.parents) if (folder / CONFIG_FILE).is_file()), here
    )
