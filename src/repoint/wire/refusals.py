"""What a server or a driver says no with; observations of a rehearsal, not errors of repoint."""

from __future__ import annotations


class ServerRefusal(Exception):
    """The server sent an ErrorResponse; `fatal` when it ended the connection with it.

    `text` is the server's message. It is shown: PostgreSQL and PgBouncer put no password in it.
    """

    def __init__(self, sqlstate: str, text: str, *, fatal: bool = False) -> None:
        super().__init__(f"{sqlstate} {text}")
        self.sqlstate = sqlstate
        self.text = text
        self.fatal = fatal


class ConnectionLost(Exception):
    """The connection broke, was never made, or no answer came in time; `reason` says which."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DriverRefusal(Exception):
    """The driver itself does not go on: a certificate's name, channel binding, a bad URL."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
