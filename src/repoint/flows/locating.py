"""Finding the sites of files that were read, sealed ones with their keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial

from repoint.errors import RepointError
from repoint.flows.known_files import KnownFiles, Told, packed_of
from repoint.flows.workspace import Workspace, in_turn
from repoint.formats.base import ParsedFile
from repoint.formats.read import read_file
from repoint.formats.shelf import Shelf
from repoint.kube.sealed import SealedSecretView, sealed_view
from repoint.model.consumer import Site
from repoint.model.source import Unreadable
from repoint.ports.work import Progress
from repoint.sites.detect import detect, detect_sealed, searched

WORTH_A_PROCESS = 500
"""Files below this number are done sooner than another process is started."""

_SMALLEST_PIECE, _MOST_PIECES = 20, 200

Found = dict[str, tuple[Site, ...]]
Looked = tuple[Found, dict[str, str]]
"""Sites by file, and why a file could not be read, or not whole."""


class Sites(Mapping[str, tuple[Site, ...]]):
    """The sites of each file that has some, in the order of the files; waited for on first use."""

    def __init__(self, known: Found, later: Callable[[], Looked], order: Mapping[str, object]):
        self._known = known
        self._later = later
        self._order = order

    def __getitem__(self, path: str) -> tuple[Site, ...]:
        return self._all[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    @cached_property
    def _all(self) -> Found:
        found = self._known | self._later()[0]
        return {path: found[path] for path in self._order if path in found}


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """The sites, what sealed files tell of themselves, and which of those no key opens.

    `broken` waits for what the files themselves could not be read for, by path.
    """

    sites: Sites
    sealed: tuple[SealedSecretView, ...]
    locked: tuple[Unreadable, ...]
    broken: Callable[[], dict[str, str]]


def pieces(paths: Sequence[str]) -> list[Sequence[str]]:
    """Paths cut into pieces that processes share: small enough that none waits long at the end."""
    size = max(_SMALLEST_PIECE, -(-len(paths) // _MOST_PIECES))
    return [paths[at : at + size] for at in range(0, len(paths), size)]


def locate(
    workspace: Workspace,
    files: Shelf,
    kept: Mapping[str, bytes],
    bare: frozenset[str],
    memory: KnownFiles,
) -> Located:
    """Find the sites in the files of `kept`, in another process too where they are many.

    Those of `bare` hold none.
    """
    maybe = [path for path, raw in kept.items() if b"sops" in raw]
    sealed = [path for path in maybe if files[path].sealed]
    workspace.progress.step("finding connection sites", len(kept))
    later = _looked(workspace, files, sorted(kept.keys() - set(sealed)), bare, memory)
    known: Found = {}
    views: list[SealedSecretView] = []
    problems: list[Unreadable] = []
    workspace.secrets.prefetch(sealed)
    for path in sealed:
        opened, problem = _opened(workspace, path)
        if problem:
            problems.append(Unreadable(path, problem))
        views.append(sealed_view(files[path], opened))
        sites = detect(files[path]) if opened is None else detect_sealed(files[path], opened)
        if sites:
            known[path] = sites
    own = {path: files[path].problem for path in sealed if files[path].problem}
    return Located(
        sites=Sites(known, later, kept),
        sealed=tuple(views),
        locked=tuple(problems),
        broken=lambda: own | later()[1],
    )


def _looked(
    workspace: Workspace, files: Shelf, paths: list[str], bare: frozenset[str], memory: KnownFiles
) -> Callable[[], Looked]:
    """What the files that are not sealed hold: known from an earlier run, or looked for now."""
    marks = {path: memory.mark(path, files.raw(path) or b"") for path in paths}
    told = {path: memory.told(mark) for path, mark in marks.items()}
    new = [path for path, known in told.items() if known is None and path not in bare]
    workspace.progress.advance(len(paths) - len(new))
    aside = workspace.aside if len(new) >= WORTH_A_PROCESS else in_turn
    cut = pieces(new)
    later = aside([partial(_in_plain, files, some, workspace.progress) for some in cut])

    def looked() -> Looked:
        for some, found in zip(cut, later(), strict=True):
            for path, packed in zip(some, found, strict=True):
                told[path] = memory.add(marks[path], packed)
        for path, before in told.items():
            if before is None:
                told[path] = memory.add(marks[path], (files.problem(path), ()))
        memory.keep()
        known = {path: one for path, one in told.items() if one is not None}
        sites = {path: found for path, (_, found) in known.items() if found}
        return sites, {path: problem for path, (problem, _) in known.items() if problem}

    return cache(looked)


def _in_plain(files: Shelf, paths: Sequence[str], progress: Progress) -> list[Told | bytes]:
    """Why each file could not be read, and its sites; packed, to be handed over in less time."""
    found: list[Told | bytes] = []
    for path in paths:
        progress.advance()
        parsed = files.passing(path)
        told = parsed.problem, searched(parsed)
        packed = packed_of(told)
        found.append(told if packed is None else packed)
    return found


def _opened(workspace: Workspace, path: str) -> tuple[ParsedFile | None, str]:
    try:
        return read_file(path, workspace.secrets.decrypt(path)), ""
    except RepointError as error:
        return None, f"sealed, and not opened: {error.message}"
