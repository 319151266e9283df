"""Looks at a tree without a line of repoint's own code, and says what is wrong with it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

STATE = ".repoint"
IGNORE = f"{STATE}/.gitignore"
LOCK = f"{STATE}/lock"
LEDGER = f"{STATE}/ledger.jsonl"


@dataclass(frozen=True, slots=True)
class Node:
    """What stands at a path: kind, mode and owner, with a file's digest or a link's target."""

    kind: str
    mode: int
    owner: tuple[int, int]
    content: str = ""


Shot = Mapping[str, Node]


def look(root: Path) -> dict[str, Node]:
    """Everything below `root` but git's own folder, links not followed."""
    found: dict[str, Node] = {}
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        with os.scandir(root / prefix) as entries:
            for entry in entries:
                name = prefix + entry.name
                if name == ".git":
                    continue
                found[name] = _node(entry)
                if found[name].kind == "folder":
                    waiting.append(f"{name}/")
    return found


def stamps(root: Path, names: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Inode and time of change of files that no run may touch."""
    status = {name: os.lstat(root / name) for name in names}
    return {name: (one.st_ino, one.st_mtime_ns) for name, one in status.items()}


def torn(found: Shot, states: Iterable[Shot]) -> str:
    """What keeps `found` from being one of `states`, empty when it is one of them.

    The lock file may stay. `.repoint/` with its `.gitignore` may be there though nothing else
    is, but then the file is whole: the last of the states holds it as it has to be.
    """
    allowed = [dict(state) for state in states]
    mine = {name: node for name, node in found.items() if name != LOCK}
    if LOCK in found and (found[LOCK].kind, found[LOCK].mode) != ("file", 0o600):
        return f"`{LOCK}` is a {found[LOCK].kind} of mode {found[LOCK].mode:o}"
    worst = ""
    for state in allowed:
        state.pop(LOCK, None)
        for name in (STATE, IGNORE):
            if name not in state and name in mine:
                state[name] = allowed[-1].get(name, mine[name])
        worst = _difference(mine, state)
        if not worst:
            return ""
    return worst


def _difference(found: Shot, state: Shot) -> str:
    extra, missing = sorted(found.keys() - state.keys()), sorted(state.keys() - found.keys())
    other = sorted(name for name in found.keys() & state.keys() if found[name] != state[name])
    told = {"not there before": extra, "gone": missing, "changed": other}
    return "; ".join(f"{what}: {', '.join(names)}" for what, names in told.items() if names)


def _node(entry: os.DirEntry[str]) -> Node:
    status = entry.stat(follow_symlinks=False)
    mode, owner = stat.S_IMODE(status.st_mode), (status.st_uid, status.st_gid)
    if stat.S_ISLNK(status.st_mode):
        return Node("link", mode, owner, str(Path(entry.path).readlink()))
    if stat.S_ISDIR(status.st_mode):
        return Node("folder", mode, owner)
    if stat.S_ISREG(status.st_mode):
        return Node("file", mode, owner, sha256(Path(entry.path).read_bytes()).hexdigest())
    return Node("other", mode, owner)
