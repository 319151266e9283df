"""What the names of keys tell: which name a PostgreSQL host, and which belong to it.

A name is read as words, whatever its spelling: `DB_READ_HOST`, `dbReadHost`,
`db.read.host` and `db-read-host` are the same four words.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache

from msgspec import Struct

from repoint.sites.lexicon import lexicon

STRONG = lexicon(
    "pg postgres postgresql postgre pgsql postgresdb psql pgbouncer pgpool pgdump cnpg timescale "
    "timescaledb postgis pgvector libpq npgsql crunchy externalpostgresql externalpostgres "
    "supabase alloydb"
)
"""Words that name PostgreSQL."""

GENERIC = lexicon(
    "db database databases dbs datasource datasources rds sql jdbc externaldatabase externaldb "
    "dbms ds"
)
"""Words that name some database."""

OTHER_ENGINES = lexicon(
    "mysql mariadb maria percona redis valkey keydb dragonfly mongo mongodb memcached memcache "
    "mssql sqlserver oracle clickhouse cassandra scylla elastic elasticsearch opensearch neo4j "
    "influx influxdb couch couchdb couchbase dynamo dynamodb rabbit rabbitmq amqp kafka nats "
    "etcd cockroach cockroachdb crdb sqlite db2 firebird vitess tidb yugabyte arango arangodb "
    "orient orientdb tsdb qdrant milvus weaviate chroma vector graph ferretdb hive presto trino "
    "snowflake bigquery h2 hsqldb derby wordpress ghost matomo phpmyadmin pma joomla bookstack "
    "zookeeper minio s3 smtp ldap solr druid loki victoria greptime surreal surrealdb rethink "
    "rethinkdb duckdb firestore spanner redshift hana sybase informix singlestore voltdb "
    "prometheus graphite opentsdb questdb sentinel aerospike hazelcast ignite"
)
"""Words that name another database, or a product that speaks to another one only."""

_HOST_WORDS = lexicon("host hostname fqdn hostaddr seeds hosts")
_LOOSE_HOST_WORDS = lexicon("server address addr endpoint servername")
_BARE_HOSTS = lexicon("host hostname server address addr endpoint hosts fqdn servername")
_ROLES = lexicon(
    "read ro rw replica replicas reader readers writer writers write primary master leader direct "
    "pooled pool pooler main standby slave secondary follower readonly default prod production "
    "dev development test testing stage staging local qa uat internal external admin owner "
    "migration migrations migrate session transaction old new source target"
)
_LINKS = lexicon(
    "url connection conn connections service server cluster instance config settings info params "
    "parameters credentials creds auth sql pool pooler persistence store default external global "
    "client clients args arguments kwargs opts primary master options source target jdbc "
    "storage backend"
)
_NOT_A_DATABASE = lexicon(
    "operator exporter api ui web ingress metrics monitor monitoring http https grpc console "
    "dashboard mail cache queue ssh bastion tunnel listen bind docker image registry vault consul "
    "backup backups grafana webhook proxysql pgadmin adminer app log logs trace oauth oidc "
    "gateway bucket node route host allowed jump virtual header check"
)
_PORT = ({"port"}, {"service", "port"}, {"tcp", "port"})
_DATABASE = (
    {"database"}, {"db"}, {"name"}, {"dbname"}, {"db", "name"}, {"database", "name"},
    {"maintenancedb"}, {"catalog"}, {"initial", "catalog"}, {"databasename"},
    {"maintenance", "db"}, {"default", "database"}, {"default", "db"}, {"database", "db"},
)  # fmt: skip
_USER = (
    {"user"}, {"username"}, {"user", "name"}, {"login"}, {"role"}, {"userid"}, {"uid"},
    {"user", "id"}, {"db", "user"}, {"database", "user"}, {"db", "username"}, {"usr"},
)  # fmt: skip
_SCHEMA = (
    {"schema"}, {"search", "path"}, {"current", "schema"}, {"schema", "name"},
    {"default", "schema"}, {"searchpath"}, {"currentschema"}, {"db", "schema"},
)  # fmt: skip
_SSLMODE = ({"sslmode"}, {"ssl", "mode"}, {"require", "ssl", "mode"})
_ENGINE = (
    {"type"}, {"engine"}, {"dialect"}, {"driver"}, {"connection"}, {"client"}, {"scheme"},
    {"adapter"}, {"dbtype"}, {"provider"}, {"backend"}, {"vendor"}, {"db", "type"},
    {"database", "type"}, {"db", "vendor"}, {"flavor"}, {"protocol"}, {"plugin", "name"},
    {"engine", "name"}, {"db", "driver"}, {"db", "engine"}, {"db", "dialect"}, {"platform"},
    {"db", "kind"}, {"jdbc", "driver"}, {"driver", "class", "name"}, {"driver", "name"},
    {"dbdriver"}, {"db", "client"}, {"driver", "class"}, {"connector", "class"},
    {"database", "engine"}, {"database", "platform"}, {"storage", "type"},
)  # fmt: skip

_GLUED = re.compile(
    r"^(ext|external)?(pg|db|database|postgres|postgresql|sql|mysql|redis|mongo)"
    r"(hosts?|hostname|hostaddr|ports?|user|username|name|database|server|addr|address|schema|"
    r"sslmode|pass|password|url|uri|type|endpoint|driver|db)$"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BREAK = re.compile(r"[^A-Za-z0-9]+")
_ENV_NAME = re.compile(r"^[A-Z][A-Z0-9]*(?:_+[A-Za-z0-9]+)*$")
_FILE_SUFFIX = frozenset({"ini", "yaml", "yml", "json", "toml", "conf", "cfg", "properties"})


class Evidence(IntEnum):
    """How much a key's name tells of PostgreSQL.

    FOREIGN is a host of something unnamed (`TYPEORM_HOST`), BARE a mere `host`; both need
    evidence beside them. LOOSE names hold hosts among other things (`DB_ADDR`, `DB_URL`).
    """

    NONE = 0
    FOREIGN = 1
    BARE = 2
    LOOSE = 3
    GENERIC = 4
    STRONG = 5


class HostName(Struct, frozen=True):
    """A key that names a host: how sure, the words before it, and what follows it."""

    evidence: Evidence
    prefix: tuple[str, ...]
    role: tuple[str, ...] = ()


@lru_cache(maxsize=16384)
def words(name: str) -> tuple[str, ...]:
    """The lower-case words of a key in any spelling."""
    found: list[str] = []
    for piece in _BREAK.split(name):
        cased = _CAMEL.split(piece) if not piece.isupper() else [piece]
        for word in cased:
            found += _unglue(word.lower())
    return tuple(found)


def _unglue(word: str) -> list[str]:
    bare = word.rstrip("0123456789")
    if bare != word and bare in STRONG | GENERIC and word not in OTHER_ENGINES:
        return [bare, word[len(bare) :]]
    match = _GLUED.match(word)
    if not match:
        return [word] if word else []
    return [part for part in match.groups() if part]


def looks_like_env(name: str) -> bool:
    """Whether a name is spelled like an environment variable (`DB_HOST`, `PGHOST`)."""
    if not _ENV_NAME.match(name):
        return False
    return "_" in name or (len(words(name)) > 1 and name.isupper())


def is_file_name(key: str) -> bool:
    """Whether a key names a file, such as `application.yml` or `grafana.ini`."""
    return key.rsplit(".", 1)[-1].lower() in _FILE_SUFFIX if "." in key else False


@lru_cache(maxsize=16384)
def host_key(name: str) -> HostName | None:
    """Judge whether `name` alone, or below a database's key, names a PostgreSQL host."""
    parts = words(name)
    if not parts or set(parts) & OTHER_ENGINES:
        return None
    body, role = _without_roles(parts)
    special = _special(name, parts)
    if special is not None:
        return special
    if body[-2:] == ("host", "name") or body == ("server", "name"):
        body = (*body[:-2], "hostname" if body[-2] == "host" else "server")
    if body[-1] not in _HOST_WORDS | _LOOSE_HOST_WORDS:
        return None
    prefix, loose = body[:-1], body[-1] in _LOOSE_HOST_WORDS
    if not prefix:
        return HostName(Evidence.BARE, (), role) if body[-1] in _BARE_HOSTS else None
    grade = _prefix_evidence(prefix)
    if grade is Evidence.NONE:
        unknown = not loose and not set(prefix) & _NOT_A_DATABASE
        return HostName(Evidence.FOREIGN, prefix, role) if unknown else None
    if loose and grade is Evidence.GENERIC:
        grade = Evidence.LOOSE
    return HostName(grade, prefix, role)


