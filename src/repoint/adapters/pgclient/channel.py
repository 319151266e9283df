"""A socket with or without TLS on which every wait has an end."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from pathlib import Path

from repoint.wire.decoder import Decoder, Message
from repoint.wire.login import Tls
from repoint.wire.messages import SSL_REQUEST
from repoint.wire.refusals import ConnectionLost, DriverRefusal

_CHUNK = 1 << 16
# In one call, which has one deadline: a server without end would fill the memory until then.
_MOST_AT_ONCE = 32 * 1024 * 1024
_CLOSED = "server closed the connection unexpectedly"

LATE = "timeout expired"
"""The reason of a `ConnectionLost` where no answer came in time."""

Address = tuple[str, int] | Path
"""Host and port, or the path of a Unix socket (`.../.s.PGSQL.5432`)."""


class Channel:
    """Bytes to and messages from one server; each call ends by its deadline.

    A deadline is a time of `time.monotonic()`. Errors are `ConnectionLost`, and
    `DriverRefusal` where TLS is not to the driver's liking.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._decoder = Decoder()
        self._deadline = 0.0
        self._taken = 0

    @property
    def local_port(self) -> int:
        """The client's own port, 0 for a Unix socket."""
        name = self._socket.getsockname()
        return int(name[1]) if isinstance(name, tuple) else 0

    @property
    def tls(self) -> str:
        """The TLS version, empty for clear text."""
        return (self._socket.version() or "") if isinstance(self._socket, ssl.SSLSocket) else ""

    @property
    def certificate(self) -> bytes | None:
        """The server's certificate in DER, None for clear text."""
        if isinstance(self._socket, ssl.SSLSocket):
            return self._socket.getpeercert(binary_form=True)
        return None

    def secure(self, tls: Tls, server_name: str, ca_file: Path | None, deadline: float) -> None:
        """Start TLS as the driver does, or not at all."""
        if tls.wanted == "never" or self._socket.family == socket.AF_UNIX:
            return
        if not tls.direct and not self._offered(tls, deadline):
            return
        context = _context(tls, ca_file)
        try:
            self._socket.settimeout(_left(deadline))
            self._socket = context.wrap_socket(self._socket, server_hostname=server_name or None)
        except ssl.SSLCertVerificationError as error:
            why = error.verify_message.rstrip(".")
            raise DriverRefusal(f"certificate verify failed: {why}") from error
        except TimeoutError as error:
            raise ConnectionLost(LATE) from error
        except ssl.SSLError as error:
            raise DriverRefusal(f"SSL error: {_reason(error)}") from error
        except (OSError, ValueError) as error:
            raise ConnectionLost(_CLOSED) from error
        if tls.direct and self._socket.selected_alpn_protocol() != "postgresql":
            raise DriverRefusal("direct SSL connection was established without ALPN")

    def send(self, raw: bytes, deadline: float) -> None:
        """All of `raw`."""
        if not raw:
            return
        try:
            self._socket.settimeout(_left(deadline))
            self._socket.sendall(raw)
        except TimeoutError as error:
            raise ConnectionLost(LATE) from error
        except OSError as error:
            raise ConnectionLost(_CLOSED) from error

    def receive(self, deadline: float) -> Message:
        """The next message."""
        if deadline != self._deadline:
            self._deadline, self._taken = deadline, 0
        while (message := self._decoder.next()) is None:
            try:
                self._socket.settimeout(_left(deadline))
                raw = self._socket.recv(_CHUNK)
            except TimeoutError as error:
                raise ConnectionLost(LATE) from error
            except ssl.SSLError as error:
                raise ConnectionLost(f"SSL error: {_reason(error)}") from error
            except OSError as error:
                raise ConnectionLost(_CLOSED) from error
            if not raw:
                raise ConnectionLost(_CLOSED)
            self._taken += len(raw)
            if self._taken > _MOST_AT_ONCE:
                raise ConnectionLost("the server says more than 32 MB at once")
            self._decoder.feed(raw)
        return message

    def received(self) -> Message | None:
        """The next message, if it is here already."""
        return self._decoder.next()

    def close(self) -> None:
        """Close the socket; a second call does nothing."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def _offered(self, tls: Tls, deadline: float) -> bool:
        """Ask for TLS; exactly one byte is read, so that none of the server's is in the clear."""
        self.send(SSL_REQUEST, deadline)
        try:
            self._socket.settimeout(_left(deadline))
            answer = self._socket.recv(1)
        except TimeoutError as error:
            raise ConnectionLost(LATE) from error
        except OSError as error:
            raise ConnectionLost(_CLOSED) from error
        if answer == b"S":
            return True
        if not answer:
            raise ConnectionLost(_CLOSED)
        if answer != b"N":
            raise DriverRefusal(f"received invalid response to SSL negotiation: {answer!a}")
        if tls.wanted == "always":
            raise DriverRefusal("server does not support SSL, but SSL was required")
        return False


def dial(address: Address, deadline: float) -> Channel:
    """Open a connection.

    Raises:
        ConnectionLost: nobody listens, or not in time.
    """
    unix = isinstance(address, Path)
    where = str(address) if isinstance(address, Path) else address
    sock = socket.socket(socket.AF_UNIX if unix else _family(address))
    try:
        sock.settimeout(_left(deadline))
        sock.connect(where)
        if not unix:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except TimeoutError as error:
        sock.close()
        raise ConnectionLost(LATE) from error
    except OSError as error:
        sock.close()
        raise ConnectionLost(f"connection failed: {error.strerror or error}") from error
    return Channel(sock)


def _family(address: Address) -> socket.AddressFamily:
    numeric_v6 = isinstance(address, tuple) and ":" in address[0]
    return socket.AF_INET6 if numeric_v6 else socket.AF_INET


def _context(tls: Tls, ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Python compares names only where the chain is checked too; no driver does otherwise.
    context.check_hostname = tls.check_name
    checks = tls.check_chain or tls.check_name
    context.verify_mode = ssl.CERT_REQUIRED if checks else ssl.CERT_NONE
    if checks and ca_file is not None and not tls.own_store:
        context.load_verify_locations(ca_file)
    elif checks:
        context.load_default_certs()
    if tls.direct:
        context.set_alpn_protocols(["postgresql"])
    return context


def _left(deadline: float) -> float:
    """Seconds left; a deadline that passed is a timeout as well."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or "unknown").replace("_", " ").lower()
