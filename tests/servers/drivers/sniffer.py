"""A server that only listens to how drivers talk: packets, TLS, messages of a query.

It asks no password, and answers every query with one row `1`, so that a driver goes on to
Parse and Bind. It speaks as much of the protocol, version 3, as the measured drivers need.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

_TIMEOUT_S = 20
_ASKS = {80877103: "SSLRequest", 80877104: "GSSENCRequest", 80877102: "CancelRequest"}
_INT4 = 23
_REPORTED = {
    "server_version": "18.4",
    "server_encoding": "UTF8",
    "client_encoding": "UTF8",
    "DateStyle": "ISO, MDY",
    "TimeZone": "UTC",
    "IntervalStyle": "postgres",
    "integer_datetimes": "on",
    "standard_conforming_strings": "on",
    "default_transaction_read_only": "off",
    "in_hot_standby": "off",
    "is_superuser": "off",
}
_NO_ROWS = re.compile(
    r"\s*(begin|start|commit|end|rollback|abort|set|reset|discard|deallocate|close|unlisten)\b",
    re.IGNORECASE,
)


@dataclass
class Heard:
    """What one connection said.

    `asked` are the requests before the startup packet; `startup` its parameters beside user
    and database. `trips` are the messages after login, those that the client sent without
    waiting for an answer joined: `Parse named, Describe, Sync`.
    """

    asked: list[str] = field(default_factory=list)
    startup: dict[str, str] = field(default_factory=dict)
    logged_in: bool = False
    tls: bool = False
    trips: list[str] = field(default_factory=list)


class Sniffer:
    """Listens on `port` of 127.0.0.1 until `close`; `heard` grows with each connection."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.heard: list[Heard] = []
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def last(self) -> Heard:
        """The last connection that got as far as a startup packet, else an empty one."""
        for thread in tuple(self._threads):
            thread.join(timeout=_TIMEOUT_S)
        return next((one for one in reversed(self.heard) if one.logged_in), Heard())

    def forget(self) -> None:
        """Start anew: what was heard so far is gone."""
        self.heard.clear()
        self._threads.clear()

    def close(self) -> None:
        """Stop listening."""
        # `shutdown` wakes the thread that waits in accept; `close` alone would not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join(timeout=_TIMEOUT_S)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(_TIMEOUT_S)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            heard = Heard()
            self.heard.append(heard)
            thread = threading.Thread(target=self._serve, args=(connection, heard), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, heard: Heard) -> None:
        # A driver that refuses a certificate or goes away is an observation, not an error.
        with contextlib.suppress(OSError, EOFError), contextlib.ExitStack() as stack:
            stack.enter_context(connection)
            _Talk(self._greet(connection, heard, stack), heard).until_goodbye()

    def _greet(
        self, connection: socket.socket, heard: Heard, stack: contextlib.ExitStack
    ) -> socket.socket:
        """TLS if it is asked for, up to the startup packet and its answer."""
        if connection.recv(1, socket.MSG_PEEK) == b"\x16":
            heard.asked.append("direct TLS")
            connection = stack.enter_context(self._encrypted(connection, heard))
        while True:
            body = _exactly(connection, _length(connection) - 4)
            code = struct.unpack("!i", body[:4])[0]
            if code not in _ASKS:
                break
            heard.asked.append(_ASKS[code])
            if _ASKS[code] == "SSLRequest" and self._tls is not None:
                connection.sendall(b"S")
                connection = stack.enter_context(self._encrypted(connection, heard))
            elif _ASKS[code] != "CancelRequest":
                connection.sendall(b"N")
        words = [word.decode() for word in body[4:].split(b"\0")]
        packet = dict(zip(words[::2], words[1::2], strict=False))
        packet.pop("", None)
        heard.startup = {k: v for k, v in packet.items() if k not in ("user", "database")}
        heard.logged_in = True
        connection.sendall(_message(b"R", struct.pack("!i", 0)))
        for key, value in _REPORTED.items():
            connection.sendall(_message(b"S", f"{key}\0{value}\0".encode()))
        connection.sendall(_message(b"K", struct.pack("!ii", 4711, 4711)) + _READY_IDLE)
        return connection

    def _encrypted(self, connection: socket.socket, heard: Heard) -> socket.socket:
        if self._tls is None:
            raise EOFError("no TLS here")
        made = self._tls.wrap_socket(connection, server_side=True)
        heard.tls = True
        return made


