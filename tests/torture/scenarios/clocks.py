"""A clock that jumps by years between any two looks at it, forwards and backwards.

Nothing of repoint may hang, refuse a lock or tell the ledger's story in another order for it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path
from random import Random

from repoint.adapters import identity, lock
from tests.torture.forking import Child, in_child
from tests.torture.looking import LEDGER, look, torn
from tests.torture.scenarios.base import Job, Tally
from tests.torture.scenarios.ledgers import RECEIPT, wrong_ledger
from tests.torture.verbs import run_verb
from tests.torture.world import make_world

_FRESH = 20
_SPAN_S = 30 * 365 * 24 * 3600
_JUMPS = ("-20y", "+20y", "-1d", "@1970-01-02 00:00:00", "@2038-01-19 03:14:06")
LIBRARIES = ("/usr/lib", "/usr/local/lib", os.environ.get("LIBFAKETIME", "/usr/lib"))


def run(job: Job) -> Tally:
    """Forked runs with a clock that is drawn at each look; some die."""
    tally = Tally("clock")
    world = make_world(job.scratch / "world")
    root, runs = world.root, 0
    while job.goes_on(tally.kills):
        if runs % _FRESH == 0 or tally.torn:
            root = world.copy(job.scratch / "run")
        runs += 1
        known = _read(root)
        steps = ["told-rollback" if (root / RECEIPT).exists() else "told-apply", "record"]
        verb = job.random.choice(steps)
        child = Child(partial(_with_mad_clock, root, verb, job.random.random()))
        if job.random.random() < 0.3:
            time.sleep(job.random.random() * 0.03)
            child.kill()
        what = f"run {runs}, {verb}"
        ends = [child.wait(), in_child(partial(_with_mad_clock, root, "resume", runs))]
        tally.ended(what, ends)
        tally.outcomes[ends[0].how] += 1
        found = look(root)
        found.pop(LEDGER, None)
        tally.judge(what, torn(found, world.states))
        tally.judge(what, wrong_ledger(known, _read(root), found) or _out_of_order(root))
    tally.note = _with_library(tally, job) or "libfaketime is not here: Python's own clock alone"
    return tally


def _with_mad_clock(root: Path, verb: str, seed: float) -> str:
    draw = Random(seed)

    class Mad:
        @staticmethod
        def now(zone: tzinfo) -> datetime:
            return datetime.now(zone) + timedelta(seconds=draw.uniform(-_SPAN_S, _SPAN_S))

    for module in (identity, lock):
        setattr(module, "datetime", Mad)  # noqa: B010 -- its type is another
    return run_verb(root, verb)


def _out_of_order(root: Path) -> str:
    lines = (_read(root) or b"").splitlines()
    times = [datetime.fromisoformat(json.loads(line)["at"]) for line in lines]
    late = [number for number in range(1, len(times)) if times[number] <= times[number - 1]]
    return f"line {late[0] + 1} of the ledger is not later than the one before" if late else ""


def _with_library(tally: Tally, job: Job) -> str:
    """The real command below libfaketime, where that is installed; what was done."""
    found = [
        path for place in LIBRARIES for path in Path(place).glob("*/faketime/libfaketime.so.1")
    ]
    if not found:
        return ""
    world = make_world(job.scratch / "real")
    root = world.root
    path = os.pathsep.join(item for item in sys.path if item)
    for jump in _JUMPS:
        verb = "rollback" if (root / RECEIPT).exists() else "apply"
        given = ["rollback", "--env", "local"] if verb == "rollback" else ["apply"]
        given += [] if verb == "rollback" else ["../plan.json", "--allow-dirty"]
        environment = {"PYTHONPATH": path, "LD_PRELOAD": str(found[0]), "FAKETIME": jump}
        done = subprocess.run(
            [sys.executable, "-m", "repoint", *given, "--yes"],
            cwd=root,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        what = f"{verb} at {jump}"
        if done.returncode:
            tally.judge(what, f"status {done.returncode}: {done.stderr}")
        tally.judge(what, _out_of_order(root))
        seen = look(root)
        seen.pop(LEDGER, None)
        tally.judge(what, torn(seen, [world.after if verb == "apply" else world.before]))
    return f"{len(_JUMPS)} of the real command below libfaketime"


def _read(root: Path) -> bytes | None:
    path = root / LEDGER
    return path.read_bytes() if path.exists() else None
