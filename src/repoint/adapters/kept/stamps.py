"""Stamps: that a kept answer stands, told by the marks of all files, without asking git for them.

A stamp is made when git has shown that the answer stands. It tells what was seen before git was
asked: the marks of all files and folders that can change git's listing, of what the links lead
to, which ignore files were not there, and git's settings. While all of them are as they were, git
would list the same files with the same bytes. A stamp that is damaged, or of another place,
answer or program, is none: then git is asked.
"""

from __future__ import annotations

import os

from repoint.adapters.git_settings import Asked
from repoint.adapters.kept import answer_file
from repoint.adapters.kept.layout import (
    QUICK,
    checksum,
    fields_of,
    file_name,
    laid_out,
    quick_sum,
    read_whole,
)
from repoint.adapters.kept.marks import have_marks, marks_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = "stamps"
"""The folder of stamps, below that of all that is kept."""

_MAGIC = b"repoint stamp 1\n"
_FIELDS = 8
_MOVES_GIT = ("GIT_DIR", "GIT_WORK_TREE")
_HOMES = ("HOME", "XDG_CONFIG_HOME")


class Stamp:
    """What was seen when an answer stood; paths are absolute, and joined by NUL.

    Of git's `settings` it is a checksum: the command of a filter may hold a password.
    """

    __slots__ = ("absent", "links", "marks", "paths", "seal", "settings", "targets")

    def __init__(
        self,
        *,
        settings: bytes,
        paths: bytes,
        marks: bytes,
        links: bytes,
        targets: bytes,
        absent: bytes,
        seal: bytes = b"",
    ) -> None:
        self.settings, self.seal = settings, seal
        self.paths, self.marks = paths, marks
        self.links, self.targets = links, targets
        self.absent = absent

    def pieces(self, root: str) -> Iterator[bytes]:
        """The bytes of its file, in pieces."""
        fields = (self.seal, place_of(root), self.settings, self.paths, self.marks, self.links)
        body = list(laid_out((*fields, self.targets, self.absent)))
        yield _MAGIC + quick_sum(*body)
        yield from body


def place_of(root: str) -> bytes:
    """Where a stamp holds: the folder, and whose settings and ignores hold there.

    Empty where the environment says that git's files lie elsewhere: there none holds.
    """
    if any(os.environ.get(name) for name in _MOVES_GIT):
        return b""
    return "\0".join((root, *(os.environ.get(name, "") for name in _HOMES))).encode(
        errors="surrogateescape"
    )


def stamp_name(request: tuple[str, ...], root: str) -> str:
    """The file of a request's stamp for one place."""
    return file_name((*request, root))


def still_told(folder: Path | str, request: tuple[str, ...], root: str) -> memoryview | None:
    """The kept text, in UTF-8, where its stamp shows that it stands.

    None says nothing: git has to be asked.
    """
    raw = read_whole(f"{folder}/{FOLDER}/{stamp_name(request, root)}")
    if raw is None or not raw.startswith(_MAGIC):
        return None
    body = memoryview(raw)[len(_MAGIC) :]
    sum_, body = body[:QUICK], body[QUICK:]
    fields = fields_of(body, _FIELDS) if sum_ == quick_sum(body) else None
    if fields is None or not _holds(fields, root):
        return None
    file = f"{folder}/{answer_file.FOLDER}/{file_name(request)}"
    return answer_file.sealed_text(file, bytes(fields[0]))


def _holds(fields: list[memoryview], root: str) -> bool:
    _, place, settings, paths, marks, links, targets, absent = fields
    if not place or place != place_of(root):
        return False
    asked = Asked(root)
    same = (
        have_marks(_names(paths), marks)
        and marks_of(_names(links), followed=True) == bytes(targets)
        and not any(map(os.path.lexists, _names(absent)))
    )
    told = asked.told()
    return told is not None and checksum(told) == settings and same


def _names(field: memoryview) -> list[bytes]:
    return bytes(field).split(b"\0") if len(field) else []
