"""How what is kept lies in a file: a checksum, and fields by their sizes.

Without imports that cost time, as all of this package that a repeated scan needs.
"""

from __future__ import annotations

import os
import stat
from binascii import crc32

try:  # OpenSSL, which hashlib loads for the same sums, takes longer to load than they take.
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

SUM = 16
"""Bytes of a checksum."""
QUICK = 4
"""Bytes of a quick one."""
SIZE = 8
"""Bytes of a size."""

_SLICE = 1024 * 1024
_MOST_FILES = 32
_MOST_BYTES = 512 * 1024 * 1024


def checksum(*pieces: bytes | memoryview) -> bytes:
    """A sum over all pieces, as if they were one."""
    made = blake2b(digest_size=SUM)
    for piece in pieces:
        made.update(piece)
    return made.digest()


def quick_sum(*pieces: bytes | memoryview) -> bytes:
    """Four bytes that tell damage, in a tenth of the time; never which of two texts it is."""
    made = 0
    for piece in pieces:
        made = crc32(piece, made)
    return made.to_bytes(QUICK, "big")


def both_sums(pieces: Iterable[bytes]) -> bytes:
    """The checksum over all pieces, and the quick one behind it."""
    made, quick = blake2b(digest_size=SUM), 0
    for piece in pieces:
        made.update(piece)
        quick = crc32(piece, quick)
    return made.digest() + quick.to_bytes(QUICK, "big")


def encoded(text: str) -> Iterator[bytes]:
    """A text in UTF-8, a slice at a time: a large one would stand there twice."""
    for at in range(0, len(text), _SLICE):
        yield text[at : at + _SLICE].encode(errors="surrogateescape")


def file_name(words: Sequence[str]) -> str:
    """The name of the file of what is kept for `words`."""
    made = blake2b("\0".join(words).encode(errors="surrogateescape"), digest_size=16)
    return made.hexdigest()


def laid_out(fields: Sequence[bytes]) -> Iterator[bytes]:
    """Each field behind its size."""
    for field in fields:
        yield len(field).to_bytes(SIZE, "big")
        yield field


def fields_of(body: memoryview, count: int) -> list[memoryview] | None:
    """The fields that were laid out; None where these are not exactly so many."""
    fields = []
    at = 0
    while at < len(body):
        size = int.from_bytes(body[at : at + SIZE], "big")
        fields.append(body[at + SIZE : at + SIZE + size])
        at += SIZE + size
    return fields if len(fields) == count and at == len(body) else None


def joined(names: Iterable[str]) -> bytes:
    """Names as one field."""
    return "\0".join(names).encode(errors="surrogateescape")


def parted(field: memoryview) -> tuple[str, ...]:
    """The names of a field."""
    return tuple(str(field, "utf-8", "surrogateescape").split("\0")) if len(field) else ()


def read_whole(path: str, most: int | None = None) -> bytes | None:
    """The bytes of a regular file; None where there is none, a link, or one of more than `most`.

    A device is not opened: some act when they are, and others never end.
    """
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode) or (most is not None and status.st_size > most):
            return None
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        pieces = []
        while piece := os.read(fd, max(65536, os.fstat(fd).st_size + 1)):
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
    except OSError:
        return None
    finally:
        os.close(fd)


def store(folder: Path, name: str, pieces: Iterable[bytes]) -> None:
    """Put a file into a folder, whole or not at all; the oldest there go when they are many.

    Raises:
        OSError: it cannot be written.
    """
    from pathlib import Path
    from tempfile import mkstemp

    folder.mkdir(mode=0o700, exist_ok=True)
    fd, fresh = mkstemp(dir=folder, prefix="new-")
    try:
        with os.fdopen(fd, "wb") as file:
            file.writelines(pieces)
        Path(fresh).replace(folder / name)
    except BaseException:
        Path(fresh).unlink(missing_ok=True)
        raise
    _prune(folder)


def _prune(folder: Path) -> None:
    """Drop the oldest when they are many or large."""
    found = sorted(
        ((one.stat().st_mtime_ns, one.stat().st_size, one) for one in folder.iterdir()),
        reverse=True,
    )
    total = 0
    for number, (_, size, one) in enumerate(found):
        total += size
        if number >= _MOST_FILES or total > _MOST_BYTES:
            one.unlink(missing_ok=True)
