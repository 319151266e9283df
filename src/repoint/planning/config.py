"""`repoint.yaml`: what the user decides, checked strictly.

Unknown keys are errors with a suggestion; every error names the line and the key.
The structs below are the schema; `schema()` publishes it for editors.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, get_args

import msgspec

from repoint.errors import ConfigError
from repoint.planning.knowledge_keys import SECTIONS as KNOWLEDGE_SECTIONS
from repoint.planning.knowledge_keys import KnowledgeSection, Wanted
from repoint.planning.strict import Strings, Text, checked, yaml_data

CONFIG_NAME = "repoint.yaml"


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every section: unknown keys are refused."""


Host = Annotated[
    str,
    msgspec.Meta(
        # A name or an IPv4 address, or an IPv6 address.
        pattern=r"^([^\s/@:]+|\[?[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*\]?)$",
        description="write the host alone, without scheme, user or port, as in `db.shop.svc`",
    ),
]


class Source(_Strict, frozen=True):
    """The PostgreSQL that consumers talk to today."""

    hosts: Annotated[list[Host], msgspec.Meta(min_length=1)]
    """Host names as written anywhere; short, prefixed and dotted forms are derived."""


class Target(_Strict, frozen=True):
    """The CloudNativePG objects that consumers move to."""

    cluster: Text
    """Name of the Cluster; direct traffic goes to `<cluster>-rw`."""
    pooler: Text
    """Name of the Pooler, which is also its Service: pooled traffic goes there."""
    session_pooler: str = ""
    """Name of the session Pooler beside `pooler`; found in the render, else `<pooler>-session`."""
    sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full", ""] = (
        "require"
    )
    """Weaker sslmodes in connection strings are raised to this; empty leaves them alone."""
    user: str = ""
    """Role of the consumers, when their connection strings do not tell."""
    database: str = ""
    """Database of the consumers, when their connection strings do not tell."""
    domain: str = "cluster.local"
    """The cluster's DNS domain."""
    postgres: int | None = None
    """PostgreSQL major version, when the Cluster's image does not tell."""
    pgbouncer: str = ""
    """PgBouncer version, when the Pooler does not tell; CNPG's default otherwise."""


class Environment(_Strict, frozen=True):
    """One environment; the order in the file is the order of promotion."""

    namespace: str = ""
    """Namespace of the Cluster and the Pooler."""
    overlay: Strings = []
    """kustomize directories of this environment; new patches go into the first."""
    secrets: Strings = []
    """Directories or files with this environment's Secrets, applied outside kustomize."""
    manifests: Strings = []
    """Directories or files of plain manifests; `.` is the whole repository."""
    values: Strings = []
    """Helm values files that belong to this environment only."""
    context: str = ""
    """Kubernetes context; the cluster-side commands use no other."""
    mode: Literal["kubectl", "gitops"] = "kubectl"
    """Who brings the objects to the cluster: repoint by server-side apply, or Argo CD or Flux."""
    confirm: bool | None = None
    """Ask before the cluster is changed; by default for every environment but the first."""
    new_cluster: bool = False
    """The Cluster is yet to be made here, so that its bootstrap SQL will run (SP9)."""


class ConsumerChoice(_Strict, frozen=True):
    """What evidence cannot tell about a consumer; the key is `name` or `Kind/name`."""

    purpose: Literal[Wanted, ""] = ""
    """What it wants from PostgreSQL; by default what evidence tells."""
    route: Literal["pooled", "direct", "unchanged", ""] = ""
    """Where it goes; by default what its purpose asks for."""
    pool: Literal["session", "transaction", ""] = ""
    """The pool mode it goes through, whatever its source text tells."""
    schema: str = ""
    """Its schema, when its connection string does not tell."""
    health: str = ""
    """The URL that tells whether it is well, such as `http://hydra-public:4444/health/ready`."""
    pool_size: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Connections one replica opens at most, for the capacity arithmetic."""


class Acceptance(_Strict, frozen=True):
    """A finding that somebody accepts, with the reason that is shown ever after."""

    code: Annotated[str, msgspec.Meta(pattern=r"^RP\d{3}$", description="write it as `RP261`")]
    """The finding's code."""
    reason: Annotated[str, msgspec.Meta(min_length=3)]
    """Why it is accepted."""
    environment: str = ""
    """In this environment alone."""
    consumer: str = ""
    """Of this consumer alone."""
    path: str = ""
    """In this file alone."""


_VARIABLE = msgspec.Meta(
    pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="write letters, digits and `_`, as in `DB_URL`"
)


class Migration(_Strict, frozen=True):
    """The repository's own migrations, which a rehearsal can run through the direct route."""

    consumer: str = ""
    """Whose connection they use: `name` or `Kind/name`; the first migration by default."""
    files: list[Text] = []
    """Globs of plain SQL files, each glob's in the order of their names."""
    command: list[Text] = []
    """A program and its arguments; it runs with `rehearse --run-migrations` only."""
    env: Annotated[str, _VARIABLE] = "DATABASE_URL"
    """The variable that gives the command its URL."""


RolloutGate = Literal["rehearsed", "predecessor", "soaked", "data"]
ROLLOUT_GATES: tuple[RolloutGate, ...] = get_args(RolloutGate)
"""Every gate of a rollout, in the order in which they are asked."""


