"""How runs are measured, ordered and compared."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.measure import Command, Meter, Sample, Series, medians, program, ratio, shuffled, timed


def _series(name: str, *walls: float, first: int = 0) -> Series:
    samples = {
        number: Sample(wall, wall * 2, wall * 10, 0) for number, wall in enumerate(walls, first)
    }
    return Series(name, samples)


def test_a_ratio_is_the_median_of_quotients_within_rounds() -> None:
    """Not the quotient of medians: a slow round slows both sides."""
    ours, theirs = _series("ours", 2.0, 30.0, 3.0), _series("theirs", 1.0, 10.0, 3.0)
    found = ratio(ours, theirs)
    assert (found.wall, found.cpu, found.rounds) == (2.0, 2.0, 3)
    assert ours.wall / theirs.wall == 1.0


def test_only_common_rounds_count() -> None:
    found = ratio(_series("ours", 9.0, 4.0, 6.0), _series("theirs", 1.0, 2.0, first=1))
    assert (found.wall, found.rounds) == (3.5, 2)


def test_no_common_round_is_an_error() -> None:
    with pytest.raises(ValueError, match="`ours` and `theirs` share no round"):
        ratio(_series("ours", 1.0), _series("theirs", 1.0, first=1))


def test_a_series_tells_medians_and_the_largest_peak() -> None:
    series = _series("one", 1.0, 5.0, 2.0)
    assert (series.wall, series.cpu, series.peak) == (2.0, 4.0, 50.0)


def test_rounds_differ_in_order_and_repeat_between_runs() -> None:
    names = ["cold", "warm", "fresh", "rg", "git status"]
    orders = [shuffled(names, number) for number in range(7)]
    assert all(sorted(order) == sorted(names) for order in orders)
    assert len({tuple(order) for order in orders}) >= 5
    assert orders == [shuffled(names, number) for number in range(7)]
    assert len({order[0] for order in orders}) >= 3


def test_the_meter_tells_time_memory_and_output(tmp_path: Path) -> None:
    code = "import sys; held = b'x' * (60 << 20); sum(range(99999)); sys.stdout.write('done')"
    with Meter() as meter:
        sample = meter.run(Command((sys.executable, "-c", code), tmp_path), tmp_path / "out")
        small = meter.run(Command((sys.executable, "-I", "-S", "-c", "pass"), tmp_path))
    assert (tmp_path / "out").read_text() == "done"
    assert sample.status == 0
    assert sample.cpu > 0 and sample.wall > 0
    assert sample.mebibytes > 60
    assert small.mebibytes < 30, "the peak of the measuring process is counted in"


def test_the_meter_counts_children_in(tmp_path: Path) -> None:
    child = "held = b'x' * (60 << 20)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with Meter() as meter:
        sample = meter.run(Command((sys.executable, "-c", code), tmp_path))
    assert sample.mebibytes > 60


def test_the_meter_hands_on_the_environment_and_refuses_a_failure(tmp_path: Path) -> None:
    code = "import os, sys; sys.exit(int(os.environ['BENCH_STATUS']))"
    argv = (sys.executable, "-c", code)
    with Meter() as meter:
        allowed = Command(argv, tmp_path, {"BENCH_STATUS": "3"}, allowed=(0, 3))
        assert meter.run(allowed).status == 3
        with pytest.raises(SystemExit, match="ended with status 4"):
            meter.run(Command(argv, tmp_path, {"BENCH_STATUS": "4"}))


def test_programs_are_found_where_one_looks_first(tmp_path: Path) -> None:
    own = tmp_path / "git"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    assert program("git", [tmp_path]) == str(own)
    assert program("git") != str(own)
    with pytest.raises(FileNotFoundError):
        program("no-such-program")


def test_quotients_are_taken_within_a_round() -> None:
    ours, theirs = [(2.0, 1.0), (30.0, 3.0), (4.0, 9.0)], [(1.0, 2.0), (10.0, 3.0), (8.0, 3.0)]

    assert medians(ours, theirs) == (2.0, 1.0)


def test_what_children_took_is_counted() -> None:
    spin = "t = __import__('time'); e = t.process_time() + 0.2\nwhile t.process_time() < e: pass"
    done, (wall, cpu) = timed(lambda: subprocess.run([sys.executable, "-c", spin], check=True))

    assert done.returncode == 0
    assert wall > 0 and cpu >= 0.2
