"""Plan: what will change and why, and the proof that nothing else does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from repoint import __version__
from repoint.dsn.hosts import parse_host
from repoint.errors import ConfigError, RepointError, UsageError
from repoint.flows.proving import prove
from repoint.flows.scanning import Survey, survey
from repoint.flows.workspace import Workspace
from repoint.formats.base import Mapping as Tree
from repoint.formats.base import Scalar
from repoint.kube.builds import EnvironmentBuild
from repoint.kube.resource import Resource
from repoint.kube.workloads import containers
from repoint.model.consumer import Purpose, Site, Workload
from repoint.model.plan import (
    FileChange,
    Finding,
    InputDigest,
    Plan,
    Severity,
)
from repoint.planning import observations
from repoint.planning.assemble import digest, file_changes
from repoint.planning.codec import PLAN_FORMAT
from repoint.planning.config import CONFIG_NAME, Acceptance, Config, as_tuple
from repoint.planning.deliver import Delivery
from repoint.planning.environment_facts import Targets, targets_of
from repoint.planning.ground import Ground
from repoint.planning.inventory import SiteReport
from repoint.planning.local_development import atlas_edits, makefile_edits, makefiles_for
from repoint.planning.moves import Mover, Moves, Scene
from repoint.planning.overlay_edits import OverlayEditor
from repoint.planning.overlay_folder import PlannedEdit
from repoint.planning.places import PlaceIndex
from repoint.rules import (
    budget,
    hygiene,
    network,
    probes,
    routing,
    session_state,
    startup_params,
    targets,
    tls,
)
from repoint.rules.facts import Hazard, RoleDefault
from repoint.rules.source_scan import component_dirs, scan_role_defaults, scan_source

_CHECKS = (startup_params, session_state, tls, budget, network, probes, targets)
_SOURCE_SUFFIXES = [
    ".sql",
    ".go",
    ".py",
    ".js",
    ".ts",
    ".mjs",
    ".cjs",
    ".jsx",
    ".tsx",
    ".java",
    ".kt",
    ".rb",
    ".php",
    ".rs",
    ".cs",
    ".scala",
    ".ex",
    ".exs",
    ".gradle",
    ".kts",
]
_MANIFESTS = [
    "go.mod",
    "package.json",
    "pyproject.toml",
    "requirements.txt",
    "pom.xml",
    "Gemfile",
    "composer.json",
    "Cargo.toml",
]


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """How a plan is made: `proofs` are only left out where no change will be written."""

    proofs: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What source text outside the manifests tells."""

    hazards: tuple[Hazard, ...]
    role_defaults: tuple[RoleDefault, ...]


def make_plan(
    workspace: Workspace, environments: Sequence[str] = (), options: PlanOptions | None = None
) -> Plan:
    """Make the plan for `environments`, all of them by default.

    Raises:
        ConfigError: there is no repoint.yaml, or it names no environment.
        UsageError: an environment of that name does not exist.
    """
    config = require_config(workspace)
    wanted = wanted_names(config, environments)
    found = survey(workspace)
    moves = all_moves(workspace, config, found, wanted)
    changes = tuple(
        change
        for one in moves
        for change in file_changes(one.environment, one.edits, workspace.tree.read)
    )
    chosen = options or PlanOptions()
    proofs = prove(workspace, found, changes, wanted) if chosen.proofs else ()
    inputs = _inputs(workspace, found, changes)
    findings = accepted(all_findings(workspace, found, moves), config.accept)
    return Plan(
        format=PLAN_FORMAT,
        tool_version=__version__,
        environments=wanted,
        consumers=tuple(row for one in moves for row in one.consumers),
        changes=changes,
        tasks=tuple(task for one in moves for task in one.tasks),
        findings=findings,
        proofs=proofs,
        unreadable=tuple(f"{one.path}: {one.reason}" for one in found.inventory.unreadable),
        inputs=inputs,
        fingerprint=_fingerprint(inputs, workspace.config_text, wanted),
    )


def require_config(workspace: Workspace) -> Config:
    """The configuration, with at least one environment.

    Raises:
        ConfigError: there is none, or it names no environment.
    """
    if workspace.config is None:
        raise ConfigError(f"there is no `{CONFIG_NAME}` here", hint="run `repoint init`")
    if not workspace.config.environments:
        raise ConfigError(
            f"`{CONFIG_NAME}` names no environment", hint="add one under `environments:`"
        )
    return workspace.config


