"""What came back between a request and ReadyForQuery."""

from __future__ import annotations

from repoint.wire.decoder import Message, Report, notification, pair, report, row
from repoint.wire.refusals import ServerRefusal

# ParseComplete, BindComplete, CloseComplete, NoData, EmptyQueryResponse, ParameterDescription,
# PortalSuspended, CopyOutResponse, CopyData, CopyDone: nothing to keep.
_SILENT = frozenset("123nItsHdc")


class Outcome:
    """Collects messages of one request; `done` with ReadyForQuery or a fatal error."""

    def __init__(self) -> None:
        self.done = False
        self.refusal: ServerRefusal | None = None
        self.copies_in = False
        self._rows: list[tuple[str | None, ...]] = []
        self._last: tuple[tuple[str | None, ...], ...] = ()

    def take(self, message: Message, state: SessionState) -> None:
        """Read one message; what belongs to the session goes into `state`.

        Raises:
            ConnectionLost: the message is cut short.
        """
        if state.take(message) or message.kind in _SILENT:
            return
        if message.kind == "D":
            self._rows.append(row(message))
        elif message.kind == "T":
            self._rows = []
        elif message.kind == "C":
            self._last, self._rows = tuple(self._rows), []
        elif message.kind == "G":
            self.copies_in = True
        elif message.kind == "E":
            self._refuse(report(message))
        elif message.kind == "Z":
            self.done = True

    def rows(self) -> tuple[tuple[str | None, ...], ...]:
        """The rows of the last statement that completed.

        Raises:
            ServerRefusal: the server sent an error.
        """
        if self.refusal is not None:
            raise self.refusal
        return self._last

    def _refuse(self, said: Report) -> None:
        fatal = said.severity in ("FATAL", "PANIC")
        if self.refusal is None or fatal:
            self.refusal = ServerRefusal(said.sqlstate, said.text, fatal=fatal)
        self.done = self.done or fatal


class SessionState:
    """What a server reports at any time: settings, notices, notifications."""

    def __init__(self, parameters: dict[str, str], notices: list[str]) -> None:
        self.parameters = parameters
        self.notices = notices
        self.notifications: list[tuple[str, str]] = []

    def take(self, message: Message) -> bool:
        """Whether the message was of this kind; then it is kept."""
        if message.kind == "S":
            name, value = pair(message)
            self.parameters[name] = value
        elif message.kind == "N":
            self.notices.append(report(message).text)
        elif message.kind == "A":
            self.notifications.append(notification(message))
        else:
            return False
        return True
