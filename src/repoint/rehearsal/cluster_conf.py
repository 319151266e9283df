"""The files and the SQL that CloudNativePG sets a Cluster's instance up with.

Source: CloudNativePG, pkg/postgres/configuration.go (CnpgConfigurationSettings, the HBA and
ident templates) and internal/management/controller/instance_controller.go (user_search).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from repoint.rehearsal.harmless import harmless_lines, is_harmless
from repoint.rehearsal.ini import AUTH_DATABASE, AUTH_USER
from repoint.rehearsal.lab import DatabaseSpec, PostgresSpec, RoleSpec
from repoint.wire.scram import scram_verifier

SUPERUSER = "postgres"
"""CloudNativePG's superuser; here it is none, and runs the repository's SQL."""
BOOTSTRAP = "repoint_superuser"
"""The one superuser of a private server, who runs repoint's own SQL alone."""
PARAMETERS = "cluster.conf"
"""The file, beside postgresql.conf, with the Cluster's own parameters."""

DEVIATIONS = (
    "one PostgreSQL instance, whatever the Cluster's `instances`: no replica, no failover",
    "PostgreSQL does not wait for the disk (`fsync` is off) and archives nothing",
    "every password is a throwaway; those of the repository are not used",
    "nobody who logs in is a superuser: `postgres` and superusers of the Cluster have every other"
    " right, and run no program, read no file and load no library",
    "clients, PgBouncer and PostgreSQL share one machine: no latency, no load",
)
"""How every PostgreSQL of a rehearsal differs from a Cluster's."""

# CloudNativePG's defaults, which the Cluster's parameters may replace.
_DEFAULTS = {
    "max_parallel_workers": "32",
    "max_worker_processes": "32",
    "max_replication_slots": "32",
    "ssl_max_protocol_version": "TLSv1.3",
    "ssl_min_protocol_version": "TLSv1.3",
    "wal_level": "logical",
    "wal_log_hints": "on",
    "wal_sender_timeout": "5s",
    "wal_receiver_timeout": "5s",
    "timezone": "Etc/UTC",
}

# These speak of the machine, of files, or of a log that would hold statements and their
# values: nothing that a client sees of them, and harm if a rehearsal took them.
_NOT_TAKEN_PREFIXES = ("archive_", "auto_explain.", "debug_", "log_", "pgaudit.", "recovery_")
_NOT_TAKEN = frozenset(
    {
        "autovacuum_worker_slots",
        "cluster_name",
        "dynamic_shared_memory_type",
        "effective_io_concurrency",
        "event_source",
        "fsync",
        "full_page_writes",
        "huge_pages",
        "huge_page_size",
        "io_method",
        "io_workers",
        "listen_addresses",
        "logging_collector",
        "maintenance_io_concurrency",
        "max_wal_size",
        "min_dynamic_shared_memory",
        "min_wal_size",
        "port",
        "primary_conninfo",
        "primary_slot_name",
        "shared_buffers",
        "shared_memory_type",
        "ssl",
        "synchronous_standby_names",
        "unix_socket_permissions",
        "wal_buffers",
        "wal_keep_size",
    }
)

_LISTS = frozenset(
    {"local_preload_libraries", "search_path", "session_preload_libraries", "temp_tablespaces"}
)


@dataclass(frozen=True, slots=True)
class Instance:
    """Where the private PostgreSQL is: absolute folders, and its port on 127.0.0.1.

    `local_user` is who may be the superuser on the private socket, by `peer`.
    """

    sockets: str
    certificates: str
    port: int
    local_user: str


def takeable(spec: PostgresSpec) -> tuple[dict[str, str], tuple[str, ...]]:
    """The parameters to try on a private PostgreSQL, and the names of those that are left out."""
    found = dict(spec.parameters)
    left = tuple(sorted(name for name in found if not is_taken(name)))
    return {name: value for name, value in found.items() if name not in left}, left


def is_taken(name: str) -> bool:
    """Whether a private server takes a setting of that name from a repository."""
    lower = name.lower()
    left_out = lower in _NOT_TAKEN or lower.startswith(_NOT_TAKEN_PREFIXES)
    return is_harmless(name) and not left_out


def postgresql_conf(instance: Instance) -> str:
    """The `postgresql.conf` of a private instance; it includes the Cluster's parameters."""
    certificates = instance.certificates
    forced = {
        "listen_addresses": "127.0.0.1",
        "port": str(instance.port),
        "unix_socket_directories": instance.sockets,
        "unix_socket_permissions": "0700",
        "ssl": "on",
        "ssl_cert_file": f"{certificates}/server.crt",
        "ssl_key_file": f"{certificates}/server.key",
        "ssl_ca_file": f"{certificates}/ca.crt",
        "restart_after_crash": "off",
        "password_encryption": "scram-sha-256",
        # What leaves nothing behind, and no statement and no row in the log.
        "dynamic_shared_memory_type": "mmap",
        "fsync": "off",
        "full_page_writes": "off",
        "logging_collector": "off",
        "log_destination": "stderr",
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
        "log_statement": "none",
        "shared_buffers": "32MB",
    }
    return "".join(
        (*_settings(_DEFAULTS), f"include '{PARAMETERS}'\n", *_settings(forced)),
    )


def parameters_conf(parameters: Mapping[str, str]) -> str:
    """The Cluster's parameters as a file of `name = 'value'` lines."""
    return "".join(_settings(parameters))


def postgres_hba(spec: PostgresSpec) -> str:
    """The Cluster's `pg_hba.conf`: the pooler by certificate, its own lines, others by SCRAM."""
    own = "".join(f"{line.rstrip()}\n" for line in harmless_lines(spec.pg_hba))
    return (
        f"local all {BOOTSTRAP},{SUPERUSER} peer map=local\n"
        f"hostssl all {AUTH_USER} all cert\n{own}"
        "host all all all scram-sha-256\n"
    )


