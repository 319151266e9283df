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
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
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
    rollouts,
    touches,
)
from tests.torture.scenarios.base import Job, Tally  # noqa: E402


@dataclass(frozen=True)
class Scenario:
    """What to run, with its shares of `--seconds` and of `--kills`.

    One without a share of the kills goes through a list: with `--kills`, all of it.
    """

    run: Callable[[Job], Tally]
    time: float
    kills: float = 0.0
    on_disk: bool = False


SCENARIOS = {
    "every-touch": Scenario(touches.run, 3.0),
    "random-instant": Scenario(instants.run, 3.0, 0.6),
    "racing": Scenario(racing.run, 3.0, 0.3),
    "git": Scenario(gitwork.run, 2.0, 0.04),
    "dead-lock": Scenario(locks.run, 0.5),
    "clock": Scenario(clocks.run, 1.0, 0.04),
    "full-disk": Scenario(disks.run_full, 0.5),
    "read-only": Scenario(disks.run_read_only, 0.5),
    "failing-disk": Scenario(failing.run, 3.0),
    "power-loss": Scenario(power.run, 2.0),
    "power-cut": Scenario(disks.run_power_cut, 2.0, on_disk=True),
    "real-command": Scenario(instants.run_command, 2.5, 0.02, on_disk=True),
    "rollout": Scenario(rollouts.run, 1.0, 0.001),
}

_MEMORY = "/dev/shm"
_INSIDE = "REPOINT_TORTURE_INSIDE"
_SECONDS = 60.0


def main() -> int:
    """Run the scenarios one after the other; print a line for each, and what was torn."""
    given = _arguments()
    _move_into_own_namespace()
    chosen = given.scenario or list(SCENARIOS)
    share = given.seconds / sum(SCENARIOS[name].time for name in chosen)
    began, tallies = time.monotonic(), []
    gc.freeze()  # Or every child copies what the collector of rubbish touches.
    print(f"seed {given.seed}", flush=True)
    for name in chosen:
        tallies.append(_run(name, given, share * SCENARIOS[name].time))
        print("\n".join(tallies[-1].lines()), flush=True)
    kills = sum(tally.kills for tally in tallies)
    torn = sum(len(tally.torn) for tally in tallies)
    print(f"{kills:,} kills, {torn} torn trees, {time.monotonic() - began:.0f} s")
    return 1 if torn else 0


def _run(name: str, given: argparse.Namespace, seconds: float) -> Tally:
    scenario = SCENARIOS[name]
    with tempfile.TemporaryDirectory(prefix="repoint-torture-", dir=_place(scenario)) as scratch:
        draw = random.Random(f"{given.seed} {name}")
        # Alone it has all of the kills that are asked for.
        kills = given.kills if given.scenario == [name] else given.kills * scenario.kills
        job = Job(Path(scratch), draw, seconds, math.ceil(kills or given.kills), given.stride)
        tally = scenario.run(job)
        tally.seconds = time.monotonic() - job.began
        return tally


def _place(scenario: Scenario) -> str | None:
    """In memory, where thousands of runs do not wait for a disk; some want a disk."""
    in_memory = not scenario.on_disk and "TMPDIR" not in os.environ
    return _MEMORY if in_memory and os.access(_MEMORY, os.W_OK) else None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="how long, about")
    parser.add_argument("--kills", type=int, default=0, help="so many, however long")
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
