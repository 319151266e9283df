"""The bench's generator: the same bytes every time, and a truth that holds."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from bench import generate, manifests, run


def digest(total: int) -> str:
    """One hash over all files of a repository."""
    sha = hashlib.sha256()
    for path, raw, _ in generate.contents(total):
        sha.update(path.encode() + b"\0" + raw + b"\0")
    return sha.hexdigest()


@pytest.mark.parametrize("total", [400, 1000])
def test_it_makes_exactly_so_many_files_each_once(total: int) -> None:
    paths = [path for path, _, _ in generate.contents(total)]
    assert len(paths) == len(set(paths)) == total


def test_the_same_size_gives_the_same_bytes() -> None:
    assert digest(400) == digest(400)
    assert digest(400) != digest(401)


def test_every_truth_is_a_line_that_names_its_host_and_no_mark_is_left() -> None:
    seen = 0
    for path, raw, sites in generate.contents(1000):
        assert manifests.MARK.encode() not in raw, path
        lines = raw.split(b"\n")
        for site in sites:
            assert site.path == path
            assert site.host.encode() in lines[site.line - 1]
            seen += 1
    assert seen > 100


def test_no_noise_names_a_source_host() -> None:
    planted = {site.path for _, _, sites in generate.contents(1000) for site in sites}
    for path, raw, _ in generate.contents(1000):
        if path not in planted and path != "repoint.yaml":
            assert b"postgres.platform" not in raw, path


def test_a_run_is_measured_with_its_status(tmp_path: Path) -> None:
    sample = run.measure([sys.executable, "-c", "raise SystemExit(3)"], tmp_path)
    assert sample.status == 3
    assert sample.seconds > 0
    assert sample.mebibytes > 1


def test_a_ratio_is_taken_within_rounds() -> None:
    slow = run.Series("slow", [], samples={0: run.Sample(4, 1, 0), 1: run.Sample(40, 9, 0)})
    fast = run.Series("fast", [], samples={0: run.Sample(2, 1, 0), 1: run.Sample(20, 1, 0)})
    assert slow.ratio_to(fast) == 2
    assert slow.median == 22
    assert slow.peak == 9


def test_a_command_that_breaks_ends_the_bench(tmp_path: Path) -> None:
    broken = run.Series("broken", [sys.executable, "-c", "raise SystemExit(3)"])
    with pytest.raises(SystemExit, match="`broken` ended with status 3"):
        run.rounds([broken], tmp_path, 1)
