"""What a scan cannot be faster than: a look at every file by Python, and git's own looks.

Neither is a part of `repoint`. They tell how much of a `must` is left for everything else: for
parsing, for telling who reads a site, for printing.
"""

from __future__ import annotations

import sys

from bench.measure import Command, Meter, Series, program, ratio, shuffled
from bench.scanning import ripgrep
from bench.trees import Tree

_READ_ALL = """\
import os, subprocess
listed = subprocess.run(["git", "ls-files", "-z"], stdout=subprocess.PIPE, check=True).stdout
for path in listed.split(b"\\0")[:-1]:
    file = os.open(path, os.O_RDONLY)
    b"ostgre" in os.read(file, os.fstat(file).st_size)
    os.close(file)
"""
_FLOORS = {
    "read all": "Python reads every tracked file and looks for one word (below every cold scan)",
    "untracked": "git lists untracked files (a part of every scan in a fresh clone)",
    "changed": "git lists changed files (a part of every scan in a fresh clone)",
}


def notes(meter: Meter, tree: Tree, rounds: int) -> list[str]:
    """A line for each floor, in `rg -l -i` of the same files."""
    series = {name: Series(name) for name in ("rg", *_FLOORS)}
    for number in range(rounds):
        for name in shuffled(series, number):
            series[name].samples[number] = meter.run(_command(tree, name))
    lines = []
    for name, what in _FLOORS.items():
        found = ratio(series[name], series["rg"])
        lines.append(
            f"floor, {tree.size}: {what}: {found.wall:.2f}x rg by the clock, "
            f"{found.cpu or 0:.2f}x by processors, {found.rounds} rounds"
        )
    return lines


def _command(tree: Tree, name: str) -> Command:
    if name == "rg":
        return ripgrep(tree.root)
    if name == "read all":
        return Command((sys.executable, "-S", "-c", _READ_ALL), tree.root)
    git = {"untracked": "ls-files -z -o --exclude-standard", "changed": "diff-files -z --name-only"}
    return Command((program("git"), *git[name].split()), tree.root)
