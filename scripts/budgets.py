#!/usr/bin/env python3
"""Compares what repoint weighs, and what it loads, with what it may: counts, never seconds.

    python -m scripts.budgets            # sizes; ends with 1 where one is over its budget
    python -m scripts.budgets --report   # also modules and processor time of each way in

The modules are checked by tests/cli/test_dependencies.py.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from scripts.dependencies import ROOT, RUNTIME, brought, groups

INSTALLED_MIB = 12.4
"""repoint and what it needs, unpacked, on Linux: 20 % above 10.3 MiB, of which it fills 10.6."""

WHEEL_KIB = 1340.0
"""The wheel of repoint alone: 6 % above the 1266 KiB that it fills, our code and data alone."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A way into repoint: how many modules it may load, and which it may not."""

    statement: str
    arguments: tuple[str, ...]
    most_modules: int
    absent: tuple[str, ...]

    @property
    def name(self) -> str:
        """What a user would call it."""
        return " ".join(("repoint", *self.arguments)) if self.arguments else self.statement


_NETWORK = ("asyncio", "http", "socket", "ssl")
_PROCESSES = ("concurrent", "multiprocessing", "subprocess", "tempfile")
_LIBRARIES = (
    "cryptography",
    "prometheus_client",
    "psycopg",
    "pygal",
    "rich",
    "tree_sitter",
    "yaml",
)
_NEVER = (*_NETWORK, *_PROCESSES, *_LIBRARIES, "importlib.resources", "logging", "random", "xml")
_DOOR = (*_NEVER, "decimal", "json", "msgspec", "tomllib")
_AT_ONCE = (
    *(*_DOOR, "click", "collections", "contextlib", "dataclasses", "enum", "hashlib", "inspect"),
    *("pathlib", "re", "typing"),
)
"""What takes longer to import than a repeated scan takes to be told again."""
_RUN = "from repoint.cli.door import main; main()"
ENTRIES = (
    Entry("import repoint.cli.door", (), 6, _AT_ONCE),
    Entry("import repoint.cli.at_once; import repoint.cli.stdout", (), 30, _AT_ONCE),
    Entry(_RUN, ("--version",), 92, _DOOR),
    Entry(_RUN, ("--help",), 101, _DOOR),
    Entry(_RUN, ("scan", "--help"), 108, _DOOR),
    Entry(_RUN, ("scna",), 95, _DOOR),
    Entry("import repoint", (), 4, (*_DOOR, "click", "dataclasses", "inspect", "typing")),
    Entry("import repoint; repoint.Tool", (), 56, (*_DOOR, "click")),
    Entry("import repoint; repoint.Repository", (), 70, (*_NEVER, "click")),
    Entry("import repoint.flows.scanning", (), 226, (*_NEVER, "click")),
)
_PROBE = """import sys
before = set(sys.modules)
sys.argv[0] = "repoint"
try:
    {statement}
except SystemExit:
    pass
print(*sorted(set(sys.modules) - before), file=sys.stderr)
"""


def loaded(entry: Entry) -> tuple[str, ...]:
    """The modules that `entry` loads, beyond those of a Python that does nothing."""
    code = _PROBE.format(statement=entry.statement)
    done = subprocess.run(
        [sys.executable, "-c", code, *entry.arguments],
        capture_output=True,
        text=True,
        check=True,
        env=_plain_environment(),
    )
    return tuple(done.stderr.splitlines()[-1].split())


def _plain_environment() -> dict[str, str]:
    """Without what makes coverage load itself into every child."""
    return {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")}


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes: the wheel as a file, what it unpacks to, and each package that it needs."""

    wheel: int
    unpacked: int
    packages: dict[str, int]

    @property
    def installed(self) -> float:
        """All that a user gets, in MiB."""
        return (self.unpacked + sum(self.packages.values())) / 2**20


def sizes() -> Sizes:
    """Build the wheel, and add up the records of what it needs here."""
    with tempfile.TemporaryDirectory() as folder:
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
        subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        packed = wheel.stat().st_size
    needed = brought(groups()[RUNTIME], here=True)
    return Sizes(packed, unpacked, {name: _recorded(name) for name in sorted(needed)})


def _recorded(name: str) -> int:
    """Without bytecode, whose size no record tells."""
    return sum(file.size or 0 for file in metadata.files(name) or () if file.suffix != ".pyc")


def errors(found: Sizes) -> list[str]:
    """Which budgets are exceeded."""
    pairs = (
        ("repoint with what it needs", found.installed, INSTALLED_MIB, "MiB"),
        ("the wheel", found.wheel / 2**10, WHEEL_KIB, "KiB"),
    )
    return [
        f"{what} takes {size:.1f} {unit}, and its budget is {most:g} {unit}"
        for what, size, most, unit in pairs
        if size > most
    ]


def cpu_ratio(entry: Entry, rounds: int = 7) -> float:
    """Processor time of `entry` to that of a Python that does nothing: median over rounds."""
    code = f"import sys\nsys.argv[0] = 'repoint'\n{entry.statement}"
    quotients = [_cpu(code, *entry.arguments) / _cpu("pass") for _ in range(rounds)]
    return statistics.median(quotients)


def _cpu(code: str, *arguments: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    argv = [sys.executable, "-c", code, *arguments]
    subprocess.run(argv, capture_output=True, check=False, env=_plain_environment())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def report(found: Sizes) -> str:
    """Sizes and ways in beside their budgets."""
    lines = [f"wheel      {found.wheel / 2**10:8.1f} KiB of {WHEEL_KIB:g}"]
    lines += [f"installed  {found.installed:8.1f} MiB of {INSTALLED_MIB:g}"]
    by_size = sorted(found.packages.items(), key=lambda pair: -pair[1])
    for name, size in [("repoint", found.unpacked), *by_size]:
        lines.append(f"  {name:18} {size / 2**20:6.2f} MiB")
    for entry in ENTRIES:
        count = f"{len(loaded(entry)):4} modules of {entry.most_modules}"
        lines.append(f"{entry.name:30} {count}, {cpu_ratio(entry):.2f} times `python -c pass`")
    return "\n".join(lines)


def run() -> int:
    """Check the sizes, or report everything; 1 when a size is over its budget."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", action="store_true", help="print sizes, modules and ratios")
    found = sizes()
    if parser.parse_args().report:
        print(report(found))
    for line in (wrong := errors(found)):
        print(f"error: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(run())
