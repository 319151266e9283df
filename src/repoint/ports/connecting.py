"""Connections to a server: as a driver makes them, and as a probe does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from repoint.wire.login import Login, Statements


class Conversation(Protocol):
    """A connection to a server, in the manner of one driver.

    Errors that the server sends are raised as `ServerRefusal` (SQLSTATE and text); a
    connection that breaks, or an answer that does not come in time, as `ConnectionLost`.
    """

    @property
    def parameters(self) -> Mapping[str, str]:
        """What the server reports (`ParameterStatus`), such as `search_path` from 18 on."""
        ...

    @property
    def backend_pid(self) -> int:
        """The process id that the server gave for cancelling; PgBouncer's is made up."""
        ...

    @property
    def local_port(self) -> int:
        """The client's own TCP port, which PostgreSQL sees only without a pooler."""
        ...

    @property
    def tls(self) -> str:
        """The TLS version in use, such as `TLSv1.3`; empty for clear text."""
        ...

    def query(self, sql: str) -> tuple[tuple[str | None, ...], ...]:
        """Run SQL text in the simple protocol; the rows of the last result, values as text."""
        ...

    def run(
        self, sql: str, args: Sequence[str] = (), statements: Statements | None = None
    ) -> tuple[tuple[str | None, ...], ...]:
        """Run one statement with `$1` arguments as the driver sends it."""
        ...

    def prepare(self, sql: str) -> None:
        """The first round trip of a driver with two: Parse and Describe, unnamed."""
        ...

    def execute(self, args: Sequence[str] = ()) -> tuple[tuple[str | None, ...], ...]:
        """The second round trip: Bind and Execute of what was parsed last."""
        ...

    def notifications(self, timeout_s: float) -> tuple[tuple[str, str], ...]:
        """`(channel, payload)` of what arrives within `timeout_s` seconds."""
        ...

    def close(self) -> None:
        """Say goodbye and close; a second call does nothing."""
        ...


class Dial(Protocol):
    """Opens a connection and logs in as a driver would."""

    def __call__(
        self,
        address: tuple[str, int] | Path,
        server_name: str,
        login: Login,
        *,
        ca_file: Path | None,
        timeout_s: float,
    ) -> Conversation:
        """Log in at an address and port, or at the path of a Unix socket.

        `server_name` is the host that the driver believes to talk to; its certificate is
        checked against it. `ca_file` is the CA to believe; None is the system's.

        Raises:
            ServerRefusal: the server said no, with SQLSTATE and text.
            ConnectionLost: no answer in time, or the connection broke.
            DriverRefusal: the driver itself would not go on.
        """
        ...


class HttpGet(Protocol):
    """One plain GET request, as a kubelet's probe does it."""

    def __call__(
        self, address: tuple[str, int], host: str, path: str, *, tls: bool, timeout_s: float
    ) -> tuple[int, str]:
        """Status and text of the answer at an address; `host` is what the request asks for.

        With `tls` the certificate is not verified, as a probe does not. No redirect is followed.

        Raises:
            OSError: nobody answers, or not in time.
        """
        ...
