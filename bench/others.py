"""Rows that have a program of their own: overlays beside kubectl, sops, apply beside sed.

Each prints one JSON object and ends with 1 when what it compared is not the same.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.goals import GOALS, Row
from bench.measure import Ratio

HERE = Path(__file__).resolve().parent


@dataclass(slots=True)
class Answer:
    """What a program printed, and why it does not count."""

    found: dict[str, Any] = field(default_factory=dict)
    problem: str = ""


def ask(name: str, *arguments: str) -> Answer:
    """Run `python -m bench.<name>` and read its answer."""
    argv = [sys.executable, "-m", f"bench.{name}", *arguments]
    done = subprocess.run(argv, cwd=HERE.parent, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    answer = Answer(json.loads(lines[-1]) if lines else {})
    if done.returncode != 0 or not lines:
        last = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        answer.problem = f"bench.{name} ended with status {done.returncode}: {last}"
    return answer


def row(goal: str, size: str, answer: Answer, rounds: int, key: str = "ratio") -> list[Row]:
    """The row of a goal; none where the program did not tell the figure."""
    if key not in answer.found:
        return []
    cpu = answer.found.get(f"{key}_cpu")
    return [Row(GOALS[goal], size, Ratio(answer.found[key], cpu, rounds))]
