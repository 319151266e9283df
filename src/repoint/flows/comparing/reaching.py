"""The way to both databases: by port-forward, or straight where their hosts resolve."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from repoint.comparison.model import Side
from repoint.dsn.hosts import parse_host
from repoint.errors import ConfigError, DatabaseLost
from repoint.flows.comparing.sessions import Database, Open
from repoint.flows.comparing.strings import (
    ConnectionString,
    before_apply,
    from_variable,
    migration_strings,
)
from repoint.flows.planning import require_config
from repoint.flows.workspace import Workspace
from repoint.model.cluster import ObjectRef
from repoint.ports.cluster import ClusterApi
from repoint.ports.connecting import Conversation, Dial
from repoint.ports.repository import SealedEditor, WritableTree
from repoint.rules.driver_shapes import tls_of
from repoint.wire.login import Login

APPLICATION = "repoint data"
"""The `application_name` of every connection of this verb."""

_PORT = 5432
_LIKE = "psycopg"  # TLS is asked for and verified as libpq does.


@dataclass(slots=True)
class World:
    """What reaching needs of the world.

    `api` is the cluster, None without one: then hosts are reached straight. `variables` are
    this process's own. `folder` is private, and takes certificates of CAs, which are no secret.
    """

    dial: Dial
    variables: Mapping[str, str] = field(repr=False)
    folder: Path
    api: ClusterApi | None = None
    stack: ExitStack = field(default_factory=ExitStack)
    _ways: dict[tuple[str, str, int], tuple[str, int]] = field(default_factory=dict)

    def address(self, one: ConnectionString) -> tuple[str, int]:
        """Where a string's first host is reached from this machine."""
        host = one.connection.host.split(",")[0]
        read = parse_host(host)
        port = one.port or _PORT
        if self.api is None or not one.consumer or read is None:
            return host, port
        key = (read.namespace or one.namespace, f"service/{read.service}", port)
        if key not in self._ways:
            self._ways[key] = self.stack.enter_context(self.api.forward(*key))
        return self._ways[key]


@dataclass(frozen=True, slots=True)
class Ends:
    """The two ends of one database's move; `name` is the database's."""

    name: str
    source: Database | None
    target: Database | None

    def need_both(self) -> tuple[Database, Database]:
        """Source and target."""
        return self.need(Side.SOURCE), self.need(Side.TARGET)

    def need(self, side: Side) -> Database:
        """One end.

        Raises:
            DatabaseLost: nothing tells how to log in there.
        """
        found = self.source if side is Side.SOURCE else self.target
        if found is not None:
            return found
        hints = {
            Side.SOURCE: "name a variable with its URL as `data.source` in repoint.yaml",
            Side.TARGET: "apply first, or name a variable with its URL as `data.target`",
        }
        raise DatabaseLost(
            f"nothing tells how to log in at the {side}: no migration consumer has a whole "
            "connection string for it",
            hint=(hints[side], "a sealed string needs its key, such as SOPS_AGE_KEY_FILE"),
        )


@contextmanager
def reached(
    workspace: Workspace,
    environment: str,
    tree: WritableTree,
    store: SealedEditor,
    world: World,
    earlier: Workspace | None = None,
) -> Iterator[tuple[Ends, ...]]:
    """The databases of an environment, while the block runs; one for each that migrations name.

    Both ends are the migration consumer's own connection: as it was before apply, and as it
    is. `data.source` and `data.target` of repoint.yaml name variables that hold others.
    `earlier` is the repository before apply, where it is not worked out from the receipt.

    Raises:
        ConfigError: a variable that repoint.yaml names is not set, or holds no URL.
        Conflict, SealedFile: what was before apply cannot be worked out.
    """
    settings = require_config(workspace).data
    given = {
        Side.SOURCE: _given(settings.source, "data.source", world.variables),
        Side.TARGET: _given(settings.target, "data.target", world.variables),
    }
    source: dict[str, ConnectionString] = {}
    target: dict[str, ConnectionString] = {}
    if given[Side.SOURCE] is None:
        before = earlier or before_apply(workspace, environment, tree, store)
        source = migration_strings(before, environment, world.api, of_source=True)
    if given[Side.TARGET] is None:
        target = migration_strings(workspace, environment, world.api, of_source=False)
    pairs = _paired(given, source, target)
    with world.stack:
        yield tuple(
            Ends(name, _database(world, Side.SOURCE, one), _database(world, Side.TARGET, other))
            for name, one, other in pairs
        )


def _paired(
    given: Mapping[Side, ConnectionString | None],
    source: Mapping[str, ConnectionString],
    target: Mapping[str, ConnectionString],
) -> list[tuple[str, ConnectionString | None, ConnectionString | None]]:
    """Source and target of each database, by the consumer whose string it was and is."""
    ours, theirs = given[Side.SOURCE], given[Side.TARGET]
    if ours is not None or theirs is not None:
        one = ours or next(iter(source.values()), None)
        other = theirs or next(iter(target.values()), None)
        known = other or one
        return [(known.connection.database if known else "", one, other)]
    found: dict[str, tuple[str, ConnectionString | None, ConnectionString | None]] = {}
    for consumer in dict.fromkeys((*source, *target)):
        one, other = source.get(consumer), target.get(consumer)
        known = other or one
        name = known.connection.database if known is not None else ""
        before = found.get(name)
        if before is None or (None in before and one is not None and other is not None):
            found[name] = (name, one, other)
    return list(found.values()) or [("", None, None)]


def _given(variable: str, key: str, variables: Mapping[str, str]) -> ConnectionString | None:
    if not variable:
        return None
    if not variables.get(variable):
        raise ConfigError(
            f"`{key}` of repoint.yaml names `{variable}`, and that variable is not set",
            hint=f"set it to a URL: `export {variable}=postgres://...`",
        )
    found = from_variable(variable, variables[variable])
    if found is None:
        raise ConfigError(
            f"variable `{variable}` holds no PostgreSQL URL with host and user",
            hint="write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE",
        )
    return found


def _database(world: World, side: Side, one: ConnectionString | None) -> Database | None:
    if one is None:
        return None
    host = one.connection.host.split(",")[0]
    place = f"{host}:{one.port or _PORT}/{one.connection.database}"
    return Database(side, place, _opener(world, one, host))


def _opener(world: World, one: ConnectionString, host: str) -> Open:
    """What logs in; the way there is made by the first login."""
    tls = tls_of(one.connection, _LIKE)
    login = Login(
        driver=_LIKE,
        user=one.connection.user,
        password=one.password,
        database=one.connection.database,
        startup=(("application_name", APPLICATION),),
        tls=tls,
    )

    def opened(timeout_s: float) -> Conversation:
        address = world.address(one)
        ca_file = _ca_file(world, one) if tls.check_chain or tls.check_name else None
        return world.dial(address, host, login, ca_file=ca_file, timeout_s=timeout_s)

    return opened


def _ca_file(world: World, one: ConnectionString) -> Path | None:
    """The CA to believe: the string's own file where it is here, else the Cluster's Secret."""
    named = one.connection.param("sslrootcert")
    if named and Path(named).is_file():
        return Path(named)
    read = parse_host(one.connection.host.split(",")[0])
    if world.api is None or not one.consumer or read is None:
        return None
    namespace = read.namespace or one.namespace
    name = f"{read.service.removesuffix('-rw')}-ca"
    document = world.api.get(ObjectRef("v1", "Secret", namespace, name)) or {}
    text = (document.get("data") or {}).get("ca.crt")
    if not text:
        return None
    file = world.folder / f"{name}.crt"
    file.write_bytes(b64decode(text))
    return file
