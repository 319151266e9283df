"""How drivers put one query with arguments on the wire (facts, section 3)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256

from repoint.wire import messages
from repoint.wire.login import Statements
from repoint.wire.refusals import DriverRefusal

_NAMED_FROM = 5
_PSYCOPG_NAMED_FROM = 6

# Quoted texts, names and comments, where `$1` is no argument; then the arguments.
_TOKENS = re.compile(
    r"[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/"
    r"|\$\$.*?\$\$|\$([A-Za-z_]\w*)\$.*?\$\1\$|(?<![\w$])\$(\d+)",
    re.DOTALL,
)


class StatementBook:
    """The statements that one connection has prepared, and how often each was run."""

    def __init__(self, driver: str) -> None:
        self._driver = driver
        self._named_from = _PSYCOPG_NAMED_FROM if driver == "psycopg" else _NAMED_FROM
        self._issued = 0
        self._names: dict[str, str] = {}
        self._runs: dict[str, int] = {}

    def is_named(self, sql: str, style: Statements) -> bool:
        """Count an execution of `sql`; whether its driver names it by now."""
        runs = self._runs[sql] = self._runs.get(sql, 0) + 1
        late = style is Statements.NAMED_LATER and runs >= self._named_from
        return late or style is Statements.NAMED

    @property
    def prepares_apart(self) -> bool:
        """Whether naming a statement is a trip of its own; pgJDBC binds it in the same one."""
        return self._driver != "pgjdbc"

    def prepared(self, sql: str) -> str:
        """The name that `sql` was prepared under, empty when it was not."""
        return self._names.get(sql, "")

    def new_name(self, sql: str) -> str:
        """The name that the driver gives a statement.

        pgx makes it from the text, all others count: two clients of one server connection
        then have one name for two texts (PS2, PS3).
        """
        if self._driver.startswith("pgx"):
            return f"stmtcache_{sha256(sql.encode()).hexdigest()[:48]}"
        # A name is not used again: a statement that failed may be there under it.
        self._issued += 1
        number = self._issued
        if self._driver == "asyncpg":
            return f"__asyncpg_stmt_{number:x}__"
        if self._driver.startswith("psycopg"):
            return f"_pg3_{number - 1}"
        return f"S_{number}"

    def keep(self, sql: str, name: str) -> None:
        """The server has prepared `sql` under `name`."""
        self._names[sql] = name


def one_trip(sql: str, args: Sequence[str]) -> bytes:
    """Everything at once, unnamed: nobody comes between Parse and Bind."""
    return messages.parse(sql) + bound(args)


def prepare(sql: str, name: str = "") -> bytes:
    """The first of two trips: Parse, Describe, Sync."""
    return messages.parse(sql, name) + messages.describe_statement(name) + messages.SYNC


def bound(args: Sequence[str], name: str = "") -> bytes:
    """Bind, Describe, Execute, Sync of what was parsed under `name`."""
    return messages.bind(args, name) + messages.DESCRIBE_PORTAL + messages.EXECUTE + messages.SYNC


def written_in(sql: str, args: Sequence[str]) -> str:
    """`sql` with its `$1` arguments written as literals, for drivers that do so.

    Raises:
        DriverRefusal: an argument is missing.
    """

    def put(found: re.Match[str]) -> str:
        if found[2] is None:
            return found[0]
        number = int(found[2])
        if not 1 <= number <= len(args):
            raise DriverRefusal(f"the query has no argument ${number}")
        return literal(args[number - 1])

    return _TOKENS.sub(put, sql)


def literal(text: str) -> str:
    """A text as a SQL literal, right whatever `standard_conforming_strings` says."""
    quoted = text.replace("'", "''")
    if "\\" in quoted:
        return " E'" + quoted.replace("\\", "\\\\") + "'"
    return f"'{quoted}'"
