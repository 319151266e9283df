"""Runs commands in interleaved rounds, and compares what they took within a round.

A busy machine disturbs neighbours alike: a ratio is the median over rounds of the quotient of
two commands in the same round.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TypeVar


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: seconds by the clock and of processors, peak MiB of one process, exit status."""

    wall: float
    cpu: float
    mebibytes: float
    status: int


@dataclass(frozen=True, slots=True)
class Command:
    """What is run, where, and what it may end with."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)
    allowed: tuple[int, ...] = (0,)


@dataclass(slots=True)
class Series:
    """All samples of one command, by round."""

    name: str
    samples: dict[int, Sample] = field(default_factory=dict)

    @property
    def wall(self) -> float:
        """Median seconds by the clock."""
        return statistics.median(sample.wall for sample in self.samples.values())

    @property
    def cpu(self) -> float:
        """Median seconds of processors."""
        return statistics.median(sample.cpu for sample in self.samples.values())

    @property
    def peak(self) -> float:
        """Largest peak memory in MiB."""
        return max(sample.mebibytes for sample in self.samples.values())


@dataclass(frozen=True, slots=True)
class Ratio:
    """How two commands compare: by the clock, by processors, over how many rounds."""

    wall: float
    cpu: float | None
    rounds: int


def ratio(one: Series, other: Series) -> Ratio:
    """`one` to `other`, as the median of the quotients of the rounds that both ran in.

    Raises:
        ValueError: no round has both.
    """
    common = sorted(one.samples.keys() & other.samples.keys())
    if not common:
        raise ValueError(f"`{one.name}` and `{other.name}` share no round")
    pairs = [(one.samples[number], other.samples[number]) for number in common]
    return Ratio(
        statistics.median(mine.wall / theirs.wall for mine, theirs in pairs),
        statistics.median(mine.cpu / theirs.cpu for mine, theirs in pairs),
        len(common),
    )


def shuffled(names: Iterable[str], number: int) -> list[str]:
    """The order of a round: another one each time, the same on every machine."""
    # A linear congruence is enough, and no seed can be forgotten.
    return sorted(names, key=lambda name: hash_of(f"{number}/{name}"))


def hash_of(text: str) -> int:
    """A number for a text that does not differ between runs."""
    value = 2166136261
    for byte in text.encode():
        value = (value ^ byte) * 16777619 % 2**32
    return value


class Meter(AbstractContextManager["Meter"]):
    """Measures commands through a small process of its own; see `bench.spawn`."""

    def __init__(self) -> None:
        argv = [sys.executable, "-I", "-S", str(Path(__file__).with_name("spawn.py"))]
        self._spawner = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._spawner.__exit__(kind, error, trace)

    def run(self, command: Command, output: Path = Path(os.devnull)) -> Sample:
        """Run `command` once, its standard output going to `output`.

        Raises:
            SystemExit: it ended with a status that it may not end with.
        """
        assert self._spawner.stdin is not None and self._spawner.stdout is not None
        request = {
            "argv": command.argv,
            "cwd": str(command.cwd),
            "env": {**os.environ, **command.env},
            "output": str(output),
        }
        self._spawner.stdin.write(json.dumps(request) + "\n")
        self._spawner.stdin.flush()
        wall, cpu, mebibytes, status = json.loads(self._spawner.stdout.readline())
        if status not in command.allowed:
            shown = " ".join(command.argv[:6])
            raise SystemExit(f"error: `{shown}` ended with status {status} in `{command.cwd}`")
        return Sample(wall, cpu, mebibytes, status)


Taken = tuple[float, float]
"""Seconds by the clock, and of processors."""

Result = TypeVar("Result")


def timed(work: Callable[[], Result]) -> tuple[Result, Taken]:
    """What `work` gives, and what this process and the children it waited for took for it."""
    start, used = time.perf_counter(), _processors()
    result = work()
    return result, (time.perf_counter() - start, _processors() - used)


def medians(ours: Sequence[Taken], theirs: Sequence[Taken]) -> tuple[float, float]:
    """The median over rounds of the quotient within a round: by the clock, by processors."""
    rounds = list(zip(ours, theirs, strict=True))
    wall, cpu = (
        statistics.median(mine[at] / other[at] for mine, other in rounds) for at in range(2)
    )
    return round(wall, 3), round(cpu, 3)


def _processors() -> float:
    """Seconds of processors of this process and of its children so far."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def program(name: str, folders: Sequence[Path] = ()) -> str:
    """The path of a program: from `folders`, from beside this Python, else from PATH.

    Raises:
        FileNotFoundError: it is nowhere.
    """
    places = [*folders, Path(sys.executable).parent, *map(Path, os.get_exec_path())]
    for place in places:
        if os.access(place / name, os.X_OK):
            return str(place / name)
    raise FileNotFoundError(name)
