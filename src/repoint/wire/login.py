"""What a driver does to log in: the startup packet it sends, the TLS it asks, its statements."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from repoint.model.sensitive import Sensitive


class Statements(StrEnum):
    """How a driver sends a query with arguments (facts, section 3)."""

    SIMPLE = "simple"
    """One Query message, arguments written into the text: psycopg2, pgx simple_protocol."""
    ONE_TRIP = "one-trip"
    """Parse, Bind, Describe, Execute, Sync at once, unnamed: node-postgres, Npgsql, libpq."""
    TWO_TRIPS = "two-trips"
    """Parse, Describe, Sync; then Bind, Execute, Sync; unnamed: lib/pq, pgx describe_exec (PS1)."""
    NAMED = "named"
    """A named statement that is prepared once and executed often: pgx, asyncpg."""
    NAMED_LATER = "named-later"
    """Unnamed in one trip at first, named from the fifth execution on: pgJDBC (psycopg: sixth)."""


@dataclass(frozen=True, slots=True)
class Tls:
    """What the driver asks of TLS, decided from `sslmode` and what the driver makes of it.

    `wanted` is `never`, `if-offered` or `always`. `check_name` and `check_chain` are what the
    driver verifies. `channel_binding` demands SCRAM-SHA-256-PLUS; `direct` starts TLS without
    asking (sslnegotiation=direct). `min_protocol` and `max_protocol` are minor versions of
    protocol 3: libpq's `min_protocol_version=3.2` is 2, `max_protocol_version=latest` as well.
    `own_store` tells that it verifies with the CAs it brings along, and nothing names another.
    """

    wanted: str = "if-offered"
    check_chain: bool = False
    check_name: bool = False
    channel_binding: bool = False
    direct: bool = False
    min_protocol: int = 0
    max_protocol: int = 0
    own_store: bool = False


@dataclass(frozen=True, slots=True)
class Login:
    """A login as a driver would do it; `startup` are the parameters beside user and database."""

    driver: str
    user: str
    password: Sensitive
    database: str
    startup: tuple[tuple[str, str], ...] = ()
    tls: Tls = Tls()
    statements: Statements = Statements.ONE_TRIP