def wanted_names(config: Config, environments: Sequence[str]) -> tuple[str, ...]:
    """The environments asked for in promotion order, all of them by default.

    Raises:
        UsageError: an environment of that name does not exist.
    """
    for name in environments:
        if name not in config.environments:
            known = ", ".join(config.environments)
            raise UsageError(
                f"there is no environment `{name}`", hint=f"`{CONFIG_NAME}` has: {known}"
            )
    return tuple(name for name in config.environments if not environments or name in environments)


def all_moves(
    workspace: Workspace, config: Config, found: Survey, wanted: Sequence[str]
) -> tuple[Moves, ...]:
    """The decisions and edits of each wanted environment, in promotion order."""
    builds = {one.name: one for one in found.resolution.environments}
    targets_by_name = {name: targets_of(config, one) for name, one in builds.items()}
    evidence = gather(workspace, found)
    result = []
    for name in wanted:
        workspace.progress.step(f"planning {name}")
        made = _moves(workspace, config, found, builds[name], targets_by_name, evidence)
        if name == next(iter(config.environments)):
            edits = _local_development(workspace, found, targets_by_name[name], config)
            made = replace(made, edits=(*made.edits, *edits))
        result.append(made)
    return tuple(result)


def gather(workspace: Workspace, found: Survey) -> Evidence:
    """Read the source text of the applications, for hazards and role defaults only."""
    components = component_dirs(found.paths)
    hazards: list[Hazard] = []
    defaults: list[RoleDefault] = []
    for path in found.paths:
        name = path.rpartition("/")[2]
        source = name in _MANIFESTS or any(name.endswith(end) for end in _SOURCE_SUFFIXES)
        if not source and path not in found.files:
            continue
        text = _text(workspace, found, path)
        if source:
            hazards += scan_source(path, text, components)
        if "ALTER ROLE" in text.upper():
            defaults += scan_role_defaults(path, text)
    return Evidence(tuple(hazards), tuple(defaults))


def _text(workspace: Workspace, found: Survey, path: str) -> str:
    if path in found.files:
        return found.files[path].text
    try:
        return workspace.tree.read(path).decode(errors="replace")
    except RepointError:
        return ""


def _moves(
    workspace: Workspace,
    config: Config,
    found: Survey,
    build: EnvironmentBuild,
    all_targets: dict[str, Targets],
    evidence: Evidence,
) -> Moves:
    index = found.index
    overlays = as_tuple(config.environments[build.name].overlay)
    neighbours = tuple(
        (name, overlay)
        for name in (build.name, *(n for n in config.environments if n != build.name))
        for overlay in as_tuple(config.environments[name].overlay)
    )
    owners = Owners(config, found)
    overlay = OverlayEditor(
        environment=build.name,
        overlays=overlays,
        index=index,
        read=workspace.tree.read,
        owned=lambda path: owners.owner(path) == build.name,
        neighbours=neighbours,
    )
    ground = Ground(
        environment=build.name,
        files=found.files,
        read=workspace.tree.read,
        owned=lambda path: owners.owner(path) == build.name,
    )
    delivery = Delivery(
        ground,
        index=PlaceIndex(build.objects),
        overlay=overlay,
        values=as_tuple(config.environments[build.name].values),
    )
    scene = Scene(
        config=config,
        environment=build,
        targets=all_targets[build.name],
        reports=tuple(r for r in found.inventory.sites if _concerns(r, build.name, owners)),
        routes=found.routes,
        views=_views(build),
        hazards=evidence.hazards,
        role_defaults=evidence.role_defaults,
        all_targets=tuple(all_targets.values()),
        keys_of=lambda site: _sibling_keys(found, site),
    )
    return Mover(scene, delivery).run()


def _views(build: EnvironmentBuild) -> dict[Workload, Resource]:
    return {view.workload: one for one in build.objects for view in containers(one)}


def _sibling_keys(found: Survey, site: Site) -> frozenset[str]:
    """The keys that stand beside a site's own in its mapping."""
    parsed = found.files[site.location.path]
    steps = [p.replace("~1", "/").replace("~0", "~") for p in site.value_pointer.split("/")[2:-1]]
    for document in parsed.documents:
        node: object = document.root
        for step in steps:
            node = node.get(step) if isinstance(node, Tree) else None
        if isinstance(node, Tree):
            return frozenset(key.text for key, _ in node.pairs)
        items = getattr(node, "items", ())
        if items:
            return frozenset(i.text.partition("=")[0] for i in items if isinstance(i, Scalar))
    return frozenset()


