"""What is known of connection parameters: who reads each one, and how styles spell it.

Fact ids (SP1, TL4, MG12 ...) name rows of the measured facts that the documentation
publishes: SP1 refused startup parameters, SP2 dropped options, SP12 harmless ones.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Reader(StrEnum):
    """Who consumes a parameter."""

    CLIENT = "client"
    """libpq and its likes keep it to themselves; it never reaches a server."""
    STARTUP = "startup"
    """It travels in the startup packet: PgBouncer sees it, and may refuse it."""
    DRIVER = "driver"
    """One driver or application takes it out; another one sends it on."""


class Pooled(StrEnum):
    """What PgBouncer does, as CNPG configures it, with a parameter it receives."""

    WORKS = "works"
    REFUSED = "refused"
    DROPPED = "dropped"


class Known(Struct, frozen=True):
    """A parameter's reader, its fate at the pooler, and the fact that says so."""

    name: str
    reader: Reader
    pooled: Pooled
    fact: str


def canonical(name: str) -> str:
    """One spelling for `SSL Mode`, `sslmode`, `ssl_mode`; lower case, no separators."""
    return name.lower().replace(" ", "").replace("_", "").replace("-", "")


def known(name: str) -> Known:
    """What is known of a parameter; an unknown one counts as refused at startup (SP1)."""
    found = _KNOWN.get(canonical(name))
    return found or Known(name, Reader.STARTUP, Pooled.REFUSED, "SP1")


def alias(name: str, *, dialect: str) -> str:
    """How `dialect` (`url`, `jdbc`, `r2dbc`, `ado`, `keyword`) spells a libpq parameter name."""
    return _SPELLINGS.get(dialect, {}).get(canonical(name), name)


def respell_value(name: str, value: str, *, dialect: str) -> str:
    """A value of libpq's spelling as `dialect` writes it: Npgsql says `VerifyFull`."""
    if dialect != "ado" or canonical(name) != "sslmode":
        return value
    return {"verify-ca": "VerifyCA", "verify-full": "VerifyFull"}.get(value, value.capitalize())


PASSWORD_NAMES = frozenset({"password", "pwd", "pass", "passwd", "psw", "sslpassword"})
HOST_NAMES = frozenset({"host", "server", "datasource", "servername", "address", "addr"})
PORT_NAMES = frozenset({"port"})
DATABASE_NAMES = frozenset({"dbname", "database"})
USER_NAMES = frozenset({"user", "username", "userid", "uid"})
SCHEMA_NAMES = frozenset({"searchpath", "currentschema", "schema", "schemaname"})

# Npgsql's documentation, "Connection String Parameters": those that it keeps to itself and
# nobody else has.
_ADO = (
    "Pooling Enlist Multiplexing NoResetOnClose TrustServerCertificate MaximumPoolSize "
    "MinimumPoolSize MaxPoolSize MinPoolSize CommandTimeout InternalCommandTimeout "
    "CancellationTimeout IncludeErrorDetail LogParameters MaxAutoPrepare AutoPrepareMinUsages "
    "ConnectionIdleLifetime ConnectionPruningInterval ConnectionLifetime PersistSecurityInfo "
    "ReadBufferSize WriteBufferSize SocketReceiveBufferSize SocketSendBufferSize "
    "HostRecheckSeconds LoadTableComposites "
    "ServerCompatibilityMode ArrayNullabilityMode CheckCertificateRevocation SSLCertificate "
    "RootCertificate KerberosServiceName IncludeRealm IntegratedSecurity ConnectionReset"
)
ADO_NAMES = frozenset(canonical(name) for name in _ADO.split())

_SPELLINGS: dict[str, dict[str, str]] = {
    "jdbc": {"searchpath": "currentSchema", "applicationname": "ApplicationName"},
    "r2dbc": {"searchpath": "schema", "sslmode": "sslMode", "applicationname": "applicationName"},
    "ado": {
        "sslmode": "SSL Mode",
        "searchpath": "Search Path",
        "applicationname": "Application Name",
        "connecttimeout": "Timeout",
        "options": "Options",
        "targetsessionattrs": "Target Session Attributes",
    },
}

