"""PostgreSQL before the first client comes: the repository's SQL, and the rehearsal's own.

The two never share a session. The repository's SQL runs as the Cluster's `postgres`, who is no
superuser here; the rehearsal's own, which quotes every name, runs as the superuser with a
search_path in which nobody else has put anything.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import groupby

from repoint.errors import LabFailed
from repoint.flows.rehearsing.stage import Refused
from repoint.ports.connecting import Conversation
from repoint.ports.servers import RunningLab
from repoint.rehearsal.setup import Statement
from repoint.wire.refusals import ConnectionLost, ServerRefusal

STATEMENT_S = 30
"""How long one of the repository's statements may take, in seconds."""

_ALONE = "SET search_path = pg_catalog, pg_temp"
# PostgreSQL's words for these name objects and rights, never a value.
_NAMES_ONLY = frozenset(
    {
        "0A000",
        "25001",
        "25006",
        "3D000",
        "3F000",
        "42501",
        "42704",
        "42710",
        "42883",
        "42P01",
        "42P04",
        "42P06",
        "42P07",
        "53100",
        "57014",
        "58P01",
    }
)


def refused(error: ServerRefusal) -> str:
    """A refusal of the repository's own SQL: its SQLSTATE, and a text that quotes no value."""
    if error.sqlstate in _NAMES_ONLY:
        return f"{error.text} ({error.sqlstate})"
    return f"SQLSTATE {error.sqlstate}"


@dataclass(slots=True, eq=False)
class Preparation:
    """Runs statements in order, each in its database; `notes` tells of those that failed.

    Raises:
        LabFailed: one that the rehearsal needs failed, or PostgreSQL died.
    """

    lab: RunningLab
    notes: list[str] = field(default_factory=list)

    def run(self, statements: Iterable[Statement]) -> None:
        """Run them; those that are the repository's own may fail."""
        order = sorted(statements, key=lambda one: one.database)
        for (database, own), several in groupby(order, key=lambda one: (one.database, one.own)):
            if own:
                self._run_own(database, several)
            else:
                self._run_theirs(database, several)

    def _run_own(self, database: str, statements: Iterable[Statement]) -> None:
        with closing(self.lab.superuser(database)) as session:
            try:
                session.query(_ALONE)
                for statement in statements:
                    self._run(session, statement)
            except ConnectionLost as lost:
                raise LabFailed(f"`{database}` could not be set up: {lost.reason}") from None

    def _run_theirs(self, database: str, statements: Iterable[Statement]) -> None:
        """All in one session, as CloudNativePG runs them, until one takes it down."""
        left = deque(statements)
        while left:
            with closing(self.lab.administrator(database)) as session:
                try:
                    session.query(f"SET statement_timeout = '{STATEMENT_S}s'")
                    while left and self._run(session, left[0]):
                        left.popleft()
                except ConnectionLost as lost:
                    # It may have switched the timeout off, and still run.
                    self._end(session.backend_pid)
                    self.notes.append(f"{left[0].what} did not end: {lost.reason}")
            if left:
                left.popleft()

    def _run(self, session: Conversation, statement: Statement) -> bool:
        """Run one; whether the session is still there."""
        try:
            session.query(statement.sql)
        except ServerRefusal as refusal:
            if statement.must:
                raise LabFailed(
                    f"PostgreSQL refuses {statement.what} (SQLSTATE {refusal.sqlstate})",
                    hint="the statement is made from the render; `repoint scan` shows it",
                ) from None
            self.notes.append(f"{statement.what} was refused: {refused(refusal)}")
            return not refusal.fatal
        return True

    def _end(self, backend_pid: int) -> None:
        with closing(self.lab.superuser()) as session, suppress(*Refused):
            session.query(f"SELECT pg_catalog.pg_terminate_backend({backend_pid})")
