"""Times scan and plan beside rg, git grep and libyaml, and counts the sites that were found.

    python -m bench.run --rounds 5 1k 10k

Each round runs every command once, in a shuffled order. The ratio to a baseline is the median
over rounds of the quotient within one round, so that a busy machine disturbs both sides alike.
Ends with 1 when a planted site was not found; a slow run is never a failure.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import generate
from bench.marks import Planted

BASELINE = "rg -l postgres"


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: wall-clock seconds, peak resident memory in MiB, exit status."""

    seconds: float
    mebibytes: float
    status: int


@dataclass(slots=True)
class Series:
    """All runs of one command on one repository."""

    name: str
    argv: list[str]
    every: int = 1
    allowed: tuple[int, ...] = (0,)
    samples: dict[int, Sample] = field(default_factory=dict)

    @property
    def median(self) -> float:
        """Median wall-clock seconds."""
        return statistics.median(sample.seconds for sample in self.samples.values())

    @property
    def peak(self) -> float:
        """Largest peak memory in MiB."""
        return max(sample.mebibytes for sample in self.samples.values())

    def ratio_to(self, other: Series) -> float:
        """Median over the common rounds of this command's time by the other's."""
        common = self.samples.keys() & other.samples.keys()
        return statistics.median(self.samples[r].seconds / other.samples[r].seconds for r in common)


def measure(argv: Sequence[str], cwd: Path) -> Sample:
    """Run `argv` in `cwd` with its output thrown away.

    The peak is what the kernel counted for the process itself and for children it
    waited for, whichever was largest; never below that of this script's own start.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        argv,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    return Sample(seconds, usage.ru_maxrss / 1024, process.returncode)


def commands(root: Path, plan_every: int) -> list[Series]:
    """What is compared; plan runs in every `plan_every`-th round only."""
    python, here = sys.executable, Path(__file__).resolve().parents[1]
    ripgrep = Path(python).parent / "rg"
    parse = [python, str(here / "bench" / "parse_yaml.py"), "."]
    repoint = [python, "-m", "repoint", "--quiet", "-C", str(root)]
    return [
        Series(BASELINE, [str(ripgrep) if ripgrep.exists() else "rg", "-l", "postgres", "."]),
        Series("git grep -l postgres", ["git", "grep", "-l", "postgres"]),
        Series("parse all YAML (libyaml)", parse),
        Series("repoint --version", [python, "-m", "repoint", "--version"]),
        Series("repoint scan", [*repoint, "scan", "--format", "json"]),
        Series("repoint plan", [*repoint, "plan", "--format", "json"], plan_every, (0, 1)),
    ]


def rounds(series: Sequence[Series], root: Path, count: int) -> None:
    """Run every command once a round, in an order that differs from round to round."""
    for number in range(count):
        due = [item for item in series if number % item.every == 0]
        random.Random(number).shuffle(due)
        for item in due:
            sample = measure(item.argv, root)
            if sample.status not in item.allowed:
                raise SystemExit(f"error: `{item.name}` ended with status {sample.status}")
            item.samples[number] = sample


def table(title: str, series: Sequence[Series]) -> str:
    """The results, one command a line."""
    names = {item.name: item for item in series}
    others = [names[BASELINE], names["git grep -l postgres"], names["parse all YAML (libyaml)"]]
    heading = f"{'command':<26}{'median s':>10}{'peak MiB':>10}{'/ rg':>9}{'/ git grep':>12}"
    lines = [title, heading + f"{'/ libyaml':>11}"]
    for item in series:
        ratios = [item.ratio_to(other) for other in others]
        row = f"{item.name:<26}{item.median:>10.3f}{item.peak:>10.0f}"
        lines.append(row + f"{ratios[0]:>9.2f}{ratios[1]:>12.2f}{ratios[2]:>11.2f}")
    return "\n".join(lines)


def recall(root: Path, truth: Sequence[Planted]) -> tuple[str, bool]:
    """How many planted sites scan finds at their line with their host, and whether all."""
    argv = [sys.executable, "-m", "repoint", "--quiet", "scan", "--format", "json"]
    done = subprocess.run(
        argv, cwd=root, capture_output=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        return f"scan ended with status {done.returncode}", False
    sites = json.loads(done.stdout)["sites"]
    found = {(site["path"], site["line"], site["host"]) for site in sites}
    wanted = {(site.path, site.line, site.host) for site in truth}
    missed = sorted(wanted - found)
    lines = [
        f"recall {len(wanted & found)}/{len(wanted)}, other sites reported: {len(found - wanted)}"
    ]
    lines += [f"  missed {path}:{line}" for path, line, _ in missed[:5]]
    return "\n".join(lines), not missed


def prepared(size: str, folder: Path) -> tuple[Path, list[Planted]]:
    """The repository of a size, generated anew."""
    root = folder / f"repository-{size}"
    return root, generate.write(root, generate.SIZES[size]).sites


def main() -> None:
    """Measure every size that was asked for."""
    parser = argparse.ArgumentParser(description="Time scan and plan on generated repositories.")
    parser.add_argument("sizes", nargs="*", choices=[*generate.SIZES, []], default=["1k"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--plan-every", type=int, default=5, help="run plan in every n-th round")
    given = parser.parse_args()
    complete = True
    for size in given.sizes or ["1k"]:
        with tempfile.TemporaryDirectory(prefix="repoint-bench-") as folder:
            root, truth = prepared(size, Path(folder))
            series = commands(root, given.plan_every)
            rounds(series, root, given.rounds)
            title = f"\n{size}: {generate.SIZES[size]} files, {given.rounds} rounds"
            print(table(title, series), flush=True)
            text, all_found = recall(root, truth)
            print(text, flush=True)
            complete = complete and all_found
    sys.exit(0 if complete else 1)


if __name__ == "__main__":
    main()
