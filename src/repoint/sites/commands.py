"""What repoint knows of command lines: which programs name a server, by which options."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from repoint.model.knowledge import ServerOptions, in_force, remembered
from repoint.sites.lexicon import lexicon


class Client(Struct, frozen=True):
    """A program that takes a server's address in options of its own.

    `host`, `port`, `user` and `database` are option names without dashes. `takes_value`
    holds the one-letter options that eat the next word, so that positional words can
    be told. `positional` says what the words without option mean, in order.
    """

    host: tuple[str, ...] = ("h", "host")
    port: tuple[str, ...] = ("p", "port")
    user: tuple[str, ...] = ("U", "username")
    database: tuple[str, ...] = ("d", "dbname")
    takes_value: str = "hpUd"
    positional: tuple[str, ...] = ()
    long_values: frozenset[str] = frozenset()


_DUMP_VALUES = "hpUdfFjnNtTEZSleILP"
_LIBPQ_LONG = lexicon(
    "host port username dbname file format jobs schema table exclude-schema exclude-table "
    "encoding superuser role set variable command output timeout time client scale pgdata "
    "wal-method checkpoint label locale template tablespace owner maintenance-db compress "
    "log-file exclude-table-data snapshot lock-wait-timeout pset field-separator slot"
)


def _libpq(values: str, *positional: str) -> Client:
    return Client(takes_value=values, positional=positional, long_values=_LIBPQ_LONG)


CLIENTS: dict[str, Client] = {
    "psql": _libpq("hpUdcfFLoPRTv", "database", "user"),
    "pg_isready": _libpq("hpUdt"),
    "pg_dump": _libpq(_DUMP_VALUES, "database"),
    "pg_dumpall": Client(
        takes_value="hpUdfESl", database=("l", "database"), long_values=_LIBPQ_LONG
    ),
    "pg_restore": _libpq(_DUMP_VALUES),
    "pgbench": _libpq("hpUbcfDFIjLMPRstT", "database"),
    "createdb": _libpq("hpUDElOT", "database"),
    "dropdb": _libpq("hpU", "database"),
    "createuser": _libpq("hpUcgmv"),
    "dropuser": _libpq("hpU"),
    "vacuumdb": _libpq("hpUdjntNP", "database"),
    "reindexdb": _libpq("hpUdjitS", "database"),
    "clusterdb": _libpq("hpUdt", "database"),
    "pg_basebackup": _libpq("hpUdDFrtTxXZclsSC"),
    "pg_receivewal": _libpq("hpUdDESsZ"),
    "pg_recvlogical": _libpq("hpUdfFIEoPsS"),
    "pg_amcheck": _libpq("hpUdj", "database"),
    "pg_repack": _libpq("hpUdjItTkcCoe", "database"),
    "pg_prove": _libpq("hpUdj"),
    "pg_probackup": _libpq("hpUdBDjb"),
    "pgcli": _libpq("hpUdu", "database", "user"),
    "pg_activity": _libpq("hpUd", "database"),
    "pg_top": _libpq("hpUd"),
    "pgmetrics": _libpq("hpUd", "database"),
    "psqldef": Client(takes_value="hpUWf", positional=("database",)),
    "osm2pgsql": Client(host=("H", "host"), port=("P", "port"), takes_value="HPUdCSO"),
    "temporal-sql-tool": Client(
        host=("ep", "endpoint"), user=("u", "user"), database=("db", "database"),
        takes_value="pu",
    ),
    "check_postgres": Client(
        host=("H", "host"), user=("u", "dbuser"), database=("db", "dbname"), takes_value="Hpu",
        long_values=_LIBPQ_LONG,
    ),
    "tern": Client(
        host=("host",), port=("port",), user=("user",), database=("database",), takes_value="dcm"
    ),
}  # fmt: skip

WAITERS = lexicon(
    "wait-for-it wait-for wait_for_it wait_for wait-for-postgres wait-for-db wait-port waitforit "
    "wait wait-for-pg wait-on wait4ports waitfor wait-for-port docker-compose-wait wait4x"
)
"""Scripts that wait for `host:port`."""

CONNECTORS = frozenset({"nc", "ncat", "netcat", "telnet", "nmap", "tcping", "portchecker"})
"""Programs that open `host port`."""

RESOLVERS = frozenset({"nslookup", "getent", "dig", "ping", "host"})
"""Programs that look a name up."""

CONNECTOR_VALUES = {
    "nc": "wipsGIMmTVXx",
    "ncat": "wipsgGioe",
    "netcat": "wips",
    "nmap": "p",
    "telnet": "",
}

TOOLS = lexicon(
    "migrate goose dbmate flyway liquibase atlas alembic sqlx diesel tern sqitch knex prisma "
    "typeorm sequelize sequelize-cli rake rails dotnet efbundle ef sql-migrate dockerize wait4x "
    "pgloader pgcopydb pg_dump-wrapper geni soda gorm migra skeema yoyo refinery pgmigrate "
    "node-pg-migrate graphile-migrate db-migrate mikro-orm drizzle-kit schemahero bytebase "
    "wal-g pgbackrest usql harlequin nc ssh python manage"
)
"""Programs whose name says more of a connection string than the option that takes it."""

QUIET = frozenset(
    {
        "echo",
        "printf",
        "log",
        "info",
        "warn",
        "die",
        "fail",
        "error",
        "say",
        "write-host",
        "write-output",
    }
)
"""Commands that only print; their words are messages unless they assign a name."""

SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh", "ksh"})

PREFIXES = lexicon(
    "sudo env exec time nohup command nice timeout gosu su-exec retry until while if then do ! "
    "runuser xargs tini dumb-init --"
)
"""Words that stand before the real command."""


@remembered(maxsize=8)
def clients() -> Mapping[str, Client]:
    """Every program that takes a server's address in its options, by name; added ones win."""
    added = {
        base_name(name): _added_client(tool.server)
        for tool in reversed(in_force().tools)
        if tool.server is not None
        for name in tool.programs
    }
    return {**CLIENTS, **added} if added else CLIENTS


@remembered(maxsize=8)
def waiters() -> frozenset[str]:
    """The names of all programs that wait for `host:port`."""
    return WAITERS | added_waiters()


@remembered(maxsize=8)
def added_waiters() -> frozenset[str]:
    """The names of added programs that wait for a server, `host port` in two words as well."""
    tools = (tool for tool in in_force().tools if tool.waits)
    return frozenset(base_name(name) for tool in tools for name in tool.programs)


@remembered(maxsize=8)
def added_needles() -> tuple[bytes, ...]:
    """Names of added programs: a file that spells one may hold a site, whatever else it says."""
    tools = (tool for tool in in_force().tools if tool.waits or tool.server is not None)
    names = {base_name(name) for tool in tools for name in tool.programs}
    return tuple(name.encode() for name in sorted(names))


def _added_client(server: ServerOptions) -> Client:
    named = (*server.host, *server.port, *server.user, *server.database)
    return Client(
        *(server.host, server.port, server.user, server.database),
        takes_value="".join(name for name in named if len(name) == 1),
        long_values=frozenset(name for name in named if len(name) > 1),
    )


def base_name(word: str) -> str:
    """The program's name: no directory, no `.sh`, `.exe` or `.py`."""
    name = word.rsplit("/", 1)[-1].rsplit("\\", 1)[-1]
    for suffix in (".sh", ".pl", ".exe", ".py", ".bash", ".rb", ".js"):
        name = name.removesuffix(suffix)
    return name
