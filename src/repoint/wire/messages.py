"""What a client sends: the frontend messages of protocol 3, as bytes.

Source: PostgreSQL documentation, "Message Formats".
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from hashlib import md5

from repoint.model.sensitive import Sensitive
from repoint.wire.refusals import DriverRefusal

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
SYNC = b"S\x00\x00\x00\x04"
TERMINATE = b"X\x00\x00\x00\x04"
_MAJOR = 3 << 16


def startup(
    user: str, database: str, parameters: Iterable[tuple[str, str]] = (), *, minor: int = 0
) -> bytes:
    """The first message: protocol 3.`minor`, user, database and the startup parameters.

    Raises:
        DriverRefusal: a text holds a zero byte, which would end it early.
    """
    pairs = (("user", user), ("database", database), *parameters)
    texts = b"".join(_text(name) + _text(value) for name, value in pairs if name)
    body = struct.pack("!i", _MAJOR + minor) + texts + b"\0"
    return struct.pack("!i", len(body) + 4) + body


def query(sql: str) -> bytes:
    """Run text in the simple protocol; errors as for `startup`."""
    return _message(b"Q", _text(sql))


def parse(sql: str, name: str = "") -> bytes:
    """Prepare a statement; the server decides the types of its arguments."""
    return _message(b"P", _text(name) + _text(sql) + b"\0\0")


def bind(args: Sequence[str], name: str = "") -> bytes:
    """Bind text arguments to a prepared statement, in the unnamed portal."""
    values = b"".join(_value(text) for text in args)
    count = struct.pack("!h", len(args))
    return _message(b"B", b"\0" + _text(name) + b"\0\0" + count + values + b"\0\0")


def describe_statement(name: str = "") -> bytes:
    """Ask for the types of a prepared statement."""
    return _message(b"D", b"S" + _text(name))


DESCRIBE_PORTAL = b"D\x00\x00\x00\x06P\x00"
EXECUTE = b"E\x00\x00\x00\x09\x00\x00\x00\x00\x00"


def copy_fail(why: str) -> bytes:
    """End a COPY that the server waits for."""
    return _message(b"f", _text(why))


def password(text: Sensitive) -> bytes:
    """A password as it is, for AuthenticationCleartextPassword."""
    return _message(b"p", _text(text.reveal()))


def md5_password(text: Sensitive, user: str, salt: bytes) -> bytes:
    """A password for AuthenticationMD5Password."""
    inner = _md5(text.reveal().encode("utf-8", "surrogateescape") + user.encode())
    return _message(b"p", b"md5" + _md5(inner + salt) + b"\0")


def sasl_initial(mechanism: str, first: bytes) -> bytes:
    """Choose a SASL mechanism, with its first message."""
    return _message(b"p", _text(mechanism) + struct.pack("!i", len(first)) + first)


def sasl_response(data: bytes) -> bytes:
    """Go on with SASL."""
    return _message(b"p", data)


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def _text(text: str) -> bytes:
    raw = text.encode("utf-8", "surrogateescape")
    if b"\0" in raw:
        raise DriverRefusal("a text with a zero byte cannot be sent")
    return raw + b"\0"


def _value(text: str) -> bytes:
    raw = text.encode("utf-8", "surrogateescape")
    return struct.pack("!i", len(raw)) + raw


def _md5(raw: bytes) -> bytes:
    return md5(raw, usedforsecurity=False).hexdigest().encode()
