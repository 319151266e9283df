"""Rows about `repoint scan` on generated repositories: cold, again, on a fresh clone, and memory.

Every scan of a round sees the same files, so that all must print the same bytes, whatever they
took from what was kept; and each round's output is held against the truth.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from bench.goals import GOALS, Row
from bench.measure import Command, Meter, Ratio, Series, program, ratio, shuffled
from bench.score import Score, score
from bench.trees import Tree

NEEDLES = "postgres|5432|pg_isready|psql|pghost|database_url"


@dataclass(slots=True)
class Scans:
    """What was run on one tree."""

    tree: Tree
    series: dict[str, Series] = field(default_factory=dict)
    scores: list[Score] = field(default_factory=list)
    unequal: list[str] = field(default_factory=list)

    def take(self, meter: Meter, name: str, number: int, command: Command) -> None:
        """One sample of one command."""
        sample = meter.run(command, self.tree.output(name))
        self.series.setdefault(name, Series(name)).samples[number] = sample


def ripgrep(root: Path) -> Command:
    """What the cold scan is held against; the objects of git are no files of the user."""
    flags = ["-l", "-i", "--hidden", "--glob=!.git", NEEDLES, "."]
    return Command((program("rg"), *flags), root, allowed=(0, 1))


def scan(root: Path, cache: Path) -> Command:
    """`repoint scan` with a folder for what it keeps."""
    argv = (program("repoint"), "--quiet", "scan", "--format", "json")
    return Command(argv, root, {"REPOINT_CACHE": str(cache)})


def measure(meter: Meter, trees: Sequence[Tree], rounds: int) -> list[Scans]:
    """All commands on all trees, interleaved."""
    found = [Scans(tree) for tree in trees]
    for one in found:
        _save(meter, one)
    for number in range(rounds):
        for one in found:
            one.tree.change()
        due = {f"{one.tree.size}/{name}": (one, name) for one in found for name in _names(one)}
        order = shuffled(due, number)
        for one in found:
            _first(order, f"{one.tree.size}/warm", f"{one.tree.size}/unchanged")
        for key in order:
            one, name = due[key]
            one.take(meter, name, number, _command(one.tree, name))
        for one in found:
            _judge(one, number)
    return found


def rows(found: Sequence[Scans]) -> list[Row]:
    """The goals that were measured."""
    made = [row for one in found if _is_large(one) for row in _rows_of(one)]
    for small, large in pairwise(found):
        if large.tree.truth.files == 10 * small.tree.truth.files:
            size = f"{small.tree.size} to {large.tree.size}"
            grown = ratio(large.series["cold"], small.series["cold"])
            made.append(Row(GOALS["growth"], size, grown))
    return made


def _rows_of(one: Scans) -> list[Row]:
    series, size = one.series, one.tree.size
    pairs = [("cold", "rg"), ("fresh", "rg"), ("warm", "git status"), ("unchanged", "git status")]
    made = [Row(GOALS[name], size, ratio(series[name], series[base])) for name, base in pairs]
    for goal, name in (("memory", "cold"), ("memory-unchanged", "unchanged")):
        peak = Ratio(series[name].peak, None, len(series[name].samples))
        made.append(Row(GOALS[goal], size, peak))
    return made


_NAMES = ("cold", "warm", "unchanged", "fresh", "rg", "git status")


def _is_large(one: Scans) -> bool:
    """Whether a scan takes longer than to start Python; below, growth alone is told."""
    return one.tree.truth.files >= 10_000


def _names(one: Scans) -> tuple[str, ...]:
    return (
        ("cold", "warm", "unchanged", "fresh", "rg", "git status") if _is_large(one) else ("cold",)
    )


def _command(tree: Tree, name: str) -> Command:
    """A command of a round, its kept results put in order first."""
    if name == "rg":
        return ripgrep(tree.root)
    if name == "git status":
        return Command((program("git"), "status", "--porcelain"), tree.root)
    if name == "cold":
        return scan(tree.root, tree.empty_cache("cold"))
    if name == "fresh":
        return scan(tree.clone, tree.restore_cache("fresh", "saved"))
    return scan(tree.root, tree.cache("warm"))


def _first(order: list[str], one: str, other: str) -> None:
    """Put `one` before `other`: the scan after a change keeps what the next one finds."""
    if one in order and (at := order.index(one)) > (ahead := order.index(other)):
        order[at], order[ahead] = other, one


def _save(meter: Meter, one: Scans) -> None:
    """What a first scan keeps and prints, on the files as they were committed."""
    tree = one.tree
    meter.run(scan(tree.root, tree.empty_cache("saved")), tree.output("saved"))
    meter.run(scan(tree.root, tree.empty_cache("warm")), tree.output("saved"))
    meter.run(ripgrep(tree.root))
    one.scores.append(_scored(tree, "saved"))


def _judge(one: Scans, number: int) -> None:
    """Hold what the round's scans printed against each other and against the truth."""
    tree = one.tree
    pairs = (("warm", "cold"), ("unchanged", "cold"), ("fresh", "saved"))
    for name, right in pairs if _is_large(one) else ():
        if tree.output(name).read_bytes() != tree.output(right).read_bytes():
            one.unequal.append(f"{tree.size}, round {number}: {name} is not as {right}")
    if tree.output("cold").read_bytes() != tree.output("saved").read_bytes():
        one.scores.append(_scored(tree, "cold"))


def _scored(tree: Tree, name: str) -> Score:
    return score(tree.truth, json.loads(tree.output(name).read_bytes()))