def postgres_ident(instance: Instance) -> str:
    """The `pg_ident.conf`: who on this machine may be the superuser, or `postgres`."""
    user = _quoted(instance.local_user)
    return f"local {user} {BOOTSTRAP}\nlocal {user} {SUPERUSER}\n"


_LOOKUP = "repoint_lookup"
_RIGHTS = ("pg_monitor", "pg_read_all_data", "pg_write_all_data", "pg_signal_backend")
_ALL_DATA_SINCE = 14
# Before 16 CREATEROLE gives every role away, also the one that runs programs.
_CREATEROLE_IS_SAFE_SINCE = 16


def is_nobody(role: str) -> bool:
    """Whether no application can have a role of that name.

    PostgreSQL reserves it, or it is a role that logs in without a password.
    """
    return (
        role in ("public", "none", AUTH_USER, BOOTSTRAP, _LOOKUP)
        or role.startswith("pg_")
        or "\0" in role
    )


def is_closed(database: str) -> bool:
    """Whether no application can log in to a database of that name."""
    return database == "template0" or "\0" in database


def integration_sql(major: int) -> Iterator[str]:
    """What makes a private server a Cluster's: `postgres`, and what CloudNativePG's Poolers need.

    The superuser of this server is `BOOTSTRAP`. `postgres` is the role that the repository's SQL
    runs as, and no superuser: it owns what the Cluster has, but `COPY .. PROGRAM`,
    `pg_read_file` and their like are refused to it, and it cannot give itself the right.
    For the same reason `user_search`, which CloudNativePG made as superuser without a
    search_path of its own before 1.30.0, belongs to a role that may only look up passwords.
    """
    yield f"CREATE ROLE {SUPERUSER} WITH LOGIN BYPASSRLS {_attributes(major)}"
    for right in _RIGHTS:
        if major >= _ALL_DATA_SINCE or "all_data" not in right:
            yield f"GRANT {right} TO {SUPERUSER}"
    yield f"ALTER DATABASE {AUTH_DATABASE} OWNER TO {SUPERUSER}"
    yield f"CREATE ROLE {_LOOKUP}"
    yield f"GRANT SELECT ON pg_catalog.pg_shadow TO {_LOOKUP}"
    yield f"CREATE ROLE {AUTH_USER} WITH LOGIN"
    yield f"GRANT CONNECT ON DATABASE {AUTH_DATABASE} TO {AUTH_USER}"
    yield (
        "CREATE OR REPLACE FUNCTION public.user_search(uname TEXT)\n"
        "  RETURNS TABLE (usename name, passwd text)\n"
        "  LANGUAGE sql SECURITY DEFINER AS\n"
        "  'SELECT usename, passwd FROM pg_catalog.pg_shadow WHERE usename=$1;'"
    )
    yield f"ALTER FUNCTION public.user_search(text) OWNER TO {_LOOKUP}"
    yield "REVOKE ALL ON FUNCTION public.user_search(text) FROM public"
    yield f"GRANT EXECUTE ON FUNCTION public.user_search(text) TO {AUTH_USER}"


def role_sql(role: RoleSpec, major: int) -> Iterator[str]:
    """The statements that make a role; of its password only a SCRAM verifier is in them.

    A superuser of the Cluster gets all that `postgres` has; `postgres` may act as any other.
    """
    name = _quoted(role.name)
    options = ["LOGIN", f"CONNECTION LIMIT {role.connection_limit}"]
    options += ["BYPASSRLS", _attributes(major)] if role.superuser else []
    options += ["CREATEDB"] if role.createdb and not role.superuser else []
    verb = "ALTER" if role.name == SUPERUSER else "CREATE"
    yield f"{verb} ROLE {name} WITH {' '.join(options)}"
    yield f"ALTER ROLE {name} PASSWORD {_literal(scram_verifier(role.password))}"
    if role.superuser and role.name != SUPERUSER:
        yield f"GRANT {SUPERUSER} TO {name}"
    elif role.name != SUPERUSER:
        yield f"GRANT {name} TO {SUPERUSER} WITH ADMIN OPTION"
    for setting, value in role.settings:
        if setting.lower() in _LISTS:
            # A list in one literal would be one name with commas in it.
            yield f"SELECT pg_catalog.set_config({_literal(setting)}, {_literal(value)}, false)"
            yield f"ALTER ROLE {name} SET {_quoted(setting)} FROM CURRENT"
            yield f"RESET {_quoted(setting)}"
        else:
            yield f"ALTER ROLE {name} SET {_dotted(setting)} TO {_literal(value)}"


def database_sql(database: DatabaseSpec) -> str:
    """The statement that makes a database, as CloudNativePG's initdb does."""
    owner = f" OWNER {_quoted(database.owner)}" if database.owner else ""
    return f"CREATE DATABASE {_quoted(database.name)}{owner}"


def _attributes(major: int) -> str:
    """What a superuser has and may keep."""
    return "CREATEDB CREATEROLE" if major >= _CREATEROLE_IS_SAFE_SINCE else "CREATEDB"


def _settings(values: Mapping[str, str]) -> Iterator[str]:
    for name, value in values.items():
        text = value.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n")
        yield f"{name} = '{text}'\n"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _dotted(name: str) -> str:
    return ".".join(_quoted(part) for part in name.split("."))


def _literal(text: str) -> str:
    plain = "'" + text.replace("'", "''") + "'"
    return plain if "\\" not in text else "E" + plain.replace("\\", "\\\\")