class _Talk:
    """The conversation after login."""

    def __init__(self, connection: socket.socket, heard: Heard) -> None:
        self._connection = connection
        self._heard = heard
        self._statements: dict[bytes, str] = {}
        self._portal = ""
        self._binary = False
        self._status = b"I"
        self._said: list[str] = []
        self._answer = b""

    def until_goodbye(self) -> None:
        """Answer each message until the client leaves."""
        while True:
            kind = _exactly(self._connection, 1)
            body = _exactly(self._connection, _length(self._connection) - 4)
            if kind == b"X":
                return
            getattr(self, f"_on_{kind.decode()}", self._on_other)(body)
            if kind in (b"Q", b"S", b"H"):
                self._heard.trips.append(", ".join(self._said))
                self._connection.sendall(self._answer)
                self._said, self._answer = [], b""

    def _on_Q(self, body: bytes) -> None:
        sql = body[:-1].decode()
        self._said.append("Query")
        self._binary = False
        self._answer += _described(sql) + self._rows(sql) + _ready(self._status)

    def _on_P(self, body: bytes) -> None:
        name, sql, _oids = body.split(b"\0", 2)
        self._said.append("Parse named" if name else "Parse")
        self._statements[name] = sql.decode()
        self._answer += _message(b"1")

    def _on_D(self, body: bytes) -> None:
        if body[:1] == b"S":
            self._said.append("Describe")
            sql = self._statements[body[1:-1]]
            count = max((int(n) for n in re.findall(r"\$(\d+)", sql)), default=0)
            oids = struct.pack(f"!h{count}i", count, *[_INT4] * count)
            self._answer += _message(b"t", oids)
        else:
            sql = self._portal
        self._answer += _described(sql, binary=self._binary) or _message(b"n")

    def _on_B(self, body: bytes) -> None:
        _, statement, rest = body.split(b"\0", 2)
        self._said.append("Bind named" if statement else "Bind")
        self._portal = self._statements[statement]
        self._binary = _wants_binary(rest)
        self._answer += _message(b"2")

    def _on_E(self, body: bytes) -> None:
        self._said.append("Execute")
        self._answer += self._rows(self._portal)

    def _on_C(self, body: bytes) -> None:
        self._said.append("Close")
        self._answer += _message(b"3")

    def _on_S(self, body: bytes) -> None:
        self._said.append("Sync")
        self._answer += _ready(self._status)

    def _on_H(self, body: bytes) -> None:
        self._said.append("Flush")

    def _on_other(self, body: bytes) -> None:
        raise EOFError("a message that no measured driver sends")

    def _rows(self, sql: str) -> bytes:
        """The rows and the end of one statement."""
        if not sql.strip().strip("-; ping"):
            return _message(b"I")
        word = sql.split()[0].upper().strip(";")
        if word in ("BEGIN", "START"):
            self._status = b"T"
        elif word in ("COMMIT", "END", "ROLLBACK", "ABORT"):
            self._status = b"I"
        if _NO_ROWS.match(sql):
            return _message(b"C", word.encode() + b"\0")
        value = _value(sql, self._binary)
        if value is None:
            return _message(b"C", b"SELECT 0\0")
        row = struct.pack("!hi", 1, len(value)) + value
        return _message(b"D", row) + _message(b"C", b"SELECT 1\0")


def _value(sql: str, binary: bool) -> bytes | None:
    if "transaction_read_only" in sql:
        return b"off"
    if "pg_is_in_recovery" in sql:
        return b"f"
    if "pg_catalog" in sql or "pg_type" in sql:
        return None
    return struct.pack("!i", 1) if binary else b"1"


def _described(sql: str, *, binary: bool = False) -> bytes:
    if _NO_ROWS.match(sql) or not sql.strip().strip("-; ping"):
        return b""
    oid, size = (25, -1) if "read_only" in sql or "recovery" in sql else (_INT4, 4)
    column = b"x\0" + struct.pack("!ihihih", 0, 0, oid, size, -1, int(binary))
    return _message(b"T", struct.pack("!h", 1) + column)


def _wants_binary(rest: bytes) -> bool:
    """Whether a Bind asks its results in binary; `rest` begins with the argument formats."""
    at = 2 + 2 * struct.unpack("!h", rest[:2])[0]
    (count,) = struct.unpack("!h", rest[at : at + 2])
    at += 2
    for _ in range(count):
        (size,) = struct.unpack("!i", rest[at : at + 4])
        at += 4 + max(size, 0)
    (formats,) = struct.unpack("!h", rest[at : at + 2])
    return formats > 0 and struct.unpack("!h", rest[at + 2 : at + 4])[0] == 1


def _message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def _ready(status: bytes) -> bytes:
    return _message(b"Z", status)


_READY_IDLE = _ready(b"I")


def _length(connection: socket.socket) -> int:
    return int(struct.unpack("!i", _exactly(connection, 4))[0])


def _exactly(connection: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        more = connection.recv(size - len(found))
        if not more:
            raise EOFError("the client went away")
        found += more
    return found


@contextlib.contextmanager
def sniffing(tls: ssl.SSLContext | None = None) -> Iterator[Sniffer]:
    """A sniffer that listens while the block runs."""
    server = Sniffer(tls)
    try:
        yield server
    finally:
        server.close()
