"""Runs that are forked end, tell and see what runs that are started do."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests import prepared

VARIABLES = ("REPOINT_CACHE", "XDG_CACHE_HOME", "XDG_STATE_HOME")
RUNS = {
    "data": ("--version",),
    "a verb that is none": ("scna",),
    "an option that is none": ("scan", "--colour"),
    "a refusal": ("status",),
    "a way that the door takes": ("scan", "--format", "json"),
}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Variables by which a run keeps what it keeps apart from others."""
    return {**os.environ, **{name: str(tmp_path / name) for name in VARIABLES}}


@pytest.mark.parametrize("name", RUNS)
def test_a_forked_run_ends_and_tells_as_one_that_is_started(
    tmp_path: Path, environment: dict[str, str], name: str
) -> None:
    arguments = RUNS[name]
    began = prepared.start(*arguments, cwd=tmp_path, env=environment)
    for _ in range(2):
        forked = prepared.run(*arguments, cwd=tmp_path, env=environment)
        assert (forked.returncode, forked.stdout, forked.stderr) == (
            *(began.returncode, began.stdout, began.stderr),
        )
    assert began.stdout + began.stderr


def test_nothing_of_a_run_stays_for_the_next(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "repoint.yaml").write_text("no: [\n")
    broken = prepared.run("scan", cwd=tmp_path, env={**environment, "NO_COLOR": "1"})
    (tmp_path / "repoint.yaml").unlink()
    whole = prepared.run("scan", cwd=tmp_path, env=environment)
    assert (broken.returncode, whole.returncode) == (2, 0), broken.stderr + whole.stderr


def test_a_run_that_takes_too_long_is_ended_and_the_next_is_whole(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        prepared.run("scan", cwd=tmp_path, env=environment, timeout=0.0001)
    assert prepared.run("--version", cwd=tmp_path, env=environment).returncode == 0