class Owners:
    """Which environment alone reads a file; files that no environment reads have a home."""

    def __init__(self, config: Config, found: Survey) -> None:
        self._first = next(iter(config.environments))
        self._found = found
        self._environments = len(config.environments)
        self._spaces = {
            one.namespace: name for name, one in config.environments.items() if one.namespace
        }
        self._readers: dict[str, set[str]] = {}
        for build in (*found.resolution.environments, found.resolution.unnamed):
            for path in build.files:
                self._readers.setdefault(path, set()).add(build.name)
        for report in found.inventory.sites:
            # A values file that several environments' releases name is in no build.
            if len(report.environments) > 1:
                spread = self._readers.setdefault(report.site.location.path, set())
                spread.update(report.environments)

    def readers(self, path: str) -> frozenset[str]:
        """Environments that read a file; the empty name stands for everything outside them."""
        return frozenset(self._readers.get(path, ()))

    def owner(self, path: str) -> str:
        """The one environment that a file belongs to; empty when several share it."""
        readers = self._readers.get(path, set())
        if len(readers) == 1 and "" not in readers:
            return next(iter(readers))
        named = self._found.resolution.layout.environment_of(path)
        if readers - {""}:
            return ""
        if not named and self._in_shared_chart(path):
            return ""
        return named or self._home(path)

    def _in_shared_chart(self, path: str) -> bool:
        """Whether a file belongs to a chart that several environments install."""
        if self._environments == 1:
            return False
        folder = path.rpartition("/")[0]
        while True:
            if self._found.index.exists(f"{folder}/Chart.yaml".lstrip("/")):
                return True
            if not folder:
                return False
            folder = folder.rpartition("/")[0]

    def _home(self, path: str) -> str:
        """The environment whose namespace the file's hosts are in, else the first one."""
        for site in self._found.sites.get(path, ()):
            read = parse_host(site.host.text)
            if read is not None and read.namespace in self._spaces:
                return self._spaces[read.namespace]
        return self._first


def _concerns(report: SiteReport, environment: str, owners: Owners) -> bool:
    """Whether a site that names the source is this environment's to move."""
    if not report.is_source or report.purpose == Purpose.COMMENT.value:
        return False
    if any(use.workload.kind != "File" for use in report.uses):
        return any(use.environment == environment for use in report.uses)
    path = report.site.location.path
    readers = owners.readers(path) - {""}
    if readers:
        # A value that a manifest still spells and every overlay overrides is nobody's to move.
        return environment in readers and environment in report.environments
    return owners.owner(path) == environment


def _local_development(
    workspace: Workspace, found: Survey, own: Targets, config: Config
) -> tuple[PlannedEdit, ...]:
    """Rows 4.1 and 4.2, for every atlas.hcl of the repository."""
    edits: list[PlannedEdit] = []
    for path in found.paths:
        if path.rpartition("/")[2] != "atlas.hcl" or path not in found.files:
            continue
        made, name = atlas_edits(path, found.files[path].text, own.direct, config.target.sslmode)
        edits += made
        for makefile in makefiles_for(path, found.paths) if name else ():
            old = name.removesuffix("_cnpg")
            edits += makefile_edits(makefile, found.files[makefile].text, old, name)
    return tuple(edits)


def all_findings(
    workspace: Workspace, found: Survey, moves: Sequence[Moves]
) -> tuple[Finding, ...]:
    """Everything the rules say of the planned state, most severe first."""
    result: list[Finding] = []
    names = {one.environment for one in moves}
    for one in moves:
        result += one.findings
        for rule in _CHECKS:
            result += rule.check(one.facts)
        result += _source_gone(found, one)
        build = next(b for b in found.resolution.environments if b.name == one.environment)
        result += observations.unexpanded(build)
        result += observations.elsewhere(build, _wanted_keys(found))
    result += [f for f in found.inventory.findings if not f.environment or f.environment in names]
    result += repository_findings(workspace, found)
    result += _locked(found, names)
    return ordered(result, [one.environment for one in moves])


