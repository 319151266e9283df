"""Runs the child that kills itself at every touch of the disk, and looks at what is left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from repoint.adapters.filetree import FileTree
from repoint.flows.recover import resume
from repoint.model.plan import Op, PartEdit, Plan
from repoint.planning.codec import encode_plan
from tests.unit.flows.hand_plans import (
    DIRECT,
    OLD,
    POOLED,
    Repository,
    change,
    copy_of,
    edit,
    host,
    plan_of,
    snapshot,
    swap,
)

CHILD = Path(__file__).with_name("killed_run.py")
TIMINGS = ("before", "half", "after")


@dataclass(frozen=True)
class Kill:
    """What one killed run left, after a fresh process recovered."""

    number: int
    timing: str
    ended: bool
    outcome: str
    after: dict[str, bytes | None]


def small_plan(repository: Repository, *, sealed: bool) -> Plan:
    """Two edited files, a created one in new folders, and a sealed one if wanted."""
    first = repository.write("a.yaml", f"u: postgres://x:canary-1@{OLD}/x\nv: {OLD}\n")
    second = repository.write("d/b.env", f"U=postgres://x:canary-2@{OLD}/x")
    key = PartEdit("key", "U", "U_DIRECT")
    entry = second.decode()
    root = repository.root
    changes = [
        change(root, "a.yaml", [swap(first, OLD, POOLED), swap(first, OLD, POOLED, nth=1)]),
        change(root, "d/b.env", [copy_of(second, entry, (key, host(OLD, DIRECT)))]),
        change(root, "e/f/new.yaml", [edit(Op.CREATE, "", "", after="kind: Patch\n")]),
    ]
    if sealed:
        repository.seal("s.yaml", f"stringData:\n  U: postgres://x:canary-3@{OLD}/x\n")
        one = edit(Op.SEALED, '["stringData"]["U"]', "U", parts=(host(),))
        changes.append(change(root, "s.yaml", [one]))
    return plan_of(root, changes)


def kill_everywhere(start: Path, verb: str, timing: str, *, stride: int = 1) -> Iterator[Kill]:
    """Kill a run of `verb` on a copy of `start` at its 1st, 2nd, ... touch, until it ends alive.

    `start` is the folder that holds `repository`, `plan.json` and `key.txt`.
    """
    number = 1
    while True:
        scratch = start.with_name(f"{start.name}-killed")
        ended = run_killed(start, scratch, verb, number, timing)
        root = scratch / "repository"
        outcome = resume(FileTree(root))
        yield Kill(number, timing, ended, outcome, snapshot(root))
        if ended:
            return
        number += stride


def run_killed(start: Path, scratch: Path, verb: str, number: int, timing: str) -> bool:
    """Copy `start` to `scratch` and run `verb` there; whether it lived to its end."""
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(start, scratch, symlinks=True)
    argv = [sys.executable, str(CHILD), str(scratch / "repository"), verb, str(number), timing]
    path = os.pathsep.join(item for item in sys.path if item)
    key = str(scratch / "key.txt")
    environment = {**os.environ, "PYTHONPATH": path, "SOPS_AGE_KEY_FILE": key}
    child = subprocess.run(argv, env=environment, capture_output=True, check=False)
    ended = child.stdout == b"DONE\n"
    if not ended and child.returncode != -signal.SIGKILL:
        raise AssertionError(child.stderr.decode())
    return ended


def prepare(folder: Path, repository: Repository, *, sealed: bool) -> Plan:
    """Put the small plan beside its repository."""
    plan = small_plan(repository, sealed=sealed)
    (folder / "plan.json").write_bytes(encode_plan(plan))
    return plan
