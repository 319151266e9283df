"""The way in: most runs go on to the command line, a repeated one is answered at the door.

Importing the command line takes several times as long as finding that nothing has changed, so
that is done before, for the plainest ways to ask for a scan or a check. Whatever else is asked
goes on.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_FORMS = {"scan": ("human", "json"), "check": ("human", "json", "junit")}
"""What tells nothing but what is in the files, by verb; the first is the default."""


def main() -> None:
    """Run the command line with what the process was started with."""
    try:
        status = answered(sys.argv[1:], goes_on=True)
        if status is None:  # Modules load for a while, in which Ctrl-C is as likely as later.
            from repoint.cli.app import main as command_line
    except (Exception, KeyboardInterrupt) as error:
        sys.exit(_told_at_the_edge(error))
    if status is None:
        command_line()
    elif status:
        sys.exit(status)


def answered(arguments: Sequence[str], *, goes_on: bool = False) -> int | None:
    """Print a kept answer that stands, and give the exit status; None where there is none.

    It answers `[-q] [-C ROOT] scan|check [--format FORMAT] [--env NAME]... [ROOT]`. `goes_on` tells
    that the command itself runs next where there is no answer.
    """
    asked = _asked(arguments)
    if asked is None or sys.stdout is None:
        return None
    from repoint.cli.at_once import told_at_once

    root, request = asked
    told = told_at_once(root, request) or _told_by_git(root, request, goes_on=goes_on)
    if told is None:
        return None
    from repoint.cli.stdout import emit_encoded

    if request[0] != "check":
        emit_encoded(told)
        return 0
    status, _, _ = bytes(told[:16]).partition(b"\n")
    emit_encoded(told[len(status) + 1 :])
    return int(status)


def _told_by_git(root: str, request: tuple[str, ...], *, goes_on: bool) -> memoryview | None:
    from pathlib import Path

    from repoint.adapters.filetree import FileTree
    from repoint.cli.answers import KeptScan, hand_over

    kept = KeptScan(FileTree(Path(root)), request)
    told = kept.told()
    if told is None and goes_on:
        hand_over(kept)
    return told


def _told_at_the_edge(error: BaseException) -> int:
    from repoint.cli.edge import guarded

    def fail() -> None:
        raise error

    return guarded(fail)


def _asked(arguments: Sequence[str]) -> tuple[str, tuple[str, ...]] | None:
    """The folder and the request, as the command makes it; None for what is not plain."""
    words = list(arguments)
    folders: list[str] = []
    while words[:1] in (["-q"], ["--quiet"], ["-C"], ["--directory"]):
        if words.pop(0) in ("-C", "--directory"):
            folders = words[:1]
            del words[:1]
    verb = words.pop(0) if words else ""
    options: dict[str, list[str]] = {"--format": [], "--env": []}
    roots: list[str] = []
    while words:
        word = words.pop(0)
        if word in options and words:
            options[word].append(words.pop(0))
        else:
            roots.append(word)
    forms = options["--format"] or _FORMS.get(verb, ())[:1]
    plain = not any(root.startswith("-") for root in roots) and len(roots) < 2
    if len(forms) != 1 or forms[0] not in _FORMS.get(verb, ()) or not plain:
        return None
    root = _root(roots or folders)
    return None if root is None else (root, _request(verb, forms[0], root, options["--env"]))


def _request(verb: str, form: str, root: str, environments: Sequence[str]) -> tuple[str, ...]:
    if form != "human":
        return (*([verb] if verb == "check" else ()), form, *environments)
    from repoint.cli.looks import looks

    seen = map(str, looks(no_color=False))
    if verb == "check":
        return (verb, form, root, *seen, *environments)
    return (form, root, *seen, root, *environments)


def _root(given: Sequence[str]) -> str | None:
    if given:
        return os.path.realpath(given[0]) if os.path.isdir(given[0]) else None
    from repoint.cli.place import nearest

    return nearest()
