"""One GET request that ends in its time."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from repoint.adapters.http_get import http_get


class _Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        with suppress(OSError):
            getattr(self, self.path.strip("/"))()

    def whole(self) -> None:
        self._head(200, 2)
        self.wfile.write(b"ok")

    def cut(self) -> None:
        self._head(200, 100)
        self.wfile.write(b"ok")

    def away(self) -> None:
        self.send_response(302)
        self.send_header("Location", "/whole")
        self.end_headers()

    def slow(self) -> None:
        self._head(200, 1_000_000)
        while not self.server.closed.wait(0.05):  # type: ignore[attr-defined]
            self.wfile.write(b".")

    def _head(self, status: int, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[tuple[str, int]]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        server.closed = threading.Event()  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield "127.0.0.1", server.server_address[1]
        server.closed.set()  # type: ignore[attr-defined]
        server.shutdown()


def ask(address: tuple[str, int], path: str, timeout_s: float = 10.0) -> tuple[int, str]:
    return http_get(address, "web", path, tls=False, timeout_s=timeout_s)


def test_status_and_text_and_no_redirect_is_followed(address: tuple[str, int]) -> None:
    assert ask(address, "/whole") == (200, "ok")
    assert ask(address, "/away")[0] == 302


def test_who_sends_a_byte_now_and_then_is_late(address: tuple[str, int]) -> None:
    with pytest.raises(TimeoutError):
        ask(address, "/slow", 0.5)


def test_half_an_answer_is_none(address: tuple[str, int]) -> None:
    with pytest.raises(ConnectionError):
        ask(address, "/cut")
