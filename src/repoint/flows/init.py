"""Init: look around and propose a `repoint.yaml`; ask only what cannot be seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from repoint.flows.init_charts import Named, chart_target
from repoint.flows.init_environments import ProposedEnvironment, environments_of
from repoint.flows.init_hosts import (
    Sources,
    host_namespaces,
    own_names,
    service,
    source_hosts,
    sources_of,
)
from repoint.flows.reading import Reading, read_repository
from repoint.flows.scanning import Survey, survey
from repoint.flows.workspace import Workspace
from repoint.kube.builds import EnvironmentBuild
from repoint.kube.charts import find_charts
from repoint.kube.effective import mapping, text
from repoint.kube.resource import Resource
from repoint.model.consumer import Purpose
from repoint.planning.inventory import SiteReport
from repoint.planning.yaml_emit import scalar_text

_UNSEEN = "CHANGE-ME"


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
    """The names to propose; `asked` are those that a chart's template leaves open.

    `login` is user and database as the Cluster itself spells them, None where it does not.
    """

    cluster: str
    pooler: str
    found: bool
    asked: tuple[Named, ...] = ()
    login: tuple[str, str] | None = None


def propose(workspace: Workspace) -> InitProposal:
    """Propose a configuration from what the repository shows."""
    plain = replace(workspace, config=None, config_text="")
    reading = read_repository(plain)
    found = survey(plain, reading)
    builds = (*found.resolution.environments, found.resolution.unnamed)
    target = _target(builds, found)
    taken = _taken(builds, target)
    hosts = source_hosts(found, builds, taken)
    questions: list[str] = []
    if not hosts:
        questions.append("`source.hosts`: no PostgreSQL host was found")
    questions += [
        f"`target`: `{one.path}` calls the {one.kind} `{one.written}`; see that its name is right"
        for one in target.asked
    ]
    if not target.found:
        questions.append(
            "`target`: there is no Cluster and Pooler; "
            "give their names, then run `repoint scaffold`"
        )
    source = hosts[0][0] if hosts else _UNSEEN
    spaces = host_namespaces(found, builds, source)
    environments = environments_of(found, source, target.cluster, spaces)
    known = Sources((source,), ())
    if hosts:
        homes = [one.namespace for one in environments if one.namespace]
        known = sources_of(found, builds, hosts, taken, homes)
    notes = []
    if known.left_alone:
        listed = ", ".join(known.left_alone[:6])
        notes.append(f"other PostgreSQL hosts are left alone: {listed}")
    own = own_names(builds)
    wanted = {own.stands_for(host) for host in known.hosts}
    mine = [one for one in found.inventory.sites if service(one, own) in wanted]
    unknown = _unknown(mine)
    questions += [f"`consumers.{name}.purpose`: nothing tells what it is" for name in unknown]
    text_ = _render(known.hosts, target, mine, environments, unknown)
    return InitProposal(text_, tuple(questions), tuple(notes), reading)


def _target(builds: Iterable[EnvironmentBuild], found: Survey) -> _Target:
    """The read-write Pooler with its Cluster, by the names their own files give.

    Where no environment builds them, by those that a chart's template gives.
    """
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
        login = _bootstrapped(clusters, cluster)
        return _Target(cluster or _UNSEEN, first.original.name, bool(cluster), login=login)
    if clusters:
        name = clusters[0].original.name
        return _Target(name, f"{name}-pooler-rw", False, login=_bootstrapped(clusters, name))
    made = chart_target(find_charts(found.resolution.index))
    if made.cluster is None:
        return _Target("postgres-cluster", "postgres-cluster-pooler-rw", False)
    name = made.cluster.text or _UNSEEN
    if made.pooler is None:
        return _Target(name, f"{name}-pooler-rw", False, _unsure(made.cluster))
    asked = _unsure(made.cluster, made.pooler)
    return _Target(name, made.pooler.text or _UNSEEN, True, asked)


def _bootstrapped(clusters: Iterable[Resource], name: str) -> tuple[str, str] | None:
    """Owner and database that a Cluster makes by `initdb`, where it spells its database."""
    for one in clusters:
        made = mapping(one.body, "spec", "bootstrap", "initdb")
        database = _spelled(text(made, "database"))
        owner = text(made, "owner") or database
        if name in (one.name, one.original.name) and database and _spelled(owner):
            return owner, database
    return None


def _unsure(*names: Named) -> tuple[Named, ...]:
    return tuple(one for one in names if not one.sure)


def _taken(builds: Iterable[EnvironmentBuild], target: _Target) -> frozenset[str]:
    """The names of what consumers move to."""
    poolers = [one for build in builds for one in build.objects if one.kind == "Pooler"]
    names = {f"{target.cluster}-{kind}" for kind in ("rw", "ro", "r")} | {target.pooler}
    return frozenset(names | {name for one in poolers for name in (one.name, one.original.name)})


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
    sources: tuple[str, ...],
    target: _Target,
    mine: list[SiteReport],
    environments: tuple[ProposedEnvironment, ...],
    unknown: tuple[str, ...],
) -> str:
    user, database = target.login or _login(mine)
    lines = [
        "# repoint: moves PostgreSQL consumers onto CloudNativePG. "
        "`repoint plan` shows what it does.",
        "# Every key is described by `repoint schema`.",
        "source:",
        "  # the server that consumers talk to today; short and prefixed forms are derived",
        f"  hosts: [{', '.join(scalar_text(one) for one in sources)}]",
        "target:",
        *(
            f"  # {one.path} calls the {one.kind} `{one.written}`: is this its name?"
            for one in target.asked
        ),
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


def _environment_lines(one: ProposedEnvironment) -> list[str]:
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