_CLIENT_SIDE = (
    "sslmode sslrootcert sslcert sslkey sslcrl sslcrldir sslcompression sslsni passfile service "
    "connect_timeout keepalives keepalives_idle keepalives_interval keepalives_count "
    "tcp_user_timeout gssencmode krbsrvname gsslib require_auth load_balance_hosts hostaddr "
    "requirepeer requiressl ssl_min_protocol_version ssl_max_protocol_version sslcertmode "
    "servicefile gssdelegation oauth_issuer oauth_client_id"
)
# SP12: accepted by PgBouncer, and kept apart per client.
_TRACKED = (
    "application_name client_encoding TimeZone DateStyle IntervalStyle "
    "standard_conforming_strings fallback_application_name"
)
# SP1: refused at connect, in session and transaction mode alike.
_STARTUP = (
    "search_path statement_timeout lock_timeout idle_in_transaction_session_timeout role "
    "default_transaction_isolation default_transaction_read_only jit work_mem bytea_output "
    "row_security idle_session_timeout transaction_timeout"
)
# Taken out by the one driver or pool they are meant for; SP1 when another gets them.
_DRIVER_ONLY = (
    "pool_max_conns pool_min_conns pool_max_conn_lifetime pool_max_conn_idle_time "
    "pool_health_check_period pool_max_conn_lifetime_jitter default_query_exec_mode "
    "statement_cache_capacity description_cache_capacity pgbouncer connection_limit pool_timeout "
    "socket_timeout schema statement_cache_size binary_parameters uselibpqcompat currentSchema "
    "prepareThreshold preparedStatementCacheQueries preferQueryMode socketTimeout loginTimeout "
    "connectTimeout tcpKeepAlive targetServerType loadBalanceHosts ssl sslfactory stringtype "
    "reWriteBatchedInserts defaultRowFetchSize readOnly x-migrations-table x-statement-timeout "
    "x-multi-statement sslaccept prepared_statement_cache_size pool_size max_overflow"
)


def _table() -> dict[str, Known]:
    rows = [
        *(Known(n, Reader.CLIENT, Pooled.WORKS, "TL10") for n in _CLIENT_SIDE.split()),
        *(Known(n, Reader.STARTUP, Pooled.WORKS, "SP12") for n in _TRACKED.split()),
        *(Known(n, Reader.STARTUP, Pooled.REFUSED, "SP1") for n in _STARTUP.split()),
        *(Known(n, Reader.DRIVER, Pooled.REFUSED, "SP1") for n in _DRIVER_ONLY.split()),
        Known("options", Reader.STARTUP, Pooled.DROPPED, "SP2"),
        Known("extra_float_digits", Reader.STARTUP, Pooled.DROPPED, "SP11"),
        Known("channel_binding", Reader.CLIENT, Pooled.REFUSED, "TL4"),
        Known("sslnegotiation", Reader.CLIENT, Pooled.WORKS, "TL5"),
        Known("min_protocol_version", Reader.CLIENT, Pooled.REFUSED, "TL6"),
        Known("max_protocol_version", Reader.CLIENT, Pooled.WORKS, "TL6"),
        Known("target_session_attrs", Reader.CLIENT, Pooled.WORKS, "TL10"),
        Known("replication", Reader.STARTUP, Pooled.REFUSED, "OP11"),
        Known("max_conns", Reader.DRIVER, Pooled.REFUSED, "MG12"),
        Known("max_idle_conns", Reader.DRIVER, Pooled.REFUSED, "MG12"),
        Known("max_conn_lifetime", Reader.DRIVER, Pooled.REFUSED, "MG12"),
        Known("max_conn_idle_time", Reader.DRIVER, Pooled.REFUSED, "MG12"),
    ]
    # The first row wins: `connect_timeout` is libpq's before `connectTimeout` is pgjdbc's.
    return {canonical(row.name): row for row in reversed(rows)}


_KNOWN = _table()
