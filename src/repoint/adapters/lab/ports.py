"""Free ports of 127.0.0.1, and what `pg_isready` would say of one."""

from __future__ import annotations

import socket
import ssl
import struct

LOOPBACK = "127.0.0.1"
_SSL_REQUEST = struct.pack("!II", 8, 80877103)
_PROTOCOL_3_0 = 196608
_STARTING_UP = b"57P03"


def free_port() -> int:
    """A port that nobody listens on now; somebody may take it before it is used."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int, *, timeout_s: float = 10.0) -> bool:
    """Whether a server at `port` takes connections, as libpq's PQping finds out.

    Any refusal but "starting up" is an answer; nobody is logged in.

    Source: PostgreSQL, src/interfaces/libpq/fe-connect.c (internal_ping).
    """
    user = b"user\0postgres\0database\0postgres\0\0"
    packet = struct.pack("!II", 8 + len(user), _PROTOCOL_3_0) + user
    try:
        with socket.create_connection((LOOPBACK, port), timeout_s) as plain:
            plain.sendall(_SSL_REQUEST)
            if plain.recv(1) != b"S":
                plain.sendall(packet)
                return _is_answer(plain.recv(1024))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            with context.wrap_socket(plain) as wrapped:
                wrapped.sendall(packet)
                return _is_answer(wrapped.recv(1024))
    except OSError:
        return False


def _is_answer(raw: bytes) -> bool:
    return raw[:1] == b"R" or (raw[:1] == b"E" and b"C" + _STARTING_UP not in raw)
