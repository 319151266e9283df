"""What is put into a new PostgreSQL: roles, databases, and SQL."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Protocol

from repoint.errors import LabFailed
from repoint.ports.connecting import Conversation
from repoint.rehearsal.cluster_conf import database_sql, integration_sql, role_sql
from repoint.rehearsal.lab import DatabaseSpec, PostgresSpec
from repoint.wire.refusals import ConnectionLost, ServerRefusal

_THERE = frozenset({"postgres", "template0", "template1"})
# A reserved name, one that is taken, an invalid one: production cannot have these either.
_IMPOSSIBLE = frozenset({"42939", "42710", "42602", "42P04"})


class Local(Protocol):
    """Local connections to a new PostgreSQL."""

    def superuser(self, database: str = ...) -> Conversation:
        """As the server's superuser."""
        ...

    def administrator(self, database: str = ...) -> Conversation:
        """As the Cluster's `postgres`."""
        ...


def fill(spec: PostgresSpec, major: int, local: Local) -> tuple[str, ...]:
    """Make everything that `spec` tells of; what cannot be made is returned in words.

    A role or a database that PostgreSQL can never have is left out: whoever asks for it is
    told so at its login.

    Raises:
        LabFailed: PostgreSQL refuses the rest, or does not answer.
    """
    left: list[str] = []
    with contextlib.closing(local.superuser()) as session:
        for statement in integration_sql(major):
            _run(session, statement, "the Poolers' auth_query")
        for role in spec.roles:
            left += _made(session, role_sql(role, major), f"role `{role.name}`")
        for database in spec.databases:
            if database.name not in _THERE:
                made = iter((database_sql(database),))
                left += _made(session, made, f"database `{database.name}`")
    for database in spec.databases:
        _run_scripts(database, local)
    return tuple(left)


def _made(session: Conversation, statements: Iterator[str], what: str) -> Iterator[str]:
    """Run statements; words where they can work nowhere."""
    for statement in statements:
        sqlstate = _refusal(session, statement, what)
        if sqlstate in _IMPOSSIBLE:
            yield f"{what} was not made: no PostgreSQL takes it (SQLSTATE {sqlstate})"
            return
        if sqlstate:
            raise _refused(what, sqlstate)


def _run_scripts(database: DatabaseSpec, local: Local) -> None:
    if not database.sql:
        return
    with contextlib.closing(local.administrator(database.name)) as session:
        for name, text in database.sql:
            _run(session, text, f"`{name}`")


def _run(session: Conversation, sql: str, what: str) -> None:
    sqlstate = _refusal(session, sql, what)
    if sqlstate:
        raise _refused(what, sqlstate)


def _refusal(session: Conversation, sql: str, what: str) -> str:
    """Run SQL and give the SQLSTATE of its refusal, empty when it was taken."""
    try:
        session.query(sql)
    except ServerRefusal as refusal:
        return refusal.sqlstate
    except ConnectionLost as lost:
        raise LabFailed(f"the SQL of {what} did not end: {lost.reason}") from None
    return ""


def _refused(what: str, sqlstate: str) -> LabFailed:
    """The error names script and SQLSTATE, since PostgreSQL's text may quote a value."""
    return LabFailed(
        f"PostgreSQL refuses the SQL of {what} (SQLSTATE {sqlstate})",
        hint="run it by hand on an empty database; the text of the error may quote values",
    )
