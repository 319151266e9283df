"""Passwords that a new file takes over from a file that stands, without ever being in a plan.

While a patch is laid out, a hole stands where the password goes: a mark that names the bytes
of the original. The plan keeps the text without holes, and where to copy what (law 2).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from repoint.dsn.mask import mask
from repoint.errors import StalePlan
from repoint.model.plan import Copy, Edit
from repoint.model.source import Span

MARK = "\0"
"""Begins and ends a hole; YAML cannot hold it, so no text is taken for one."""

_HOLE = re.compile(rf"{MARK}([^{MARK}]+){MARK}(\d+){MARK}(\d+){MARK}")
_SHOWN = "***"


def hole(path: str, span: Span) -> str:
    """The mark that stands for `span` of the file at `path`."""
    return f"{MARK}{path}{MARK}{span.start}{MARK}{span.end}{MARK}"


def secret_ranges(text: str) -> tuple[tuple[int, int], ...] | None:
    """The passwords in a text as `[start, end)`; None when they cannot be told apart."""
    masked = mask(text)
    if masked == text:
        return ()
    if _SHOWN in text:
        return None
    pattern = "(.+?)".join(re.escape(part) for part in masked.split(_SHOWN))
    match = re.fullmatch(pattern, text, re.DOTALL)
    return None if match is None else match.regs[1:]


def take_out(text: str) -> tuple[str, tuple[Copy, ...]]:
    """A text without its holes, and what to copy there."""
    copies: list[Copy] = []
    pieces: list[str] = []
    cursor = size = 0
    for match in _HOLE.finditer(text):
        piece = text[cursor : match.start()]
        pieces.append(piece)
        size += len(piece.encode())
        copies.append(Copy(match[1], int(match[2]), int(match[3]), size))
        cursor = match.end()
    return "".join((*pieces, text[cursor:])), tuple(copies)


def filled(edit: Edit, read: Callable[[str], bytes] | None) -> bytes:
    """What an edit writes, with the copied bytes in their places.

    Raises:
        StalePlan: the bytes to copy are not there.
    """

    def bytes_of(copy: Copy) -> bytes:
        found = read(copy.path)[copy.start : copy.end] if read is not None else b""
        if len(found) != copy.end - copy.start or not found:
            raise StalePlan(f"`{copy.path}` is not what this plan was made on")
        return found

    return _with(edit.after.encode(), edit.copies, [bytes_of(copy) for copy in edit.copies])


def shown(edit: Edit) -> str:
    """The text of an edit for a person: what is copied is masked."""
    stars = [_SHOWN.encode()] * len(edit.copies)
    return _with(edit.after.encode(), edit.copies, stars).decode()


def _with(text: bytes, copies: Sequence[Copy], pieces: Sequence[bytes]) -> bytes:
    result: list[bytes] = []
    cursor = 0
    for copy, piece in zip(copies, pieces, strict=True):
        result += text[cursor : copy.at], piece
        cursor = copy.at
    return b"".join((*result, text[cursor:]))
