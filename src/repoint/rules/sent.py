"""What a connection string puts into the startup packet, and what the pool does with it.

The table of who sends what was measured with ten drivers (facts, section 1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from repoint.dsn.params import Known, Pooled, Reader, canonical, known
from repoint.rules.driver_table import UNKNOWN, Shape, sends, shape_of, wire_name
from repoint.rules.facts import Connection, ConsumerFacts, PoolerFacts

# Timeouts that every driver that knows them keeps to itself.
_CLIENT_TIMEOUTS = frozenset({"sockettimeout", "logintimeout"})
_TRACKED_BY_DEFAULT = frozenset(
    canonical(name)
    for name in (
        "TimeZone",
        "DateStyle",
        "application_name",
        "client_encoding",
        "IntervalStyle",
        "standard_conforming_strings",
    )
)
# Settings that PostgreSQL takes at startup; other unknown keys it refuses as well (42704).
_GUC_NAMES = (
    "search_path statement_timeout lock_timeout idle_in_transaction_session_timeout role "
    "idle_session_timeout transaction_timeout default_transaction_isolation jit work_mem "
    "default_transaction_read_only default_transaction_deferrable bytea_output row_security "
    "maintenance_work_mem temp_buffers synchronous_commit session_replication_role "
    "default_tablespace temp_tablespaces check_function_bodies xmloption lc_messages "
    "lc_monetary lc_numeric lc_time client_min_messages log_statement log_min_messages "
    "log_min_duration_statement random_page_cost effective_cache_size enable_seqscan "
    "enable_nestloop enable_hashjoin enable_mergejoin plan_cache_mode "
    "max_parallel_workers_per_gather default_text_search_config tcp_user_timeout "
    "client_connection_check_interval deadlock_timeout geqo password_encryption"
)
_GUCS = frozenset(canonical(name) for name in _GUC_NAMES.split())
_OPTION = re.compile(r"(?:-c\s*|--)([A-Za-z_][\w.\-]*)\s*=\s*((?:\\.|[^\s\\])*)")


class Fate(StrEnum):
    """What becomes of a parameter at the pooler."""

    WORKS = "works"
    REFUSED = "refused"
    STRIPPED = "stripped"
    """Refused if it arrives; but PostgreSQL refuses it too, so the driver takes it out today."""
    DROPPED = "dropped"
    IGNORED = "ignored"
    UNTRACKABLE = "untrackable"
    MIXED = "mixed"
    """Clients get each other's value (SP6)."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A parameter that reaches PgBouncer: the setting's name, and how the string spells it.

    `value` is what is asked for, decoded; empty when nothing tells.
    """

    name: str
    written: str
    in_options: bool = False
    is_setting: bool = True
    value: str = ""


def sent(connection: Connection, drivers: tuple[str, ...] = ()) -> tuple[Sent, ...]:
    """The parameters of `connection` that some driver of `drivers` puts into the packet.

    An unknown driver counts as sending; JDBC URLs are pgjdbc's, ADO.NET's pairs Npgsql's.
    """
    who = ("pgjdbc",) if connection.style == "jdbc" else drivers
    who = ("npgsql",) if connection.is_ado else who
    found: list[Sent] = []
    for name, text in connection.params:
        row = known(name)
        value = decoded(connection, text)
        if canonical(name) == "options":
            found.extend(in_options(value))
            continue
        if not _refused(row, name) or canonical(name) in _CLIENT_TIMEOUTS:
            continue
        wire = _on_the_wire(connection, name, who)
        if wire:
            found.append(Sent(_plain(wire), name, is_setting=is_setting(wire), value=value))
    return tuple(found)


def path_asked(connection: Connection, driver: str) -> str:
    """The search_path that `driver` asks for when it connects; empty when it asks for none."""
    found = (item.value for item in sent(connection, (driver,)) if item.name == "search_path")
    return next(found, "")


def asked(connection: Connection, drivers: tuple[str, ...] = ()) -> tuple[Sent, ...]:
    """`sent()`, and the settings that PgBouncer keeps per client (SP12) as well."""
    told = sent(connection, drivers)
    names = {item.written for item in told}
    kept = tuple(
        Sent(_plain(name), name, value=decoded(connection, text))
        for name, text in connection.params
        if canonical(name) in _TRACKED_BY_DEFAULT and name not in names
    )
    return (*told, *kept)


def in_options(text: str) -> tuple[Sent, ...]:
    """The settings that a text of `options` makes, each with its value."""
    return tuple(
        Sent(_plain(name), f"options=-c {name}", in_options=True, value=_unescaped(value))
        for name, value in _OPTION.findall(text)
    )


def decoded(connection: Connection, text: str) -> str:
    """A parameter's text as the driver reads it, by the style of its connection string."""
    if connection.style in ("url", "jdbc") or "%" in text:
        return unquote(text).replace("+", " ")
    return text.replace("\\'", "'").strip("'")


