"""Move every PostgreSQL consumer of a GitOps repository onto CloudNativePG.

Runtime traffic goes through the PgBouncer Pooler, migrations go direct. The command line is
`repoint`; as a library:

    import repoint

    here = repoint.Repository("path/to/repository")
    found = here.scan()
    plan = here.plan(["local"])
    if plan.applicable:
        here.apply(plan)

The names below are the public ones, and a contract: `API_VERSION` counts its versions. Within one
nothing is removed, renamed or given another type; values may gain fields, at their end. All
modules below `repoint` are private. Importing `repoint` loads nothing else until a name is asked
for.
"""

from __future__ import annotations

import sys as _sys

if _sys.version_info < (3, 11, 5):  # its `re` is wrong; Debian 12 has such a one
    from repoint.model import possessive as _possessive

    _possessive.mend()

__version__ = "0.1.0"

API_VERSION = 1
"""The version of what `import repoint` offers."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from repoint.api.repository import Repository as Repository
    from repoint.api.rules import all_rules as all_rules
    from repoint.api.rules import explain as explain
    from repoint.api.values import Applied as Applied
    from repoint.api.values import Check as Check
    from repoint.api.values import Plan as Plan
    from repoint.api.values import Proposal as Proposal
    from repoint.api.values import RolledBack as RolledBack
    from repoint.api.values import Scan as Scan
    from repoint.errors import ConfigError as ConfigError
    from repoint.errors import Conflict as Conflict
    from repoint.errors import DirtyWorkTree as DirtyWorkTree
    from repoint.errors import EditRefused as EditRefused
    from repoint.errors import ExitCode as ExitCode
    from repoint.errors import FileRefused as FileRefused
    from repoint.errors import GateClosed as GateClosed
    from repoint.errors import HalfDone as HalfDone
    from repoint.errors import KnowledgeFailed as KnowledgeFailed
    from repoint.errors import LockHeld as LockHeld
    from repoint.errors import PlanBlocked as PlanBlocked
    from repoint.errors import ProofFailed as ProofFailed
    from repoint.errors import RepointError as RepointError
    from repoint.errors import SealedFile as SealedFile
    from repoint.errors import StalePlan as StalePlan
    from repoint.errors import ToolFailed as ToolFailed
    from repoint.errors import ToolMissing as ToolMissing
    from repoint.errors import UsageError as UsageError
    from repoint.model.consumer import Certainty as Certainty
    from repoint.model.consumer import Consumer as Consumer
    from repoint.model.consumer import Part as Part
    from repoint.model.consumer import Purpose as Purpose
    from repoint.model.consumer import Route as Route
    from repoint.model.consumer import Site as Site
    from repoint.model.consumer import Style as Style
    from repoint.model.consumer import Use as Use
    from repoint.model.consumer import Workload as Workload
    from repoint.model.knowledge import ImageHabit as ImageHabit
    from repoint.model.knowledge import KindHabit as KindHabit
    from repoint.model.knowledge import Knowledge as Knowledge
    from repoint.model.knowledge import Library as Library
    from repoint.model.knowledge import SecretMaker as SecretMaker
    from repoint.model.knowledge import ServerOptions as ServerOptions
    from repoint.model.knowledge import Tool as Tool
    from repoint.model.plan import Applicability as Applicability
    from repoint.model.plan import Copy as Copy
    from repoint.model.plan import Edit as Edit
    from repoint.model.plan import FieldChange as FieldChange
    from repoint.model.plan import FileChange as FileChange
    from repoint.model.plan import Finding as Finding
    from repoint.model.plan import InputDigest as InputDigest
    from repoint.model.plan import Op as Op
    from repoint.model.plan import OverlayProof as OverlayProof
    from repoint.model.plan import PartEdit as PartEdit
    from repoint.model.plan import PlannedConsumer as PlannedConsumer
    from repoint.model.plan import Severity as Severity
    from repoint.model.plan import Task as Task
    from repoint.model.source import Location as Location
    from repoint.model.source import Span as Span
    from repoint.model.source import Unreadable as Unreadable
    from repoint.planning.inventory import EnvironmentView as EnvironmentView
    from repoint.planning.inventory import SiteReport as SiteReport
    from repoint.ports.work import Progress as Progress
    from repoint.rules.rule import Rule as Rule

_HOMES = {
    "api.repository": ("Repository",),
    "api.rules": ("all_rules", "explain"),
    "api.values": ("Applied", "Check", "Plan", "Proposal", "RolledBack", "Scan"),
    "errors": (
        *("ConfigError", "Conflict", "DirtyWorkTree", "EditRefused", "ExitCode", "FileRefused"),
        *("GateClosed", "HalfDone", "KnowledgeFailed", "LockHeld", "PlanBlocked", "ProofFailed"),
        *("RepointError", "SealedFile", "StalePlan", "ToolFailed", "ToolMissing", "UsageError"),
    ),
    "model.consumer": (
        *("Certainty", "Consumer", "Part", "Purpose", "Route", "Site", "Style", "Use", "Workload"),
    ),
    "model.knowledge": (
        *("ImageHabit", "KindHabit", "Knowledge", "Library", "SecretMaker", "ServerOptions"),
        "Tool",
    ),
    "model.plan": (
        *("Applicability", "Copy", "Edit", "FieldChange", "FileChange", "Finding", "InputDigest"),
        *("Op", "OverlayProof", "PartEdit", "PlannedConsumer", "Severity", "Task"),
    ),
    "model.source": ("Location", "Span", "Unreadable"),
    "planning.inventory": ("EnvironmentView", "SiteReport"),
    "ports.work": ("Progress",),
    "rules.rule": ("Rule",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "API_VERSION",
    "Applicability",
    "Applied",
    "Certainty",
    "Check",
    "ConfigError",
    "Conflict",
    "Consumer",
    "Copy",
    "DirtyWorkTree",
    "Edit",
    "EditRefused",
    "EnvironmentView",
    "ExitCode",
    "FieldChange",
    "FileChange",
    "FileRefused",
    "Finding",
    "GateClosed",
    "HalfDone",
    "ImageHabit",
    "InputDigest",
    "KindHabit",
    "Knowledge",
    "KnowledgeFailed",
    "Library",
    "Location",
    "LockHeld",
    "Op",
    "OverlayProof",
    "Part",
    "PartEdit",
    "Plan",
    "PlanBlocked",
    "PlannedConsumer",
    "Progress",
    "ProofFailed",
    "Proposal",
    "Purpose",
    "RepointError",
    "Repository",
    "RolledBack",
    "Route",
    "Rule",
    "Scan",
    "SealedFile",
    "SecretMaker",
    "ServerOptions",
    "Severity",
    "Site",
    "SiteReport",
    "Span",
    "StalePlan",
    "Style",
    "Task",
    "Tool",
    "ToolFailed",
    "ToolMissing",
    "Unreadable",
    "UsageError",
    "Use",
    "Workload",
    "__version__",
    "all_rules",
    "explain",
]

if not TYPE_CHECKING:  # Else a checker would take any name for one that is here.

    def __getattr__(name: str) -> object:
        home = _HOME_OF.get(name)
        if home is None:
            raise AttributeError(f"module `repoint` has no attribute `{name}`")
        from importlib import import_module

        value = getattr(import_module(f"repoint.{home}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
