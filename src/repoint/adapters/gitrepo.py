"""What git knows of the repository: its root, its files, and which have changes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from repoint.adapters.git_calls import (
    QUIET,
    SAFE,
    changed_cmd,
    ignored_cmd,
    places_cmd,
    settings_cmd,
    status_cmd,
    tracked_cmd,
    untracked_cmd,
)
from repoint.adapters.git_settings import reading_settings
from repoint.adapters.runner import Result, run, run_together
from repoint.errors import ToolFailed, ToolMissing


def find_root(start: Path) -> Path | None:
    """The top of the work tree that holds `start`, None where there is none or no git.

    A top that a repository's configuration moved elsewhere (`core.worktree`) is none.
    """
    result = _try([*SAFE, "rev-parse", "--show-toplevel"], start)
    if result is None or result.status != 0:
        return None
    top = Path(result.stdout.decode(errors="surrogateescape").removesuffix("\n"))
    if not os.path.lexists(top / ".git") and not os.environ.get("GIT_DIR"):
        return None
    return top


def commit_id(root: Path) -> str:
    """The commit that is checked out, empty before the first one or without git."""
    result = _try([*SAFE, "rev-parse", "--verify", "--quiet", "HEAD"], root)
    return result.stdout.decode().strip() if result is not None and result.status == 0 else ""


class Listing(NamedTuple):
    """What git knows of the files below a folder.

    `entries` is what `tracked_cmd` printed: `H 100644 BLOB 0<TAB>PATH<NUL>` for each. `changed` are
    tracked files whose bytes may differ from the index's, or that are gone; `untracked` are
    neither tracked nor ignored. `settings` are those that decide how files are read and listed.
    """

    entries: bytes
    changed: tuple[str, ...]
    untracked: tuple[str, ...]
    settings: bytes

    @property
    def is_plain(self) -> bool:
        """Whether each entry tells its file: none is unmerged, or marked not to be looked at."""
        first = self.entries.startswith(b"H ")
        whole = first + self.entries.count(b"\0H ") == self.entries.count(b"\0")
        stages = [stage for stage in (b" 1\t", b" 2\t", b" 3\t") if stage in self.entries]
        unmerged = rb"(?:^|\0)H \d+ [0-9a-f]+ [123]\t"  # A name may have such signs in it, too.
        return whole and not (stages and re.search(unmerged, self.entries))

    def paths(self, is_file: Callable[[str], bool]) -> tuple[str, ...]:
        """The files, sorted; `is_file` is asked where git does not know that one stands there."""
        asked = {*self.changed, *self.untracked}
        found: set[str] = set()
        for entry in self.entries.decode(errors="surrogateescape").split("\0"):
            head, _, name = entry.partition("\t")
            if head.startswith("H 100"):
                found.add(name)
            elif name:
                asked.add(name)  # A link, a submodule, or one that git was told not to look at.
        found -= asked
        return tuple(sorted((*found, *filter(is_file, asked))))


def listing(root: Path, watch: Callable[[bytes], object] | None = None) -> Listing | None:
    """What git knows of the files below `root`; None where there is no repository.

    `watch` is told the entries before git looks at a file of the work tree.
    """
    settings = _try(settings_cmd(), root)
    if settings is None or settings.status != 0:
        return None
    filters = _own_filters(settings.stdout)
    stages = [[tracked_cmd(), changed_cmd(filters), untracked_cmd()]]
    if watch is not None:
        stages = [stages[0][:1], stages[0][1:]]
    results: list[Result] = []
    for stage in stages:
        try:
            results += run_together(stage, tool="git", cwd=root, env=QUIET)
        except ToolMissing:
            return None
        if any(result.status for result in results):
            return None
        if watch is not None and len(results) == 1:
            watch(results[0].stdout)
    entries, changed, untracked = (result.stdout for result in results)
    return Listing(entries, _split(changed), _split(untracked), reading_settings(settings.stdout))


def ignored(root: Path, folders: Sequence[str]) -> frozenset[str] | None:
    """Those of `folders`, which hold no tracked file, that git never enters; None if unknown."""
    asked = "".join(f"{folder}\0" for folder in folders).encode(errors="surrogateescape")
    result = run(ignored_cmd(), tool="git", cwd=root, env=QUIET, input=asked)
    fields = result.stdout.decode(errors="surrogateescape").split("\0")[:-1]
    if result.status not in (0, 1) or len(fields) % 4:
        return None
    patterns = zip(fields[2::4], fields[3::4], strict=True)
    return frozenset(path for pattern, path in patterns if not pattern.startswith("!"))


class Places(NamedTuple):
    """Where git keeps what it knows of a work tree, as paths from the root that was asked about."""

    top: str
    entries: str
    ignores: str


def places(root: Path) -> Places | None:
    """The top of the work tree (empty for the root), the index, and the private ignore file."""
    result = _try(places_cmd(), root)
    told = result.stdout.decode(errors="surrogateescape").split("\n") if result is not None else []
    return Places(*told[:3]) if len(told) == 4 and not told[3] else None


def _split(printed: bytes) -> tuple[str, ...]:
    return tuple(name for name in printed.decode(errors="surrogateescape").split("\0") if name)


def dirty(root: Path, paths: Sequence[str]) -> tuple[str, ...]:
    """Those of `paths` that differ from the last commit, or are not in it; sorted.

    Without a repository nothing can be dirty: there is no commit to differ from.
    """
    if not paths or find_root(root) is None:
        return ()
    prefix = run([*SAFE, "rev-parse", "--show-prefix"], tool="git", cwd=root, env=QUIET)
    above = prefix.stdout.decode(errors="surrogateescape").rstrip("\n")
    result = run(status_cmd(paths, _filters_of(root)), tool="git", cwd=root, env=QUIET)
    if result.status != 0:
        raise ToolFailed(f"`git status` failed: {result.note()}")
    return tuple(sorted({name.removeprefix(above) for name in _names(result.stdout)}))


def _filters_of(root: Path) -> tuple[str, ...]:
    settings = _try(settings_cmd(), root)
    return () if settings is None else _own_filters(settings.stdout)


def _own_filters(printed: bytes) -> tuple[str, ...]:
    """The filters that a repository defines itself; those of the user are the user's wish."""
    fields = printed.decode(errors="surrogateescape").split("\0")
    found: dict[str, None] = {}
    for scope, setting in zip(fields[::2], fields[1::2], strict=False):
        key = setting.partition("\n")[0]
        if key.startswith("filter.") and scope in ("local", "worktree"):
            found[key.removeprefix("filter.").rpartition(".")[0]] = None
    return tuple(found)


def _names(porcelain: bytes) -> list[str]:
    """Paths of `git status --porcelain -z`; a rename is followed by its old name."""
    fields = iter(porcelain.decode(errors="surrogateescape").split("\0"))
    names: list[str] = []
    for field in fields:
        if not field:
            continue
        names.append(field[3:])
        if "R" in field[:2] or "C" in field[:2]:
            next(fields, None)
    return names


def _try(argv: list[str], cwd: Path) -> Result | None:
    try:
        return run(argv, tool="git", cwd=cwd, env=QUIET)
    except ToolMissing:
        return None
