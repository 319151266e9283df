"""Kills, starves and misleads repoint, and looks for damage with eyes of its own.

    python scripts/torture.py [--seconds S] [--kills N] [--scenario NAME] [--seed K] [--stride N]

Every scenario prints a line: how many processes died by SIGKILL, how many trees were torn, what
became of the runs. A tree is torn when, after a recovery by a fresh process, it is not byte for
byte, mode for mode and link for link what it was before or what it was to be, or when anything is
left over. Ends with status 1 when one was.

It moves into a mount namespace of its own first, where it may: there it mounts small and
read-only file systems, which are gone when it ends, however it ends.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT / "src"), str(PROJECT)]

from tests.torture.scenarios import (  # noqa: E402
    clocks,
    disks,
    failing,
    gitwork,
    instants,
    locks,
    power,
    racing,
    touches,
)
from tests.torture.scenarios.base import Job, Tally  # noqa: E402

Scenario = Callable[[Job], Tally]
SCENARIOS: dict[str, tuple[Scenario, float]] = {
    "every-touch": (touches.run, 3.0),
    "random-instant": (instants.run, 3.0),
    "racing": (racing.run, 3.0),
    "git": (gitwork.run, 2.0),
    "dead-lock": (locks.run, 1.0),
    "clock": (clocks.run, 1.0),
    "full-disk": (disks.run_full, 1.0),
    "read-only": (disks.run_read_only, 1.0),
    "failing-disk": (failing.run, 3.0),
    "power-loss": (power.run, 2.0),
    "power-cut": (disks.run_power_cut, 3.0),
    "real-command": (instants.run_command, 2.0),
}
"""Each with its share of the time."""

_ON_DISK = ("real-command",)
_MEMORY = "/dev/shm"
_INSIDE = "REPOINT_TORTURE_INSIDE"
_SECONDS = 75.0


def main() -> int:
    """Run the scenarios one after the other; print a line for each, and what was torn."""
    given = _arguments()
    _move_into_own_namespace()
    chosen = given.scenario or list(SCENARIOS)
    share = given.seconds / sum(SCENARIOS[name][1] for name in chosen)
    began, tallies = time.monotonic(), []
    gc.freeze()  # Or every child copies what the collector of rubbish touches.
    print(f"seed {given.seed}", flush=True)
    for name in chosen:
        scenario, weight = SCENARIOS[name]
        tallies.append(_run(scenario, name, given, share * weight))
        print("\n".join(tallies[-1].lines()), flush=True)
    kills = sum(tally.kills for tally in tallies)
    torn = sum(len(tally.torn) for tally in tallies)
    print(f"{kills:,} kills, {torn} torn trees, {time.monotonic() - began:.0f} s")
    return 1 if torn else 0


def _run(scenario: Scenario, name: str, given: argparse.Namespace, seconds: float) -> Tally:
    with tempfile.TemporaryDirectory(prefix="repoint-torture-", dir=_place(name)) as scratch:
        draw = random.Random(f"{given.seed} {name}")
        job = Job(Path(scratch), draw, seconds, given.kills, given.stride)
        tally = scenario(job)
        tally.seconds = time.monotonic() - job.began
        return tally


def _place(name: str) -> str | None:
    """In memory, where thousands of runs do not wait for a disk; some want a disk."""
    in_memory = name not in _ON_DISK and "TMPDIR" not in os.environ
    return _MEMORY if in_memory and os.access(_MEMORY, os.W_OK) else None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="how long, about")
    parser.add_argument("--kills", type=int, default=0, help="so many kills of each, not seconds")
    parser.add_argument("--scenario", action="append", choices=SCENARIOS, help="only this one")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="draw the same again")
    parser.add_argument("--stride", type=int, default=1, help="every N-th of what is counted")
    return parser.parse_args()


def _move_into_own_namespace() -> None:
    """Start again below `unshare`, unless that was done or is not possible."""
    if _INSIDE in os.environ or shutil.which("unshare") is None:
        return
    argv = ["unshare", "--mount", "--propagation", "private"]
    if os.geteuid() != 0:
        argv += ["--user", "--map-root-user"]
    allowed = subprocess.run([*argv, "true"], capture_output=True, check=False).returncode == 0
    os.environ[_INSIDE] = "yes" if allowed else "no"
    if allowed:
        os.execvp(argv[0], [*argv, sys.executable, *sys.orig_argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
