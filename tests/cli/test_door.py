"""A repeated scan is answered at the door, and says what the scan itself would say."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from repoint.cli.door import answered

SHOP = Path(__file__).parents[2] / "examples" / "naytife"
MANIFEST = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - {name: web, image: web, env: [{name: PGHOST, value: pg.old.svc}]}
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REPOINT_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "shop"
    (folder / "deploy" / "local").mkdir(parents=True)
    (folder / "deploy" / "local" / "kustomization.yaml").write_text("resources: [web.yaml]\n")
    (folder / "deploy" / "local" / "web.yaml").write_text(MANIFEST)
    (folder / "repoint.yaml").write_text(
        "source: {hosts: [pg.old.svc]}\ntarget: {cluster: new, pooler: new-pooler}\n"
        "environments: {local: {overlay: deploy/local}}\n"
    )
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    subprocess.run(["git", "-C", str(folder), "add", "-A"], check=True)
    return folder


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "repoint", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=True)


def test_the_second_scan_is_answered_without_the_command_line(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = ["-q", "-C", str(shop), "scan", "--format", "json"]
    assert not answered(plain)
    first = _run(*plain).stdout
    assert json.loads(first)["sites"]
    assert answered(plain)
    assert capsys.readouterr().out == first
    assert answered(["scan", "--format", "json", str(shop)])
    (shop / "deploy" / "local" / "web.yaml").write_text(MANIFEST.replace("pg.old", "pg.new"))
    assert not answered(plain)
    assert _run(*plain).stdout != first


@pytest.mark.parametrize(
    "arguments",
    [
        ["scan"],
        ["scan", "--format", "human"],
        ["scan", "--format=json"],
        ["scan", "--format", "json", "--env", "local"],
        ["--no-color", "scan", "--format", "json"],
        ["plan", "--format", "json"],
        ["scan", "--format"],
        ["-C"],
        ["scan", "--format", "json", "no-such-folder"],
        ["scan", "--help", "--format", "json"],
        [],
    ],
)
def test_everything_else_goes_on(
    shop: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop)
    _run("-q", "scan", "--format", "json")
    assert not answered(arguments)


def test_no_answer_is_kept_where_a_sealed_file_was_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPOINT_CACHE", str(tmp_path / "cache"))
    shutil.copytree(SHOP, tmp_path / "naytife")
    subprocess.run(["git", "init", "-q", str(tmp_path / "naytife")], check=True)
    _run("-q", "-C", str(tmp_path / "naytife"), "scan", "--format", "json")
    assert not list((tmp_path / "cache").rglob("scans/*"))


def test_without_a_cache_nothing_is_kept(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPOINT_CACHE", "off")
    _run("-q", "-C", str(shop), "scan", "--format", "json")
    assert not answered(["-C", str(shop), "scan", "--format", "json"])


def test_the_human_view_is_kept_apart(shop: Path) -> None:
    first = _run("-C", str(shop), "scan").stdout
    assert _run("-C", str(shop), "scan").stdout == first
    assert not answered(["-C", str(shop), "scan", "--format", "json"])
