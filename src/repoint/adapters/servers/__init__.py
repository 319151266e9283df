"""The servers that a rehearsal runs: which programs are here, and how to get those that are not."""

from repoint.adapters.servers.binaries import (
    ClientTool,
    PgbouncerBinary,
    PostgresBinaries,
    version_in,
)
from repoint.adapters.servers.cache import cache_folder, home_folder
from repoint.adapters.servers.fetch import Wanted, fetch
from repoint.adapters.servers.locate import (
    all_pgbouncers,
    all_postgres,
    broken_overrides,
    find_pgbench,
    find_pgbouncer,
    find_postgres,
    find_psql,
)
from repoint.adapters.servers.system import can_fetch_debs, can_fetch_postgres, systems

__all__ = [
    "ClientTool",
    "PgbouncerBinary",
    "PostgresBinaries",
    "Wanted",
    "all_pgbouncers",
    "all_postgres",
    "broken_overrides",
    "cache_folder",
    "can_fetch_debs",
    "can_fetch_postgres",
    "fetch",
    "find_pgbench",
    "find_pgbouncer",
    "find_postgres",
    "find_psql",
    "home_folder",
    "systems",
    "version_in",
]
