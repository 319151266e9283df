"""What names tell: of variables, keys, workloads, containers, images and users."""

from __future__ import annotations

import re

from repoint.model.consumer import Certainty, Purpose
from repoint.rules.purpose_clues import Clue

_SPLIT = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_CONNECTION = frozenset(
    [
        "url",
        "uri",
        "dsn",
        "host",
        "hostname",
        "db",
        "database",
        "pg",
        "postgres",
        "postgresql",
        "connection",
        "conn",
        "jdbc",
        "server",
    ]
)
_MIGRATORS = frozenset(
    [
        "flyway",
        "liquibase",
        "alembic",
        "goose",
        "dbmate",
        "sqitch",
        "automigrate",
        "automigration",
        "premigrate",
        "unpooled",
        "ddl",
    ]
)
_MIGRATION_WORDS = _MIGRATORS | {"direct", "nonpooling", "nonpooled", "nopool", "shadow"}
_BACKUP_WORDS = frozenset(
    [
        "backup",
        "backups",
        "dump",
        "dumps",
        "dumper",
        "pgdump",
        "pgdumpall",
        "pgbackrest",
        "walg",
        "barman",
        "restic",
        "pitr",
        "restore",
        "pgbackup",
        "dbbackup",
        "dumpall",
    ]
)
_REPLICATION_WORDS = frozenset(
    [
        "replication",
        "replicator",
        "cdc",
        "debezium",
        "publication",
        "subscription",
        "subscriber",
        "basebackup",
        "peerdb",
        "pgoutput",
        "wal2json",
    ]
)
_MONITORING_WORDS = frozenset(
    [
        "exporter",
        "pganalyze",
        "pgwatch",
        "datadog",
        "monitoring",
        "pgmonitor",
        "monitor",
        "telegraf",
        "pghero",
        "zabbix",
    ]
)
_READS_REPLICA = frozenset({"readonly", "replica", "reader", "read", "ro", "replicas"})
_EXPORTER_VARIABLES = frozenset({"DATA_SOURCE_NAME", "DATA_SOURCE_URI", "DATA_SOURCE_USER"})


def words_of(name: str) -> tuple[str, ...]:
    """Lower-case words of a name: `dbDirectURL`, `db_direct_url` and `db-direct.url` alike."""
    return tuple(word.lower() for word in _SPLIT.findall(name))


def name_clue(name: str) -> Clue | None:
    """What the name of a variable or of a configuration key says of its connection."""
    if not name:
        return None
    words = words_of(name)
    held = set(words)
    said = f"name `{name}`"
    if any(word.startswith("migrat") for word in words) or held & _MIGRATION_WORDS:
        return Clue(Purpose.MIGRATION, f"{said} says migration or direct", Certainty.CERTAIN)
    if words[:1] == ("atlas",) and words[-1] in ("url", "uri", "dsn"):
        # What the program takes; elsewhere the word is as often a product's name.
        return Clue(Purpose.MIGRATION, f"{said} says migration or direct", Certainty.CERTAIN)
    if "non" in held and held & {"pooling", "pooled", "pool"}:
        return Clue(Purpose.MIGRATION, f"{said} says direct", Certainty.CERTAIN)
    if "schema" in held and held & (_CONNECTION - {"db", "database"}) and "registry" not in held:
        return Clue(Purpose.MIGRATION, f"{said} says schema", Certainty.LIKELY)
    if held & _BACKUP_WORDS or {"wal", "g"} <= held:
        return Clue(Purpose.BACKUP, f"{said} says backup", Certainty.LIKELY)
    if held & _REPLICATION_WORDS:
        return Clue(Purpose.REPLICATION, f"{said} says replication", Certainty.LIKELY)
    if _says_admin(name):
        return Clue(Purpose.ADMIN, f"{said} says administration", Certainty.LIKELY)
    if name in _EXPORTER_VARIABLES or held & _MONITORING_WORDS:
        return Clue(Purpose.MONITORING, f"{said} says monitoring", Certainty.LIKELY)
    if {"wait", "hosts"} <= held or {"wait", "for"} <= held:
        return Clue(Purpose.PROBE, f"{said} says wait", Certainty.LIKELY)
    return None


