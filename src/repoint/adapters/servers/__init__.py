"""The servers that a rehearsal runs: which programs are here, and how to get those that are not."""

from repoint.adapters.servers.binaries import ClientTool, PgbouncerBinary, PostgresBinaries
from repoint.adapters.servers.fetch import Wanted, fetch
from repoint.adapters.servers.locate import (
    all_pgbouncers,
    all_postgres,
    find_pgbench,
    find_pgbouncer,
    find_postgres,
    find_psql,
)

__all__ = [
    "ClientTool",
    "PgbouncerBinary",
    "PostgresBinaries",
    "Wanted",
    "all_pgbouncers",
    "all_postgres",
    "fetch",
    "find_pgbench",
    "find_pgbouncer",
    "find_postgres",
    "find_psql",
]
