"""What a server sends: backend messages out of a stream of bytes, each length checked.

Nothing here waits, and no length is believed: a stream that is not PostgreSQL's ends in
`ConnectionLost`, as libpq's "lost synchronization with server" does.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from repoint.wire.refusals import ConnectionLost

_KNOWN = frozenset("123ACDEGHIKNRSTVWZcdnstv")
# libpq takes these only to be longer than 30000 bytes.
_LONG = frozenset("ADdENTV")
_SHORT_MOST = 30_000
_MOST = 64 * 1024 * 1024
_COMPACT_AT = 1 << 16


@dataclass(frozen=True, slots=True)
class Message:
    """One backend message: its type, a letter, and the bytes after the length."""

    kind: str
    body: bytes


class Decoder:
    """Cuts a stream into messages; its time is linear in the bytes fed."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._start = 0

    def feed(self, raw: bytes) -> None:
        """Take bytes as they came."""
        if self._start > _COMPACT_AT and self._start * 2 > len(self._buffer):
            del self._buffer[: self._start]
            self._start = 0
        self._buffer += raw

    def next(self) -> Message | None:
        """The next whole message, None while more bytes are needed.

        Raises:
            ConnectionLost: the type or the length cannot be a server's.
        """
        if len(self._buffer) - self._start < 5:
            return None
        code, length = struct.unpack_from("!Bi", self._buffer, self._start)
        kind = chr(code)
        most = _MOST if kind in _LONG else _SHORT_MOST
        if kind not in _KNOWN or not 4 <= length <= most:
            raise ConnectionLost(
                f"lost synchronization with server: got message type {kind!a}, length {length}"
            )
        end = self._start + 1 + length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[self._start + 5 : end])
        self._start = end
        return Message(kind, body)


class Fields:
    """Reads the fields of one message in order, and never past its end."""

    def __init__(self, message: Message) -> None:
        self._body = message.body
        self._kind = message.kind
        self._at = 0

    def int16(self) -> int:
        """A signed number of two bytes."""
        return self._number("!h", 2)

    def int32(self) -> int:
        """A signed number of four bytes."""
        return self._number("!i", 4)

    def text(self) -> str:
        """Characters up to a zero byte."""
        end = self._body.find(b"\0", self._at)
        if end < 0:
            raise self._short()
        raw = self._body[self._at : end]
        self._at = end + 1
        return raw.decode("utf-8", "backslashreplace")

    def raw(self, count: int) -> bytes:
        """So many bytes."""
        end = self._at + count
        if count < 0 or end > len(self._body):
            raise self._short()
        found = self._body[self._at : end]
        self._at = end
        return found

    def rest(self) -> bytes:
        """All that is left."""
        return self.raw(len(self._body) - self._at)

    def _number(self, shape: str, size: int) -> int:
        found: int = struct.unpack(shape, self.raw(size))[0]
        return found

    def _short(self) -> ConnectionLost:
        return ConnectionLost(f"message contents do not agree with length in type {self._kind!a}")


@dataclass(frozen=True, slots=True)
class Report:
    """An ErrorResponse or a NoticeResponse."""

    severity: str
    sqlstate: str
    text: str


def report(message: Message) -> Report:
    """The fields that matter; severity as PostgreSQL spells it, never translated.

    Raises:
        ConnectionLost: the message is cut short (so do all readers below).
    """
    fields = Fields(message)
    found: dict[bytes, str] = {}
    while (code := fields.raw(1)) != b"\0":
        found[code] = fields.text()
    severity = found.get(b"V", found.get(b"S", ""))
    return Report(severity, found.get(b"C", "XX000"), found.get(b"M", ""))


def row(message: Message) -> tuple[str | None, ...]:
    """The values of a DataRow as text."""
    fields = Fields(message)
    return tuple(_values(fields, fields.int16()))


def pair(message: Message) -> tuple[str, str]:
    """Name and value of a ParameterStatus."""
    fields = Fields(message)
    return fields.text(), fields.text()


def notification(message: Message) -> tuple[str, str]:
    """Channel and payload of a NotificationResponse."""
    fields = Fields(message)
    fields.int32()
    return fields.text(), fields.text()


def backend_pid(message: Message) -> int:
    """The process id of a BackendKeyData."""
    return Fields(message).int32()


def negotiated_minor(message: Message) -> int:
    """The newest minor version of protocol 3 that a NegotiateProtocolVersion offers."""
    return Fields(message).int32() & 0xFFFF


def _values(fields: Fields, count: int) -> Iterator[str | None]:
    for _ in range(count):
        size = fields.int32()
        yield None if size == -1 else fields.raw(size).decode("utf-8", "backslashreplace")
