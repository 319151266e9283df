"""What rules look at: the target objects and the consumers of one environment.

Plain values without files or YAML, so that a rule is a pure function and its table
of cases is short.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from repoint.dsn.params import ADO_NAMES, canonical
from repoint.model.source import Location
from repoint.rules.declared import (
    PLAIN_CLUSTER,
    PLAIN_POOLER,
    Bootstrap,
    DeclaredCluster,
    DeclaredPooler,
    PreCheck,
)
from repoint.rules.delivered import NOTHING_DELIVERED, Delivered
from repoint.rules.policies import PolicyFacts

OF_IMAGE = "<image>"
"""The `app_dir` of what is known of an image by itself, no source text having been read."""

CNPG_DEFAULT_PGBOUNCER = (1, 25, 1)
"""What CNPG 1.28 to 1.30 deploys unless the Pooler names an image (fact table 0)."""


class HazardKind(StrEnum):
    """What source text tells of a session; `*-local`, `driver` and `rls` are evidence only."""

    RLS_GUC = "rls-guc"
    """A row-level security policy reads a session setting."""
    RLS = "rls"
    """Row-level security is on; nothing in the file tells what the policy reads."""
    SESSION_GUC = "session-guc"
    LOCAL_GUC = "local-guc"
    """A setting is made for one transaction: right in every pool mode (ST3)."""
    SET_ROLE = "set-role"
    LISTEN = "listen"
    ADVISORY_LOCK = "advisory-lock"
    TEMP_TABLE = "temp-table"
    WITH_HOLD = "with-hold"
    SQL_PREPARE = "sql-prepare"
    LAST_ID = "last-id"
    """`lastval()` or `currval()` is read (ST13)."""
    EMPTY_PATH = "empty-path"
    """search_path is emptied with set_config, which a Pooler that tracks it cannot follow (SP8)."""
    STARTUP_SETTING = "startup-setting"
    """The code asks for a setting when it connects; `subject` as a connection string spells it."""
    TWO_TRIPS = "two-trips"
    """The code makes a driver parse in one round trip and execute in the next (PS1)."""
    POOL_RESET = "pool-reset"
    """The driver's own pool resets connections when they come back (ST10)."""
    SERVER_CURSOR = "server-cursor"
    """Django's `iterator()`, a cursor outside a transaction unless that is switched off (ST12)."""
    CLIENT_CURSORS = "client-cursors"
    """Django's server-side cursors are switched off: right in every pool mode (ST12)."""
    MIGRATOR = "migrator"
    """A library that migrates under a session lock when the program starts (MG1, MG5, MG8)."""
    LOGIN_TEXT = "login-text"
    """Code that matches the text or the code of a failed login (OP6)."""
    ACCESS_END = "access-end"
    """SQL that ends a role's access, which a warm pool does not see (OP8)."""
    BUILT_FROM = "built-from"
    """A build file says that image `subject` is built from `app_dir`."""
    DRIVER = "driver"
    """A driver that the component depends on; `subject` is its name."""


@dataclass(frozen=True, slots=True)
class Hazard:
    """Evidence in source text of how a component uses its session.

    `subject` is a name (a setting, a driver), never a value. `app_dir` is the component's
    directory, empty for the repository's root. `linked` is false where nothing tells that
    the consumer is built from it.
    """

    kind: HazardKind
    path: str
    line: int
    message: str
    app_dir: str
    subject: str = ""
    linked: bool = True

    @property
    def location(self) -> Location:
        """Where the evidence stands."""
        return Location(self.path, self.line, 1, f"line/{self.line}")


@dataclass(frozen=True, slots=True)
class RoleDefault:
    """`ALTER ROLE .. [IN DATABASE ..] SET parameter` seen in the repository (SP9)."""

    role: str
    database: str
    parameter: str
    value: str
    location: Location


