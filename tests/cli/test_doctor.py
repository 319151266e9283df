"""`repoint doctor`: the table, the JSON, the exit status, and that it stays away from secrets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """An environment with an empty cache, an empty home and no program on PATH."""
    tools = tmp_path / "bin"
    tools.mkdir()
    return {
        "PATH": str(tools),
        "HOME": str(tmp_path),
        "REPOINT_CACHE": str(tmp_path / "cache"),
        "SOPS_AGE_KEY": "canary-1",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }


def doctor(environment: dict[str, str], *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "repoint", "doctor", *args],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_is_missing_is_told_with_the_command_and_status_1(bare: dict[str, str]) -> None:
    done = doctor(bare, "--postgres", "14", "--pgbouncer", "9.9")
    assert done.returncode == 1
    assert done.stderr == ""
    assert "PostgreSQL 14" in done.stdout
    assert "To get what is missing" in done.stdout
    said = " ".join(done.stdout.split())
    verdict = "doctor: a rehearsal cannot run here for want of PostgreSQL 14, PgBouncer 9.9, git"
    assert verdict in said
    assert f"cache folder: {bare['REPOINT_CACHE']}" in done.stdout


def test_it_changes_nothing_without_fetch(bare: dict[str, str], tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    doctor(bare)
    assert sorted(tmp_path.rglob("*")) == before


def test_the_key_is_named_and_never_shown(bare: dict[str, str]) -> None:
    for form in ("human", "json"):
        done = doctor(bare, "--format", form)
        assert "$SOPS_AGE_KEY" in done.stdout
        assert "canary-1" not in done.stdout + done.stderr


def test_the_json_says_the_same(bare: dict[str, str]) -> None:
    done = doctor(bare, "--format", "json", "--pgbouncer", "9.9")
    document = json.loads(done.stdout)
    assert set(document) == {"format", "ready", "cache", "items"}
    assert document["ready"] is False and done.returncode == 1
    by_name = {item["name"]: item for item in document["items"]}
    assert by_name["PgBouncer 9.9"]["required"] is True
    assert by_name["PgBouncer 9.9"]["problem"] == "not found"
    assert by_name["PgBouncer 9.9"]["get"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--pgbouncer", "new"), "`new` is no version such as 1.24 or 1.24+"),
        (("--postgres", "9"), "9 is not in the range"),
    ],
)
def test_what_is_no_version_is_wrong_usage(
    bare: dict[str, str], args: tuple[str, ...], said: str
) -> None:
    done = doctor(bare, *args)
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="servers are fetched on Linux only")
def test_a_fetch_without_a_way_out_says_why_and_leaves_nothing(bare: dict[str, str]) -> None:
    """The package clients are there, but lead to a port where nobody listens."""
    nowhere = "http://127.0.0.1:9"
    offline = {"PATH": os.environ["PATH"], "http_proxy": nowhere, "https_proxy": nowhere}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        environment = {**bare, **offline, "REPOINT_CACHE": f"{folder}/cache"}
        done = doctor(environment, "--fetch", "--postgres", "17", "--pgbouncer", "9.9")
        left = [path.name for path in Path(folder, "cache").rglob("*")]
    assert done.returncode == 1
    assert "error: " in done.stderr and "hint: " in done.stderr
    assert sorted(left) == ["lock", "tmp"]
