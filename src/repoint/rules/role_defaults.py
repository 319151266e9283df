"""Defaults of a role: when one can stand for a key of the connection string, and how it is said.

`ALTER ROLE r IN DATABASE d SET ..` is right in both pool modes and on every version (SP9),
for new server connections only (ST14). It changes the setting for everybody who logs in as
that role and names no value, so it is planned only where that is nobody else. CloudNativePG's
`managed.roles` has no field for settings (CN8); what can carry the statement is the SQL that
a Cluster runs once when it is made, and the check that a migration Job runs before it starts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from repoint.rules.declared import PreCheck
from repoint.rules.facts import ClusterFacts, Connection, ConsumerFacts, RoleDefault
from repoint.rules.sent import Sent, asked
from repoint.sites.lexicon import lexicon

BOOTSTRAP, PRE_CHECK = "bootstrap", "pre-check"

# Only a superuser may set these, and the login of a pre-check is none; the same holds for
# settings of an extension (`app.tenant`), whose privilege nobody has been granted.
_SUPERUSER_ONLY = frozenset(
    {
        "deadlock_timeout",
        "lc_messages",
        "log_min_duration_statement",
        "log_min_messages",
        "log_statement",
        "session_replication_role",
    }
)
_LISTS = frozenset({"search_path", "temp_tablespaces"})
_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*\Z")
_RESERVED = lexicon(
    "all analyse analyze and any array as asc both case cast check collate column constraint "
    "create current_role current_user default desc distinct do else end except false fetch for "
    "foreign from grant group having in initially intersect into lateral leading limit localtime "
    "not null offset on only or order placing primary references returning select session_user "
    "some symmetric table then to trailing true union unique user using variadic when where "
    "window with"
)
_QUIET_PURPOSES = frozenset({"probe", "backup"})
"""What these run is not touched by a default: a wait, and pg_dump, which sets its own."""


@dataclass(frozen=True, slots=True, order=True)
class RoleSetting:
    """A setting that a role shall have by default in one database."""

    role: str
    database: str
    name: str
    value: str

    @property
    def statement(self) -> str:
        """The SQL, with a semicolon; the value is text, so that no word of it is a keyword."""
        return (
            f"ALTER ROLE {identifier(self.role)} IN DATABASE {identifier(self.database)} "
            f"SET {self.name} = {literal(self.name, self.value)};"
        )


@dataclass(frozen=True, slots=True)
class DefaultPlan:
    """What it takes to give roles their defaults.

    `by` is where the statements can be written, empty when nowhere; `blocked` tells why a
    default must not be used at all, and then there is nothing else.
    """

    settings: tuple[RoleSetting, ...] = ()
    drop: tuple[str, ...] = ()
    by: str = ""
    blocked: str = ""


def plan_defaults(
    troubled: Sequence[tuple[Connection, Sent]],
    drivers: tuple[str, ...],
    consumers: Iterable[ConsumerFacts],
    cluster: ClusterFacts | None,
    prechecks: Sequence[PreCheck],
) -> DefaultPlan:
    """How defaults of roles could answer these parameters of a pooled consumer (SP9).

    Args:
        troubled: The parameters that the pool does not keep, with their connections.
        drivers: The consumer's drivers, which decide what it sends.
        consumers: Everybody who may log in as the same role, the consumer included.
        cluster: Whose bootstrap SQL could carry the statements.
        prechecks: Commands of migration Jobs that could.
    """
    everybody = tuple(consumers)
    settings: dict[RoleSetting, None] = {}
    keys: dict[str, None] = {}
    for connection, item in troubled:
        for one in _with_neighbours(connection, item, drivers):
            setting = RoleSetting(connection.user, connection.database, one.name, one.value)
            reason = _blocked(setting, one, everybody, prechecks)
            if reason:
                return DefaultPlan(blocked=reason)
            settings[setting] = None
        keys["options" if item.in_options else item.written] = None
    found = tuple(settings)
    return DefaultPlan(found, tuple(keys), _place(found, cluster, prechecks))


def _with_neighbours(
    connection: Connection, item: Sent, drivers: tuple[str, ...]
) -> tuple[Sent, ...]:
    """A parameter, and for one inside `options` all that goes when `options` goes."""
    if not item.in_options:
        return (item,)
    return tuple(one for one in asked(connection, drivers) if one.in_options)


def _blocked(
    setting: RoleSetting,
    item: Sent,
    consumers: tuple[ConsumerFacts, ...],
    prechecks: Sequence[PreCheck],
) -> str:
    """Why a default must not stand for a parameter; empty when it may."""
    if not setting.role or not setting.database:
        return "the connection string names no role and database whose default could be set"
    if item.written == "schema":
        return "`schema` also tells Prisma where its tables are, so it has to stay"
    if not item.is_setting or not item.value or "$(" in item.value or "${" in item.value:
        return f"nothing tells the value of `{item.written}`"
    wanted = normal(setting.name, setting.value)
    for consumer in consumers:
        for connection in consumer.connections:
            if (connection.user, connection.database) != (setting.role, setting.database):
                continue
            if any(one.minds_none and one.stands_at(connection.location) for one in prechecks):
                continue
            theirs = asked_value(connection, setting.name)
            said = f"role `{setting.role}` also serves {consumer.id} in `{setting.database}`"
            if theirs and consumer.route == "pooled" and normal(setting.name, theirs) != wanted:
                return f"{said}, with another {setting.name}: one default cannot separate them"
            if not theirs and not _minds_nothing(consumer, setting):
                return f"{said}, which asks for no {setting.name} and would get this one"
    return ""


def _minds_nothing(consumer: ConsumerFacts, setting: RoleSetting) -> bool:
    """Whether a default changes nothing for a consumer that asks for no value of its own."""
    if consumer.purpose in _QUIET_PURPOSES:
        return True
    # A console names its schemas, and an exporter reads `pg_catalog`, which every path has.
    console = consumer.purpose == "admin" and not consumer.is_script
    looks_on = console or consumer.purpose == "monitoring"
    return setting.name == "search_path" and looks_on


def asked_value(connection: Connection, name: str) -> str:
    """The value that a connection string asks for, in whichever spelling; empty for none."""
    found = next((one.value for one in asked(connection) if one.name == name), "")
    return found or (connection.schema if name == "search_path" else "")


def _place(
    settings: Sequence[RoleSetting], cluster: ClusterFacts | None, prechecks: Sequence[PreCheck]
) -> str:
    """Where every one of the statements can be written.

    A pre-check comes first: it runs in front of each migration, on a Cluster that stands too.
    """
    if all(precheck_for(setting, prechecks) is not None for setting in settings):
        return PRE_CHECK
    made = cluster.bootstrap if cluster is not None else None
    if made is not None and all(
        made.has_role(setting.role) and made.has_database(setting.database) for setting in settings
    ):
        return BOOTSTRAP
    return ""


def precheck_for(setting: RoleSetting, prechecks: Sequence[PreCheck]) -> PreCheck | None:
    """The last command that logs in as the role itself, which may set its own defaults."""
    if "." in setting.name or setting.name in _SUPERUSER_ONLY:
        return None
    pair = (setting.role, setting.database)
    return next((one for one in reversed(prechecks) if (one.role, one.database) == pair), None)


def identifier(name: str) -> str:
    """A role or database as SQL spells it, quoted only where it must be."""
    if _PLAIN_NAME.match(name) and name not in _RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def literal(name: str, value: str) -> str:
    """A setting's value as SQL: a list becomes a list of texts, anything else is one."""
    parts = elements(value) if name in _LISTS else (value,)
    return ", ".join("'" + part.replace("'", "''") + "'" for part in parts)


def normal(name: str, value: str) -> str:
    """A value so that two spellings of the same one are equal."""
    return ",".join(elements(value)) if name in _LISTS else value.strip()


def default_path(defaults: Iterable[RoleDefault], role: str, database: str) -> str:
    """The search_path that a role gets in a database; empty where nothing tells its first schema.

    One for the database wins over one for the role alone, and the last of a kind over those
    before it, as in PostgreSQL. `$user` in front is a schema only where somebody made it.
    """
    mine = [one for one in defaults if one.role == role and one.parameter == "search_path"]
    for wanted in (database, ""):
        values = [one.value for one in mine if one.database == wanted]
        if values:
            return "" if elements(values[-1])[:1] == ("$user",) else values[-1]
    return ""


def elements(value: str) -> tuple[str, ...]:
    """The names in a list such as `"$user", Public`, as PostgreSQL reads them."""
    found = re.findall(r'"((?:[^"]|"")*)"|\'((?:[^\']|\'\')*)\'|([^\s,"\']+)', value)
    return tuple(
        quoted.replace('""', '"') or text.replace("''", "'") or bare.lower()
        for quoted, text, bare in found
    )
