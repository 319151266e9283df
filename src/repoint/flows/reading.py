"""Reading a repository once: every file that can hold a site, and the sites in it."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from repoint.errors import RepointError
from repoint.flows.workspace import Workspace
from repoint.formats.base import FileKind, ParsedFile, TextMap
from repoint.formats.kinds import kind_of
from repoint.formats.read import read_file
from repoint.kube.files import KUSTOMIZATION_NAMES
from repoint.kube.generators import files_named
from repoint.kube.sealed import SealedSecretView, sealed_view
from repoint.model.consumer import Site
from repoint.model.source import Unreadable
from repoint.planning.config import CONFIG_NAME, Config
from repoint.sites.detect import detect, detect_sealed

_OWN_FILES = (CONFIG_NAME, ".repoint/*", ".git/*", ".sops.yaml")
_HEAD = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A repository read once: the part of a scan that no configuration changes."""

    paths: tuple[str, ...]
    files: dict[str, ParsedFile]
    sites: dict[str, tuple[Site, ...]]
    sealed: tuple[SealedSecretView, ...]
    locked: frozenset[str]
    problems: tuple[Unreadable, ...]


def read_repository(workspace: Workspace) -> Reading:
    """Read every file that can hold a site, and find the sites."""
    paths = _included(workspace.tree.paths(), workspace.config)
    files = _parsed(workspace, paths)
    problems = [Unreadable(p.path, p.problem) for p in files.values() if p.problem]
    sites, views, locked, sealed_problems = _sites(workspace, files)
    return Reading(paths, files, sites, tuple(views), locked, (*problems, *sealed_problems))


def _included(paths: Iterable[str], config: Config | None) -> tuple[str, ...]:
    excluded = (*_OWN_FILES, *(config.exclude if config is not None else ()))
    return tuple(p for p in paths if not any(fnmatch.fnmatchcase(p, glob) for glob in excluded))


def _parsed(workspace: Workspace, paths: Sequence[str]) -> dict[str, ParsedFile]:
    files: dict[str, ParsedFile] = {}
    workspace.progress.step("reading files", len(paths))
    for path in paths:
        workspace.progress.advance()
        if "." in path.rsplit("/", 1)[-1].lstrip(".") and kind_of(path, b"") is None:
            continue
        try:
            raw = workspace.tree.read(path)
        except RepointError as error:
            if kind_of(path, b"") is not None:
                files[path] = ParsedFile(
                    path, FileKind.TEXT, "", TextMap(()), problem=error.message
                )
            continue
        if kind_of(path, raw[:_HEAD]) is not None:
            files[path] = read_file(path, raw)
    files.update(_generated_from(workspace, files, frozenset(paths)))
    return files


def _generated_from(
    workspace: Workspace, files: dict[str, ParsedFile], paths: frozenset[str]
) -> dict[str, ParsedFile]:
    """Texts that a kustomize generator puts into a Secret or ConfigMap, whatever their names."""
    named = {
        path
        for known in files.values()
        if known.path.rpartition("/")[2] in KUSTOMIZATION_NAMES
        for path in files_named(known)
    }
    found = {}
    for path in sorted(named & paths - files.keys()):
        try:
            parsed = read_file(path, workspace.tree.read(path))
        except RepointError:
            continue
        if not parsed.problem:
            found[path] = parsed
    return found


def _sites(
    workspace: Workspace, files: dict[str, ParsedFile]
) -> tuple[dict[str, tuple[Site, ...]], list[SealedSecretView], frozenset[str], list[Unreadable]]:
    sites: dict[str, tuple[Site, ...]] = {}
    views: list[SealedSecretView] = []
    locked: set[str] = set()
    problems: list[Unreadable] = []
    workspace.progress.step("finding connection sites", len(files))
    for path, parsed in files.items():
        workspace.progress.advance()
        if not parsed.sealed:
            found = detect(parsed)
            if found:
                sites[path] = found
            continue
        opened, problem = _opened(workspace, path)
        if problem:
            locked.add(path)
            problems.append(Unreadable(path, problem))
        views.append(sealed_view(parsed, opened))
        found = detect_sealed(parsed, opened) if opened is not None else detect(parsed)
        if found:
            sites[path] = found
    return sites, views, frozenset(locked), problems


def _opened(workspace: Workspace, path: str) -> tuple[ParsedFile | None, str]:
    try:
        return read_file(path, workspace.secrets.decrypt(path)), ""
    except RepointError as error:
        return None, f"sealed, and not opened: {error.message}"
