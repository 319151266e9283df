"""One GET request over HTTP, as a kubelet's probe does it; implements `ports.HttpGet`."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from contextlib import closing

_MOST = 8 * 1024 * 1024


def http_get(
    address: tuple[str, int], host: str, path: str, *, tls: bool, timeout_s: float
) -> tuple[int, str]:
    """Status and text of the answer, at most 8 MB of it; arguments as in `ports.HttpGet`."""
    connection: http.client.HTTPConnection
    until = time.monotonic() + timeout_s
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(*address, timeout=timeout_s, context=context)
    else:
        connection = http.client.HTTPConnection(*address, timeout=timeout_s)
    with closing(connection):
        try:
            headers = {"Host": host, "User-Agent": "repoint", "Connection": "close"}
            connection.request("GET", path, headers=headers)
            way = connection.sock
            answer = connection.getresponse()
            return answer.status, _body(answer, way, until).decode(errors="replace")
        except http.client.HTTPException as error:
            raise ConnectionError(f"no answer in HTTP: {type(error).__name__}") from error


def _body(answer: http.client.HTTPResponse, way: socket.socket, until: float) -> bytes:
    """What comes until a monotonic time; who sends a byte now and then is late as well."""
    body = bytearray()
    while len(body) < _MOST:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        way.settimeout(left)
        piece = answer.read1(_MOST - len(body))
        if not piece:
            break
        body += piece
    if answer.length and len(body) < _MOST:
        raise http.client.IncompleteRead(b"", answer.length)
    return bytes(body)
