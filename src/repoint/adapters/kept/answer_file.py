"""The file of a kept answer: what it is, its seal, git's listing of the time, and the answer.

The seal is a checksum over all but the listing, which has one of its own: where the listing is
not needed it is not read.
"""

from __future__ import annotations

import os

from repoint.adapters.kept.layout import SIZE, SUM, checksum, fields_of, laid_out

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FOLDER = "scans"
"""The folder of these files, below that of all that is kept."""
FIELDS = 5
"""How many fields follow the listing; the last is the text."""

_MAGIC = b"repoint scan 2\n"
_HEAD = len(_MAGIC) + 2 * SUM + SIZE


class Loaded:
    """What a file holds, undamaged; `entries` are None where they were not asked for."""

    __slots__ = ("entries", "fields", "seal")

    def __init__(self, seal: bytes, entries: bytes | None, fields: list[memoryview]) -> None:
        self.seal, self.entries, self.fields = seal, entries, fields


def pieces_of(entries: bytes, fields: Sequence[bytes]) -> Iterator[bytes]:
    """A file's bytes, in pieces."""
    body = list(laid_out(fields))
    head = checksum(entries) + len(entries).to_bytes(SIZE, "big")
    yield _MAGIC + checksum(head, *body) + head
    yield entries
    yield from body


def load(path: str, now: bytes | None) -> Loaded | None:
    """What a file holds; None where there is none, or a damaged one.

    Its listing stays away where it is `now`; without one it is not even read.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(fd, "rb", buffering=0) as file:
        try:
            whole = os.fstat(fd).st_size
            head = file.read(_HEAD) or b""
            # A damaged size may be anything.
            size = min(int.from_bytes(head[_HEAD - SIZE :], "big"), whole)
            entries = now
            if now is None:
                file.seek(size, os.SEEK_CUR)
            else:
                entries = file.read(size)
            body = memoryview(file.readall() or b"")
        except OSError:
            return None
    seal, rest = head[len(_MAGIC) : -SUM - SIZE], head[-SUM - SIZE :]
    if head[: len(_MAGIC)] != _MAGIC or seal != checksum(rest, body):
        return None
    if entries == now:
        entries = None
    elif checksum(entries or b"") != rest[:SUM]:
        return None
    fields = fields_of(body, FIELDS)
    return None if fields is None else Loaded(seal, entries, fields)
