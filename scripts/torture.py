"""Kills apply and rollback at every touch of the disk, and looks for damage.

    python scripts/torture.py [--stride N]

Each run is one child process that ends by SIGKILL at its n-th touch, before, in the middle of, or
after it. A fresh process then recovers; the tree has to be byte for byte before or after. Ends
with status 1 when one was not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT / "src"), str(PROJECT)]

from repoint.flows.apply import apply_plan  # noqa: E402
from repoint.flows.rollback import roll_back  # noqa: E402
from tests.torture.killing import TIMINGS, kill_everywhere, prepare  # noqa: E402
from tests.unit.flows.hand_plans import new_repository, snapshot  # noqa: E402


def main() -> int:
    """Run the matrix of verbs and timings; print a line for each, and what was damaged."""
    parser = argparse.ArgumentParser(description="Kill apply and rollback everywhere.")
    parser.add_argument("--stride", type=int, default=1, help="kill at every N-th touch only")
    stride = parser.parse_args().stride
    damaged = 0
    for verb in ("apply", "rollback"):
        for timing in TIMINGS:
            damaged += torture(verb, timing, stride)
    print("no damage" if not damaged else f"{damaged} damaged trees")
    return 1 if damaged else 0


def torture(verb: str, timing: str, stride: int) -> int:
    """Kill one verb everywhere; the number of trees that were neither before nor after."""
    with tempfile.TemporaryDirectory(prefix="repoint-torture-") as scratch:
        folder = Path(scratch) / "start"
        folder.mkdir()
        repository = new_repository(folder)
        plan = prepare(folder, repository, sealed=False)
        states = [snapshot(repository.root)]
        apply_plan(plan, repository.tree, repository.store, allow_dirty=True)
        states.append(snapshot(repository.root))
        if verb == "apply":
            roll_back(plan.environments, repository.tree, repository.store)
        outcomes: Counter[str] = Counter()
        damaged = 0
        for kill in kill_everywhere(folder, verb, timing, stride=stride):
            outcomes[kill.outcome or "nothing to do"] += 1
            if kill.after not in states:
                damaged += 1
                print(f"DAMAGED: {verb}, killed {timing} touch {kill.number}")
        told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
        print(f"{verb:9} killed {timing:6} {sum(outcomes.values()):3} runs: {told}", flush=True)
        return damaged


if __name__ == "__main__":
    sys.exit(main())
