"""What the torture lets repoint do to a repository, and how a process dies at a touch of the disk.

`told-apply` and `told-rollback` keep the ledger, too; `record` adds a line of its own; `scan` and
`status` only read.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from repoint.adapters.aside import forked
from repoint.adapters.filetree import FileTree
from repoint.adapters.identity import GitIdentity
from repoint.adapters.sops import Sops
from repoint.flows.apply import apply_plan
from repoint.flows.ledger import append, entry_of
from repoint.flows.receipts import load_receipts
from repoint.flows.recover import resume
from repoint.flows.rollback import roll_back
from repoint.model.ledger import Phase
from repoint.model.rehearsal import Verdict
from repoint.planning.codec import decode_plan

TOUCHES = (
    *("open", "write", "pwrite", "fsync", "ftruncate", "replace", "rename", "unlink"),
    *("mkdir", "rmdir", "chmod", "fchmod", "fchown", "link", "symlink", "truncate"),
    *("fdatasync", "sync", "utime", "setxattr"),
)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


def run_verb(root: Path, verb: str) -> str:
    """Do it; what a recovery found, or how many files were written.

    Raises:
        RepointError: it was refused.
    """
    tree = FileTree(root)
    identity = GitIdentity(root)
    teller = identity if verb.startswith("told-") else None
    if verb == "resume":
        return resume(tree)
    if verb == "record":
        append(tree, entry_of(tree, identity, "local", Phase.VERIFIED, Verdict.PASS))
        return "recorded"
    if verb == "read":
        names = tree.paths()
        return f"{len([tree.read(name) for name in names])} read, {len(load_receipts(tree))}"
    plan = decode_plan((root.parent / "plan.json").read_bytes())
    if verb.endswith("apply"):
        done = apply_plan(plan, tree, Sops(tree), allow_dirty=True, identity=teller, aside=forked)
        return f"{len(done.written)} written"
    back = roll_back(plan.environments, tree, Sops(tree), identity=teller)
    return f"{len(back.written)} written"


Struck = Callable[[str, Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]


def strike(number: int, what: Struck) -> Callable[[], int]:
    """Count every touch of the disk from now on; the `number`-th is done by `what` instead.

    `what` is given the name of the call, the call and its arguments. Returns a function that
    tells how many touches there were until now.
    """
    count = 0

    def counted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **rest: Any) -> Any:
            nonlocal count
            if name == "open" and not (arguments[1] & WRITING):
                return real(*arguments, **rest)
            count += 1
            if count == number:
                return what(name, real, arguments, rest)
            return real(*arguments, **rest)

        return call

    for name in TOUCHES:
        setattr(os, name, counted(name, getattr(os, name)))
    return lambda: count


def arm(number: int, timing: str) -> Callable[[], int]:
    """Die by SIGKILL at the `number`-th touch of the disk: `before`, `half` through it, `after`.

    Only a write has a half; any other touch is then one that was not done.
    """

    def die(name: str, real: Callable[..., Any], given: tuple[Any, ...], rest: Any) -> None:
        if timing == "half" and name in ("write", "pwrite"):
            data = bytes(given[1])
            real(given[0], data[: len(data) // 2], *given[2:])
        if timing == "after":
            with contextlib.suppress(OSError):
                real(*given, **rest)
        os.kill(os.getpid(), signal.SIGKILL)

    return strike(number, die)
