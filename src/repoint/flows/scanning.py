"""Scan: who talks to PostgreSQL, through which file and key, for what purpose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from repoint.errors import UsageError
from repoint.flows.left_alone import left_alone
from repoint.flows.operator_secret import past_the_pooler
from repoint.flows.reading import Reading, read_repository
from repoint.flows.rendering_unknown import resolve_all
from repoint.flows.workspace import Workspace
from repoint.formats.base import ParsedFile
from repoint.formats.shelf import text_of
from repoint.kube.declared import declared_uses
from repoint.kube.effective import text
from repoint.kube.environments import EnvironmentSpec
from repoint.kube.files import FileIndex
from repoint.kube.resolve import Resolution
from repoint.kube.trace import RawUse
from repoint.kube.unseen import style_of_name, unseen_uses
from repoint.model.consumer import Certainty, Purpose, Route, Site, Style, Use, Workload
from repoint.model.plan import Finding
from repoint.model.source import Unreadable
from repoint.planning.config import Config, Environment, as_tuple
from repoint.planning.inventory import EnvironmentView, Inventory, SiteReport
from repoint.planning.judging import (
    choice_for,
    consumers_of,
    judged,
    judged_file,
    main_purpose,
    routes,
)
from repoint.planning.sources import SourceHosts
from repoint.rules import routing
from repoint.rules.purpose import PurposeVerdict
from repoint.rules.purpose_files import owner_around

_OUTSIDE = (Style.DOTENV, Style.MAKEFILE, Style.HCL)
SCAFFOLD_FOLDER = "cnpg"
"""Where target objects are written: beside an overlay's kustomization, or by environment."""


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """Everything a scan learns; plan, check and init build on it.

    `files` are the parsed files by path, `sites` their sites by path. `uses` and
    `file_verdicts` are by site id; `raw_uses` keep the built containers.
    """

    inventory: Inventory
    files: Mapping[str, ParsedFile]
    paths: tuple[str, ...]
    sites: Mapping[str, tuple[Site, ...]]
    resolution: Resolution
    index: FileIndex
    raw_uses: tuple[RawUse, ...]
    uses: dict[str, tuple[Use, ...]]
    routes: dict[tuple[str, Workload], Route]
    source: SourceHosts | None
    locked: frozenset[str]
    """Sealed files that no key at hand opens."""


def scan(
    workspace: Workspace, environments: Sequence[str] = (), reading: Reading | None = None
) -> Inventory:
    """Take stock of a repository.

    Args:
        workspace: The repository; works without `repoint.yaml`.
        environments: Show only these; all when empty.
        reading: What was read of it before, so that nothing is read twice.

    Raises:
        UsageError: an environment of that name does not exist.
    """
    found = survey(workspace, reading)
    inventory = found.inventory
    if workspace.config is not None:
        past = past_the_pooler(workspace.config, found.resolution, found.routes)
        inventory = replace(inventory, findings=(*inventory.findings, *past))
    if not environments:
        return inventory
    known = {view.name for view in inventory.environments}
    for name in environments:
        if name not in known:
            raise UsageError(
                f"there is no environment `{name}`",
                hint=f"environments here: {', '.join(sorted(known)) or 'none'}",
            )
    wanted = set(environments)
    return replace(
        inventory,
        environments=tuple(view for view in inventory.environments if view.name in wanted),
        sites=tuple(
            s for s in inventory.sites if not s.environments or wanted & set(s.environments)
        ),
        consumers=tuple(
            c for c in inventory.consumers if not c.environment or c.environment in wanted
        ),
        findings=tuple(
            f for f in inventory.findings if not f.environment or f.environment in wanted
        ),
    )


