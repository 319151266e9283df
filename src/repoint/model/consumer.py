"""Sites and the consumers that use them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from repoint.model.source import Location, Span


class Style(StrEnum):
    """How a site spells its connection."""

    URL = "url"
    KEYWORD_VALUE = "keyword-value"
    JDBC = "jdbc"
    SPLIT_ENV = "split-env"
    CLI_ARGUMENT = "cli-argument"
    HCL = "hcl"
    MAKEFILE = "makefile"
    DOTENV = "dotenv"
    CONFIG_TEXT = "config-text"
    HELM_VALUE = "helm-value"
    TEMPLATE = "template"


class Purpose(StrEnum):
    """What a consumer wants from PostgreSQL."""

    RUNTIME = "runtime"
    MIGRATION = "migration"
    ADMIN = "admin"
    BACKUP = "backup"
    REPLICATION = "replication"
    PROBE = "probe"
    MONITORING = "monitoring"
    LOCAL_DEVELOPMENT = "local-development"
    COMMENT = "comment"
    UNKNOWN = "unknown"

    @property
    def must_go_direct(self) -> bool:
        """Whether a pooler would break or endanger this purpose."""
        return self in _DIRECT


_DIRECT = frozenset({Purpose.MIGRATION, Purpose.ADMIN, Purpose.BACKUP, Purpose.REPLICATION})


class Route(StrEnum):
    """Where a consumer's connections go."""

    POOLED = "pooled"
    DIRECT = "direct"
    UNCHANGED = "unchanged"
    UNKNOWN = "unknown"


class Certainty(StrEnum):
    """How sure a link or a purpose is."""

    CERTAIN = "certain"
    LIKELY = "likely"
    GUESS = "guess"


@dataclass(frozen=True, slots=True)
class Part:
    """One editable token of a site: its text, and its bytes in the file.

    `span` is None where the bytes cannot be edited in place (sealed, encoded, or
    escaped in a way that does not map): such a part is changed by meaning, through
    the whole value, or shown to a person. `pointer` names the scalar that holds it, which
    is not the site's own where host, port and parameters are values of their own.
    """

    text: str
    span: Span | None
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """One place in one file that names a PostgreSQL server.

    `key` is the name the value is known by to its reader (an environment
    variable, a configuration key, or the command for a command-line argument).
    `value_pointer` is the pointer of the scalar that holds the site; several
    sites of one script share it. `start` is the offset of the connection
    string inside the scalar's text: a stable order, never shown.

    `params` holds the connection parameters that matter to routing (sslmode,
    search_path, options, ...), by name; never the password. `port` is None when
    the text names none. `host` may hold an unresolved variable as written.
    `display_only` says why the site cannot be edited, empty when it can. `scheme` is what a URL
    has before `://`, which may name the driver (`postgresql+asyncpg`).
    """

    location: Location
    style: Style
    key: str
    host: Part
    port: Part | None
    database: str | None
    user: str | None
    schema: str | None
    params: tuple[tuple[str, Part], ...] = ()
    sealed: bool = False
    encoded: str = ""
    value_pointer: str = ""
    start: int = 0
    display_only: str = ""
    scheme: str = ""

    @property
    def id(self) -> str:
        """Stable name of the site within its repository."""
        return f"{self.location.path}:{self.location.line}:{self.location.column}:{self.key}"


@dataclass(frozen=True, slots=True, order=True)
class Workload:
    """A Kubernetes workload, or the nearest thing a layout has to one.

    `kind` is a Kubernetes kind, or `ComposeService`, `HelmRelease`, `File`.
    """

    kind: str
    namespace: str
    name: str
    container: str = ""

    @property
    def id(self) -> str:
        """`Kind/namespace/name[/container]`, the form that output uses."""
        parts = [self.kind, self.namespace, self.name, self.container]
        return "/".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Use:
    """A workload reads a site in some environment.

    `via` tells the path from the workload to the site for a person, such as
    `env DATABASE_URL <- secret backend-secret/DATABASE_URL`. `variable` is the
    environment variable the workload sees (empty for files and commands);
    `source` is how it gets it: `literal`, `secret`, `configmap`, `envfrom-secret`,
    `envfrom-configmap`, `volume`, `command`, `file`; `source_name` is the Secret's or
    ConfigMap's name and `source_key` the key in it. `through` is the reference by which what
    the workload reads names the site's value, `$(DB_HOST)` of its own variables or `${db_host}`
    that Flux substitutes; empty where it reads that value itself. `host` is the host that it gets
    where the site puts one together from several names (`${service}.${namespace}.svc`), else empty.
    `around` is the template's text that makes a longer host of the site's.
    """

    site: str
    workload: Workload
    environment: str
    purpose: Purpose
    evidence: tuple[str, ...]
    certainty: Certainty = Certainty.CERTAIN
    via: str = ""
    variable: str = ""
    source: str = ""
    source_name: str = ""
    source_key: str = ""
    through: str = ""
    host: str = ""
    around: str = ""


@dataclass(frozen=True, slots=True)
class Consumer:
    """A workload with everything repoint knows of how it reaches PostgreSQL."""

    id: str
    workload: Workload
    environment: str
    purpose: Purpose
    route: Route
    evidence: tuple[str, ...]
    sites: tuple[str, ...]
    update_required: str = ""