def repository_findings(workspace: Workspace, found: Survey) -> list[Finding]:
    """Findings that belong to no environment's decisions."""
    files = tuple(found.files.values())
    moving = {report.site.location.path for report in found.inventory.sites if report.is_source}
    result = list(observations.printed(files))
    result += observations.clear_text(files, sops_files(workspace), moving.__contains__)
    result += observations.unreadable(found.resolution, files)
    result += observations.templates(found.inventory.sites)
    return result


def sops_files(workspace: Workspace) -> list[tuple[str, str]]:
    """`(path, text)` of every `.sops.yaml`."""
    paths = [
        p for p in workspace.tree.paths() if p.rpartition("/")[2] in (".sops.yaml", ".sops.yml")
    ]
    return [(path, workspace.tree.read(path).decode(errors="replace")) for path in paths]


def _source_gone(found: Survey, moves: Moves) -> Iterable[Finding]:
    """RP130: consumers of the environment move away from a Service that it does not have."""
    if not moves.consumers or found.source is None:
        return
    build = next(b for b in found.resolution.environments if b.name == moves.environment)
    ours = {id(resource) for resource in build.objects}
    everywhere = found.source.services
    if everywhere and not any(id(resource) in ours for resource in everywhere):
        yield routing.SOURCE_GONE.finding(
            f"the render of `{moves.environment}` holds no Service of the source",
            environment=moves.environment,
        )


def _wanted_keys(found: Survey) -> frozenset[str]:
    """Keys of Secrets that hold a connection somewhere, or are called as if they did."""
    keys = {use.source_key for uses in found.uses.values() for use in uses if use.source_key}
    return frozenset(keys | {"DATABASE_URL", "DB_HOST", "dsn", "DSN", "PGHOST", "POSTGRES_HOST"})


def _locked(found: Survey, names: set[str]) -> Iterable[Finding]:
    """RP312: sealed files without a key, an error where a wanted environment reads them."""
    for path in sorted(found.locked):
        environment = found.resolution.layout.environment_of(path)
        readers = {ref.environment for ref in found.resolution.sealed if ref.path == path}
        needed = bool((readers | {environment}) & names)
        if needed or not environment:
            yield hygiene.cannot_open(path, environment=environment, needed=needed)


_RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}


def ordered(findings: Iterable[Finding], environments: Sequence[str]) -> tuple[Finding, ...]:
    """Each finding once: most severe first, then in promotion order, by code and place."""
    order = {name: number for number, name in enumerate(environments)}

    def rank(finding: Finding) -> tuple[object, ...]:
        place = finding.location
        spot = (place.path, place.line) if place is not None else ("", 0)
        return (
            _RANK[finding.severity],
            order.get(finding.environment, len(order)),
            finding.code,
            spot,
            finding.message,
        )

    return tuple(sorted(dict.fromkeys(findings), key=rank))


def accepted(findings: Iterable[Finding], choices: Sequence[Acceptance]) -> tuple[Finding, ...]:
    """Mark the findings that repoint.yaml accepts with the reason given there."""
    return tuple(
        replace(finding, accepted=choice.reason) if choice is not None else finding
        for finding in findings
        for choice in (next((c for c in choices if _accepts(c, finding)), None),)
    )


def _accepts(choice: Acceptance, finding: Finding) -> bool:
    path = finding.location.path if finding.location is not None else ""
    return (
        choice.code == finding.code
        and choice.environment in ("", finding.environment)
        and (not choice.consumer or choice.consumer in finding.consumer)
        and choice.path in ("", path)
    )


def _inputs(
    workspace: Workspace, found: Survey, changes: Sequence[FileChange]
) -> tuple[InputDigest, ...]:
    """Digests of every file that the plan rests on."""
    paths = {report.site.location.path for report in found.inventory.sites}
    for build in found.resolution.environments:
        paths |= build.files
    paths |= {change.path for change in changes if not change.creates}
    if workspace.tree.exists(CONFIG_NAME):
        paths.add(CONFIG_NAME)
    return tuple(
        InputDigest(path, digest(workspace.tree.read(path)))
        for path in sorted(paths)
        if workspace.tree.exists(path)
    )


def _fingerprint(
    inputs: Sequence[InputDigest], config_text: str, environments: Sequence[str]
) -> str:
    whole = hashlib.sha256()
    for text in (__version__, config_text, *environments):
        whole.update(text.encode() + b"\0")
    for one in inputs:
        whole.update(f"{one.path}\0{one.sha256}\0".encode())
    return whole.hexdigest()
