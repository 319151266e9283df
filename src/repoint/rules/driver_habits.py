"""What drivers do at a pooler by themselves, whatever the source text says (PS1, PS2, ST7)."""

from __future__ import annotations

from collections.abc import Iterator

from repoint.rules.facts import ConsumerFacts, PoolerFacts

_NAMED = frozenset(
    {
        *("pgx", "asyncpg", "libpq", "psycopg", "pgjdbc", "lib/pq"),
        *("activerecord", "prisma", "sqlx", "tokio-postgres"),
    }
)
"""Drivers that name statements by themselves (PS2); psycopg2 and postgres.js do not suffer."""
_KEPT = frozenset(
    {
        "timezone",
        "datestyle",
        "application_name",
        "client_encoding",
        "intervalstyle",
        "standard_conforming_strings",
    }
)


def follows(pooler: PoolerFacts) -> bool:
    """Whether the Pooler follows prepared statements: by default from PgBouncer 1.24 on."""
    default = 200 if pooler.pgbouncer >= (1, 24) else 0
    return pooler.number("max_prepared_statements", default) > 0


def keeps(pooler: PoolerFacts, setting: str, postgres: int) -> bool:
    """Whether PgBouncer keeps a setting apart per client (SP12, SP4, ST7)."""
    if setting in _KEPT:
        return True
    tracks = setting in pooler.tracked or pooler.pgbouncer >= (1, 26)
    since = {"search_path": 18, "default_transaction_read_only": 14}.get(setting)
    return tracks and since is not None and postgres >= since


def two_trips(consumer: ConsumerFacts) -> Iterator[str]:
    """Why a driver parses in one round trip and executes in the next (PS1)."""
    lib_pq = "lib/pq" in consumer.drivers
    for connection in consumer.connections:
        if connection.param("default_query_exec_mode") == "describe_exec":
            yield "default_query_exec_mode=describe_exec reads other clients' rows"
        elif lib_pq and connection.param("binary_parameters") != "yes":
            yield "lib/pq without `binary_parameters=yes` reads other clients' rows"


def paths_set(consumer: ConsumerFacts, pooler: PoolerFacts, postgres: int) -> Iterator[str]:
    """Prisma sets search_path by a statement where it does not send it (ST7)."""
    for connection in consumer.connections if "prisma" in consumer.drivers else ():
        schema = connection.param("schema")
        stated = schema not in ("", "public") and connection.told("pgbouncer") == "true"
        if stated and not keeps(pooler, "search_path", postgres):
            yield (
                "Prisma with `pgbouncer=true` sets search_path for its session, and "
                f"`{pooler.name}` pools transactions"
            )


def named_drivers(consumer: ConsumerFacts, pooler: PoolerFacts) -> tuple[str, ...]:
    """The consumer's drivers that name statements which the Pooler does not follow (PS2)."""
    named = tuple(driver for driver in consumer.drivers if driver in _NAMED)
    lost = not follows(pooler) and not any(_opts_out(consumer, driver) for driver in named)
    return named if lost else ()


def _opts_out(consumer: ConsumerFacts, driver: str) -> bool:
    """Whether the connection strings switch named statements off (PS2, remedies).

    None does for asyncpg: `statement_cache_size` is an argument in the code, and SQLAlchemy
    names its statements with `prepared_statement_cache_size=0` too.
    """
    name, values = {
        "activerecord": ("prepared_statements", ("false",)),
        "pgx": ("default_query_exec_mode", ("exec", "cache_describe", "simple_protocol")),
        "pgjdbc": ("prepareThreshold", ("0",)),
        "prisma": ("pgbouncer", ("true",)),
    }.get(driver, ("", ()))
    return (
        bool(name)
        and bool(consumer.connections)
        and all(connection.param(name) in values for connection in consumer.connections)
    )
