"""Environment variables that a driver reads beside its connection string, as its parameters.

libpq's names, which most drivers took over; pgjdbc reads none of them. What the
connection string says itself comes first, as in libpq.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from repoint.dsn.params import canonical
from repoint.model.consumer import Style
from repoint.rules.facts import Connection
from repoint.sites.companions import companion

# libpq's documentation, "Environment Variables"; host, port, user and password are the site's.
PARAMETER_OF = {
    "PGAPPNAME": "application_name",
    "PGCHANNELBINDING": "channel_binding",
    "PGCLIENTENCODING": "client_encoding",
    "PGDATESTYLE": "DateStyle",
    "PGMAXPROTOCOLVERSION": "max_protocol_version",
    "PGMINPROTOCOLVERSION": "min_protocol_version",
    "PGOPTIONS": "options",
    "PGSSLCERT": "sslcert",
    "PGSSLCERTMODE": "sslcertmode",
    "PGSSLKEY": "sslkey",
    "PGSSLMODE": "sslmode",
    "PGSSLNEGOTIATION": "sslnegotiation",
    "PGSSLROOTCERT": "sslrootcert",
    "PGTARGETSESSIONATTRS": "target_session_attrs",
    "PGTZ": "TimeZone",
}

# Node's own, for every TLS connection of the process: node-postgres asks no other way.
_NODE_CA = "NODE_EXTRA_CA_CERTS"
_IN_PARTS = Style.SPLIT_ENV.value
_JDBC = Style.JDBC.value


def with_variables(connection: Connection, variables: Iterable[tuple[str, str]]) -> Connection:
    """The connection with what its container's environment adds to it.

    Args:
        connection: As its site spells it.
        variables: The container's variables with clear values.
    """
    variables = tuple(variables)
    if connection.style == _JDBC:
        return _completed(connection, variables)
    if any(name == _NODE_CA and value for name, value in variables):
        connection = replace(connection, extra_ca=True)
    connection = _completed(connection, variables)
    told = {canonical(name) for name, _ in connection.params}
    added = tuple(
        (PARAMETER_OF[name], value)
        for name, value in variables
        if name in PARAMETER_OF and value and canonical(PARAMETER_OF[name]) not in told
    )
    return replace(connection, params=(*connection.params, *added)) if added else connection


def _completed(connection: Connection, variables: Iterable[tuple[str, str]]) -> Connection:
    """A connection with the role and the database that stand in variables of their own.

    Of one in parts, and of a JDBC URL, which seldom holds a role.
    """
    if connection.style not in (_IN_PARTS, _JDBC) or (connection.user and connection.database):
        return connection
    found: dict[str, str] = {}
    for name, value in variables:
        kind = companion(connection.key, name)
        if kind in ("user", "database") and value:
            found.setdefault(kind, value)
    return replace(
        connection,
        user=connection.user or found.get("user", ""),
        database=connection.database or found.get("database", ""),
    )
