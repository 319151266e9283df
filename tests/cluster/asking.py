"""Connections to an API server that are kept: a handshake costs both sides more than an answer."""

from __future__ import annotations

import contextlib
import http.client
import select
import ssl
from collections import deque
from collections.abc import Callable, Mapping

from repoint.adapters.lab.ports import LOOPBACK

_TIMEOUT_S = 30.0


class Connections:
    """Connections to one port of this machine, one for each request at a time.

    An API server that was stopped has ended its connections: one that something has come from
    since its last answer is not used again, so no request is ever made twice.
    """

    def __init__(self, port: int, context: Callable[[], ssl.SSLContext]) -> None:
        self._port = port
        self._new_context = context
        self._context: ssl.SSLContext | None = None
        self._idle: deque[http.client.HTTPSConnection] = deque()

    def ask(
        self, method: str, path: str, body: str | None, headers: Mapping[str, str]
    ) -> tuple[int, str, bytes]:
        """One request: the status, the kind of content and the whole answer."""
        connection = self._connection()
        with contextlib.ExitStack() as stack:
            stack.callback(connection.close)
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            raw = answer.read()
            if not answer.will_close:
                stack.pop_all()
                self._idle.append(connection)
        return answer.status, answer.headers.get_content_type(), raw

    def close(self) -> None:
        """Close those that nobody uses."""
        while self._idle:
            self._idle.pop().close()

    def _connection(self) -> http.client.HTTPSConnection:
        with contextlib.suppress(IndexError):
            while True:
                kept = self._idle.pop()
                if kept.sock is not None and not select.select([kept.sock], (), (), 0)[0]:
                    return kept
                kept.close()
        if self._context is None:
            self._context = self._new_context()
        return http.client.HTTPSConnection(
            LOOPBACK, self._port, timeout=_TIMEOUT_S, context=self._context
        )
