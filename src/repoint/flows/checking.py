"""Check: the guard that stays in CI after the move."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from repoint.flows.chart_defaults import Overriding, told_in_its_environments
from repoint.flows.choices import names_of_nobody
from repoint.flows.drift import drifted
from repoint.flows.findings import accepted, closed, ordered, sops_files
from repoint.flows.left_over import left_over
from repoint.flows.owners import Owners
from repoint.flows.planning import (
    delivery_of,
    former_of,
    reads_of,
    require_config,
    turned_of,
    wanted_names,
)
from repoint.flows.scanning import Survey, survey
from repoint.flows.suspects import unread, with_passwords
from repoint.flows.together import together
from repoint.flows.workspace import Workspace
from repoint.model.consumer import Purpose, Route, Use
from repoint.model.plan import Finding, Severity
from repoint.planning import observations
from repoint.planning.app_secret import past_the_pooler
from repoint.planning.config import Config
from repoint.planning.environment_facts import Targets, targets_of
from repoint.planning.inventory import SiteReport
from repoint.planning.judging import use_route
from repoint.planning.rerouted import Turn, is_pool
from repoint.rules import delivery_order, hygiene, routing


def check(workspace: Workspace, environments: Sequence[str] = ()) -> tuple[Finding, ...]:
    """What breaks the state that the migration reached, most severe first.

    A consumer that names the source, a migration that goes through a pool, a clear-text
    value that `.sops.yaml` wants sealed, a hook that runs before its Secret has changed; and
    what could not be read, so that silence is never taken for health.

    Raises:
        ConfigError: there is no repoint.yaml, or it names no environment.
        UsageError: an environment of that name does not exist.
    """
    return together(_checked(workspace, environments))


def _checked(workspace: Workspace, environments: Sequence[str]) -> tuple[Finding, ...]:
    """The findings of a check, each for itself, those marked that repoint.yaml accepts."""
    config = require_config(workspace)
    wanted = wanted_names(config, environments)
    found = survey(workspace)
    targets = [targets_of(config, b) for b in found.resolution.environments]
    result: list[Finding] = []
    overriding = Overriding(found)
    owners = Owners(config, found)
    for report in found.inventory.sites:
        concerned = tuple(_concerned(report, wanted, owners))
        moving = [use for use in concerned if not _stays(use, found, config)]
        result += _old_host(report, moving, found, overriding)
        result += _kept(report, [use for use in concerned if use not in moving])
        result += _pooled_migration(report, concerned, targets, config.target.domain)
    for build, own in zip(found.resolution.environments, targets, strict=True):
        if build.name in wanted:
            told = delivery_order.on_delivery(build.name, delivery_of(config, found, build, own))
            result += [one for one in told if one.severity is not Severity.NOTE]
            result += past_the_pooler(reads_of(config, found, build, own))
            result += _turned(turned_of(workspace, found, build, own, owners).turns)
            result += _former(former_of(workspace, found, build, own, owners), build.name)
    result += left_over(found, wanted, config, defaults=False)
    sealing = sops_files(workspace)
    result += observations.clear_text(
        with_passwords(found), sealing, lambda _: False, owners.certain
    )
    result += observations.unreadable(found.resolution, unread(found))
    result += observations.nowhere(config, wanted, found.resolution)
    result += names_of_nobody(config, found)
    for name in wanted:
        result += drifted(workspace.tree, name, _anew(result, name))
    result += _sealed(found)
    result = [one for one in result if one.environment in ("", *wanted)]
    return accepted(ordered(result, wanted), config.accept)


def _concerned(report: SiteReport, wanted: Sequence[str], owners: Owners) -> Iterator[Use]:
    """Uses in the wanted environments; one outside all counts, a script where a plan moves it."""
    for use in report.uses:
        if use.purpose is Purpose.COMMENT:
            continue
        home = use.environment
        if not home and use.workload.kind == "File":
            home = owners.home_of(report.site)
        if home in ("", *wanted):
            yield use


def _old_host(
    report: SiteReport, uses: Sequence[Use], found: Survey, overriding: Overriding
) -> Iterator[Finding]:
    if not report.is_source:
        return
    for use in uses:
        if told_in_its_environments(report, use):
            continue
        lonely = use.workload.kind == "File"
        who = use.workload.name if lonely else use.workload.id
        default = overriding.everywhere(report, use)
        if default or (lonely and _overridden(report, found)):
            by = "environment" if default else "overlay"
            yield routing.NAMES_SOURCE.finding(
                f"`{report.site.key}` of {who} names the source, and every {by} overrides it",
                hint="nothing reads it any more; change it once no environment has to go back",
                location=report.site.location,
                severity=Severity.NOTE,
            )
            continue
        if lonely and _substituted(report, found):
            yield routing.NAMES_SOURCE.finding(
                f"`{report.site.key}` of {who} names the source, and no text here asks Flux for it",
                hint="remove it, or change it where something elsewhere asks for it",
                location=report.site.location,
                environment=use.environment,
                severity=Severity.NOTE,
            )
            continue
        local = use.purpose is Purpose.LOCAL_DEVELOPMENT
        yield routing.NAMES_SOURCE.finding(
            f"`{report.site.key}` of {who} names the source ({use.purpose.value})",
            location=report.site.location,
            environment=use.environment,
            consumer=use.workload.id,
            severity=Severity.WARNING if local else None,
        )


def _stays(use: Use, found: Survey, config: Config) -> bool:
    """Whether repoint.yaml keeps a use where it is: no plan moves it."""
    if use.workload.kind == "File":
        chosen = config.consumers.get(use.workload.name)
        return chosen is not None and chosen.route == Route.UNCHANGED.value
    decided = found.routes.get((use.environment, use.workload), Route.UNKNOWN)
    return use_route(use, decided, config) is Route.UNCHANGED


def _kept(report: SiteReport, uses: Iterable[Use]) -> Iterator[Finding]:
    """RP110 as a note, for what stays at the source because repoint.yaml says so."""
    for use in uses if report.is_source else ():
        who = use.workload.name if use.workload.kind == "File" else use.workload.id
        yield routing.NAMES_SOURCE.finding(
            f"`{report.site.key}` of {who} names the source, and repoint.yaml leaves it there",
            hint="take its `route: unchanged` out of repoint.yaml when it is to move",
            location=report.site.location,
            environment=use.environment,
            consumer=use.workload.id,
            severity=Severity.NOTE,
        )


def _overridden(report: SiteReport, found: Survey) -> bool:
    """Whether overlays read the site's file, and none of them deploys the site."""
    path = report.site.location.path
    builds = [build for one in found.resolution.environments for build in one.builds]
    return not report.environments and any(path in build.files for build in builds)


