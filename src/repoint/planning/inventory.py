"""What a scan found: the value that plan, check, init and the views work on."""

from __future__ import annotations

from dataclasses import dataclass

from repoint.model.consumer import Consumer, Site, Use
from repoint.model.plan import Finding
from repoint.model.source import Unreadable


@dataclass(frozen=True, slots=True)
class SiteReport:
    """A site with what its consumers tell of it, as `scan` prints it."""

    site: Site
    consumer: str
    purpose: str
    environments: tuple[str, ...]
    uses: tuple[Use, ...]
    is_source: bool


@dataclass(frozen=True, slots=True)
class EnvironmentView:
    """An environment as scan sees it: its overlays and the namespaces of its objects."""

    name: str
    overlays: tuple[str, ...]
    namespace: str
    files: frozenset[str]
    builds: bool
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything scan knows of a repository."""

    root: str
    environments: tuple[EnvironmentView, ...]
    sites: tuple[SiteReport, ...]
    consumers: tuple[Consumer, ...]
    unreadable: tuple[Unreadable, ...]
    findings: tuple[Finding, ...]
    files_seen: int
    files_read: int
