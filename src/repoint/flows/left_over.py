"""RP111: what names the source and is no site that a plan can move."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from repoint.flows.chart_defaults import Overriding, is_default
from repoint.flows.scanning import Survey
from repoint.kube.builds import EnvironmentBuild
from repoint.kube.siteindex import SiteIndex
from repoint.model.consumer import Purpose
from repoint.model.plan import Finding, Severity
from repoint.planning.config import Config
from repoint.planning.environment_facts import targets_of
from repoint.planning.leftovers import Leftover, in_values, leftovers
from repoint.rules import routing


def _all(found: Survey, build: EnvironmentBuild, sites: SiteIndex) -> Iterator[Leftover]:
    """What is left over in an environment's objects, and in the values that charts get."""
    if found.source is not None:
        yield from leftovers(build, sites, found.source)
        yield from in_values(found.resolution.loose, build.name, found.source)


def _left(one: Leftover, config: Config, build: EnvironmentBuild) -> tuple[str, str]:
    """Why a value is left over, and what to do about it; nothing for the rule's own remedy."""
    path = one.location.path if one.location is not None else ""
    if one.sited:
        name = f"`consumers: {{{path}: {{purpose: ...}}}}`"
        return (
            f"kustomize takes it from {one.origin}",
            f"name its purpose in repoint.yaml, {name}: it moves with that line",
        )
    if one.origin:
        own = targets_of(config, build)
        return (
            f"kustomize takes it from {one.origin}",
            f"put `{own.pooled}` there for this environment (migrations: `{own.direct}`), "
            "then plan again",
        )
    if one.severity is Severity.ERROR:
        return "which no editable place spells", ""
    return (
        "and nothing tells whether anybody connects by it",
        "where it connects, change it by hand, or patch it in the environment's overlay",
    )


def _with_purpose(found: Survey) -> frozenset[str]:
    """The files whose every site of the source has a purpose, so that a plan moves it."""
    known: dict[str, bool] = {}
    for report in found.inventory.sites:
        if report.is_source:
            clear = all(use.purpose is not Purpose.UNKNOWN for use in report.uses)
            path = report.site.location.path
            known[path] = known.get(path, True) and clear and bool(report.uses)
    return frozenset(path for path, clear in known.items() if clear)


def left_over(
    found: Survey, names: Collection[str], config: Config, *, defaults: bool = True
) -> Iterable[Finding]:
    """RP111: what names the source in built objects and is no site that a plan can move.

    Without `defaults` the defaults of charts are left out: for who tells of them by RP110.
    """
    if found.source is None:
        return
    sites = SiteIndex(found.sites, found.files)
    clear = _with_purpose(found)
    for build in found.resolution.environments:
        for one in _all(found, build, sites) if build.name in names else ():
            if one.sited and one.location is not None and one.location.path in clear:
                continue
            why, hint = _left(one, config, build)
            yield routing.UNSEEN_PATH.finding(
                f"`{one.key}` of {one.owner} names the source, {why}",
                hint=hint,
                location=one.location,
                environment=build.name,
                consumer=one.owner,
                severity=one.severity,
            )
    overriding = Overriding(found)
    for report in found.inventory.sites:
        outside = [u for u in report.uses if not u.environment and u.workload.kind != "File"]
        if report.is_source and outside and not report.environments:
            default = is_default(report)
            if default and (not defaults or overriding.everywhere(report, outside[0])):
                continue
            yield routing.UNSEEN_PATH.finding(
                f"`{report.site.key}` of {outside[0].workload.id} names the source, and belongs to "
                "no environment",
                hint="add its overlay or manifests to an environment in repoint.yaml",
                location=report.site.location,
                consumer=outside[0].workload.id,
                severity=Severity.NOTE if default else Severity.WARNING,
            )