def survey(workspace: Workspace, reading: Reading | None = None) -> Survey:
    """Find the sites and link them to workloads; `reading` is reused when it is given."""
    config = workspace.config
    known = reading or read_repository(workspace)
    resolution, notes = resolve_all(workspace, known, _specs(config, known.paths))
    raw = resolution.uses
    builds = (*resolution.environments, resolution.unnamed)
    unseen = tuple(dict.fromkeys(unseen_uses(builds, resolution.sealed, known.sites)))
    uses = [judged(use, config) for use in (*raw, *unseen) if not use.piece]
    source = _source(config, resolution)
    apart = left_alone(config, resolution, known)
    chosen = routes(uses, config)
    by_site: dict[str, tuple[Use, ...]] = {}
    for use in uses:
        by_site[use.site] = (*by_site.get(use.site, ()), use)
    reports = [
        replace(one, is_source=one.is_source and one.site.id not in apart)
        for one in _reports(known, unseen, by_site, resolution, source, config)
    ]
    moving = frozenset(report.site.id for report in reports if report.is_source)
    unreadable = [*known.problems(), *notes, *_build_problems(resolution)]
    inventory = Inventory(
        root=workspace.root,
        environments=_environment_views(resolution),
        sites=tuple(reports),
        consumers=consumers_of(uses, chosen, moving, config),
        unreadable=tuple(sorted(set(unreadable))),
        findings=_findings(reports, config),
        files_seen=len(known.paths),
        files_read=len(known.files),
    )
    return Survey(
        inventory=inventory,
        files=known.files,
        paths=known.paths,
        sites=known.sites,
        resolution=resolution,
        index=resolution.index,
        raw_uses=raw,
        uses=by_site,
        routes=chosen,
        source=source,
        locked=known.locked,
    )


def _specs(config: Config | None, paths: Sequence[str]) -> tuple[EnvironmentSpec, ...]:
    if config is None:
        return ()
    tops = tuple(dict.fromkeys(path.partition("/")[0] for path in paths))
    return tuple(
        EnvironmentSpec(
            name=name,
            namespace=one.namespace,
            overlays=as_tuple(one.overlay),
            secrets=_places(name, one, tops),
        )
        for name, one in config.environments.items()
    )


def _places(name: str, environment: Environment, tops: tuple[str, ...]) -> tuple[str, ...]:
    """Directories and files of an environment outside its overlays; `.` is everything.

    An environment without an overlay has the folder that `scaffold` writes for it, too.
    """
    named = [
        place
        for value in (environment.secrets, environment.manifests, environment.values)
        for place in as_tuple(value)
    ]
    if not as_tuple(environment.overlay):
        named.append(f"{SCAFFOLD_FOLDER}/{name}")
    return tuple(one for place in named for one in (tops if place == "." else (place,)))


def _source(config: Config | None, resolution: Resolution) -> SourceHosts | None:
    if config is None:
        return None
    everything = (*resolution.environments, resolution.unnamed)
    services = [one for env in everything for one in env.objects if one.kind == "Service"]
    namespaces = [env.namespace for env in config.environments.values() if env.namespace]
    targets: list[str] = []
    if any(text(one.body, "spec", "externalName") for one in services):
        from repoint.planning.environment_facts import targets_of

        for one in (targets_of(config, environment) for environment in resolution.environments):
            targets += (*one.pools, one.direct)
    return SourceHosts(config.source.hosts, services, namespaces, config.target.domain, targets)


def _is_source(source: SourceHosts, site: Site, uses: tuple[Use, ...]) -> bool:
    if any(use.workload.kind == "ComposeService" for use in uses):
        return False
    written = site.host.text
    asked = dict.fromkeys((use.host or written, use.workload.namespace) for use in uses)
    hosts = [
        (one, space) for text, space in asked or {(written, ""): None} for one in text.split(",")
    ]
    if not uses and site.style in _OUTSIDE:
        # Outside a cluster a bare `postgres` is whatever runs beside the process.
        hosts = [(host, space) for host, space in hosts if "." in host]
    return any(source.matches(host, namespace) for host, namespace in hosts if host)


def _reports(
    known: Reading,
    unseen: Iterable[RawUse],
    by_site: dict[str, tuple[Use, ...]],
    resolution: Resolution,
    source: SourceHosts | None,
    config: Config | None,
) -> list[SiteReport]:
    """Every site with what is known of it, by path and line; those of `unseen` are in no file."""
    declared = {
        name: judged(use, config)
        for name, use in declared_uses(known.files, known.sites, by_site).items()
    }
    seen = (site for found in known.sites.values() for site in found)
    hidden = {use.site.id: use.site for use in unseen}.values()
    reports = [
        _report(s, known.files, by_site, resolution, source, config, declared.get(s.id))
        for s in (*seen, *hidden)
    ]
    return sorted(reports, key=lambda one: (one.site.location.path, one.site.location.line))


