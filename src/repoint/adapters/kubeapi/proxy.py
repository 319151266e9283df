"""`kubectl proxy` at a private Unix socket, and plain HTTP with it."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, TypeGuard

from repoint.adapters.kubeapi.commands import kubectl_environment, proxy_cmd
from repoint.adapters.runner import Child
from repoint.errors import ToolFailed

_READY = re.compile(r"^Starting to serve on ")
_START_S = 20.0
# The kernel's limit on a socket's path is 108 bytes on Linux and 104 on macOS.
_LONGEST_PATH = 103
_CHUNK = 1 << 16
# A page of a list has at most 500 objects, of which one has at most 1.5 MB and most have some KB.
_MOST = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request; `target` is the path with its query."""

    method: str
    target: str
    body: bytes = field(default=b"", repr=False)
    content_type: str = "application/json"


@dataclass(frozen=True)
class Answer:
    """What came back: the status, the content type, `Retry-After` in seconds, and the body."""

    status: int
    content_type: str
    retry_after_s: float
    body: bytes = field(repr=False)

    @cached_property
    def document(self) -> dict[str, Any] | None:
        """The object or list in the body; None for what no API server says."""
        if self.content_type != "application/json":
            return None
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return found if is_document(found) else None


def is_document(found: object) -> TypeGuard[dict[str, Any]]:
    """Whether a decoded value has the shape of an object, a list of them, or a `Status`."""
    if not isinstance(found, dict):
        return False
    items = found.get("items") if str(found.get("kind", "")).endswith("List") else None
    return isinstance(found.get("metadata") or {}, dict) and all(
        isinstance(one, dict) and isinstance(one.get("metadata") or {}, dict)
        for one in (items if isinstance(items, list) else [items or {}])
    )


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
        with self._sent(call, timeout_s) as reading:
            return reading.whole()

    @contextmanager
    def stream(self, call: Call, timeout_s: float) -> Iterator[Answer | Iterator[bytes]]:
        """An answer's lines as they come; the whole of one that is not 200; errors as for `ask`."""
        with self._sent(call, timeout_s) as reading:
            yield reading.lines() if reading.response.status == 200 else reading.whole()

    @contextmanager
    def _sent(self, call: Call, timeout_s: float) -> Iterator[_Reading]:
        until = time.monotonic() + timeout_s
        connection = _UnixConnection(self._socket, timeout_s)
        headers: Mapping[str, str] = {"Accept": "application/json", "Connection": "close"}
        if call.body:
            headers = {**headers, "Content-Type": call.content_type}
        try:
            connection.request(call.method, call.target, call.body or None, headers)
            way = connection.sock
            with connection.getresponse() as response:
                yield _Reading(response, way, until)
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


@dataclass(frozen=True, slots=True)
class _Reading:
    """An answer that is read until a monotonic time, however slowly it comes."""

    response: http.client.HTTPResponse
    way: socket.socket
    until: float

    def whole(self) -> Answer:
        """All of it."""
        body = bytearray()
        while piece := self._piece():
            body += piece
            if len(body) > _MOST:
                raise http.client.HTTPException("it does not end")
        if self.response.length:
            raise http.client.IncompleteRead(b"", self.response.length)
        after = self.response.headers.get("Retry-After", "")
        return Answer(
            self.response.status,
            self.response.headers.get_content_type(),
            float(after) if after.isdecimal() else 0.0,
            bytes(body),
        )

    def lines(self) -> Iterator[bytes]:
        """Each line as it is complete; what is left at the end as well."""
        rest = bytearray()
        while piece := self._piece():
            *whole, last = piece.split(b"\n")
            for line in whole:
                yield bytes(rest + line)
                rest.clear()
            rest += last
            if len(rest) > _MOST:
                raise http.client.HTTPException("a line does not end")
        if rest:
            yield bytes(rest)

    def _piece(self) -> bytes:
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.way.settimeout(left)
        return self.response.read1(_CHUNK)
