"""`kubectl proxy` at a private Unix socket, and plain HTTP with it."""

from __future__ import annotations

import http.client
import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from repoint.adapters.kubeapi.commands import kubectl_environment, proxy_cmd
from repoint.adapters.runner import Child
from repoint.errors import ToolFailed

_READY = re.compile(r"^Starting to serve on ")
_START_S = 20.0
# The kernel's limit on a socket's path is 108 bytes on Linux and 104 on macOS.
_LONGEST_PATH = 103


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request; `target` is the path with its query."""

    method: str
    target: str
    body: bytes = field(default=b"", repr=False)
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the content type, `Retry-After` in seconds, and the body."""

    status: int
    content_type: str
    retry_after_s: float
    body: bytes = field(repr=False)


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        # kubectl proxy serves no other host's name.
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket's path."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Proxy:
    """A `kubectl proxy` that runs; a context manager, safe to use from several threads."""

    def __init__(self, kubectl: str, context: str, folder: Path) -> None:
        """Start it; `folder` is private to this user.

        Raises:
            ToolFailed: it did not start.
        """
        self._kubectl = kubectl
        self._context = context
        self._socket = folder / "api"
        self._starting = Lock()
        self._closed = False
        if len(os.fsencode(self._socket)) > _LONGEST_PATH:
            raise ToolFailed(
                f"`{folder}` is too long a path for the socket of `kubectl proxy`",
                hint="set TMPDIR to a folder with a shorter path",
            )
        self._child = self._start()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True  # before the lock: whoever revives it now is the last
        with self._starting:
            self._child.end()

    def revive(self) -> bool:
        """Start kubectl again where it died; whether that was so."""
        with self._starting:
            if self._closed or self._child.alive:
                return False
            self._child.end()
            self._child = self._start()
            return True

    def ask(self, call: Call, timeout_s: float) -> Answer:
        """One request and its whole answer.

        Raises:
            OSError, http.client.HTTPException: kubectl died, or did not answer in time.
        """
        with self._sent(call, timeout_s) as response:
            return _answer(response, response.read())

    @contextmanager
    def stream(self, call: Call, timeout_s: float) -> Iterator[Answer | Iterator[bytes]]:
        """An answer's lines as they come; the whole of one that is not 200.

        `timeout_s` is how long nothing may come; errors as for `ask`.
        """
        with self._sent(call, timeout_s) as response:
            if response.status == 200:
                yield iter(response.readline, b"")
            else:
                yield _answer(response, response.read())

    @contextmanager
    def _sent(self, call: Call, timeout_s: float) -> Iterator[http.client.HTTPResponse]:
        connection = _UnixConnection(self._socket, timeout_s)
        headers: Mapping[str, str] = {"Accept": "application/json", "Connection": "close"}
        if call.body:
            headers = {**headers, "Content-Type": call.content_type}
        try:
            connection.request(call.method, call.target, call.body or None, headers)
            with connection.getresponse() as response:
                yield response
        finally:
            connection.close()

    def _start(self) -> Child:
        self._socket.unlink(missing_ok=True)
        argv = proxy_cmd(self._kubectl, self._context, self._socket)
        child = Child(argv, tool="kubectl", env=kubectl_environment(os.environ))
        try:
            if child.wait_for(_READY, _START_S) is None:
                raise ToolFailed(
                    f"`kubectl proxy` did not start for context `{self._context}`",
                    hint=f"see what `kubectl --context {self._context} cluster-info` says",
                )
        except BaseException:
            child.end()
            raise
        return child


def _answer(response: http.client.HTTPResponse, body: bytes) -> Answer:
    after = response.headers.get("Retry-After", "")
    return Answer(
        response.status,
        response.headers.get_content_type(),
        float(after) if after.isdigit() else 0.0,
        body,
    )