@dataclass(frozen=True, slots=True)
class PoolerFacts:
    """A rendered `Pooler`: `parameters` are `spec.pgbouncer.parameters` as written."""

    name: str
    namespace: str
    cluster: str
    mode: str
    instances: int
    parameters: tuple[tuple[str, str], ...]
    pgbouncer: tuple[int, ...]
    client_tls_secret: bool
    location: Location | None = None
    type: str = "rw"
    declared: DeclaredPooler = PLAIN_POOLER

    def parameter(self, name: str, default: str = "") -> str:
        """The parameter's text, or `default` where it is not set."""
        return dict(self.parameters).get(name, default)

    def number(self, name: str, default: int) -> int:
        """The parameter as a number, or `default` where it is not set or not one."""
        text = self.parameter(name)
        return int(text) if text.isdigit() else default

    @property
    def tracked(self) -> tuple[str, ...]:
        """Names in `track_extra_parameters`, lower case."""
        return _names(self.parameter("track_extra_parameters"))

    @property
    def ignored(self) -> tuple[str, ...]:
        """Names in `ignore_startup_parameters`, lower case."""
        return _names(self.parameter("ignore_startup_parameters"))


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """A rendered `Cluster`; `postgres` is the major version, 0 when nothing tells.

    `hba` are the lines of `postgresql.pg_hba`, `expiring` the managed roles with a `validUntil`.
    """

    name: str
    namespace: str
    postgres: int
    instances: int
    max_connections: int
    alt_names: tuple[str, ...]
    own_server_certificate: bool
    location: Location | None = None
    hba: tuple[str, ...] = ()
    expiring: tuple[str, ...] = ()
    bootstrap: Bootstrap | None = None
    declared: DeclaredCluster = PLAIN_CLUSTER


@dataclass(frozen=True, slots=True)
class Connection:
    """How a consumer connects, read from its site: parameters by name, never a password.

    `key` is the site's key: a variable's name, or the command for a command-line argument.
    `extra_ca` tells that the environment gives the program a CA beside those it brings along,
    `composed` that another variable composes the string and only the host stands at the site.
    `scheme` is what a URL has before `://`.
    """

    site: str
    location: Location
    style: str
    host: str
    user: str
    database: str
    schema: str
    params: tuple[tuple[str, str], ...]
    sealed: bool
    key: str = ""
    extra_ca: bool = False
    composed: bool = False
    scheme: str = ""

    def param(self, name: str) -> str:
        """The text of a connection parameter, empty when it is not given."""
        return dict(self.params).get(name, "")

    @property
    def is_ado(self) -> bool:
        """Whether a parameter is spelled as ADO.NET alone does, where no URL tells the style."""
        return self.style not in ("url", "jdbc") and any(
            " " in name or canonical(name) in ADO_NAMES for name, _ in self.params
        )

    def told(self, name: str) -> str:
        """A parameter's text in lower case, whatever the case and separators of its name."""
        wanted = canonical(name)
        found = (text for key, text in self.params if canonical(key) == wanted)
        return next(found, "").lower()


_RUN_ONCE = frozenset({"Job", "CronJob", "Pod"})


@dataclass(frozen=True, slots=True)
class ConsumerFacts:
    """A consumer that repoint moves, with the connections it has.

    `pool_size` is the number of connections one replica opens at most, 0 when nothing
    tells. `hazards` is what its source text tells, `hazards_for()` of source_scan. `logs_in`
    tells that its commands run a query (`psql`), so that a wait proves something. `pooler` is
    the rendered name of the Pooler it goes through, empty for the environment's own.
    """

    id: str
    kind: str
    namespace: str
    name: str
    purpose: str
    route: str
    replicas: int
    pool_size: int
    labels: tuple[tuple[str, str], ...]
    connections: tuple[Connection, ...]
    hazards: tuple[Hazard, ...] = ()
    logs_in: bool = False
    pooler: str = ""
    mounts: tuple[tuple[str, str, str], ...] = ()
    """`(kind, name, path)` of the Secrets and ConfigMaps that its container sees as files."""
    surge: int = 0
    """Pods that a rollout adds for a while."""
    scaled_by: str = ""
    """What tells the number of replicas when it is not the manifest itself."""

    @property
    def drivers(self) -> tuple[str, ...]:
        """Names of the drivers that its source text tells, empty when unknown."""
        names = (h.subject for h in self.hazards if h.kind is HazardKind.DRIVER and h.linked)
        return tuple(dict.fromkeys(names))

    @property
    def is_script(self) -> bool:
        """Whether it runs once or runs a query: what administers else is a console, as pgAdmin."""
        return self.kind in _RUN_ONCE or self.logs_in

    @property
    def is_seen(self) -> bool:
        """Whether something tells how it uses its session: its source, or what its image keeps."""
        return any(
            hazard.linked and not (hazard.kind is HazardKind.DRIVER and hazard.app_dir == OF_IMAGE)
            for hazard in self.hazards
        )


