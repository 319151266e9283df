"""Init: look around and propose a `repoint.yaml`; ask only what cannot be seen."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from repoint.dsn.hosts import parse_host
from repoint.flows.reading import Reading, read_repository
from repoint.flows.scanning import Survey, survey
from repoint.flows.workspace import Workspace
from repoint.kube.builds import EnvironmentBuild
from repoint.kube.effective import text
from repoint.kube.resource import Resource
from repoint.model.consumer import Purpose
from repoint.planning.inventory import SiteReport
from repoint.planning.yaml_emit import scalar_text

_LOOPBACK = ("localhost", "127.0.0.1", "::1", "0.0.0.0", "host.docker.internal", "")
_UNSEEN = "CHANGE-ME"
_DELIVERING = frozenset(
    {
        *("Application", "ApplicationSet", "AppProject"),
        *("Kustomization", "GitRepository", "OCIRepository", "Bucket", "HelmRepository"),
    }
)


@dataclass(frozen=True, slots=True)
class InitProposal:
    """A proposed `repoint.yaml`: its text, what is left to decide, what was noticed.

    `reading` is what was read on the way, for a command that goes on with it.
    """

    text: str
    questions: tuple[str, ...]
    notes: tuple[str, ...]
    reading: Reading


@dataclass(frozen=True, slots=True)
class _Target:
    cluster: str
    pooler: str
    found: bool


def propose(workspace: Workspace) -> InitProposal:
    """Propose a configuration from what the repository shows."""
    plain = replace(workspace, config=None, config_text="")
    reading = read_repository(plain)
    found = survey(plain, reading)
    builds = (*found.resolution.environments, found.resolution.unnamed)
    target = _target(builds)
    hosts = _source_hosts(found, builds, target)
    questions: list[str] = []
    notes: list[str] = []
    if not hosts:
        questions.append("`source.hosts`: no PostgreSQL host was found")
    if not target.found:
        questions.append(
            "`target`: there is no Cluster and Pooler; "
            "give their names, then run `repoint scaffold`"
        )
    others = [host for host, _ in hosts[1:]]
    if others:
        notes.append(f"other PostgreSQL hosts are left alone: {', '.join(others[:6])}")
    source = hosts[0][0] if hosts else _UNSEEN
    own = _own_names(builds)
    wanted = hosts[0][1] if hosts else ""
    mine = [one for one in found.inventory.sites if _service(one, own) == wanted]
    environments = _environments(found, builds, source)
    unknown = _unknown(mine)
    questions += [f"`consumers.{name}.purpose`: nothing tells what it is" for name in unknown]
    text_ = _render(source, target, mine, environments, unknown)
    return InitProposal(text_, tuple(questions), tuple(notes), reading)


def _target(builds: Iterable[EnvironmentBuild]) -> _Target:
    """The read-write Pooler with its Cluster, by the names their own files give."""
    poolers: list[Resource] = []
    clusters: list[Resource] = []
    for build in builds:
        for one in build.objects:
            if one.group == "postgresql.cnpg.io":
                poolers += [one] if one.kind == "Pooler" else []
                clusters += [one] if one.kind == "Cluster" else []
    poolers.sort(key=lambda one: (text(one.body, "spec", "type") or "rw") != "rw")
    if poolers:
        first = poolers[0]
        cluster = text(first.body, "spec", "cluster", "name")
        return _Target(cluster or _UNSEEN, first.original.name, bool(cluster))
    if clusters:
        name = clusters[0].original.name
        return _Target(name, f"{name}-pooler-rw", False)
    return _Target("postgres-cluster", "postgres-cluster-pooler-rw", False)


@dataclass(frozen=True, slots=True)
class _Names:
    """What hosts stand for: `own` maps rendered Services to their files' own names.

    `namespaces` are those that hold a Service of each own name.
    """

    own: dict[str, str]
    namespaces: dict[str, frozenset[str]]

    def stands_for(self, host: str) -> str:
        """The Service's own name; with its namespace where that is another team's."""
        plain = host.lower().rstrip(".")
        read = parse_host(plain)
        if read is None:
            return plain
        name = self.own.get(read.service, read.service)
        known = self.namespaces.get(name, frozenset()) - {""}
        if read.namespace is None or not known or read.namespace in known:
            return name
        return f"{name}.{read.namespace}"


def _own_names(builds: Iterable[EnvironmentBuild]) -> _Names:
    own: dict[str, str] = {}
    spaces: dict[str, frozenset[str]] = {}
    for build in builds:
        for one in build.objects:
            if one.kind == "Service":
                name = one.original.name
                own[one.name] = name
                both = {one.namespace, one.original.namespace}
                spaces[name] = spaces.get(name, frozenset()) | both
    return _Names(own, spaces)


def _service(report: SiteReport, names: _Names) -> str:
    return names.stands_for(report.site.host.text)


def _source_hosts(
    found: Survey, builds: tuple[EnvironmentBuild, ...], target: _Target
) -> list[tuple[str, str]]:
    """`(host as written, what it stands for)`, the most used first."""
    taken = {f"{target.cluster}-{kind}" for kind in ("rw", "ro", "r")} | {target.pooler}
    poolers = [one for build in builds for one in build.objects if one.kind == "Pooler"]
    taken |= {name for one in poolers for name in (one.name, one.original.name)}
    own = _own_names(builds)
    weight: Counter[str] = Counter()
    spelled: dict[str, Counter[str]] = {}
    for report in found.inventory.sites:
        host = report.site.host.text.split(",")[0]
        if host.lower() in _LOOPBACK or any(mark in host for mark in "${}()<>/"):
            continue
        if any(use.workload.kind == "ComposeService" for use in report.uses):
            continue
        read = parse_host(host)
        name = own.stands_for(host)
        if name in taken or report.purpose == Purpose.COMMENT.value:
            continue
        linked = any(use.workload.kind != "File" for use in report.uses)
        weight[name] += 10 if linked else 1
        first = not report.environments or report.environments[0] == _first(found)
        full = read is not None and read.namespace is not None
        own_spelling = read is not None and read.service == name
        rank = 1 + 2 * first + 4 * full + 8 * own_spelling
        spelled.setdefault(name, Counter())[host] += rank
    return [(spelled[name].most_common(1)[0][0], name) for name, _ in weight.most_common()]


def _first(found: Survey) -> str:
    names = found.resolution.layout.names
    return names[0] if names else ""


@dataclass(frozen=True, slots=True)
class _Environment:
    name: str
    namespace: str
    overlays: tuple[str, ...]
    places: tuple[str, ...]
    values: tuple[str, ...]
    manifests: tuple[str, ...] = ()


def _environments(
    found: Survey, builds: tuple[EnvironmentBuild, ...], source: str
) -> tuple[_Environment, ...]:
    named = found.resolution.environments
    spaces = _host_namespaces(found, builds, source)
    if named:
        return tuple(_environment(found, build, spaces) for build in named)
    unnamed = found.resolution.unnamed
    plain = () if unnamed.overlays else (_common_folder(found, unnamed),)
    read = parse_host(source)
    asked = read.namespace if read is not None and read.namespace else ""
    namespace = _namespace(unnamed, asked)
    return (_Environment("default", namespace, unnamed.overlays, (), (), plain),)


def _common_folder(found: Survey, unnamed: EnvironmentBuild) -> str:
    """The folder with every manifest and every connection, `.` when there is none.

    What a rollout applies is under it: the controllers' own objects, which stand beside the
    manifests that they bring, do not belong to it.
    """
    paths = {one.path for one in unnamed.plain if one.kind not in _DELIVERING}
    folders = {posixpath.dirname(path) for path in (*paths, *found.sites)}
    return (posixpath.commonpath(folders) if folders and "" not in folders else "") or "."


def _host_namespaces(
    found: Survey, builds: tuple[EnvironmentBuild, ...], source: str
) -> dict[str, str]:
    """The namespace that each environment's own hosts of the source name."""
    own = _own_names(builds)
    read = parse_host(source)
    wanted = own.stands_for(source) if read is not None else ""
    counts: dict[str, Counter[str]] = {}
    for report in found.inventory.sites:
        host = parse_host(report.site.host.text)
        if host is None or host.namespace is None:
            continue
        if own.stands_for(report.site.host.text) != wanted:
            continue
        if len(report.environments) == 1:
            counts.setdefault(report.environments[0], Counter())[host.namespace] += 1
    return {name: counter.most_common(1)[0][0] for name, counter in counts.items()}


