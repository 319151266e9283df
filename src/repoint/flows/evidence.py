"""What the source text of the applications tells, outside the manifests."""

from __future__ import annotations

from dataclasses import dataclass

from repoint.errors import RepointError
from repoint.flows.scanning import Survey
from repoint.flows.workspace import Workspace
from repoint.rules.facts import Hazard, RoleDefault
from repoint.rules.source_scan import component_dirs, scan_role_defaults, scan_source

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


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What source text outside the manifests tells."""

    hazards: tuple[Hazard, ...]
    role_defaults: tuple[RoleDefault, ...]


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
