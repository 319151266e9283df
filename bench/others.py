"""Rows that have a program of their own: overlays beside kubectl, sops, apply beside sed.

Each prints one JSON object, and ends with 1 when what it compared is not the same.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.goals import GOALS, Row
from bench.measure import Ratio

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Program:
    """`bench.<name>`: the repository that it works on, and its answer's key for each goal.

    `counts_rounds` is set where it makes the rounds itself; else it is run once for each.
    """

    name: str
    size: str
    goals: Mapping[str, str]
    counts_rounds: bool = True


PROGRAMS = (
    Program("consumers", "10k", {"consumers": "ratio"}, counts_rounds=False),
    Program(
        "proving",
        "1k",
        {"verification": "ratio", "renders": "per_state", "renders-repeat": "renders_repeat"},
    ),
    Program("sealed", "", {"sealed": "ratio"}),
    Program("applying", "", {"applying": "ratio"}),
)


@dataclass(slots=True)
class Answer:
    """What a program printed, and why it does not count."""

    found: dict[str, Any] = field(default_factory=dict)
    problem: str = ""


def measure(program: Program, root: Path | None, rounds: int) -> tuple[list[Row], list[str]]:
    """The rows of a program, and what is wrong with its answers."""
    where = [] if root is None else [str(root)]
    if program.counts_rounds:
        answers = [ask(program.name, *where, f"--rounds={rounds}")]
    else:
        answers = [ask(program.name, *where) for _ in range(rounds)]
    rows = [
        row
        for goal, key in program.goals.items()
        for row in _rows(goal, program.size or "-", answers, rounds, key)
    ]
    return rows, list(dict.fromkeys(one.problem for one in answers if one.problem))


def ask(name: str, *arguments: str) -> Answer:
    """Run `python -m bench.<name>` and read its answer."""
    argv = [sys.executable, "-m", f"bench.{name}", *arguments]
    done = subprocess.run(argv, cwd=HERE.parent, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    answer = Answer(json.loads(lines[-1]) if lines else {})
    if done.returncode != 0 or not lines:
        last = (done.stderr.strip().splitlines() or ["it did not say why"])[-1]
        answer.problem = f"bench.{name} ended with status {done.returncode}: {last}"
    elif answer.found.get("differences"):
        answer.problem = f"bench.{name} found {answer.found['differences']} differences"
    return answer


def _rows(goal: str, size: str, answers: Sequence[Answer], rounds: int, key: str) -> list[Row]:
    """The row of a goal; none where no answer tells the figure."""
    told = [one.found for one in answers if key in one.found]
    if not told:
        return []
    wall = statistics.median(found[key] for found in told)
    with_cpu = [found[f"{key}_cpu"] for found in told if f"{key}_cpu" in found]
    cpu = statistics.median(with_cpu) if with_cpu else None
    counted = rounds if "ratio" in key else 1
    return [Row(GOALS[goal], size, Ratio(wall, cpu, counted))]
