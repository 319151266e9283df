"""The file of a kept answer: what it is, its seal, git's listing of the time, and the answer.

A checksum is over all but the listing, which has one of its own: where the listing is not needed
it is not read. The seal of an answer, which no other one has, is that checksum and a quick one.
"""

from __future__ import annotations

import os
from itertools import chain

from repoint.adapters.kept.layout import (
    SIZE,
    SUM,
    both_sums,
    checksum,
    encoded,
    fields_of,
    laid_out,
    quick_sum,
)

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
    """What a file holds, undamaged; `entries` are None where they are those of now."""

    __slots__ = ("entries", "fields", "seal")

    def __init__(self, seal: bytes, entries: bytes | None, fields: list[memoryview]) -> None:
        self.seal, self.entries, self.fields = seal, entries, fields


def sealed(entries: bytes, fields: Sequence[bytes], text: str) -> tuple[bytes, Iterator[bytes]]:
    """The seal of an answer whose last field is the text, and the bytes of its file, in pieces."""
    head = checksum(entries) + len(entries).to_bytes(SIZE, "big")
    size = sum(map(len, encoded(text))).to_bytes(SIZE, "big")
    seal = both_sums(chain((head,), laid_out(fields), (size,), encoded(text)))
    start = (_MAGIC + seal[:SUM] + head, entries)
    return seal, chain(start, laid_out(fields), (size,), encoded(text))


def load(path: str, now: bytes) -> Loaded | None:
    """What a file holds; None where there is none, or a damaged one.

    Its listing stays away where it is `now`.
    """
    read = _read(path, listing=True)
    if read is None:
        return None
    head, entries, body = read
    sum_, rest = head[len(_MAGIC) : -SUM - SIZE], head[-SUM - SIZE :]
    if head[: len(_MAGIC)] != _MAGIC or sum_ != checksum(rest, body):
        return None
    if entries != now and checksum(entries) != rest[:SUM]:
        return None
    fields = fields_of(body, FIELDS)
    if fields is None:
        return None
    seal = sum_ + quick_sum(rest, body)
    return Loaded(seal, None if entries == now else entries, fields)


def sealed_text(path: str, seal: bytes) -> memoryview | None:
    """The text of an answer with that seal, undamaged; None where it is another, or none."""
    read = _read(path, listing=False)
    if read is None:
        return None
    head, _, body = read
    if head[: -SUM - SIZE] != _MAGIC + seal[:SUM] or seal[SUM:] != quick_sum(
        head[-SUM - SIZE :], body
    ):
        return None
    fields = fields_of(body, FIELDS)
    return None if fields is None else fields[-1]


def _read(path: str, *, listing: bool) -> tuple[bytes, bytes, memoryview] | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(fd, "rb", buffering=0) as file:
        try:
            head = file.read(_HEAD) or b""
            # A damaged size may be anything.
            size = min(int.from_bytes(head[_HEAD - SIZE :], "big"), os.fstat(fd).st_size)
            entries = b""
            if listing:
                entries = file.read(size)
            else:
                file.seek(size, os.SEEK_CUR)
            return head, entries, memoryview(file.readall())
        except OSError:
            return None
