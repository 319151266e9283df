"""What earlier runs found in files whose bytes are as they were.

Whether a file can matter, and which sites it holds, depends on its name, its bytes and the tables
of programs alone; so both are kept by these, and a changed file is looked at anew. Sealed files
are never among them: what they hold is told by what is inside, which stays in memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from repoint.model.consumer import Site
from repoint.model.knowledge import in_force
from repoint.ports.work import KeptResults

if TYPE_CHECKING:
    from msgspec.msgpack import Decoder, Encoder

Told = tuple[str, tuple[Site, ...]]
"""Why a file could not be read, or not whole, and its sites."""

_NOTHING: Told = ("", ())
_Kept = tuple[dict[bytes, bytes], set[bytes]]
"""Files that were parsed with what was told of them, and files that cannot matter, by mark."""


class KnownFiles:
    """What the last run on this repository found in its files; nothing where nothing is kept.

    A repository is known by its place; one that is new there by the names at its top, since a
    clone may lie anywhere, as in CI.
    """

    def __init__(self, kept: KeptResults | None, root: str, paths: Iterable[str]) -> None:
        self._kept = kept
        tops = sorted({path.partition("/")[0] for path in paths}) if kept is not None else []
        self._questions = tuple(
            (b"files", how, name.encode(errors="surrogateescape"), _added())
            for how, name in ((b"at", root), (b"with", "\0".join(tops)))
        )
        self._new_here = True
        self._told, self._idle = self._recalled()
        self._told_now: dict[bytes, bytes] = {}
        self._idle_now: set[bytes] = set()

    def mark(self, path: str, raw: bytes) -> bytes:
        """What a file is known by; empty where nothing is kept."""
        if self._kept is None:
            return b""
        made = blake2b(path.encode(errors="surrogateescape"), digest_size=16)
        made.update(b"\0")
        made.update(raw)
        return made.digest()

    def matters(self, mark: bytes) -> bool | None:
        """Whether a file has to be parsed; None where it is not known."""
        if mark in self._told:
            return True
        return False if mark in self._idle else None

    def told(self, mark: bytes) -> Told | None:
        """What was found in a file; None where it is not known."""
        packed = self._told.get(mark)
        if packed is None:
            return None
        self._told_now[mark] = packed
        return _unpacked(packed)

    def add(self, mark: bytes, told: Told | bytes) -> Told:
        """Note what was found in a file, packed or not, and give it unpacked.

        What cannot be packed is found again next time.
        """
        packed = told if isinstance(told, bytes) else packed_of(told)
        if mark and packed is not None:
            self._told_now[mark] = packed
        return _unpacked(told) if isinstance(told, bytes) else told

    def add_idle(self, marks: Iterable[bytes]) -> None:
        """Note files that cannot matter."""
        self._idle_now.update(mark for mark in marks if mark)

    def keep(self) -> None:
        """Keep what is known of the files as they are now, unless that is kept already."""
        told, idle = self._told_now, self._idle_now
        same = told.keys() == self._told.keys() and idle == self._idle
        if self._kept is None or (same and not self._new_here):
            return
        from msgspec import msgpack

        packed = msgpack.encode((told, idle))
        for question in self._questions if self._new_here else self._questions[:1]:
            self._kept.keep(question, packed)
        self._told, self._idle, self._new_here = told, idle, False

    def _recalled(self) -> _Kept:
        for question in self._questions:
            packed = self._kept.recall(question) if self._kept is not None else None
            known = _decoded(packed) if packed is not None else None
            if known is not None:
                self._new_here = question is not self._questions[0]
                return known
        return {}, set()


def _decoded(packed: bytes) -> _Kept | None:
    from msgspec import DecodeError, msgpack

    try:
        known: _Kept = msgpack.decode(packed, type=_Kept)
    except DecodeError:
        return None
    return known


def _added() -> bytes:
    """A digest of what was added to the built-in tables; empty for nothing."""
    known = in_force()
    if known.is_empty:
        return b""
    from repoint.planning.knowledge import digest_of

    return digest_of(known).encode()


def packed_of(told: Told) -> bytes | None:
    """What was found as bytes; None where a text of it is no Unicode (half of a pair)."""
    if told == _NOTHING:
        return b""
    try:
        return _codec()[0].encode(told)
    except UnicodeEncodeError:
        return None


def _unpacked(packed: bytes) -> Told:
    return _codec()[1].decode(packed) if packed else _NOTHING


@cache
def _codec() -> tuple[Encoder, Decoder[Told]]:
    from msgspec.msgpack import Decoder, Encoder

    return Encoder(), Decoder(Told)
