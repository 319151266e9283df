"""What git knows of the repository: its root, its files, and which have changes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from repoint.adapters.runner import Result, run
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


def list_cmd() -> list[str]:
    """Every file that git tracks or does not ignore, NUL-separated."""
    return [*_SAFE, "ls-files", "-z", "-co", "--exclude-standard"]


def filters_cmd() -> list[str]:
    """The names of the filter settings that the repository itself makes, NUL-separated."""
    return [*_SAFE, "config", "--includes", "--name-only", "-z", "--get-regexp", r"^filter\."]


def status_cmd(paths: Sequence[str], filters: Sequence[str] = ()) -> list[str]:
    """The state of `paths` against the last commit, NUL-separated.

    The programs of `filters`, names as in `filter.NAME.clean`, are not run.
    """
    off = [
        part
        for name in filters
        for key, value in (("clean", ""), ("smudge", ""), ("process", ""), ("required", "false"))
        for part in ("-c", f"filter.{name}.{key}={value}")
    ]
    status = ["status", "--porcelain", "-z", "-uall", "--ignore-submodules=all", "--", *paths]
    return [*_SAFE, *off, "--literal-pathspecs", *status]


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


def listed(root: Path) -> tuple[str, ...] | None:
    """Files below `root` as git lists them, sorted; None where there is no repository."""
    result = _try(list_cmd(), root)
    if result is None or result.status != 0:
        return None
    names = result.stdout.decode(errors="surrogateescape").split("\0")
    return tuple(sorted({name for name in names if name}))


def dirty(root: Path, paths: Sequence[str]) -> tuple[str, ...]:
    """Those of `paths` that differ from the last commit, or are not in it; sorted.

    Without a repository nothing can be dirty: there is no commit to differ from.
    """
    if not paths or find_root(root) is None:
        return ()
    prefix = run([*_SAFE, "rev-parse", "--show-prefix"], tool="git", cwd=root, env=_QUIET)
    above = prefix.stdout.decode(errors="surrogateescape").rstrip("\n")
    result = run(status_cmd(paths, _own_filters(root)), tool="git", cwd=root, env=_QUIET)
    if result.status != 0:
        raise ToolFailed(f"`git status` failed: {result.note()}")
    return tuple(sorted({name.removeprefix(above) for name in _names(result.stdout)}))


def _own_filters(root: Path) -> tuple[str, ...]:
    """The filters that a repository defines itself; those of the user are the user's wish."""
    found: dict[str, None] = {}
    for scope in ("--local", "--worktree"):
        argv = filters_cmd()
        argv.insert(argv.index("config") + 1, scope)
        result = _try(argv, root)
        if result is not None and result.status == 0:
            keys = result.stdout.decode(errors="surrogateescape").split("\0")
            found |= dict.fromkeys(key[len("filter.") :].rpartition(".")[0] for key in keys if key)
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
        return run(argv, tool="git", cwd=cwd, env=_QUIET)
    except ToolMissing:
        return None