def _environment(found: Survey, build: EnvironmentBuild, spaces: dict[str, str]) -> _Environment:
    layout = found.resolution.layout
    inside = {path for one in build.builds for path in one.files}
    outside = [
        path
        for path in found.files
        if path not in inside
        and layout.environment_of(path) == build.name
        and (path in found.sites or found.files[path].sealed)
    ]
    values = tuple(p for p in outside if "values" in p.rpartition("/")[2] or "/values" in p)
    rest = [path for path in outside if path not in values]
    folders = tuple(dict.fromkeys(_folder(path, build.name) for path in rest))
    namespace = _namespace(build, spaces.get(build.name, ""))
    manifests = tuple(one for one in folders if not build.overlays and _deploys(one, build))
    places = tuple(one for one in folders if one not in manifests)
    return _Environment(build.name, namespace, build.overlays, places, values, manifests)


def _deploys(folder: str, build: EnvironmentBuild) -> bool:
    """Whether plain manifests of an environment stand in a folder."""
    return any(one.path.startswith(f"{folder}/") for one in build.plain)


def _folder(path: str, name: str) -> str:
    """The directory named for the environment, or the file itself."""
    parts = path.split("/")
    if name in parts[:-1]:
        return "/".join(parts[: parts.index(name) + 1])
    return path


