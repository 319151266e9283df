"""Rows about how long a command takes to begin: help, and the scan of a small repository."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.goals import GOALS, Row
from bench.measure import Command, Meter, Series, program, ratio, shuffled
from bench.scanning import scan
from bench.trees import Tree

_NAMES = ("python", "help", "start-cold", "start-warm")


def rows(meter: Meter, tree: Tree, rounds: int) -> list[Row]:
    """`tree` is the repository of 1k files; it is not changed."""
    series = {name: Series(name) for name in _NAMES}
    meter.run(scan(tree.root, tree.empty_cache("start")))
    for number in range(rounds):
        for name in shuffled(_NAMES, number):
            series[name].samples[number] = meter.run(_command(tree, name))
    pairs = [(name, ratio(series[name], series["python"])) for name in _NAMES[1:]]
    return [Row(GOALS[name], tree.size, found) for name, found in pairs]


def _command(tree: Tree, name: str) -> Command:
    here = Path(tree.root)
    if name == "python":
        return Command((sys.executable, "-c", "pass"), here)
    if name == "help":
        return Command((program("repoint"), "--help"), here)
    if name == "start-cold":
        return scan(here, tree.empty_cache("start-cold"))
    return scan(here, tree.cache("start"))