@dataclass(frozen=True, slots=True)
class EnvironmentFacts:
    """Everything the rules know of one environment, as it is after the plan.

    `pooler` is the one that repoint.yaml names; a consumer may go through another one of
    `poolers` (`pooler_of`). `poolers`, `clusters` and `services` list all that the environment
    renders, so that a wrong name can be told from a missing object; `services` are
    `(name, namespace)`.
    """

    name: str
    namespace: str
    pooled_host: str
    direct_host: str
    pooler: PoolerFacts | None
    cluster: ClusterFacts | None
    consumers: tuple[ConsumerFacts, ...]
    policies: tuple[PolicyFacts, ...]
    namespace_labels: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    poolers: tuple[PoolerFacts, ...] = ()
    clusters: tuple[ClusterFacts, ...] = ()
    services: tuple[tuple[str, str], ...] = ()
    role_defaults: tuple[RoleDefault, ...] = ()
    domain: str = "cluster.local"
    prechecks: tuple[PreCheck, ...] = ()
    delivered: Delivered = NOTHING_DELIVERED

    @property
    def pooled(self) -> tuple[ConsumerFacts, ...]:
        """Consumers that go through the Pooler."""
        return tuple(consumer for consumer in self.consumers if consumer.route == "pooled")

    @property
    def direct(self) -> tuple[ConsumerFacts, ...]:
        """Consumers that go to the Cluster's read-write Service."""
        return tuple(consumer for consumer in self.consumers if consumer.route == "direct")

    def pooler_of(self, consumer: ConsumerFacts) -> PoolerFacts | None:
        """The Pooler that a pooled consumer goes through; None when nothing renders it."""
        if self.pooler is None or consumer.pooler in ("", self.pooler.name):
            return self.pooler
        beside = (p for p in self.poolers if p.namespace == self.namespace)
        return next((p for p in beside if p.name == consumer.pooler), None)

    def host_of(self, consumer: ConsumerFacts) -> str:
        """The host of the Service that a consumer goes to."""
        if consumer.route != "pooled":
            return self.direct_host
        _, dot, rest = self.pooled_host.partition(".")
        return f"{consumer.pooler}{dot}{rest}" if consumer.pooler else self.pooled_host

    def with_pooler(self, pooler: PoolerFacts) -> EnvironmentFacts:
        """The same with `pooler` in the place of the one of its name, or as a new one."""
        own = self.pooler is not None and self.pooler.name == pooler.name
        others = tuple(p for p in self.poolers if p.name != pooler.name)
        return replace(self, pooler=pooler if own else self.pooler, poolers=(*others, pooler))

    @property
    def pools(self) -> tuple[tuple[PoolerFacts, tuple[ConsumerFacts, ...]], ...]:
        """Every Pooler in use with the consumers that go through it, the named one first."""
        mine: dict[str, list[ConsumerFacts]] = {}
        found: dict[str, PoolerFacts] = {}
        for consumer in sorted(self.pooled, key=lambda one: bool(one.pooler)):
            pooler = self.pooler_of(consumer)
            if pooler is not None:
                found.setdefault(pooler.name, pooler)
                mine.setdefault(pooler.name, []).append(consumer)
        return tuple((pooler, tuple(mine[name])) for name, pooler in found.items())


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip().lower() for name in text.split(",") if name.strip())
