"""A child process that applies or rolls back, and kills itself at its n-th touch of the disk.

Run as `python killed_run.py ROOT VERB N TIMING`: every call that changes the disk is counted, and
at the N-th one the process ends by SIGKILL, before the call or after it (`half` writes half first).
It prints `DONE` when it ran to its end; the number of touches is then below N.
`told-apply` and `told-rollback` keep the ledger, too; `record` adds a line of its own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from repoint.adapters.filetree import FileTree
from repoint.adapters.identity import GitIdentity
from repoint.adapters.sops import Sops
from repoint.flows.apply import apply_plan
from repoint.flows.ledger import append, entry_of
from repoint.flows.recover import resume
from repoint.flows.rollback import roll_back
from repoint.model.ledger import Phase
from repoint.model.rehearsal import Verdict
from repoint.planning.codec import decode_plan

TOUCHES = (
    *("open", "write", "pwrite", "fsync", "ftruncate", "replace", "rename", "unlink"),
    *("mkdir", "rmdir", "chmod", "fchmod", "fchown"),
)


def main(root: Path, verb: str, kill_at: int, timing: str) -> None:
    """Arm the counter, then run the verb."""
    plan = decode_plan((root.parent / "plan.json").read_bytes())
    tree = FileTree(root)
    identity = GitIdentity(root)
    teller = identity if verb.startswith("told-") else None
    arm(root, kill_at, timing)
    if verb.endswith("apply"):
        apply_plan(plan, tree, Sops(tree), allow_dirty=True, identity=teller)
    elif verb == "resume":
        resume(tree)
    elif verb == "record":
        append(tree, entry_of(tree, identity, "local", Phase.VERIFIED, Verdict.PASS))
    else:
        roll_back(plan.environments, tree, Sops(tree), identity=teller)
    print("DONE")


def arm(root: Path, kill_at: int, timing: str) -> None:
    """Count every touch of the disk from now on."""
    count = 0

    def counted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **rest: Any) -> Any:
            nonlocal count
            if name == "open" and not (arguments[1] & (os.O_WRONLY | os.O_RDWR)):
                return real(*arguments, **rest)
            count += 1
            if count == kill_at and timing == "half" and name in ("write", "pwrite"):
                data = bytes(arguments[1])
                real(arguments[0], data[: len(data) // 2], *arguments[2:])
            if count == kill_at and timing == "after":
                with contextlib.suppress(OSError):
                    real(*arguments, **rest)
            if count == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **rest)

        return call

    for name in TOUCHES:
        setattr(os, name, counted(name, getattr(os, name)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4])
