"""What speed is to be reached, what must be, and the table of what was measured.

A figure is a ratio, or a peak in MiB. The gate takes the better of the ratios by the clock and by
processors: two programs that share a busy machine are seldom disturbed alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.measure import Ratio


@dataclass(frozen=True, slots=True)
class Goal:
    """One row: `reach` is the aim, `must` is what the gate holds."""

    name: str
    title: str
    reach: float
    must: float
    unit: str = "x"


GOALS = {
    goal.name: goal
    for goal in (
        Goal("cold", "cold scan with paths, consumers, purposes / `rg -l -i`", 1.5, 3),
        Goal("warm", "rescan, 100 files changed / `git status`", 0.7, 1.5),
        Goal("unchanged", "rescan, nothing changed / `git status`", 0.7, 1.5),
        Goal("fresh", "fresh clone, restored cache / `rg -l -i`", 0.15, 0.4),
        Goal("consumers", "consumers of all overlays / `kubectl kustomize` each", 0.05, 0.2),
        Goal("verification", "renders that prove a plan / one by one", 0.6, 0.6),
        Goal("renders", "renders of a touched overlay, before and after each", 1, 1, ""),
        Goal("renders-repeat", "renders when nothing changed since the last plan", 0, 0, ""),
        Goal("help", "`repoint --help` / `python -c pass`", 4, 8),
        Goal("start-cold", "cold scan of 1k files / `python -c pass`", 6, 12),
        Goal("start-warm", "warm scan of 1k files / `python -c pass`", 2.5, 5),
        Goal("memory", "peak memory of a cold scan, with consumers", 200, 400, "MiB"),
        Goal("memory-unchanged", "peak memory of a rescan, nothing changed", 64, 128, "MiB"),
        Goal("growth", "cold scan, ten times the files / as it was", 11, 13),
        Goal("sealed", "20 sealed Secrets / `sops` one after another", 0.6, 0.8),
        Goal("applying", "apply 1,740 edits in 1,230 files / `sed -i`", 1.6, 3),
        Goal("ast-grep", "cold scan / ast-grep with one rule", 1, 1),
        Goal("semgrep", "cold scan / semgrep with one rule", 0.05, 0.1),
        Goal("yamllint", "cold scan / yamllint", 0.02, 0.04),
    )
}

KNOWN = {
    "cold": "a tenth of the files is parsed, judged and linked, in Python; rg only names them",
    "warm": "what unchanged files hold is known; linking, judging and printing is made anew",
    "unchanged": "on 10k files the start of Python alone takes half as long as `git status`",
    "fresh": "git's own look at the files and folders of the clone takes half of what rg takes",
    "start-cold": "half are imports: some 180 modules of rules and readers",
    "ast-grep": "as for rg: it matches one pattern, and links nothing",
    "semgrep": "reading and linking takes what it takes; a fifth of semgrep's time, not a tenth",
    "verification": "0.5 with two processors free; 0.7 of the processor's time is what is left",
    "yamllint": "an eighth of yamllint's time, not a fiftieth",
}
"""Rows whose must is not reached yet, by name, and why; the gate says so and goes on."""


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured for a goal on one tree."""

    goal: Goal
    size: str
    measured: Ratio
    note: str = ""

    @property
    def better(self) -> float:
        """The better of the two figures."""
        wall, cpu = self.measured.wall, self.measured.cpu
        return wall if cpu is None else min(wall, cpu)

    @property
    def verdict(self) -> str:
        """reached, must met, missed; by processors alone where the clock says otherwise."""
        for limit, word in ((self.goal.reach, "reached"), (self.goal.must, "must met")):
            if self.measured.wall <= limit:
                return word
            if self.better <= limit:
                return f"{word} (by CPU)"
        return f"missed, known: {KNOWN[self.goal.name]}" if self.goal.name in KNOWN else "MISSED"

    @property
    def fails(self) -> bool:
        """Whether the gate is closed to it."""
        return self.better > self.goal.must and self.goal.name not in KNOWN


_HEAD = ("goal", "size", "reach", "must", "wall", "CPU", "rounds", "verdict")


def table(rows: Iterable[Row]) -> str:
    """The rows in Markdown, aligned, so that one form serves terminal and page."""
    lines = [_HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    shown = [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    ]
    shown.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(shown)


def _cells(row: Row) -> tuple[str, ...]:
    goal, measured = row.goal, row.measured
    cpu = "-" if measured.cpu is None else _figure(measured.cpu, goal.unit)
    verdict = row.verdict + (f"; {row.note}" if row.note else "")
    return (
        goal.title,
        row.size,
        _figure(goal.reach, goal.unit),
        _figure(goal.must, goal.unit),
        _figure(measured.wall, goal.unit),
        cpu,
        str(measured.rounds),
        verdict,
    )


def _figure(value: float, unit: str) -> str:
    return f"{value:.0f} MiB" if unit == "MiB" else f"{value:.3g}{unit}"
