"""What git knows of the repository: its root, its files, and which have changes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from repoint.adapters.runner import Result, run, run_together
from repoint.errors import ToolFailed, ToolMissing

_QUIET = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "LC_ALL": "C",
}
# A repository's own configuration may name programs for git to run. None of them is.
_SAFE = (
    *("git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"),
    *("-c", "safe.bareRepository=explicit", "-c", "core.pager=cat", "-c", "diff.external="),
    *("-c", "submodule.recurse=false", "-c", "core.alternateRefsCommand="),
)
# With less of a file's state to compare, one whose time was set back would pass for unchanged.
_WHOLE_STATE = ("-c", "core.trustctime=true", "-c", "core.checkStat=default")


def tracked_cmd() -> list[str]:
    """Every entry of the index with its mode, blob and marks, NUL-separated."""
    return [*_SAFE, "ls-files", "-z", "-s", "-v"]


def changed_cmd(filters: Sequence[str] = ()) -> list[str]:
    """The tracked files whose bytes may not be the index's, gone ones too, NUL-separated.

    In a copied work tree these are all. `git diff` would look into them, but after what checking
    in does to a file: one whose line ends alone have changed it does not name.
    """
    diff = ["diff-files", "--name-only", "-z", "--relative", "--ignore-submodules=all"]
    return [*_SAFE, *_WHOLE_STATE, *_without(filters), *diff]


def untracked_cmd() -> list[str]:
    """Every file that git neither tracks nor ignores, NUL-separated."""
    return [*_SAFE, "ls-files", "-z", "-o", "--exclude-standard"]


def settings_cmd() -> list[str]:
    """Every setting that holds here, with the scope that makes it, NUL-separated."""
    return [*_SAFE, "config", "-z", "--list", "--show-scope", "--includes"]


def status_cmd(paths: Sequence[str], filters: Sequence[str] = ()) -> list[str]:
    """The state of `paths` against the last commit, NUL-separated.

    The programs of `filters`, names as in `filter.NAME.clean`, are not run.
    """
    status = ["status", "--porcelain", "-z", "-uall", "--ignore-submodules=all", "--", *paths]
    return [*_SAFE, *_without(filters), "--literal-pathspecs", *status]


def find_root(start: Path) -> Path | None:
    """The top of the work tree that holds `start`, None where there is none or no git.

    A top that a repository's configuration moved elsewhere (`core.worktree`) is none.
    """
    result = _try([*_SAFE, "rev-parse", "--show-toplevel"], start)
    if result is None or result.status != 0:
        return None
    top = Path(result.stdout.decode(errors="surrogateescape").removesuffix("\n"))
    if not os.path.lexists(top / ".git") and not os.environ.get("GIT_DIR"):
        return None
    return top


def commit_id(root: Path) -> str:
    """The commit that is checked out, empty before the first one or without git."""
    result = _try([*_SAFE, "rev-parse", "--verify", "--quiet", "HEAD"], root)
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
        marks = b"\0" + self.entries
        whole = marks.count(b"\0H ") == self.entries.count(b"\0")
        return whole and not re.search(rb"\0H \d+ [0-9a-f]+ [123]\t", marks)

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


def listing(root: Path) -> Listing | None:
    """What git knows of the files below `root`; None where there is no repository."""
    settings = _try(settings_cmd(), root)
    if settings is None or settings.status != 0:
        return None
    filters = _own_filters(settings.stdout)
    commands = [tracked_cmd(), changed_cmd(filters), untracked_cmd()]
    try:
        results = run_together(commands, tool="git", cwd=root, env=_QUIET)
    except ToolMissing:
        return None
    if any(result.status for result in results):
        return None
    entries, changed, untracked = (result.stdout for result in results)
    return Listing(entries, _split(changed), _split(untracked), _reading_settings(settings.stdout))


def _split(printed: bytes) -> tuple[str, ...]:
    return tuple(name for name in printed.decode(errors="surrogateescape").split("\0") if name)


def _reading_settings(printed: bytes) -> bytes:
    """The settings that change what a file's bytes are, or which files are listed."""
    fields = printed.split(b"\0")
    told = zip(fields[::2], fields[1::2], strict=False)
    return b"\0".join(one for _, one in told if one.startswith((b"core.", b"filter.")))


def dirty(root: Path, paths: Sequence[str]) -> tuple[str, ...]:
    """Those of `paths` that differ from the last commit, or are not in it; sorted.

    Without a repository nothing can be dirty: there is no commit to differ from.
    """
    if not paths or find_root(root) is None:
        return ()
    prefix = run([*_SAFE, "rev-parse", "--show-prefix"], tool="git", cwd=root, env=_QUIET)
    above = prefix.stdout.decode(errors="surrogateescape").rstrip("\n")
    result = run(status_cmd(paths, _filters_of(root)), tool="git", cwd=root, env=_QUIET)
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


def _without(filters: Sequence[str]) -> list[str]:
    """Settings by which no program of `filters` is run, names as in `filter.NAME.clean`."""
    return [
        part
        for name in filters
        for key, value in (("clean", ""), ("smudge", ""), ("process", ""), ("required", "false"))
        for part in ("-c", f"filter.{name}.{key}={value}")
    ]


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
        return run(argv, tool="git", cwd=cwd, env=_QUIET)
    except ToolMissing:
        return None
