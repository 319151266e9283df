"""A TCP relay in front of an API server, which loses answers on demand."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field

_CHUNK = 65536


@dataclass(frozen=True)
class Pair:
    """Both ends of a connection; what the server answers is lost once it is `muted`.

    Each has its own: answers that come through after some were lost would break the encryption,
    and that is another failure than the one that is tried here.
    """

    client: socket.socket
    server: socket.socket
    muted: threading.Event = field(default_factory=threading.Event)


class Relay:
    """Passes bytes on at a port of its own; a context manager."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._pairs: list[Pair] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def mute(self) -> None:
        """Lose what the server answers on the connections that are open."""
        for pair in self._pairs:
            pair.muted.set()

    def cut(self) -> None:
        """Break every open connection; new ones get answers."""
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for one in (pair.client, pair.server):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(self._target)
                except OSError:
                    client.close()
                    continue
                pair = Pair(client, server)
                self._pairs.append(pair)
                for way in (self._ask, self._answer):
                    threading.Thread(target=way, args=(pair,), daemon=True).start()

    def _ask(self, pair: Pair) -> None:
        with suppress(OSError):
            while data := pair.client.recv(_CHUNK):
                pair.server.sendall(data)
            pair.server.shutdown(socket.SHUT_RDWR)

    def _answer(self, pair: Pair) -> None:
        with suppress(OSError):
            while data := pair.server.recv(_CHUNK):
                if not pair.muted.is_set():
                    pair.client.sendall(data)
            pair.client.shutdown(socket.SHUT_RDWR)
