"""What git knows of the repository: its root, its files, and which have changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from repoint.adapters.runner import Result, run
from repoint.errors import ToolFailed, ToolMissing

_QUIET = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


def list_cmd() -> list[str]:
    """Every file that git tracks or does not ignore, NUL-separated."""
    return ["git", "ls-files", "-z", "-co", "--exclude-standard"]


def status_cmd(paths: Sequence[str]) -> list[str]:
    """The state of `paths` against the last commit, NUL-separated."""
    return ["git", "--literal-pathspecs", "status", "--porcelain", "-z", "-uall", "--", *paths]


def find_root(start: Path) -> Path | None:
    """The top of the work tree that holds `start`, None where there is none or no git."""
    result = _try(["git", "rev-parse", "--show-toplevel"], start)
    if result is None or result.status != 0:
        return None
    return Path(result.stdout.decode(errors="surrogateescape").removesuffix("\n"))


def commit_id(root: Path) -> str:
    """The commit that is checked out, empty before the first one or without git."""
    result = _try(["git", "rev-parse", "--verify", "--quiet", "HEAD"], root)
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
    prefix = run(["git", "rev-parse", "--show-prefix"], tool="git", cwd=root, env=_QUIET)
    above = prefix.stdout.decode(errors="surrogateescape").rstrip("\n")
    result = run(status_cmd(paths), tool="git", cwd=root, env=_QUIET)
    if result.status != 0:
        raise ToolFailed(f"`git status` failed: {result.note()}")
    return tuple(sorted({name.removeprefix(above) for name in _names(result.stdout)}))


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
