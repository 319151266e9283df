"""The migration consumers' connection strings: as they were before apply, and as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from repoint.dsn.parse import find, parse
from repoint.dsn.shape import password_in, password_shape
from repoint.errors import FileRefused
from repoint.flows.receipts import load_receipts
from repoint.flows.rehearsing.planned import PlannedRenders, PlannedSecrets, PlannedTree
from repoint.flows.scanning import Survey, survey
from repoint.flows.site_text import decoded, site_text
from repoint.flows.taking_back import TakingBack
from repoint.flows.workspace import Workspace
from repoint.model.cluster import ObjectRef
from repoint.model.consumer import Purpose, Site, Style, Use
from repoint.model.sensitive import Sensitive
from repoint.model.source import Location
from repoint.planning.consumer_facts import connection
from repoint.ports.cluster import ClusterApi
from repoint.ports.repository import SealedEditor, SecretStore, Tree, WritableTree
from repoint.rules.facts import Connection


@dataclass(frozen=True, slots=True)
class ConnectionString:
    """A string that was read whole. `consumer` and `key` say whose; `port` is 0 when it has none.

    `namespace` is the one that its host is asked from, empty outside a cluster.
    """

    consumer: str
    key: str
    connection: Connection
    port: int
    password: Sensitive = field(repr=False)
    namespace: str = ""


class EarlierTree:
    """The tree without what apply wrote for one environment; implements `ports.Tree`."""

    def __init__(self, tree: Tree, contents: Mapping[str, bytes], gone: frozenset[str]) -> None:
        self._tree = PlannedTree(tree, contents)
        self._gone = gone

    def paths(self) -> tuple[str, ...]:
        """The files of before."""
        return tuple(path for path in self._tree.paths() if path not in self._gone)

    def read(self, path: str) -> bytes:
        """The bytes of before."""
        if path in self._gone:
            raise FileRefused(f"`{path}` was not there before apply")
        return self._tree.read(path)

    def glance(self, path: str) -> bytes:
        """The bytes of before."""
        return self.read(path) if path in self._gone else self._tree.glance(path)

    def keep(self, path: str, raw: bytes) -> None:
        """Keep the bytes of before, where the tree has to keep them."""
        self._tree.keep(path, raw)

    def exists(self, path: str) -> bool:
        """Whether the file was there."""
        return path not in self._gone and self._tree.exists(path)


def before_apply(
    workspace: Workspace, environment: str, tree: WritableTree, store: SealedEditor
) -> Workspace:
    """The repository as it was before apply wrote to an environment, in memory.

    Raises:
        Conflict: a value that apply wrote was changed since.
        SealedFile: a sealed file was edited since, and no key at hand opens it.
    """
    receipts = load_receipts(tree)
    mine = receipts.pop(environment, None)
    if mine is None:
        return workspace
    work = TakingBack(tree, store, receipts)
    left = list(mine.files)
    while left:
        left = work.take(left)
    writes = work.writes()
    contents = {one.path: one.after for one in writes if one.after is not None}
    gone = frozenset(one.path for one in writes if one.after is None)
    earlier = EarlierTree(workspace.tree, contents, gone)
    return replace(
        workspace,
        tree=earlier,
        secrets=PlannedSecrets(earlier, store),
        renderer=PlannedRenders(workspace.renderer, contents),
    )


def migration_strings(
    workspace: Workspace, environment: str, api: ClusterApi | None, *, of_source: bool
) -> dict[str, ConnectionString]:
    """The whole strings of an environment's migration consumers, by consumer.

    Args:
        workspace: The repository, as it is or as it was.
        api: The cluster, whose live Secrets tell what the repository does not.
        of_source: Those that name the source, else those that do not.
    """
    found = survey(workspace)
    strings: dict[str, ConnectionString] = {}
    for use, site in _uses(found, environment, of_source=of_source):
        one = _read(found, workspace.secrets, api, use, site)
        if one is not None:
            strings.setdefault(use.workload.id, one)
    return strings


def _uses(found: Survey, environment: str, *, of_source: bool) -> Iterator[tuple[Use, Site]]:
    for report in found.inventory.sites:
        site = report.site
        if report.is_source is not of_source or not (site.user and site.database):
            continue
        for use in report.uses:
            mine = use.environment == environment and use.workload.kind != "ComposeService"
            if mine and use.purpose is Purpose.MIGRATION:
                yield use, site


def _read(
    found: Survey, secrets: SecretStore, api: ClusterApi | None, use: Use, site: Site
) -> ConnectionString | None:
    password = _password(site_text(found, secrets, site), site.start)
    if password is None and api is not None:
        password = _live_password(api, use, site)
    if password is None:
        return None
    return ConnectionString(
        consumer=use.workload.id,
        key=site.key,
        connection=connection(site),
        port=int(site.port.text) if site.port and site.port.text.isdigit() else 0,
        password=password,
        namespace=use.workload.namespace,
    )


def _password(text: str, start: int) -> Sensitive | None:
    """The password of the string at `start`; None for a variable that stands for one."""
    for dsn in find(text):
        if dsn.start <= start < dsn.end and not password_shape(text, dsn).variable:
            return password_in(text, dsn)
    return None


def _live_password(api: ClusterApi, use: Use, site: Site) -> Sensitive | None:
    """The password in the cluster's own Secret, where it names the same server."""
    if "secret" not in use.source or not use.source_name:
        return None
    ref = ObjectRef("v1", "Secret", use.workload.namespace, use.source_name)
    document = api.get(ref) or {}
    text = decoded((document.get("data") or {}).get(use.source_key or use.variable) or "")
    dsn = parse(text)
    if dsn is None or dsn.host != site.host.text:
        return None
    return _password(text, dsn.start)


def from_variable(name: str, text: str) -> ConnectionString | None:
    """A URL that a variable of this process holds; None where it is none, or not whole."""
    dsn = parse(text.strip())
    if dsn is None or dsn.style not in (Style.URL, Style.KEYWORD_VALUE):
        return None
    params = tuple((one.name, dsn.decoded(one)) for one in dsn.params)
    user = dsn.user or ""
    made = Connection(
        site=name,
        location=Location("", 0, 0, name),
        style=dsn.style.value,
        host=dsn.host,
        user=user,
        database=unquote(dsn.database.text) if dsn.database is not None else user,
        schema="",
        params=params,
        sealed=False,
        key=name,
    )
    password = password_in(text.strip(), dsn) or Sensitive("")
    return ConnectionString("", name, made, dsn.port or 0, password) if dsn.host and user else None
