"""What is in PostgreSQL before the first client comes: schemas, post-init SQL, role defaults."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from repoint.kube.effective import child, items, text, texts
from repoint.kube.resource import Resource
from repoint.rehearsal.cast import Client
from repoint.rehearsal.cluster_conf import is_taken
from repoint.rules.facts import RoleDefault

MARKER = "repoint_rehearsal"
"""A table of this name stands in every schema; its one row says in which."""
TENANTS = "repoint_rehearsal_tenants"

_SCHEMA = re.compile(
    r"CREATE\s+SCHEMA\s+IF\s+NOT\s+EXISTS\s+(\"[^\"\n]+\"|[A-Za-z_][\w$]*)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL that runs in `database`; `what` says where it is from.

    `own` tells that the rehearsal made it, with every name and value quoted; the rest is text
    of the repository. `must` tells that the rehearsal cannot go on without it.
    """

    database: str
    what: str
    sql: str
    own: bool = False
    must: bool = False


def quoted(name: str) -> str:
    """An identifier as SQL takes it whatever its characters."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A text as SQL takes it whatever its characters."""
    return "'" + value.replace("'", "''") + "'"


def initdb(cluster: Resource | None) -> tuple[str, str]:
    """The database and the owner that the Cluster is made with, as CloudNativePG defaults them."""
    made = child(cluster.body, "spec", "bootstrap", "initdb") if cluster is not None else None
    if made is None:
        return "", ""
    database = text(made, "database") or "app"
    return database, text(made, "owner") or database


def post_init(cluster: Resource | None, databases: Iterable[str]) -> Iterator[Statement]:
    """The Cluster's own SQL, in the order in which CloudNativePG runs it."""
    made = child(cluster.body, "spec", "bootstrap", "initdb") if cluster is not None else None
    if made is None:
        return
    application, _ = initdb(cluster)
    for sql in texts(made, "postInitSQL"):
        yield Statement("postgres", "postInitSQL", sql)
    for database in databases:
        # template1 is copied into each of them.
        for sql in texts(made, "postInitTemplateSQL"):
            yield Statement(database, "postInitTemplateSQL", sql)
    for sql in texts(made, "postInitApplicationSQL"):
        yield Statement(application, "postInitApplicationSQL", sql)


def managed_roles(cluster: Resource | None) -> Iterator[tuple[str, bool, bool, int]]:
    """`(name, superuser, createdb, connection limit)` of `spec.managed.roles`."""
    for role in items(cluster.body if cluster is not None else None, "spec", "managed", "roles"):
        limit = text(role, "connectionLimit")
        if text(role, "name") and text(role, "ensure") != "absent":
            yield (
                text(role, "name"),
                text(role, "superuser") == "true",
                text(role, "createdb") == "true",
                int(limit) if limit.lstrip("-").isdigit() else -1,
            )


def schemas_in(commands: Iterable[str]) -> tuple[str, ...]:
    """The schemas that `CREATE SCHEMA IF NOT EXISTS` in commands makes, each once."""
    found = (match[1] for text in commands for match in _SCHEMA.finditer(text))
    return tuple(dict.fromkeys(_unquoted(name) for name in found))


def _unquoted(name: str) -> str:
    return name[1:-1] if name.startswith('"') else name.lower()


def schemas(
    clients: Iterable[Client], pre_checks: Iterable[tuple[str, str, str]]
) -> Iterator[Statement]:
    """Every schema that a connection or a pre-check names, with the marker table in it.

    `pre_checks` are `(database, role, schema)`.
    """
    clients = tuple(clients)
    wanted: dict[tuple[str, str], list[str]] = {}
    told: dict[tuple[str, str], str] = {}
    for database, role, schema in pre_checks:
        wanted.setdefault((database, schema), []).append(role)
        told[database, schema] = "a pre-check's CREATE SCHEMA"
    for client in clients:
        if client.login is None:
            continue
        for schema in (first_schema(client.schema), "public"):
            wanted.setdefault((client.login.database, schema), []).append(client.login.user)
            told.setdefault((client.login.database, schema), "a connection string's schema")
    for (database, schema), users in wanted.items():
        roles = tuple(dict.fromkeys(user for user in users if user))
        sql = _schema_sql(schema, roles)
        yield Statement(database, told[database, schema], sql, own=True, must=True)
    for database, role in _logins(clients):
        if (database, role) not in wanted:
            sql = _own_schema_sql(role)
            yield Statement(database, "a schema called like its role", sql, own=True, must=True)


def _logins(clients: Iterable[Client]) -> dict[tuple[str, str], None]:
    logins = (client.login for client in clients if client.login is not None)
    return dict.fromkeys((login.database, login.user) for login in logins)


def _own_schema_sql(role: str) -> str:
    """The marker table where the repository's SQL made the schema that `$user` stands for."""
    made = _schema_sql(role, (role,))
    body = (
        "BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = "
        f"{literal(role)}) THEN {made}; END IF; END"
    )
    return f"DO {literal(body)}"


def first_schema(search_path: str) -> str:
    """The first schema of a search_path that is a plain name; `public` where there is none."""
    first = search_path.split(",")[0].strip().strip('"')
    return first if first and first != "$user" else "public"


def _schema_sql(schema: str, roles: tuple[str, ...]) -> str:
    name = quoted(schema)
    owner = f" AUTHORIZATION {quoted(roles[0])}" if roles and schema != "public" else ""
    made = f"CREATE SCHEMA IF NOT EXISTS {name}{owner}"
    table = f"{name}.{MARKER}"
    grants = [f"GRANT USAGE ON SCHEMA {name} TO {quoted(role)}" for role in roles]
    return "; ".join(
        (
            made,
            *grants,
            f"CREATE TABLE {table} (place text, who text, number int)",
            f"INSERT INTO {table} VALUES ({literal(schema)}, NULL, NULL)",
            f"GRANT ALL ON {table} TO PUBLIC",
        )
    )


def role_defaults(found: Iterable[RoleDefault], roles: Iterable[str]) -> Iterator[Statement]:
    """`ALTER ROLE .. SET` of the repository's SQL, for the roles that take part."""
    known = set(roles)
    for one in dict.fromkeys(found):
        if one.role not in known or not is_taken(one.parameter):
            continue
        where = f" IN DATABASE {quoted(one.database)}" if one.database else ""
        value = ", ".join(quoted(part.strip().strip('"')) for part in one.value.split(","))
        if one.parameter != "search_path":
            value = literal(one.value)
        sql = f"ALTER ROLE {quoted(one.role)}{where} SET {one.parameter} = {value}"
        yield Statement("postgres", f"{one.location.path}:{one.location.line}", sql, own=True)


def tenants(database: str, setting: str) -> Statement:
    """A table under row-level security that reads `setting`, with a row of two tenants each."""
    table = f"public.{TENANTS}"
    policy = f"tenant = current_setting({literal(setting)}, true)"
    sql = "; ".join(
        (
            f"CREATE TABLE {table} (tenant text)",
            f"INSERT INTO {table} VALUES ('acme'), ('globex')",
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"CREATE POLICY tenant ON {table} USING ({policy})",
            f"GRANT SELECT ON {table} TO PUBLIC",
            "GRANT USAGE ON SCHEMA public TO PUBLIC",
        )
    )
    return Statement(database, "row-level security on a session setting", sql, own=True, must=True)