def _namespace(build: EnvironmentBuild, asked: str) -> str:
    """Where the Pooler and Cluster are; else where the source is; else where most objects are."""
    for one in build.objects:
        if (
            one.kind in ("Pooler", "Cluster")
            and one.group == "postgresql.cnpg.io"
            and one.namespace
        ):
            return one.namespace
    return asked or build.namespace


def _unknown(reports: Iterable[SiteReport]) -> tuple[str, ...]:
    names = [
        use.workload.name
        for report in reports
        for use in report.uses
        if use.purpose is Purpose.UNKNOWN
    ]
    return tuple(dict.fromkeys(names))


def _login(reports: Iterable[SiteReport]) -> tuple[str, str]:
    """User and database that belong together: those of most connections, the runtime's first."""
    pairs: Counter[tuple[str, str]] = Counter()
    for report in reports:
        user, database = _spelled(report.site.user), _spelled(report.site.database)
        if user or database:
            whole = bool(user and database)
            pairs[user, database] += 1 + 20 * whole + 10 * (report.purpose == "runtime")
    return pairs.most_common(1)[0][0] if pairs else ("", "")


def _spelled(value: str | None) -> str:
    return value if value and "$" not in value and "{" not in value else ""


def _render(
    source: str,
    target: _Target,
    mine: list[SiteReport],
    environments: tuple[_Environment, ...],
    unknown: tuple[str, ...],
) -> str:
    user, database = _login(mine)
    lines = [
        "# repoint: moves PostgreSQL consumers onto CloudNativePG. "
        "`repoint plan` shows what it does.",
        "# Every key is described by `repoint schema`.",
        "source:",
        "  # the server that consumers talk to today; short and prefixed forms are derived",
        f"  hosts: [{scalar_text(source)}]",
        "target:",
        f"  cluster: {scalar_text(target.cluster)}   # migrations: {target.cluster}-rw",
        f"  pooler: {scalar_text(target.pooler)}   # runtime traffic",
        "  sslmode: require   # weaker modes are raised to this",
    ]
    lines += [f"  user: {scalar_text(user)}"] if user else []
    lines += [f"  database: {scalar_text(database)}"] if database else []
    lines += ["environments:   # in promotion order"]
    for one in environments:
        lines += _environment_lines(one)
    if unknown:
        lines += ["consumers:   # what evidence cannot tell: runtime, migration, admin, backup ..."]
        for name in unknown:
            lines += [f"  # {scalar_text(name)}: {{purpose: runtime}}"]
        lines[-len(unknown) - 1] = "# " + lines[-len(unknown) - 1]
    return "\n".join(lines) + "\n"


def _environment_lines(one: _Environment) -> list[str]:
    lines = [f"  {scalar_text(one.name)}:"]
    if one.namespace:
        lines.append(f"    namespace: {scalar_text(one.namespace)}")
    for shown, values in (
        ("overlay", one.overlays),
        ("secrets", one.places),
        ("manifests", one.manifests),
        ("values", one.values),
    ):
        if len(values) == 1:
            lines.append(f"    {shown}: {scalar_text(values[0])}")
        elif values:
            lines.append(f"    {shown}:")
            lines += [f"      - {scalar_text(value)}" for value in values]
    return lines if len(lines) > 1 else [f"  {scalar_text(one.name)}: {{}}"]