def _substituted(report: SiteReport, found: Survey) -> bool:
    """Whether a site is a variable that Flux puts into texts."""
    place = (report.site.location.path, report.site.value_pointer)
    return any(
        (leaf.origin.path, leaf.origin.pointer) == place
        for build in found.resolution.environments
        for leaves in build.variables.values()
        for leaf in leaves
    )


def _pooled_migration(
    report: SiteReport, uses: Sequence[Use], targets: Sequence[Targets], domain: str
) -> Iterator[Finding]:
    host = report.site.host.text
    for use in uses:
        if use.purpose.must_go_direct and is_pool(host, use.workload.namespace, targets, domain):
            what = f"{use.workload.id} ({use.purpose.value})"
            yield routing.MIGRATION_POOLED.finding(
                f"`{report.site.key}` sends {what} through the pool",
                location=report.site.location,
                environment=use.environment,
                consumer=use.workload.id,
            )


def _turned(turns: Iterable[Turn]) -> Iterator[Finding]:
    """RP106: consumers that shall go another way; RP120 tells of migrations in a pool."""
    for one in turns:
        if one.use.purpose.must_go_direct and one.now is Route.POOLED:
            continue
        who = one.use.workload
        said = f"repoint.yaml says {one.wanted.value}"
        if one.pool:
            said = f"repoint.yaml asks for another pool, of {one.pool}s"
        if one.unsaid:
            said = f"repoint.yaml says so no more: by itself it goes {one.wanted.value}"
        yield routing.TURNED.finding(
            f"`{one.report.site.key}` of {who.name if who.kind == 'File' else who.id} goes "
            f"{one.now.value}, and {said}",
            location=one.report.site.location,
            environment=one.use.environment,
            consumer=who.id,
        )


def _former(reports: Iterable[SiteReport], environment: str) -> Iterator[Finding]:
    """RP107: what an earlier apply wrote, and today's target is not."""
    for report in reports:
        yield routing.FORMER_TARGET.finding(
            f"`{report.site.key}` of {report.consumer or report.site.location.path} names "
            f"`{report.site.host.text}`, which is no target of `{environment}` any more",
            location=report.site.location,
            environment=environment,
            consumer=report.consumer,
        )


def _anew(findings: Iterable[Finding], environment: str) -> frozenset[str]:
    """The files of an environment in which a value names a target of another day (RP107)."""
    return frozenset(
        one.location.path
        for one in findings
        if one.code == routing.FORMER_TARGET.code
        and one.environment == environment
        and one.location is not None
    )


def _sealed(found: Survey) -> Iterator[Finding]:
    """Sealed files that could not be looked into: a warning, since CI often has no keys."""
    layout = found.resolution.layout
    for path, why in closed(found):
        yield hygiene.cannot_open(path, why, environment=layout.environment_of(path))