_SPECIAL = {
    "DATA_SOURCE_URI": HostName(Evidence.STRONG, ("data", "source")),
    "ADMINER_DEFAULT_SERVER": HostName(Evidence.LOOSE, ("adminer", "default")),
}


def _special(name: str, parts: tuple[str, ...]) -> HostName | None:
    """Names that hold a host by their product's own convention."""
    known = _SPECIAL.get(name.upper())
    if known is not None:
        return known
    if parts in (("url",), ("uri",)):
        return HostName(Evidence.BARE, (), parts)
    if len(parts) == 1 and parts[0] in STRONG and name.isupper():
        return HostName(Evidence.LOOSE, parts, ("alone",))
    if parts[-1] in {"url", "uri", "dsn"}:
        grade = _prefix_evidence(parts[:-1])
        if grade >= Evidence.GENERIC:
            return HostName(Evidence.LOOSE, parts[:-1], ("url",))
    return None


def _without_roles(parts: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    cut = len(parts)
    while cut > 1 and (parts[cut - 1] in _ROLES or parts[cut - 1].isdigit()):
        cut -= 1
    return parts[:cut], parts[cut:]


def _prefix_evidence(prefix: tuple[str, ...]) -> Evidence:
    """What the words before a host word tell, read from the right."""
    for distance, word in enumerate(reversed(prefix)):
        if word in STRONG:
            return Evidence.STRONG
        if word in GENERIC:
            return Evidence.STRONG if set(prefix) & STRONG else Evidence.GENERIC
        if word in _NOT_A_DATABASE:
            return Evidence.NONE
        known = word in _ROLES or word in _LINKS or word.isdigit()
        if not known and distance > 0:
            return Evidence.NONE
    return Evidence.NONE


def ancestor_evidence(trail: tuple[str, ...]) -> Evidence:
    """What the keys above a bare `host` tell, the nearest last.

    Between the database's key and the host only words that link the two, or one name
    below a plural (`databases.orders.host`), may stand.
    """
    free_name = True
    for key in reversed(trail):
        if is_file_name(key):
            return Evidence.NONE
        parts = words(key)
        if set(parts) & OTHER_ENGINES:
            return Evidence.NONE
        if not parts or all(p in _ROLES or p in _LINKS or p.isdigit() for p in parts):
            continue
        if set(parts) & STRONG and not set(parts) & _NOT_A_DATABASE:
            return Evidence.STRONG
        if set(parts) & GENERIC and not set(parts) & _NOT_A_DATABASE:
            plural = parts[-1].endswith("s")
            return Evidence.GENERIC if free_name or plural else Evidence.NONE
        if set(parts) & _NOT_A_DATABASE or not free_name:
            return Evidence.NONE
        free_name = False
    return Evidence.NONE


def is_link(key: str) -> bool:
    """Whether a key only links a database's key with its settings (`connection`, `options`)."""
    return all(word in _LINKS or word in _ROLES for word in words(key))


def other_engine(text: str) -> bool:
    """Whether a name or host speaks of another database than PostgreSQL."""
    parts = set(words(text))
    return bool(parts & OTHER_ENGINES) and not parts & STRONG


def _field(tail: tuple[str, ...], names: tuple[set[str], ...]) -> bool:
    return set(tail) in names


@lru_cache(maxsize=16384)
def names_engine(name: str) -> bool:
    """Whether a key without a prefix says which engine it is (`type`, `client`)."""
    return field_of(words(name)) == "engine"


def field_of(tail: tuple[str, ...]) -> str:
    """The part of a connection that the words after a family's prefix name.

    Returns `port`, `database`, `user`, `schema`, `sslmode`, `engine`, or nothing.
    """
    if not tail:
        return ""
    kinds = (
        ("port", _PORT), ("user", _USER), ("schema", _SCHEMA), ("sslmode", _SSLMODE),
        ("engine", _ENGINE), ("database", _DATABASE),
    )  # fmt: skip
    for kind, names in kinds:
        if _field(tail, names):
            return kind
    return ""


_PG_VALUES = re.compile(
    r"^(postgres(ql|db)?\d*|pg|pgsql|psql|pgx\d?|npgsql|postgis|postgresql[+:].*|postgres[-_]?1[0-9]|"
    r".*\bpostgres(ql)?\b.*)$",
    re.IGNORECASE,
)


def engine_value(text: str) -> bool | None:
    """Whether the value of an engine key means PostgreSQL; None when it tells nothing."""
    value = text.strip()
    if not value or len(value) > 120:
        return None
    if _PG_VALUES.match(value):
        return True
    return False if set(words(value)) & OTHER_ENGINES else None
