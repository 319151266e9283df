"""RP111: what names the source and is no site that a plan can move."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from repoint.flows.scanning import Survey
from repoint.kube.builds import EnvironmentBuild
from repoint.kube.siteindex import SiteIndex
from repoint.model.consumer import Purpose, Style
from repoint.model.plan import Finding, Severity
from repoint.planning.config import Config
from repoint.planning.environment_facts import targets_of
from repoint.planning.leftovers import Leftover, leftovers
from repoint.rules import routing


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
        "where it connects, patch it in the environment's overlay",
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


def left_over(found: Survey, names: Collection[str], config: Config) -> Iterable[Finding]:
    """RP111: what names the source in built objects and is no site that a plan can move."""
    if found.source is None:
        return
    sites = SiteIndex(found.sites, found.files)
    clear = _with_purpose(found)
    for build in found.resolution.environments:
        for one in leftovers(build, sites, found.source) if build.name in names else ():
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
    for report in found.inventory.sites:
        outside = [u for u in report.uses if not u.environment and u.workload.kind != "File"]
        if report.is_source and outside and not report.environments:
            # A chart's defaults are what it would use without any environment's values.
            defaults = report.site.style is Style.HELM_VALUE
            yield routing.UNSEEN_PATH.finding(
                f"`{report.site.key}` of {outside[0].workload.id} names the source, and belongs to "
                "no environment",
                hint="add its overlay or manifests to an environment in repoint.yaml",
                location=report.site.location,
                consumer=outside[0].workload.id,
                severity=Severity.NOTE if defaults else Severity.WARNING,
            )
