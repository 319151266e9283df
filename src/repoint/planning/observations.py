"""Findings on the repository as a whole: what was not read, printed, or left in clear text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from repoint.formats.base import FileKind, ParsedFile
from repoint.kube import facts as kube
from repoint.kube.builds import EnvironmentBuild
from repoint.kube.effective import Effective, Value, mapping
from repoint.kube.files import normal
from repoint.kube.resolve import Resolution
from repoint.kube.resource import Resource
from repoint.kube.trace import is_spring
from repoint.kube.workloads import containers
from repoint.model.globs import fits
from repoint.model.plan import Finding
from repoint.model.source import Location, Unreadable
from repoint.planning.config import Config, as_tuple
from repoint.planning.inventory import SiteReport
from repoint.rules import hygiene
from repoint.rules.printing import prints_dsn
from repoint.rules.sealing import (
    Unexpanded,
    clear_passwords,
    password_findings,
    sops_rules,
    unexpanded_findings,
    unexpanded_names,
)

_SCRIPTS = (FileKind.SHELL, FileKind.MAKEFILE)
_DEVELOPMENT = (FileKind.DOTENV, FileKind.HCL, FileKind.MAKEFILE, FileKind.SHELL)


def printed(files: Iterable[ParsedFile]) -> Iterator[Finding]:
    """RP131: scripts and Makefiles that print a connection string."""
    for parsed in files:
        if parsed.kind in _SCRIPTS:
            yield from prints_dsn(parsed.path, parsed.text)


def clear_text(
    files: Iterable[ParsedFile],
    sops_files: Iterable[tuple[str, str]],
    relevant: Callable[[str], bool],
    home: Callable[[str], str] | None,
) -> Iterator[Finding]:
    """RP301 and RP303: passwords in clear text, in the files that matter.

    Args:
        files: Parsed files; sealed ones hold what nobody encrypted.
        sops_files: `(path, text)` of every `.sops.yaml`.
        relevant: Whether a file takes part in the migration; RP303 is told of those only.
        home: The one environment whose a file is, to which RP301 then belongs, or empty; None
            where there are no environments.
    """
    rules = tuple(
        rule
        for path, text in sorted(sops_files, key=lambda one: -len(one[0]))
        for rule in sops_rules(text, path.rpartition("/")[0])
    )
    for parsed in files:
        found = clear_passwords(parsed)
        if not found:
            continue
        development = parsed.kind in _DEVELOPMENT or "compose" in parsed.path
        told: set[str] = set()
        for finding in password_findings(found, rules, development=development):
            # An alias spells the same bytes again.
            if finding.message in told:
                continue
            told.add(finding.message)
            if finding.code == hygiene.UNSEALED.code:
                yield replace(finding, environment=home(parsed.path) if home else "")
            elif relevant(parsed.path):
                yield finding


def unexpanded(environment: EnvironmentBuild) -> Iterator[Finding]:
    """RP302: `${NAME}` where Kubernetes expands nothing (X2)."""
    values = [one for resource in environment.objects for one in _shell_names(resource)]
    substituted = any(
        mapping(one.body, "spec", "postBuild")
        for one in environment.objects
        if one.kind == "Kustomization"
    )
    values = [one for one in values if not set(one.names) <= environment.variables.keys()]
    yield from unexpanded_findings(values, substituted=substituted, environment=environment.name)


def _shell_names(resource: Resource) -> Iterator[Unexpanded]:
    found: list[tuple[str, Effective]] = []
    if resource.kind == "Secret":
        for field in ("stringData", "data"):
            found += mapping(resource.body, field).items()
    for view in containers(resource):
        found += [(entry.name, entry.value) for entry in view.env if entry.value is not None]
    for key, value in found:
        if not isinstance(value, Value) or value.scalar is None or "://" not in value.text:
            continue
        names = unexpanded_names(value.text)
        if names and not is_spring(key):
            scalar = value.scalar
            place = Location(value.origin.path, scalar.line, scalar.column, value.origin.pointer)
            yield Unexpanded(place, key, names)


def elsewhere(environment: EnvironmentBuild, wanted: frozenset[str]) -> Iterator[Finding]:
    """RP315: values that an ExternalSecret or a SealedSecret brings, for keys that are read."""
    for value in kube.external_values(environment.objects):
        if value.key in wanted or not value.key:
            place = Location(value.path, value.line, 1, "")
            yield hygiene.elsewhere(
                value.kind, value.secret, value.key or "*", place, environment.name
            )


def unreadable(resolution: Resolution, files: Iterable[ParsedFile]) -> Iterator[Finding]:
    """RP311 and RP313: overlays and files that could not be read."""
    seen: set[str] = set()
    for environment in resolution.environments:
        for build in environment.builds:
            if build.problems and build.overlay not in seen:
                seen.add(build.overlay)
                yield hygiene.overlay_broken(environment.name, build.overlay, build.problems[0])
    yield from hygiene.unparsed(
        Unreadable(parsed.path, parsed.problem) for parsed in files if parsed.problem
    )


def nowhere(config: Config, wanted: Iterable[str], resolution: Resolution) -> Iterator[Finding]:
    """RP313: places that repoint.yaml names for an environment, and where nothing is."""
    index = resolution.index
    for name in wanted:
        one = config.environments[name]
        for overlay in as_tuple(one.overlay):
            if index.kustomization_in(normal(overlay)) is None:
                glob = _excluding(config, f"{normal(overlay)}/kustomization.yaml")
                yield hygiene.nothing_there(name, "overlay", overlay, glob)
        for key, places in (("secrets", one.secrets), ("manifests", one.manifests)):
            for place in as_tuple(places):
                if not (index.exists(normal(place)) or index.is_dir(normal(place))):
                    yield hygiene.nothing_there(name, key, place, _excluding(config, place))
        for place in as_tuple(one.values):
            if not index.exists(normal(place)):
                glob = _excluding(config, place)
                yield hygiene.nothing_there(name, "values", place, glob)


def _excluding(config: Config, place: str) -> str:
    """The pattern under `exclude:` that a place, or what is in it, falls under; empty for none."""
    spots = (normal(place), f"{normal(place)}/any")
    return next((glob for glob in config.exclude if any(fits(s, glob) for s in spots)), "")


def templates(reports: Iterable[SiteReport]) -> Iterator[Finding]:
    """RP314: sites of the source that stand in templates."""
    for report in reports:
        if report.is_source and report.site.style.value == "template":
            environment = report.environments[0] if len(report.environments) == 1 else ""
            yield hygiene.template(report.site.location, report.site.key, environment)
