"""Connections to the two databases: read-only, in one snapshot a side, and bounded in number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field

from repoint.comparison.model import Server, Side
from repoint.comparison.rows import SETTINGS, literal
from repoint.dsn.mask import mask
from repoint.errors import DatabaseLost
from repoint.ports.connecting import Conversation
from repoint.wire.refusals import ConnectionLost, DriverRefusal, ServerRefusal

Rows = tuple[tuple[str | None, ...], ...]
Open = Callable[[float], Conversation]

STATEMENT_S = 300.0
"""How long one statement may take; a table that needs more in one go is unknown."""

_LOGIN_S = 10.0
_MARGIN_S = 30.0
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
# Defaults of a role that would end a long read.
_ENDLESS = ("idle_session_timeout", "transaction_timeout", "max_parallel_workers_per_gather")
_WHO = """SELECT current_setting('server_version'), current_setting('server_version_num'),
    current_database(), current_user, getdatabaseencoding(), pg_is_in_recovery(),
    CASE WHEN NOT pg_is_in_recovery() THEN (pg_current_wal_lsn() - '0/0')::text END"""
_SYSTEM = "SELECT system_identifier::text FROM pg_control_system()"


@dataclass(frozen=True, slots=True)
class Database:
    """One side, and how to log in there; `open` takes the seconds that one answer may take.

    `place` names it for a person, without a password.
    """

    side: Side
    place: str
    open: Open = field(repr=False)


class Session:
    """A connection whose statements fail one by one, though they share a transaction."""

    def __init__(self, database: Database, conversation: Conversation) -> None:
        self._database = database
        self._conversation = conversation
        self._in_transaction = False

    def begin(self, snapshot: str = "") -> str:
        """Begin to read one snapshot: a new one, or that of another session; its name."""
        self._plain(_BEGIN)
        if snapshot:
            self._plain(f"SET TRANSACTION SNAPSHOT {literal(snapshot)}")
        else:
            snapshot = str(self._plain("SELECT pg_export_snapshot()")[0][0])
        self._plain("SAVEPOINT one")
        self._in_transaction = True
        return snapshot

    def ask(self, sql: str) -> Rows:
        """The rows of a query.

        Raises:
            ServerRefusal: the server refused it; the session goes on.
            DatabaseLost: the connection is gone.
        """
        try:
            return self._conversation.query(sql)
        except ServerRefusal as refusal:
            if refusal.fatal:
                raise self._lost(refusal.text) from None
            if self._in_transaction:
                self._plain("ROLLBACK TO SAVEPOINT one")
            raise
        except ConnectionLost as error:
            raise self._lost(error.reason) from None

    def shape(self) -> None:
        """Fix everything that shapes a text, and how long a statement may take."""
        wanted = {**dict(SETTINGS), "statement_timeout": f"{int(STATEMENT_S)}s"}
        wanted |= dict.fromkeys(_ENDLESS, "0")
        values = ", ".join(f"({literal(n)}, {literal(v)})" for n, v in wanted.items())
        self._plain(
            f"SELECT set_config(s.name, v.value, false) FROM (VALUES {values}) AS v(name, value) "
            "JOIN pg_settings s ON s.name = v.name"
        )

    def server(self) -> Server:
        """What the database says of itself."""
        version, number, name, user, encoding, replica, position = (
            text or "" for text in self._plain(_WHO)[0]
        )
        try:
            system = str(self.ask(_SYSTEM)[0][0] or "")
        except ServerRefusal:
            system = ""
        return Server(
            version=version.partition(" ")[0],
            major=int(number) // 10000,
            database=name,
            user=user,
            encoding=encoding,
            system=system,
            replica=replica == "t",
            position=int(position) if position else None,
        )

    def close(self) -> None:
        """Say goodbye; a second call does nothing."""
        self._conversation.close()

    def _plain(self, sql: str) -> Rows:
        try:
            return self._conversation.query(sql)
        except ServerRefusal as refusal:
            raise self._lost(refusal.text) from None
        except ConnectionLost as error:
            raise self._lost(error.reason) from None

    def _lost(self, why: str) -> DatabaseLost:
        where = f"{self._database.side} at {self._database.place}"
        return DatabaseLost(f"the {where}: {mask(why)}")


@contextmanager
def session(database: Database, *, timeout_s: float = _LOGIN_S) -> Iterator[Session]:
    """A session of short statements, outside any snapshot.

    Raises:
        DatabaseLost: it cannot be reached, or refuses the login.
    """
    with closing(_opened(database, timeout_s)) as made:
        yield made


@contextmanager
def snapshot(database: Database, count: int) -> Iterator[tuple[Session, ...]]:
    """`count` sessions that see one and the same state; errors as for `session`."""
    with ExitStack() as stack:
        made: list[Session] = []
        name = ""
        for _ in range(count):
            one = stack.enter_context(closing(_opened(database, STATEMENT_S + _MARGIN_S)))
            name = one.begin(name)
            made.append(one)
        yield tuple(made)


def _opened(database: Database, timeout_s: float) -> Session:
    place = f"the {database.side} at {database.place}"
    try:
        made = Session(database, database.open(timeout_s))
    except ServerRefusal as refusal:
        raise DatabaseLost(f"{place} refuses the login: {mask(refusal.text)}") from None
    except (ConnectionLost, DriverRefusal) as error:
        raise DatabaseLost(f"{place} is not reached: {mask(error.reason)}") from None
    try:
        made.shape()
    except BaseException:
        made.close()
        raise
    return made


def texts(rows: Rows) -> Mapping[str, tuple[str, ...]]:
    """Rows by their first column; a missing value is an empty text."""
    return {str(row[0]): tuple(text or "" for text in row[1:]) for row in rows}
