"""Whatever lies where the lock is: the dead keep nobody out, the living everybody."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from repoint.adapters import lock
from tests.torture.forking import Child, Ended, in_child
from tests.torture.looking import look, torn
from tests.torture.scenarios.base import Job, Tally
from tests.torture.verbs import arm, run_verb
from tests.torture.world import World, make_world

Left = Callable[[Path], object]


def run(job: Job) -> Tally:
    """Locks that were left behind, holders that die while they take it, and one that lives."""
    tally = Tally("dead-lock")
    world = make_world(job.scratch / "world")
    for what, (leave, fine) in left_behind().items():
        root = world.copy(job.scratch / "run")
        (root / ".repoint/lock").unlink(missing_ok=True)
        leave(root / ".repoint/lock")
        end = in_child(partial(run_verb, root, "apply"))
        if (end.error or end.how) != fine:
            tally.judge(what, f"{end.how} {end.error} {end.told}, {fine} expected")
        tally.outcomes[fine] += 1
        _clear(root / ".repoint/lock")
        tally.judge(what, torn(look(root), [world.after if fine == "done" else world.before]))
    for number in range(1, 8):
        for timing in ("before", "half", "after"):
            root = world.copy(job.scratch / "run")
            ends = [in_child(partial(_armed, root, number, timing))]
            ends.append(in_child(partial(run_verb, root, "apply")))
            what = f"killed {timing} touch {number} of taking the lock"
            tally.ended(what, ends)
            tally.judge(what, torn(look(root), [world.after]))
    _live(tally, job, world)
    return tally


def left_behind() -> dict[str, tuple[Left, str]]:
    """What may lie there, and how apply ends then: `done`, or the error."""
    me = {"host": socket.gethostname(), "boot": _boot(), "verb": "apply", "since": "2020-01-01"}
    dead = {**me, "pid": _dead_pid(), "started": "1"}
    return {
        "a dead process": (partial(_say, dead), "done"),
        "a number that another process has by now": (
            partial(_say, {**me, "pid": 1, "started": "1"}),
            "done",
        ),
        "an earlier boot": (partial(_say, {**me, "pid": 1, "boot": "before"}), "done"),
        "a time to come": (partial(_say, {**dead, "since": "2999-01-01"}), "done"),
        "another machine": (
            partial(_say, {**dead, "host": "elsewhere", "boot": "there"}),
            "LockHeld",
        ),
        "nothing in it": (lambda path: path.write_bytes(b""), "done"),
        "half a line": (lambda path: path.write_bytes(b'{"pid": 1, "ho'), "done"),
        "no text": (lambda path: path.write_bytes(bytes(range(256)) * 40), "done"),
        "numbers for names": (partial(_say, {"pid": "x", "host": 1, "boot": None}), "LockHeld"),
        "a list": (lambda path: path.write_bytes(b"[1]"), "done"),
        "a folder": (lambda path: path.mkdir(), "FileRefused"),
        "a link": (lambda path: path.symlink_to("../README.md"), "FileRefused"),
        "a link to nowhere": (lambda path: path.symlink_to("nowhere"), "FileRefused"),
        "a pipe": (os.mkfifo, "FileRefused"),
    }


def _live(tally: Tally, job: Job, world: World) -> None:
    """One that holds it and sleeps keeps everybody out, until it dies."""
    root = world.copy(job.scratch / "run")
    holder = Child(partial(_hold, root))
    until = time.monotonic() + 10
    while b"}" not in (root / ".repoint/lock").read_bytes() and time.monotonic() < until:
        time.sleep(0.01)
    end = in_child(partial(run_verb, root, "apply"))
    if end.error != "LockHeld":
        tally.judge("a live holder", f"{end.how}, LockHeld expected")
    holder.kill()
    ends: list[Ended] = [holder.wait(), in_child(partial(run_verb, root, "apply"))]
    tally.ended("a holder that was killed", ends)
    tally.judge("a holder that was killed", torn(look(root), [world.after]))


def _hold(root: Path) -> str:
    with lock.held(root, "apply"):
        signal.pause()
    return ""


def _armed(root: Path, number: int, timing: str) -> str:
    arm(number, timing)
    return run_verb(root, "apply")


def _say(holder: dict[str, object], path: Path) -> None:
    path.write_text(json.dumps(holder))


def _clear(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _dead_pid() -> int:
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    return gone.pid


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