class Gates(_Strict, frozen=True):
    """What has to be true before a verb writes."""

    apply: list[Literal["rehearsed"]] = []
    """`rehearsed`: this plan's content passed a rehearsal in every environment at hand."""
    rollout: list[RolloutGate] = msgspec.field(default_factory=lambda: list(ROLLOUT_GATES))
    """`predecessor`: the environment before was rolled out and verified, and is as it was then;
    `soaked`: it was soaked, too; `data`: the target was compared with the source, and is
    complete."""


class Render(_Strict, frozen=True):
    """What kubectl may do when it builds an overlay."""

    remote: bool = False
    """Fetch what an overlay includes from outside the repository: web servers are asked, git
    repositories cloned. Without it an overlay that includes such is not built."""


DURATION = r"^([0-9]+(ms|s|m|h))+$"
Duration = Annotated[
    str, msgspec.Meta(pattern=DURATION, description="write it as `90s`, `30m`, `1h30m` or `500ms`")
]
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Soak(_Strict, frozen=True):
    """How long `verify --soak` looks, and what it lets pass."""

    duration: Duration = "30m"
    """How long a soak has to last before the next environment may move."""
    every: Duration = "5s"
    """How often metrics are read."""
    max_waiting: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Clients that may wait for a server connection, in more than a tenth of the readings."""
    max_wait: Duration = "1s"
    """The longest that a client may have waited."""
    max_used: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.9
    """The share of a pool's server connections that may be in use, in more than a tenth of the
    readings."""
    max_restarts: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Container restarts of one consumer."""


class Verify(_Strict, frozen=True):
    """What `repoint verify` asks, beside the connections themselves."""

    soak: Soak = Soak()
    """What a soak looks at, and for how long."""
    timeout: Duration = "10s"
    """How long one question may take."""
    in_cluster: bool = False
    """Ask from a short-lived Job in the namespace, not from this machine."""
    image: str = ""
    """The probe Job's image, which has `psql`; by default the Cluster's own."""


class Data(_Strict, frozen=True):
    """How `repoint data` reads the two databases."""

    source: str = ""
    """The variable of this process that holds the source's URL; by default the migration's own
    connection string, as it was before apply."""
    target: str = ""
    """The same for the target; by default the migration's connection string as it is."""
    exclude: list[str] = []
    """Tables left out, as `schema.table`; `*` stands for any text."""
    parallel: Annotated[int, msgspec.Meta(ge=1, le=64)] = 2
    """Connections to each server at a time."""
    chunk_rows: Annotated[int, msgspec.Meta(ge=1)] = 50_000
    """Rows whose checksum is asked for at a time."""
    max_age: Duration = "4h"
    """How old a comparison may be when the environment is switched."""


class Config(_Strict, frozen=True):
    """The whole of `repoint.yaml`."""

    source: Source
    """The PostgreSQL that consumers talk to today."""
    target: Target
    """The Cluster and the Pooler that they move to."""
    environments: dict[str, Environment] = {}
    """By name, in the order of promotion."""
    consumers: dict[str, ConsumerChoice] = {}
    """What evidence cannot tell, by `name`, `Kind/name` or a file's path."""
    accept: list[Acceptance] = []
    """Findings that somebody answers for."""
    exclude: list[str] = []
    """Globs of files that are not read."""
    migrations: list[Migration] = []
    """The repository's own migrations, for rehearsals."""
    render: Render = Render()
    """What kubectl may do when it builds an overlay."""
    gates: Gates = Gates()
    """What holds `apply` and `rollout`."""
    verify: Verify = Verify()
    """How `verify` asks, and how long a soak lasts."""
    data: Data = Data()
    """How `data` reads the two databases."""
    knowledge: KnowledgeSection = KnowledgeSection()
    """Programs, images, kinds and libraries of your own."""


def seconds_of(duration: str) -> float:
    """`1h30m` is 5400.0; the text is a `Duration` that was checked."""
    parts = re.findall(r"([0-9]+)(ms|s|m|h)", duration)
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


def as_tuple(value: Strings) -> tuple[str, ...]:
    """A string or a list of strings as a tuple, without trailing slashes."""
    items = [value] if isinstance(value, str) else value
    return tuple(item.rstrip("/").removeprefix("./") for item in items if item)


def load_config(text: str, path: str = CONFIG_NAME) -> Config:
    """Read `repoint.yaml`.

    Raises:
        ConfigError: it is no YAML mapping, a key is unknown, or a value has the wrong
            type; the message names line and key, the hint suggests the nearest key.
    """
    data = yaml_data(text, path)
    if not isinstance(data, dict):
        raise ConfigError(
            f"`{path}` line 1 must be a mapping with `source` and `target`",
            hint="`repoint init --print` shows one",
        )
    config = checked(data, Config, path, text)
    for name in config.environments:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
            raise ConfigError(
                f"`{path}`: `{name}` is no name of an environment",
                hint="write it in letters, digits, `.`, `_` and `-`",
            )
    for number, one in enumerate(config.migrations):
        if bool(one.files) == bool(one.command):
            raise ConfigError(
                f"`{path}`: `migrations[{number}]` needs either `files` or `command`",
                hint="write one of them, and not both",
            )
    return config


def schema() -> dict[str, object]:
    """JSON schema of `repoint.yaml`, for editors: each key with what it means."""
    from repoint.planning.described import schema_of

    return schema_of(Config, (*_SECTIONS, *KNOWLEDGE_SECTIONS), CONFIG_NAME)


_SECTIONS: tuple[type[msgspec.Struct], ...] = (
    *(Config, Source, Target, Environment, ConsumerChoice, Acceptance, Migration, Gates),
    *(Render, Soak, Verify, Data),
)
