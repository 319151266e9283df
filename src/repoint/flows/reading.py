"""Reading a repository once: every file that can hold a site, and the sites in it.

Most files can be told apart by their bytes: they name no database, and are no part of what is
deployed. Those are not parsed before somebody asks for them.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from repoint.errors import RepointError
from repoint.flows.known_files import KnownFiles
from repoint.flows.locating import WORTH_A_PROCESS, locate, pieces
from repoint.flows.relevance import Worth, has_kind, is_named, may_be_script, worth_of
from repoint.flows.workspace import Workspace, in_turn
from repoint.formats.base import FileKind, ParsedFile, TextMap
from repoint.formats.read import read_file
from repoint.formats.shelf import Shelf
from repoint.kube.files import KUSTOMIZATION_NAMES
from repoint.kube.generators import files_named
from repoint.kube.sealed import SealedSecretView
from repoint.model.consumer import Site
from repoint.model.source import Unreadable
from repoint.planning.config import CONFIG_NAME, Config
from repoint.ports.repository import Tree
from repoint.ports.work import Progress

_SUBMODULES = ".gitmodules"
_OWN_FILES = (CONFIG_NAME, ".repoint/*", ".git/*", ".sops.yaml")


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A repository read once: the part of a scan that no configuration changes."""

    paths: tuple[str, ...]
    files: Mapping[str, ParsedFile]
    sites: Mapping[str, tuple[Site, ...]]
    sealed: tuple[SealedSecretView, ...]
    locked: frozenset[str]
    problems: Callable[[], tuple[Unreadable, ...]]
    """What could not be read: it may have to be waited for, and files are opened on demand."""


@dataclass(frozen=True, slots=True)
class _Sorted:
    """Files by what their bytes tell: `kept` are parsed, `others` on demand, `refused` never.

    Those of `kept` that are in `bare` hold no site. `idle` are the marks of `others`.
    """

    kept: dict[str, bytes] = field(default_factory=dict)
    bare: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    idle: list[bytes] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def read_repository(workspace: Workspace) -> Reading:
    """Read every file that can hold a site, and find the sites."""
    tree = workspace.tree
    named, unnamed = _named(tree.paths())
    paths = _included(named, workspace.config)
    memory = KnownFiles(workspace.kept, workspace.root, named)
    look = _looked_at(workspace, paths, memory)
    kept, refused = look.kept, look.refused
    kept |= _generated_from(tree, kept, frozenset(paths))
    files = Shelf(kept, (*look.others, *refused), lambda path: _opened_later(tree, path, refused))
    located = locate(workspace, files, kept, frozenset(look.bare), memory)

    apart = tuple(_submodules(tree, paths, workspace.config))

    def problems() -> tuple[Unreadable, ...]:
        broken = {**files.opened_in_vain(), **refused, **located.broken()}
        return (*unnamed, *apart, *(Unreadable(*one) for one in broken.items()), *located.locked)

    return Reading(
        paths=paths,
        files=files,
        sites=located.sites,
        sealed=located.sealed,
        locked=frozenset(one.path for one in located.locked),
        problems=problems,
    )


def _named(paths: Iterable[str]) -> tuple[list[str], list[Unreadable]]:
    """The paths that can be written down, and those that cannot: a plan is UTF-8."""
    named: list[str] = []
    unnamed: list[Unreadable] = []
    for path in paths:
        try:
            path.encode()
            named.append(path)
        except UnicodeEncodeError:
            raw = path.encode(errors="surrogateescape")
            shown = raw.decode(errors="backslashreplace")
            unnamed.append(Unreadable(shown, "its name is not UTF-8"))
    return named, unnamed


def _submodules(tree: Tree, paths: Sequence[str], config: Config | None) -> Iterator[Unreadable]:
    """The folders that git has from other repositories: git lists none of their files here."""
    if _SUBMODULES not in paths:
        return
    try:
        text = tree.read(_SUBMODULES).decode(errors="replace")
    except RepointError:
        return  # It is told as a file that cannot be read.
    for folder in re.findall(r"(?m)^[ \t]*path[ \t]*=[ \t]*(.+?)[ \t]*$", text):
        if _included((f"{folder}/.git",), config):
            yield Unreadable(folder, f"a submodule: look into it with `repoint -C {folder} scan`")


def _included(paths: Iterable[str], config: Config | None) -> tuple[str, ...]:
    excluded = (*_OWN_FILES, *(config.exclude if config is not None else ()))
    # They tell of programs, and are no program's: words in them are nobody's server.
    own = frozenset(config.knowledge.files) if config is not None else frozenset[str]()
    skipped = re.compile("|".join(fnmatch.translate(glob) for glob in excluded)).match
    return tuple(path for path in paths if not skipped(path) and path not in own)


def _looked_at(workspace: Workspace, paths: Sequence[str], memory: KnownFiles) -> _Sorted:
    """Files that may matter with their bytes, others that could be read, and those refused."""
    tree = workspace.tree
    progress = workspace.progress
    progress.step("reading files", len(paths))
    look = partial(_sorted, tree, progress=progress, memory=memory)
    aside = workspace.aside if len(paths) >= WORTH_A_PROCESS else in_turn
    found = _Sorted()
    for one in aside([partial(look, some) for some in pieces(paths)])():
        found.kept.update(one.kept)
        found.bare.extend(one.bare)
        found.others.extend(one.others)
        found.refused.update(one.refused)
        memory.add_idle(one.idle)
    for path, raw in found.kept.items():
        tree.keep(path, raw)
    # Those refused are asked for again: another process told this one's tree nothing of them.
    for path in sorted(found.refused):
        try:
            found.kept[path] = tree.read(path)
            del found.refused[path]
        except RepointError as error:
            found.refused[path] = error.message
    return found


def _sorted(tree: Tree, paths: Sequence[str], *, progress: Progress, memory: KnownFiles) -> _Sorted:
    found = _Sorted()
    for path in paths:
        progress.advance()
        named = is_named(path)
        if not named and not may_be_script(path):
            continue
        try:
            raw = tree.glance(path)
        except RepointError as error:
            if named:
                found.refused[path] = error.message
            continue
        if not named and not has_kind(path, raw):
            continue
        mark = memory.mark(path, raw)
        known = memory.matters(mark)
        # What is known of a file tells its sites as well.
        worth = worth_of(path, raw) if known is None else known and Worth.SITES
        if worth:
            found.kept[path] = raw
            if worth is Worth.PART:
                found.bare.append(path)
        else:
            found.others.append(path)
            found.idle.append(mark)
    return found


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
