"""Reading a repository once: every file that can hold a site, and the sites in it.

Most files can be told apart by their bytes: they name no database, and are no part of what is
deployed. Those are not parsed before somebody asks for them.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from repoint.errors import RepointError
from repoint.flows.relevance import has_kind, may_be_read, may_matter
from repoint.flows.workspace import Workspace
from repoint.formats.base import FileKind, ParsedFile, TextMap
from repoint.formats.read import read_file
from repoint.formats.shelf import Shelf
from repoint.kube.files import KUSTOMIZATION_NAMES
from repoint.kube.generators import files_named
from repoint.kube.sealed import SealedSecretView, sealed_view
from repoint.model.consumer import Site
from repoint.model.source import Unreadable
from repoint.planning.config import CONFIG_NAME, Config
from repoint.ports import Tree
from repoint.sites.detect import detect, detect_sealed

_OWN_FILES = (CONFIG_NAME, ".repoint/*", ".git/*", ".sops.yaml")


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A repository read once: the part of a scan that no configuration changes."""

    paths: tuple[str, ...]
    files: Mapping[str, ParsedFile]
    sites: dict[str, tuple[Site, ...]]
    sealed: tuple[SealedSecretView, ...]
    locked: frozenset[str]
    problems: tuple[Unreadable, ...]


@dataclass(frozen=True, slots=True)
class _Sorted:
    """Files by what their bytes tell: `kept` are parsed, `others` on demand, `refused` never."""

    kept: dict[str, bytes]
    others: tuple[str, ...]
    refused: dict[str, str]


def read_repository(workspace: Workspace) -> Reading:
    """Read every file that can hold a site, and find the sites."""
    paths = _included(workspace.tree.paths(), workspace.config)
    known = _sorted(workspace, paths)
    kept = known.kept | _generated_from(workspace.tree, known.kept, frozenset(paths))
    files = Shelf(
        kept,
        (*known.others, *known.refused),
        lambda path: _opened_later(workspace.tree, path, known.refused),
    )
    sites, views, locked, sealed_problems = _sites(workspace, files, kept)
    problems = [Unreadable(path, files[path].problem) for path in (*kept, *known.refused)]
    return Reading(
        paths=paths,
        files=files,
        sites=sites,
        sealed=tuple(views),
        locked=locked,
        problems=(*(one for one in problems if one.reason), *sealed_problems),
    )


def _included(paths: Iterable[str], config: Config | None) -> tuple[str, ...]:
    excluded = (*_OWN_FILES, *(config.exclude if config is not None else ()))
    skipped = re.compile("|".join(fnmatch.translate(glob) for glob in excluded)).match
    return tuple(path for path in paths if not skipped(path))


def _sorted(workspace: Workspace, paths: Sequence[str]) -> _Sorted:
    kept: dict[str, bytes] = {}
    others: list[str] = []
    refused: dict[str, str] = {}
    workspace.progress.step("reading files", len(paths))
    for path in paths:
        workspace.progress.advance()
        if not may_be_read(path):
            continue
        try:
            raw = workspace.tree.glance(path)
            if not has_kind(path, raw):
                continue
            if may_matter(path, raw):
                # What is parsed is what a plan's digests are made of.
                kept[path] = workspace.tree.read(path)
            else:
                others.append(path)
        except RepointError as error:
            if has_kind(path, b""):
                refused[path] = error.message
    return _Sorted(kept, tuple(others), refused)


def _opened_later(tree: Tree, path: str, refused: Mapping[str, str]) -> ParsedFile:
    problem = refused.get(path)
    if problem is None:
        try:
            return read_file(path, tree.read(path))
        except RepointError as error:
            problem = error.message
    return ParsedFile(path, FileKind.TEXT, "", TextMap(()), problem=problem)


def _generated_from(
    tree: Tree, kept: Mapping[str, bytes], paths: frozenset[str]
) -> dict[str, bytes]:
    """Texts that a kustomize generator puts into a Secret or ConfigMap, whatever their names."""
    named = {
        path
        for known, raw in kept.items()
        if known.rpartition("/")[2] in KUSTOMIZATION_NAMES and b"enerator" in raw
        for path in files_named(read_file(known, raw))
    }
    found = {}
    for path in sorted(named & paths - kept.keys()):
        try:
            raw = tree.read(path)
        except RepointError:
            continue
        if not read_file(path, raw).problem:
            found[path] = raw
    return found


def _sites(
    workspace: Workspace, files: Mapping[str, ParsedFile], kept: Mapping[str, bytes]
) -> tuple[dict[str, tuple[Site, ...]], list[SealedSecretView], frozenset[str], list[Unreadable]]:
    sites: dict[str, tuple[Site, ...]] = {}
    views: list[SealedSecretView] = []
    locked: set[str] = set()
    problems: list[Unreadable] = []
    workspace.progress.step("finding connection sites", len(kept))
    for path in kept:
        parsed = files[path]
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
