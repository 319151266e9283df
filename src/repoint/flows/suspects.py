"""Files of a survey that can have a finding at all, told by names and bytes before parsing.

A scan has parsed most of them in another process; here only those are parsed that matter.
"""

from __future__ import annotations

from collections.abc import Iterator

from repoint.flows.scanning import Survey
from repoint.formats.base import FileKind, ParsedFile
from repoint.formats.kinds import kind_of
from repoint.formats.shelf import Shelf
from repoint.rules.password_bytes import may_hold_password

_SCRIPTS = (FileKind.SHELL, FileKind.MAKEFILE, None)
"""None: no name tells the kind, and the first line may make it a script."""


def scripts(found: Survey) -> Iterator[ParsedFile]:
    """Every script and Makefile, and what may be one."""
    for path in found.files:
        if kind_of(path, b"") in _SCRIPTS:
            yield found.files[path]


def with_passwords(found: Survey) -> Iterator[ParsedFile]:
    """Every file that can hold a password in clear text."""
    for path in found.files:
        raw = bytes_at_hand(found, path)
        if raw is None:
            raw = found.files[path].text.encode()
        if may_hold_password(kind_of(path, b""), raw):
            yield found.files[path]


def unread(found: Survey) -> Iterator[ParsedFile]:
    """Every file with a problem: those that the scan told of, and those it never opened."""
    told = {one.path for one in found.inventory.unreadable}
    for path in found.files:
        if (path in told or bytes_at_hand(found, path) is None) and found.files[path].problem:
            yield found.files[path]


def bytes_at_hand(found: Survey, path: str) -> bytes | None:
    """The bytes of a file that the scan parsed for its sites; None for any other."""
    return found.files.raw(path) if isinstance(found.files, Shelf) else None
