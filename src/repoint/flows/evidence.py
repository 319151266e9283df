"""What the source text of the applications tells, outside the manifests."""

from __future__ import annotations

from dataclasses import dataclass, replace

from repoint.errors import RepointError
from repoint.flows.scanning import Survey
from repoint.flows.suspects import bytes_at_hand
from repoint.flows.workspace import Workspace
from repoint.rules.build_contexts import contexts_in, is_build_file
from repoint.rules.drivers import is_manifest
from repoint.rules.facts import Hazard, HazardKind, RoleDefault
from repoint.rules.libraries import is_added_manifest, is_entrypoint
from repoint.rules.source_scan import component_dirs, scan_role_defaults, scan_source
from repoint.rules.source_settings import is_settings_file
from repoint.sites.context import is_object

_SOURCE_SUFFIXES = (
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
)


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What source text outside the manifests tells."""

    hazards: tuple[Hazard, ...]
    role_defaults: tuple[RoleDefault, ...]

    def of(self, found: Survey, environment: str) -> Evidence:
        """What holds in an environment: without the defaults in another one's manifests."""
        files = {one.name: one.files for one in found.resolution.environments}
        everywhere = {path for several in files.values() for path in several}
        others = everywhere.difference(files.get(environment, ()))
        mine = tuple(one for one in self.role_defaults if one.location.path not in others)
        return replace(self, role_defaults=mine)


def gather(workspace: Workspace, found: Survey) -> Evidence:
    """Read the source text of the applications, for hazards and role defaults only."""
    components = component_dirs(found.paths)
    hazards: list[Hazard] = []
    defaults: list[RoleDefault] = []
    workspace.progress.step("reading the applications' source", len(found.paths))
    for path in found.paths:
        workspace.progress.advance()
        source = path.endswith(_SOURCE_SUFFIXES)
        source = source or is_manifest(path) or is_settings_file(path) or is_entrypoint(path)
        source = source or is_added_manifest(path)
        builds = is_build_file(path)
        if not source and not builds and not _alters_roles(workspace, found, path):
            continue
        text = _text(workspace, found, path)
        if source:
            hazards += scan_source(path, text, components)
        if builds:
            hazards += contexts_in(path, text)
        if "ALTER ROLE" in text.upper():
            defaults += scan_role_defaults(path, text)
    return Evidence(_without_imports(hazards), tuple(defaults))


def _without_imports(hazards: list[Hazard]) -> tuple[Hazard, ...]:
    """Drivers that a program imports count only where no manifest of its component names one."""
    named = {h.app_dir for h in hazards if h.kind is HazardKind.DRIVER and is_manifest(h.path)}
    seen: set[tuple[str, str]] = set()
    kept = []
    for hazard in hazards:
        if hazard.kind is HazardKind.DRIVER and not is_manifest(hazard.path):
            key = (hazard.app_dir, hazard.subject)
            if hazard.app_dir in named or key in seen:
                continue
            seen.add(key)
        kept.append(hazard)
    return tuple(kept)


def _alters_roles(workspace: Workspace, found: Survey, path: str) -> bool:
    """Whether the bytes of a file that is no program tell of role defaults; it is not parsed.

    JSON counts as a Kubernetes object only: a saved plan and a report in JSON say which statement
    is wanted, and nobody runs it from there.
    """
    if path not in found.files:
        return False
    raw = bytes_at_hand(found, path)
    if raw is None:
        try:
            raw = workspace.tree.read(path)
        except RepointError:
            return False
    if b"ALTER ROLE" not in raw.upper():
        return False
    return not path.endswith(".json") or any(
        is_object(document.root) for document in found.files[path].documents
    )


def _text(workspace: Workspace, found: Survey, path: str) -> str:
    if path in found.files:
        return found.files[path].text
    try:
        return workspace.tree.read(path).decode(errors="replace")
    except RepointError:
        return ""