def _unescaped(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value)


def fate(item: Sent, pooler: PoolerFacts | None, postgres: int) -> Fate:
    """What `pooler` in front of PostgreSQL `postgres` (0: unknown) does with `item`."""
    if canonical(item.name) in _TRACKED_BY_DEFAULT:
        return Fate.WORKS
    if not item.is_setting:
        return Fate.STRIPPED
    refused = Fate.DROPPED if item.in_options else Fate.REFUSED
    if pooler is None:
        return refused
    newer = pooler.pgbouncer >= (1, 26)
    ignored = item.name in pooler.ignored
    tracked = item.name in pooler.tracked
    if ignored and (newer or not tracked):
        return Fate.IGNORED
    if newer and (tracked or item.name in ("search_path", "default_transaction_read_only")):
        return Fate.WORKS if trackable(item.name, postgres) else Fate.MIXED
    if tracked:
        return Fate.WORKS if trackable(item.name, postgres) else Fate.UNTRACKABLE
    return refused


def is_setting(name: str) -> bool:
    """Whether PostgreSQL knows the name as a setting that a client may make."""
    plain = canonical(name)
    return "." in name or plain in _GUCS or plain in _TRACKED_BY_DEFAULT


def trackable(name: str, postgres: int) -> bool:
    """Whether PostgreSQL `postgres` reports the setting, so that it can be tracked (SP10)."""
    since = {"search_path": 18, "default_transaction_read_only": 14}.get(name.lower())
    if since is not None:
        return postgres >= since
    return canonical(name) in _TRACKED_BY_DEFAULT


def shared_roles(
    consumers: Iterable[ConsumerFacts],
) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """`(role, database, schemas)` for every role that serves more than one schema (X4)."""
    schemas: dict[tuple[str, str], set[str]] = {}
    for consumer in consumers:
        for connection in consumer.connections:
            if connection.user and connection.schema:
                pair = (connection.user, connection.database)
                schemas.setdefault(pair, set()).add(connection.schema)
    return tuple(
        (user, database, tuple(sorted(names)))
        for (user, database), names in sorted(schemas.items())
        if len(names) > 1
    )


def _refused(row: Known, name: str) -> bool:
    """Whether PgBouncer refuses the key, if it comes.

    `tcp_user_timeout` is libpq's own; drivers that do not know it send it, for it is a
    setting of the server as well.
    """
    if row.reader is Reader.CLIENT:
        return is_setting(name)
    return row.pooled is Pooled.REFUSED


def _on_the_wire(connection: Connection, name: str, drivers: tuple[str, ...]) -> str:
    """What a key is called in the packet of a driver that sends it; empty when none does."""
    shapes = [shape_of(driver) for driver in drivers] or [UNKNOWN]
    names = [
        wire_name(shape, name)
        for shape in shapes
        if sends(shape, name) and not _silenced(shape, connection, name)
    ]
    return next((wire for wire in names if is_setting(wire)), names[0] if names else "")


def _silenced(shape: Shape, connection: Connection, name: str) -> bool:
    return any(
        canonical(name) == key and connection.told(other) == value
        for key, other, value in shape.silenced
    )


def _plain(name: str) -> str:
    """The setting's own spelling: `Search Path` and `SEARCH_PATH` are `search_path`."""
    wanted = canonical(name)
    for setting in _SPELLED:
        if canonical(setting) == wanted:
            return setting
    return name.lower()


_SPELLED = (
    "search_path",
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "role",
    "default_transaction_read_only",
    "default_transaction_isolation",
    "work_mem",
)
