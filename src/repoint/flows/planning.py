"""Plan: what will change and why, and the proof that nothing else does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from repoint import __version__
from repoint.errors import ConfigError, UsageError
from repoint.flows.chosen import said_then
from repoint.flows.evidence import Evidence, gather
from repoint.flows.findings import accepted, all_findings
from repoint.flows.former import former
from repoint.flows.owners import Owners, concerns, is_of
from repoint.flows.proving import prove
from repoint.flows.scanning import Survey, survey
from repoint.flows.together import together
from repoint.flows.workspace import Workspace
from repoint.formats.base import Mapping as Tree
from repoint.formats.base import Scalar
from repoint.kube.builds import EnvironmentBuild
from repoint.kube.files import normal
from repoint.kube.resource import Resource
from repoint.kube.workloads import containers
from repoint.model.consumer import Site, Workload
from repoint.model.plan import (
    FileChange,
    InputDigest,
    Plan,
)
from repoint.planning.app_secret import AppSecretRead, app_secret_reads
from repoint.planning.assemble import digest, file_changes, fingerprint
from repoint.planning.codec import PLAN_FORMAT
from repoint.planning.config import CONFIG_NAME, Config, as_tuple
from repoint.planning.decisions import Scene
from repoint.planning.deliver import Delivery
from repoint.planning.delivered_objects import Readings, delivered
from repoint.planning.environment_facts import Targets, targets_of
from repoint.planning.ground import Ground
from repoint.planning.inventory import SiteReport
from repoint.planning.judging import routes
from repoint.planning.local_development import atlas_edits, makefile_edits, makefiles_for
from repoint.planning.moves import Mover, Moves
from repoint.planning.overlay_edits import OverlayEditor
from repoint.planning.overlay_folder import PlannedEdit
from repoint.planning.places import PlaceIndex
from repoint.planning.rerouted import Rerouted, rerouted
from repoint.rules.delivered import Delivered


def make_plan(
    workspace: Workspace, environments: Sequence[str] = (), known: Survey | None = None
) -> Plan:
    """Make the plan for `environments`, all of them by default.

    `known` is what was found of the repository before, so that nothing is read twice.

    Raises:
        ConfigError: there is no repoint.yaml, or it names no environment.
        UsageError: an environment of that name does not exist.
    """
    config = require_config(workspace)
    wanted = wanted_names(config, environments)
    found = known or survey(workspace)
    evidence = gather(workspace, found)
    moves = all_moves(workspace, config, found, wanted, evidence)
    changes = tuple(
        change
        for one in moves
        for change in file_changes(one.environment, one.edits, workspace.tree.read)
    )
    proofs = prove(workspace, found, changes, wanted)
    workspace.progress.step("judging the plan")
    inputs = _inputs(workspace, found, changes, evidence)
    said = accepted(all_findings(workspace, found, moves, changes, proofs), config.accept)
    return Plan(
        format=PLAN_FORMAT,
        tool_version=__version__,
        environments=wanted,
        consumers=tuple(row for one in moves for row in one.consumers),
        changes=changes,
        tasks=tuple(task for one in moves for task in one.tasks),
        findings=together(said),
        proofs=proofs,
        unreadable=tuple(f"{one.path}: {one.reason}" for one in found.inventory.unreadable),
        inputs=inputs,
        fingerprint=fingerprint(__version__, inputs, workspace.config_text, wanted),
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
    workspace: Workspace,
    config: Config,
    found: Survey,
    wanted: Sequence[str],
    evidence: Evidence,
) -> tuple[Moves, ...]:
    """The decisions and edits of each wanted environment, in promotion order."""
    builds = {one.name: one for one in found.resolution.environments}
    targets_by_name = {name: targets_of(config, one) for name, one in builds.items()}
    result = []
    workspace.progress.step("planning", len(wanted))
    for name in wanted:
        workspace.progress.at(name)
        made = _moves(workspace, config, found, builds[name], targets_by_name, evidence)
        if name == next(iter(config.environments)):
            edits = _local_development(workspace, found, targets_by_name[name], config)
            made = replace(made, edits=(*made.edits, *edits))
        result.append(made)
        workspace.progress.advance()
    return tuple(result)


def _moves(
    workspace: Workspace,
    config: Config,
    found: Survey,
    build: EnvironmentBuild,
    all_targets: dict[str, Targets],
    evidence: Evidence,
) -> Moves:
    owners = Owners(config, found)
    delivery = _delivery(workspace, config, found, build, owners)
    reads = reads_of(config, found, build, all_targets[build.name])
    handed = tuple(one.report for one in reads if one.report is not None)
    mine = (r for r in found.inventory.sites if concerns(r, build.name, owners))
    turned = turned_of(workspace, found, build, all_targets[build.name], owners)
    left = former_of(workspace, found, build, all_targets[build.name], owners)
    scene = Scene(
        config=config,
        environment=build,
        targets=all_targets[build.name],
        reports=(*mine, *turned.reports, *left, *handed),
        routes={
            **found.routes,
            **routes((u for one in handed for u in one.uses), config),
            **turned.stay,
        },
        views=_views(build),
        hazards=evidence.hazards,
        role_defaults=evidence.of(found, build.name).role_defaults,
        all_targets=tuple(all_targets.values()),
        keys_of=lambda site: _sibling_keys(found, site),
        reads=reads,
        turned=turned.sites,
        former=frozenset(report.site.id for report in left),
    )
    moved = Mover(scene, delivery).run()
    brought = delivery_of(
        config, found, build, scene.targets, moved.edits, scene.turned | scene.former
    )
    return replace(moved, facts=replace(moved.facts, delivered=brought))


def _delivery(
    workspace: Workspace, config: Config, found: Survey, build: EnvironmentBuild, owners: Owners
) -> Delivery:
    """What takes an environment's edits: its own files, and its overlays."""
    overlays = as_tuple(config.environments[build.name].overlay)
    neighbours = tuple(
        (name, overlay)
        for name in (build.name, *(n for n in config.environments if n != build.name))
        for overlay in as_tuple(config.environments[name].overlay)
    )
    made = {
        one.overlay: frozenset((o.kind, o.namespace, o.name) for o in one.objects)
        for one in build.builds
    }
    overlay = OverlayEditor(
        environment=build.name,
        overlays={one: made.get(normal(one), frozenset()) for one in overlays},
        index=found.index,
        read=workspace.tree.read,
        owned=lambda path: owners.owner(path) == build.name,
        neighbours=neighbours,
    )
    ground = Ground(
        environment=build.name,
        files=found.files,
        read=workspace.tree.read,
        owned=lambda path: owners.owner(path) == build.name,
        alone=lambda site: owners.alone(site, build.name),
    )
    return Delivery(
        ground,
        index=PlaceIndex(build.objects),
        overlay=overlay,
        values=as_tuple(config.environments[build.name].values),
        over={
            path: over
            for (name, path), over in found.resolution.overriding.items()
            if name == build.name
        },
    )