def _report(
    site: Site,
    files: Mapping[str, ParsedFile],
    by_site: dict[str, tuple[Use, ...]],
    resolution: Resolution,
    source: SourceHosts | None,
    config: Config | None,
    declared: Use | None,
) -> SiteReport:
    uses = by_site.get(site.id, ())
    placed = resolution.site_environments.get(site.id, ())
    environments = tuple(dict.fromkeys((*placed, *(u.environment for u in uses if u.environment))))
    order = {name: number for number, name in enumerate(resolution.layout.names)}
    environments = tuple(sorted(environments, key=lambda name: order.get(name, len(order))))
    if uses:
        purpose = main_purpose(uses)
        consumer = next((use.workload.id for use in uses if use.purpose is purpose), "")
        if purpose is Purpose.UNKNOWN:
            consumer = uses[0].workload.id
        return SiteReport(
            site, consumer, purpose.value, environments, uses, _named(source, site, uses)
        )
    text = text_of(files, site.location.path)
    verdict = judged_file(site, text, config)
    owner = owner_around(site.location.path, text, site.location.line)
    if declared is not None and verdict.purpose is Purpose.UNKNOWN:
        verdict = PurposeVerdict(declared.purpose, declared.evidence, declared.certainty)
        owner = declared.workload.id
    made = _file_use(site, verdict, environments)
    return SiteReport(
        site, owner, verdict.purpose.value, environments, (made,), _named(source, site, ())
    )


def _named(source: SourceHosts | None, site: Site, uses: tuple[Use, ...]) -> bool:
    return source is not None and _is_source(source, site, uses)


def _file_use(site: Site, verdict: PurposeVerdict, environments: tuple[str, ...]) -> Use:
    """A use by the file itself, for a site that no workload reads."""
    return Use(
        site=site.id,
        workload=Workload("File", "", site.location.path),
        environment=environments[0] if len(environments) == 1 else "",
        purpose=verdict.purpose,
        evidence=verdict.evidence,
        certainty=verdict.certainty if verdict.evidence else Certainty.GUESS,
        via=f"{site.location.path}: {site.key}",
        source="file",
    )


def _build_problems(resolution: Resolution) -> list[Unreadable]:
    found = [Unreadable(overlay or ".", problem) for overlay, problem in resolution.problems]
    for reference in resolution.sealed:
        # The file itself is listed as not opened; of its keys only those that may be a connection.
        if not (style_of_name(reference.variable) or style_of_name(reference.key)):
            continue
        workload = reference.container.workload.id
        found.append(
            Unreadable(
                reference.path,
                f"line {reference.line}: `{reference.key}` is sealed; {workload} reads it "
                f"({reference.certainty.value})",
            )
        )
    return found


def _environment_views(resolution: Resolution) -> tuple[EnvironmentView, ...]:
    return tuple(
        EnvironmentView(
            name=one.name,
            overlays=one.overlays,
            namespace=one.namespace,
            files=one.files,
            builds=not one.problems,
            problem=one.problems[0] if one.problems else "",
        )
        for one in resolution.environments
    )


def _findings(reports: Iterable[SiteReport], config: Config | None) -> tuple[Finding, ...]:
    found: list[Finding] = []
    for report in reports:
        if config is not None and not report.is_source:
            continue
        found += _shared(report)
        found += _unknown(report, config)
    return tuple(dict.fromkeys(found))


def _shared(report: SiteReport) -> Iterable[Finding]:
    """RP102 for each environment that has both readers, or for the first of each."""
    direct: dict[str, Use] = {}
    runtime: dict[str, Use] = {}
    for use in report.uses:
        if use.purpose.must_go_direct:
            direct.setdefault(use.environment, use)
        elif use.purpose is Purpose.RUNTIME:
            runtime.setdefault(use.environment, use)
    pairs = [(one, runtime[name]) for name, one in direct.items() if name in runtime]
    for one, served in pairs or list(zip(direct.values(), runtime.values(), strict=False))[:1]:
        yield routing.SHARED_VALUE.finding(
            f"`{report.site.key}` feeds {served.workload.id} (runtime) and {one.workload.id} "
            f"({one.purpose.value})",
            location=report.site.location,
            environment=one.environment,
            consumer=one.workload.id,
        )


def _unknown(report: SiteReport, config: Config | None) -> Iterable[Finding]:
    for use in report.uses:
        if use.purpose is not Purpose.UNKNOWN or _settled(use, config):
            continue
        if use.workload.kind == "File":
            continue
        yield routing.PURPOSE_UNKNOWN.finding(
            f"`{report.site.key}`: nothing tells what {use.workload.id} uses it for",
            location=report.site.location,
            environment=use.environment,
            consumer=use.workload.id,
        )


def _settled(use: Use, config: Config | None) -> bool:
    chosen = choice_for(config, use.workload)
    return chosen is not None and bool(chosen.route)
