"""A logged-in connection that sends its statements as a driver does; blocking."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from repoint.adapters.pgclient.channel import LATE, Address, Channel, dial
from repoint.wire import messages
from repoint.wire.decoder import Message
from repoint.wire.handshake import Handshake
from repoint.wire.login import Login, Statements
from repoint.wire.outcome import Outcome, SessionState
from repoint.wire.refusals import ConnectionLost, ServerRefusal
from repoint.wire.statements import StatementBook, bound, one_trip, prepare, written_in

Rows = tuple[tuple[str | None, ...], ...]


def connect(
    address: Address,
    server_name: str,
    login: Login,
    *,
    ca_file: Path | None = None,
    timeout_s: float = 5.0,
) -> PgConversation:
    """Log in at `address` in the manner of the login's driver.

    `server_name` is the host name that the driver believes it talks to: TLS names it, and
    the certificate is compared with it. `ca_file` is trusted instead of the system's
    authorities. The login, and later each call, ends within `timeout_s` seconds.

    Raises:
        ServerRefusal: the server said no, with SQLSTATE and text.
        ConnectionLost: nobody listens, no answer in time, or the connection broke.
        DriverRefusal: the driver itself does not go on.
    """
    deadline = time.monotonic() + timeout_s
    channel = dial(address, deadline)
    try:
        channel.secure(login.tls, server_name, ca_file, deadline)
        handshake = Handshake(login, channel.certificate)
        channel.send(handshake.start(), deadline)
        while not handshake.ready:
            channel.send(handshake.answer(channel.receive(deadline)), deadline)
    except BaseException:
        channel.close()
        raise
    return PgConversation(channel, login, handshake, server_name, timeout_s)


class PgConversation:
    """A `ports.Conversation`; made by `connect`. After a fatal error it is closed."""

    def __init__(
        self,
        channel: Channel,
        login: Login,
        handshake: Handshake,
        server_name: str,
        timeout_s: float,
    ) -> None:
        self._channel = channel
        self._login = login
        self._server_name = server_name
        self._timeout_s = timeout_s
        self._state = SessionState(handshake.parameters, handshake.notices)
        self._book = StatementBook(login.driver)
        self._backend_pid = handshake.backend_pid
        self._local_port = channel.local_port
        self._tls = channel.tls
        self._over = ""

    def __repr__(self) -> str:
        who = f"{self._login.driver} as {self._login.user} at {self._server_name}"
        return f"<PgConversation of {who}>"

    @property
    def parameters(self) -> Mapping[str, str]:
        """What the server reports, the latest value of each."""
        return self._state.parameters

    @property
    def notices(self) -> tuple[str, ...]:
        """The texts of all notices and warnings so far."""
        return tuple(self._state.notices)

    @property
    def backend_pid(self) -> int:
        """The process id that the server gave; PgBouncer's is made up."""
        return self._backend_pid

    @property
    def local_port(self) -> int:
        """The client's own TCP port, 0 for a Unix socket."""
        return self._local_port

    @property
    def tls(self) -> str:
        """The TLS version in use, empty for clear text."""
        return self._tls

    def query(self, sql: str) -> Rows:
        """Run SQL text in the simple protocol; errors as for `ports.Conversation`."""
        return self._ask(messages.query(sql))

    def run(self, sql: str, args: Sequence[str] = (), statements: Statements | None = None) -> Rows:
        """Run one statement with `$1` arguments as the driver sends it."""
        style = statements or self._login.statements
        if style is Statements.SIMPLE:
            return self.query(written_in(sql, args))
        if style is Statements.TWO_TRIPS:
            self.prepare(sql)
            return self.execute(args)
        if not self._book.is_named(sql, style):
            return self._ask(one_trip(sql, args))
        return self._run_named(sql, args)

    def _run_named(self, sql: str, args: Sequence[str]) -> Rows:
        name = self._book.prepared(sql)
        if name:
            return self._ask(bound(args, name))
        name = self._book.new_name(sql)
        if self._book.prepares_apart:
            self._ask(prepare(sql, name))
            self._book.keep(sql, name)
            return self._ask(bound(args, name))
        rows = self._ask(messages.parse(sql, name) + bound(args, name))
        self._book.keep(sql, name)
        return rows

    def prepare(self, sql: str) -> None:
        """Parse and Describe the unnamed statement: the first trip of two."""
        self._ask(prepare(sql))

    def execute(self, args: Sequence[str] = ()) -> Rows:
        """Bind and Execute the unnamed statement, whoever's it is by now (PS1)."""
        return self._ask(bound(args))

    def notifications(self, timeout_s: float) -> tuple[tuple[str, str], ...]:
        """`(channel, payload)` of what came so far; of the first that comes, if none did."""
        self._check_open()
        deadline = time.monotonic() + timeout_s
        outcome = Outcome()
        while message := self._next_told(deadline):
            outcome.take(message, self._state)
            if outcome.refusal is not None:
                self._end(outcome.refusal.text)
                raise outcome.refusal
        found = tuple(self._state.notifications)
        self._state.notifications.clear()
        return found

    def _next_told(self, deadline: float) -> Message | None:
        """The next message; nobody waits for it once a notification is here."""
        waits = not self._state.notifications
        try:
            return self._channel.receive(deadline) if waits else self._channel.received()
        except ConnectionLost as error:
            if error.reason == LATE:
                return None
            self._end(error.reason)
            raise

    def close(self) -> None:
        """Say goodbye and close; a second call does nothing."""
        if not self._over:
            with contextlib.suppress(ConnectionLost):
                self._channel.send(messages.TERMINATE, time.monotonic() + self._timeout_s)
            self._end("connection already closed")

    def _ask(self, request: bytes) -> Rows:
        """Send a request and read up to ReadyForQuery, or to the end of the connection."""
        self._check_open()
        deadline = time.monotonic() + self._timeout_s
        outcome = Outcome()
        try:
            with contextlib.suppress(ConnectionLost):
                self._channel.send(request, deadline)
            # Where sending failed, the server's last words may still be there to read.
            while not outcome.done:
                outcome.take(self._channel.receive(deadline), self._state)
                if outcome.copies_in:
                    outcome.copies_in = False
                    self._channel.send(_no_copy(request), deadline)
        except ConnectionLost as error:
            self._end(error.reason)
            # A server that says goodbye and hangs up has said why.
            if outcome.refusal is not None:
                refusal = outcome.refusal
                raise ServerRefusal(refusal.sqlstate, refusal.text, fatal=True) from error
            raise
        except BaseException:
            self._end("connection left in the middle of an answer")
            raise
        if outcome.refusal is not None and outcome.refusal.fatal:
            self._end(outcome.refusal.text)
        return outcome.rows()

    def _check_open(self) -> None:
        if self._over:
            raise ConnectionLost(self._over)

    def _end(self, why: str) -> None:
        self._over = why
        self._channel.close()


def _no_copy(request: bytes) -> bytes:
    """Refuse a COPY; a server that copies has skipped the request's own Sync."""
    refusal = messages.copy_fail("this client does not copy")
    return refusal if request.startswith(b"Q") else refusal + messages.SYNC