def _says_admin(name: str) -> bool:
    """Only the last part of a dotted key counts: `admin.database.host` is an app's section."""
    words = set(words_of(name.rsplit(".", 1)[-1]))
    if words & {"superuser", "adminer", "bootstrap", "maintenance", "pgadmin"}:
        return True
    return bool(words & {"admin", "root", "init", "setup", "provision"} and words & _CONNECTION)


def reads_replica(name: str) -> bool:
    """Whether a variable's name says that it only reads, from a replica: a runtime's use."""
    words = set(words_of(name))
    return bool(words & _READS_REPLICA) and not words & _REPLICATION_WORDS


def object_clue(name: str, what: str, *, serves: bool) -> Clue | None:
    """What the name of a workload, container or image says.

    `serves` tells that the workload keeps running: there `admin`, `schema` or `seed` name
    applications, and only words that leave no doubt count.
    """
    words = words_of(name)
    held = set(words)
    said = f"{what} `{name}`"
    if any(word.startswith("migrat") for word in words) or held & _MIGRATORS:
        return Clue(Purpose.MIGRATION, said, Certainty.LIKELY)
    if held & (_BACKUP_WORDS - {"restore"} if serves else _BACKUP_WORDS):
        return Clue(Purpose.BACKUP, said, Certainty.LIKELY)
    if held & _REPLICATION_WORDS:
        return Clue(Purpose.REPLICATION, said, Certainty.LIKELY)
    if "exporter" in held or (not serves and held & _MONITORING_WORDS):
        return Clue(Purpose.MONITORING, said, Certainty.LIKELY)
    if held & {"pgadmin", "adminer", "pgweb", "cloudbeaver"}:
        return Clue(Purpose.ADMIN, said, Certainty.LIKELY)
    return None if serves else _finishing_clue(held, said)


def _finishing_clue(held: set[str], said: str) -> Clue | None:
    """Words that count for what runs and ends: jobs and init containers."""
    database = held & {"db", "database", "pg", "postgres", "postgresql", "sql"}
    if held & {"schema", "schemas", "seed", "seeds", "seeder", "ddl"}:
        return Clue(Purpose.MIGRATION, said, Certainty.LIKELY)
    if held & {"initdb", "dbinit", "superuser", "createdb", "vacuum", "reindex", "grants", "roles"}:
        return Clue(Purpose.ADMIN, said, Certainty.LIKELY)
    if database and held & {"init", "bootstrap", "setup", "create", "admin", "provision", "user"}:
        return Clue(Purpose.ADMIN, said, Certainty.LIKELY)
    if held & {"wait", "waiting", "waiter", "smoke", "ready", "readiness", "healthcheck"}:
        return Clue(Purpose.PROBE, said, Certainty.LIKELY)
    return None


_ADMIN_USERS = frozenset({"postgres", "root", "superuser", "rdsadmin", "cloudsqladmin", "pgadmin"})


def user_clue(user: str) -> Clue | None:
    """What the database user's name says; an application often logs in as a superuser."""
    words = set(words_of(user))
    said = f"logs in as `{user}`"
    if any(word.startswith("migrat") for word in words):
        return Clue(Purpose.MIGRATION, said, Certainty.LIKELY)
    if words & _REPLICATION_WORDS or user == "streaming_replica":
        return Clue(Purpose.REPLICATION, said, Certainty.LIKELY)
    if words & _BACKUP_WORDS:
        return Clue(Purpose.BACKUP, said, Certainty.LIKELY)
    if words & _MONITORING_WORDS:
        return Clue(Purpose.MONITORING, said, Certainty.LIKELY)
    if user in _ADMIN_USERS or words & {"superuser", "owner"}:
        return Clue(Purpose.ADMIN, said, Certainty.GUESS)
    return None