def reads_of(
    config: Config, found: Survey, build: EnvironmentBuild, targets: Targets
) -> tuple[AppSecretRead, ...]:
    """The runtimes of an environment that CloudNativePG's own Secret sends past the Pooler."""
    linked = {workload for environment, workload in found.routes if environment == build.name}
    return app_secret_reads(config, build, targets, linked)


def turned_of(
    workspace: Workspace, found: Survey, build: EnvironmentBuild, targets: Targets, owners: Owners
) -> Rerouted:
    """What of an environment has moved already, and goes another way now."""
    mine = (r for r in found.inventory.sites if is_of(r, build.name, owners))
    config, applied = require_config(workspace), said_then(workspace.tree, build.name)
    return rerouted(mine, build.name, targets, config, found.routes, applied)


def former_of(
    workspace: Workspace, found: Survey, build: EnvironmentBuild, targets: Targets, owners: Owners
) -> tuple[SiteReport, ...]:
    """What an earlier apply sent to a target that repoint.yaml names no more."""
    mine = (r for r in found.inventory.sites if is_of(r, build.name, owners))
    return former(workspace, mine, build.name, targets, found.inventory.sites, found.source)


def delivery_of(
    config: Config,
    found: Survey,
    build: EnvironmentBuild,
    targets: Targets,
    edits: Iterable[PlannedEdit] = (),
    turned: frozenset[str] = frozenset(),
) -> Delivered:
    """How an environment's objects get to its cluster, with a plan's edits or as they are."""
    readings = Readings(
        raw=found.raw_uses,
        uses=found.uses,
        moving=turned.union(one.site.id for one in found.inventory.sites if one.is_source),
        files=found.files,
    )
    services = found.source.services if found.source is not None else ()
    return delivered(config, build, targets, readings, services, edits)


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


def _inputs(
    workspace: Workspace, found: Survey, changes: Sequence[FileChange], evidence: Evidence
) -> tuple[InputDigest, ...]:
    """Digests of every file that the plan rests on, source text that was evidence included."""
    paths = {report.site.location.path for report in found.inventory.sites}
    paths |= {hazard.path for hazard in evidence.hazards}
    paths |= {default.location.path for default in evidence.role_defaults}
    for build in found.resolution.environments:
        paths |= build.files
    paths |= {change.path for change in changes if not change.creates}
    paths |= set(workspace.config.knowledge.files) if workspace.config is not None else set()
    if workspace.tree.exists(CONFIG_NAME):
        paths.add(CONFIG_NAME)
    return tuple(
        InputDigest(path, digest(workspace.tree.read(path)))
        for path in sorted(paths)
        if workspace.tree.exists(path)
    )
