"""Properties of the wire client: whatever a server sends, it ends in a verdict, and soon."""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from queue import SimpleQueue

from repoint.adapters.pgclient import connect
from repoint.model.sensitive import Sensitive
from repoint.wire.binding import end_point
from repoint.wire.decoder import Decoder
from repoint.wire.login import Login, Statements, Tls
from repoint.wire.refusals import ConnectionLost, DriverRefusal, ServerRefusal

_REFUSALS = (ConnectionLost, DriverRefusal, ServerRefusal)
_CANARY = "canary-password"
_STYLES = tuple(Statements)
_PATIENCE_S = 20.0


def stream(raw: bytes) -> None:
    """A stream cut anywhere gives the same messages, or is refused."""
    size = raw[0] % 7 + 1 if raw else 1
    assert _cut(raw, len(raw) or 1) == _cut(raw, size), "how bytes come changes what they say"


def _cut(raw: bytes, size: int) -> list[object]:
    decoder, found = Decoder(), list[object]()
    try:
        for at in range(0, len(raw), size):
            decoder.feed(raw[at : at + size])
            while (message := decoder.next()) is not None:
                found.append(message)
    except ConnectionLost as error:
        found.append(error.reason)
    return found


def certificate(raw: bytes) -> None:
    """A certificate of any bytes has an end point, or is refused."""
    with suppress(DriverRefusal):
        end_point(raw)


def server(raw: bytes) -> None:
    """A server that says `raw` and hangs up: a login, queries, notifications, and the end."""
    listener = _Listener.at_work()
    listener.answers.put(raw[1:])
    style = _STYLES[raw[0] % len(_STYLES)] if raw else Statements.SIMPLE
    login = Login("libpq", "shop", Sensitive(_CANARY), "db", tls=Tls("never"), statements=style)
    try:
        talk = connect(listener.path, "pg", login, timeout_s=_PATIENCE_S)
    except _REFUSALS as refusal:
        _check_told(refusal)
        return
    steps: tuple[Callable[[], object], ...] = (
        partial(talk.query, "SELECT 1"),
        partial(talk.run, "SELECT $1", ("a",)),
        partial(talk.notifications, 0.001),
    )
    for step in steps:
        try:
            step()
        except _REFUSALS as refusal:
            _check_told(refusal)
    talk.close()


def _check_told(refusal: Exception) -> None:
    assert _CANARY not in str(refusal), "a refusal tells the password"


class _Listener:
    """A Unix socket that answers each client with the next of `answers`, and hangs up."""

    def __init__(self) -> None:
        # Not a fixture: a coverage-guided fuzzer has none, and the folder goes with the process.
        self._folder = tempfile.TemporaryDirectory(prefix="repoint-fuzz-")
        self.path = Path(self._folder.name) / ".s.PGSQL.5432"
        self.answers: SimpleQueue[bytes] = SimpleQueue()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(self.path))
        self._socket.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    @staticmethod
    @cache
    def at_work() -> _Listener:
        """The one of this process."""
        return _Listener()

    def _serve(self) -> None:
        while True:
            client, _ = self._socket.accept()
            with client, suppress(OSError):
                client.sendall(self.answers.get())
                client.shutdown(socket.SHUT_WR)
                client.settimeout(_PATIENCE_S)
                while client.recv(1 << 16):
                    continue
