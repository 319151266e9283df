"""The way in: most runs go on to the command line, a repeated scan is answered at the door.

Importing the command line takes several times as long as finding that nothing has changed, so
that is done before, for the plainest ways to ask for a scan. Whatever else is asked goes on.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_FORMAT = "--format"


def main() -> None:
    """Run the command line with what the process was started with."""
    if not answered(sys.argv[1:]):
        from repoint.cli.app import main as command_line

        command_line()


def answered(arguments: Sequence[str]) -> bool:
    """Print the kept answer of `[-q] [-C ROOT] scan --format json [ROOT]`, if it stands."""
    root = _json_scan(arguments)
    if root is None or sys.stdout is None:
        return False
    from repoint.cli.at_once import told_at_once
    from repoint.cli.stdout import emit_encoded

    request = ("json",)
    told = told_at_once(root, request) or _told_by_git(root, request)
    if told is None:
        return False
    emit_encoded(told)
    return True


def _told_by_git(root: str, request: tuple[str, ...]) -> memoryview | None:
    from pathlib import Path

    from repoint.cli.answers import KeptScan, kept_tree

    return KeptScan(kept_tree(Path(root)), request).told()


def _json_scan(arguments: Sequence[str]) -> str | None:
    """The folder that a plain scan as JSON is asked of; None for everything else."""
    words = list(arguments)
    given: list[str] = []
    while words[:1] in (["-q"], ["--quiet"], ["-C"], ["--directory"]):
        if words.pop(0) in ("-C", "--directory"):
            given = words[:1]
            del words[:1]
    if words[:1] != ["scan"] or _FORMAT not in words:
        return None
    at = words.index(_FORMAT)
    if words[at + 1 : at + 2] != ["json"]:
        return None
    roots = words[1:at] + words[at + 2 :]
    if len(roots) > 1 or any(root.startswith("-") for root in roots):
        return None
    if not roots and not given:
        from repoint.cli.place import nearest

        return nearest()
    folder = (roots or given)[0]
    return os.path.realpath(folder) if os.path.isdir(folder) else None
