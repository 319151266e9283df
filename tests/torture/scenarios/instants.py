"""SIGKILL after a delay that is drawn: forked runs by the thousand, the real command by the dozen.

The repository is not made anew: each run starts from what the one before left, so a tree goes back
and forth between both of its states for as long as nothing is torn.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from repoint.adapters import settling
from repoint.flows import rewriting
from tests.torture.forking import Child, Ended, in_child
from tests.torture.looking import LEDGER, look, stamps, torn
from tests.torture.scenarios.base import Job, Tally
from tests.torture.scenarios.ledgers import RECEIPT, wrong_ledger
from tests.torture.verbs import run_verb
from tests.torture.world import BYSTANDERS, World, make_world

_QUIET: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
_FRESH = 50
"""So many runs on one tree, with or without a ledger; then a fresh one."""


def run(job: Job) -> Tally:
    """Forked runs: apply or rollback, with and without ledger; half the recoveries die, too."""
    tally = Tally("random-instant")
    world = make_world(job.scratch / "start")
    place, runs, told = job.scratch / "run", 0, ""
    root, at_once, lasts = world.root, False, dict[str, float]()
    while job.goes_on(tally.kills):
        if runs % _FRESH == 0 or tally.torn:
            root, told = world.copy(place), job.random.choice(("", "told-"))
            at_once = job.random.random() < 0.4
        runs += 1
        untouched, known = stamps(root, BYSTANDERS), _read(root / LEDGER)
        verb = told + ("rollback" if (root / RECEIPT).exists() else "apply")
        ends: list[Ended] = []
        while not ends or (ends[-1].how == "killed" and job.random.random() < 0.3):
            verb_now = "resume" if ends else verb
            took = lasts.get(verb_now, 0.05)
            began = time.monotonic()
            child = Child(partial(_run, root, verb_now, at_once))
            if job.random.random() < 0.6:
                # Most of a run reads; these kills are for what comes when it has begun to write.
                _wait_for(root / ".repoint/journal", took)
                time.sleep(job.random.random() ** 2 * took / 2)
            else:
                time.sleep(took * job.random.random() * 1.1)
            child.kill()
            ends.append(child.wait())
            if ends[-1].how == "done":
                lasts[verb_now] = time.monotonic() - began
        what = f"run {runs}, {verb}"
        tally.ended(what, ends)
        end = in_child(partial(run_verb, root, "resume"))
        tally.ended(what, [end])
        tally.outcomes[ended_as(ends[0], end)] += 1
        _judge(tally, what, world, root, known)
        if stamps(root, BYSTANDERS) != untouched:
            tally.judge(what, "a file that no plan names was written")
    return tally


def run_command(job: Job) -> Tally:
    """The real command line, from the first import to its last line."""
    tally = Tally("real-command")
    world = make_world(job.scratch / "start")
    root = world.copy(job.scratch / "run")
    git = ["git", "-C", str(root), "init", "--quiet"]
    subprocess.run(git, check=True, capture_output=True)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(item for item in sys.path if item)}
    lasts: dict[str, float] = {}
    while job.goes_on(tally.kills):
        verb = "rollback" if (root / RECEIPT).exists() else "apply"
        known, began = _read(root / LEDGER), time.monotonic()
        # Most of the time goes into starting Python: the second half is where files are written.
        delay = lasts.get(verb, 9.0) * (1 - job.random.random() ** 2 * 0.6)
        command = subprocess.Popen(_argv(root, verb), cwd=root, env=env, **_QUIET)
        try:
            command.wait(delay)
            lasts[verb] = time.monotonic() - began
        except subprocess.TimeoutExpired:
            command.send_signal(signal.SIGKILL)
        status = command.wait()
        tally.kills += status == -signal.SIGKILL
        what = f"repoint {verb}, status {status}"
        if status not in (0, -signal.SIGKILL):
            tally.judge(what, "neither done nor killed")
        done = subprocess.run(_argv(root, "resume"), cwd=root, env=env, check=False, **_QUIET)
        if done.returncode:
            tally.judge(what, f"`repoint apply --resume` ended with {done.returncode}")
        tally.outcomes["done" if status == 0 else "killed"] += 1
        _judge(tally, what, world, root, known)
    return tally


def _run(root: Path, verb: str, at_once: bool) -> str:
    """The verb; `at_once` as with many files, on a file system that can settle them together."""
    if at_once:
        settling.MANY = rewriting.MANY = 1
        settling._is_trusted = lambda fd: True
    return run_verb(root, verb)


def _wait_for(path: Path, seconds: float) -> None:
    """Look for a file without a pause, for so long at most."""
    until = time.monotonic() + seconds
    while not path.exists() and time.monotonic() < until:
        pass


def ended_as(first: Ended, recovered: Ended) -> str:
    """What became of a run."""
    return "done" if first.how == "done" else recovered.told or "nothing left"


def _judge(tally: Tally, what: str, world: World, root: Path, known: bytes | None) -> None:
    found = look(root)
    found.pop(LEDGER, None)
    tally.judge(what, torn(found, world.states))
    tally.judge(what, wrong_ledger(known, _read(root / LEDGER), found))


def _argv(root: Path, verb: str) -> list[str]:
    given = {
        "apply": ["apply", str(root.parent / "plan.json"), "--allow-dirty", "--yes"],
        "rollback": ["rollback", "--env", "local", "--yes"],
        "resume": ["apply", "--resume"],
    }
    return [sys.executable, "-m", "repoint", *given[verb]]


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None
