"""Measures what repoint takes beside the tools that people know, and prints one table.

    python -m bench.run 1k 10k              # every row but the peers
    python -m bench.run --only scan 100k    # one group of rows
    python -m bench.run --only floors 10k   # what no scan can be faster than
    python -m bench.run --gate 1k 10k       # as CI: ends with 1 when a must is missed

Ends with 1, gate or not, when a scan missed a planted site or said something wrong of one, or
when what should be the same bytes is not.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import floors, others, peers, scanning, starting
from bench.generate import SIZES
from bench.goals import KNOWN, Row, table
from bench.measure import Meter
from bench.measure import program as path_of
from bench.scanning import Scans
from bench.trees import Tree, prepare

GROUPS = ("start", "scan", *(one.name for one in others.PROGRAMS), "peers", "floors")
_ON_DEMAND = ("peers", "floors")
_PEER_ROUNDS = 3
_FOR_PEERS = "10k"


@dataclass(slots=True)
class Report:
    """Everything that the run found out."""

    rows: list[Row] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add_scans(self, found: Sequence[Scans]) -> None:
        """Count in the scans of all trees."""
        self.rows += scanning.rows(found)
        for one in found:
            self.notes.append(f"{one.tree.size}: {one.scores[0].summary()}")
            self.wrong += one.unequal
            self.wrong += [
                f"{one.tree.size}: {bad.summary()}" for bad in one.scores if not bad.is_right
            ]


def main() -> None:
    """Measure what was asked for."""
    given = _arguments()
    usual = [name for name in GROUPS if name not in _ON_DEMAND]
    groups = given.only or [*usual, *["peers"] * given.peers]
    report = Report(notes=_versions())
    with tempfile.TemporaryDirectory(prefix="repoint-bench-") as folder, Meter() as meter:
        trees = _trees(Path(folder), given.sizes, groups)
        _measure(meter, trees, groups, given, report)
    print("\n".join(report.notes))
    if report.rows:
        print(f"\n{table(report.rows)}\n")
    sys.exit(_status(report, gate=given.gate))


def _measure(
    meter: Meter,
    trees: dict[str, Tree],
    groups: Sequence[str],
    given: argparse.Namespace,
    report: Report,
) -> None:
    """Each group in turn; those that change a tree come last."""
    rounds = given.rounds
    if "start" in groups and "1k" in trees:
        report.rows += starting.rows(meter, trees["1k"], rounds)
    for program in others.PROGRAMS:
        if program.name in groups and (not program.size or program.size in trees):
            root = trees[program.size].root if program.size else None
            # One build of 90 overlays by kubectl takes longer than CI has for all rows.
            once = given.gate and not program.counts_rounds
            made, wrong = others.measure(program, root, 1 if once else rounds)
            report.rows += made
            report.wrong += wrong
    if "peers" in groups and _FOR_PEERS in trees:
        made, skipped = peers.rows(meter, trees[_FOR_PEERS], min(rounds, _PEER_ROUNDS))
        report.rows += made
        report.notes += [f"skipped: {line}" for line in skipped]
    if "floors" in groups:
        for tree in trees.values():
            report.notes += floors.notes(meter, tree, rounds)
    if "scan" in groups:
        report.add_scans(scanning.measure(meter, list(trees.values()), rounds))


def _status(report: Report, *, gate: bool) -> int:
    """What the run ends with; everything that is wrong goes to stderr."""
    for line in report.wrong:
        print(f"error: {line}", file=sys.stderr)
    for row in report.rows:
        if row.better > row.goal.must and row.goal.name in KNOWN:
            print(f"missed, known: {row.goal.title}: {KNOWN[row.goal.name]}", file=sys.stderr)
        elif gate and row.fails:
            print(f"error: must is missed: {row.goal.title} ({row.size})", file=sys.stderr)
    return int(bool(report.wrong) or (gate and any(row.fails for row in report.rows)))


def _trees(folder: Path, sizes: Sequence[str], groups: Sequence[str]) -> dict[str, Tree]:
    """The repositories of the sizes that were asked for, smallest first, where any is needed."""
    if not set(groups) - {one.name for one in others.PROGRAMS if not one.size}:
        return {}
    ordered = [size for size in SIZES if size in sizes]
    return {size: prepare(size, folder / size) for size in ordered}


def _versions() -> list[str]:
    """What was measured with: ratios are only as good as what they are ratios to."""
    shown = []
    for argv in ([path_of("rg"), "--version"], [path_of("git"), "--version"]):
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        shown.append(done.stdout.splitlines()[0])
    return [f"{', '.join(shown)}, Python {sys.version.split()[0]}, {os.cpu_count()} processors"]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "sizes", nargs="*", default=["1k", "10k"], metavar="SIZE", help="1k 10k 100k"
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", action="append", choices=GROUPS, help="this group (repeatable)")
    parser.add_argument("--peers", action="store_true", help="with ast-grep, semgrep and yamllint")
    parser.add_argument("--gate", action="store_true", help="end with 1 when a must is missed")
    given = parser.parse_args()
    if unknown := [size for size in given.sizes if size not in SIZES]:
        parser.error(f"no such size: {', '.join(unknown)} (choose from {', '.join(SIZES)})")
    return given


if __name__ == "__main__":
    main()
