"""An API server that answers as none should: a small HTTP server behind a kubeconfig."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

Answer = Callable[["Broken"], None]
"""Writes one answer to a request."""

KINDS = {
    "kind": "APIResourceList",
    "groupVersion": "v1",
    "resources": [
        {"name": name, "kind": kind, "namespaced": True, "verbs": ["get", "list", "watch"]}
        for name, kind in (("configmaps", "ConfigMap"), ("pods", "Pod"), ("secrets", "Secret"))
    ],
}


class Broken(http.server.BaseHTTPRequestHandler):
    """One request; the server's attribute `answer` says what becomes of it."""

    protocol_version = "HTTP/1.1"
    server: Server

    def handle_one_request(self) -> None:
        """A client that goes away is nothing to talk about."""
        with suppress(OSError):
            super().handle_one_request()

    def do_GET(self) -> None:
        """Read the request to its end, and answer."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append(f"{self.command} {self.path}")
        if self.path == "/api/v1" and not self.server.from_the_start:
            self.say(200, KINDS)
        else:
            self.server.answer(self)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def say(self, status: int, body: Any, kind: str = "application/json", length: int = 0) -> None:
        """Send a whole answer, or one that is shorter than `length` says."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length or len(raw)))
        self.end_headers()
        self.wfile.write(raw)
        if length:
            self.close_connection = True

    def trickle(self, piece: bytes, pause_s: float, kind: str = "application/json") -> None:
        """Send a piece again and again until the server is closed, or the client goes."""
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while not self.server.closed.wait(pause_s):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()

    def hang(self) -> None:
        """Say nothing until the server is closed."""
        self.server.closed.wait()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


class Server(http.server.ThreadingHTTPServer):
    """Listens on loopback; `asked` are the requests so far."""

    daemon_threads = True

    def __init__(self, answer: Answer, *, from_the_start: bool) -> None:
        super().__init__(("127.0.0.1", 0), Broken)
        self.answer, self.from_the_start = answer, from_the_start
        self.asked: list[str] = []
        self.closed = threading.Event()

    def kubeconfig(self, folder: Path) -> Path:
        """A kubeconfig whose context `test` leads here."""
        address = f"http://127.0.0.1:{self.server_address[1]}"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": {"server": address}}],
            "users": [{"name": "test", "user": {}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        }
        file = folder / "broken-kubeconfig"
        file.write_text(json.dumps(config))
        return file


@contextmanager
def answering(answer: Answer, *, from_the_start: bool = False) -> Iterator[Server]:
    """An API server that knows a few kinds and answers everything else by `answer`.

    With `from_the_start` it does not even tell its kinds.
    """
    with Server(answer, from_the_start=from_the_start) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.closed.set()
            server.shutdown()
