"""What a type checker sees of the library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONSUMER = Path(__file__).with_name("consumer.py")
WRONG = """\
from repoint import Plan, Repository
import repoint

repoint.Repositry
Repository(".").scan(environment="local")
Repository(".").apply("plan.json")
Repository(".").plan().changes = ()
found: int = Repository(".").scan().to_json()
"""


def checked(path: Path, folder: Path) -> tuple[int, str]:
    """mypy's status and words on a program outside of this repository."""
    argv = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "--no-error-summary"]
    done = subprocess.run(
        [*argv, "--cache-dir", str(folder / "cache"), "--follow-imports=silent", str(path)],
        cwd=folder,
        env={"PATH": "", "MYPYPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_program_that_is_right_and_one_that_is_wrong(tmp_path: Path) -> None:
    assert checked(CONSUMER, tmp_path) == (0, "")
    wrong = tmp_path / "wrong.py"
    wrong.write_text(WRONG)
    status, said = checked(wrong, tmp_path)
    assert status == 1
    lines = {int(line.split(":")[1]) for line in said.splitlines() if ": error: " in line}
    assert lines == {4, 5, 6, 7, 8}, said


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "src" / "repoint" / "py.typed").is_file()
