"""A repeated scan is answered at the door, and says what the scan itself would say."""

from __future__ import annotations

import json
import os
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
    assert answered(plain) is None
    first = _run(*plain).stdout
    assert json.loads(first)["sites"]
    assert answered(plain) == 0
    assert capsys.readouterr().out == first
    assert answered(["scan", "--format", "json", str(shop)]) == 0
    (shop / "deploy" / "local" / "web.yaml").write_text(MANIFEST.replace("pg.old", "pg.new"))
    assert answered(plain) is None
    assert _run(*plain).stdout != first


@pytest.mark.parametrize(
    "arguments",
    [
        ["scan"],
        ["check", "--format", "json"],
        ["scan", "--format", "markdown"],
        ["scan", "--format=json"],
        ["scan", "--format", "json", "--format", "json"],
        ["scan", "--format", "json", "--env", "local"],
        ["scan", "--format", "json", "--summary"],
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
    assert answered(arguments) is None


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
    assert answered(["-C", str(shop), "scan", "--format", "json"]) is None


WAYS = [
    ("scan",),
    ("scan", "--format", "human", "--env", "local"),
    ("scan", "--format", "json"),
    ("scan", "--env", "local", "--format", "json"),
    ("check",),
    ("check", "--env", "local"),
    ("check", "--format", "json"),
    ("check", "--format", "junit", "--env", "local"),
]


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_each_plain_way_is_answered_with_its_words_and_status(
    shop: Path, capsys: pytest.CaptureFixture[str], way: tuple[str, ...]
) -> None:
    argv = [sys.executable, "-m", "repoint", "-C", str(shop), *way]
    first = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert first.returncode == (1 if way[0] == "check" else 0)
    for other in WAYS:
        told = answered(["-C", str(shop), *other])
        assert told == (first.returncode if other == way else None), other
        assert capsys.readouterr().out == (first.stdout if other == way else "")
    second = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (second.returncode, second.stdout) == (first.returncode, first.stdout)


class Asked:
    """A scan of a shop, and what git was asked in it."""

    def __init__(self, shop: Path, folder: Path) -> None:
        self.shop, self.notes = shop, folder / "asked"
        (folder / "bin").mkdir()
        git = folder / "bin" / "git"
        real = shutil.which("git")
        git.write_text(f'#!/bin/sh\necho "$@" >> "{self.notes}"\nexec {real} "$@"\n')
        git.chmod(0o755)
        self.environment = {**os.environ, "PATH": f"{git.parent}:{os.environ['PATH']}"}

    def scan(self, question: str) -> tuple[bytes, int]:
        """What a scan prints, and how often git was asked a question."""
        self.notes.unlink(missing_ok=True)
        argv = [sys.executable, "-m", "repoint", "-C", str(self.shop), "scan", "--format", "json"]
        done = subprocess.run(argv, capture_output=True, env=self.environment, check=True)
        return done.stdout, self.notes.read_text().count(f" {question} ")


def test_git_is_asked_for_its_settings_alone(shop: Path, tmp_path: Path) -> None:
    asked = Asked(shop, tmp_path)
    told = [asked.scan("ls-files") for _ in range(3)]
    assert told == [(told[0][0], 4), (told[0][0], 0), (told[0][0], 0)]


def test_files_are_marked_once_and_for_an_answer_that_stands_alone(
    shop: Path, tmp_path: Path
) -> None:
    asked, places = Asked(shop, tmp_path), "--show-cdup"
    first, marked = asked.scan(places)
    assert marked == 1, "behind the work"
    (shop / "notes.txt").write_text("nothing of a database\n")
    subprocess.run(["git", "-C", str(shop), "add", "-A"], check=True)
    second, marked = asked.scan(places)
    assert marked == 1, "behind the work"
    assert json.loads(second)["sites"] == json.loads(first)["sites"]
    (shop / "notes.txt").write_text("other words\n")
    assert asked.scan(places) == (second, 1), "it stands, so that it is worth a stamp"
    (shop / "deploy" / "local" / "web.yaml").write_text(MANIFEST.replace("pg.old", "pg.new"))
    third, marked = asked.scan(places)
    assert (third != second, marked) == (True, 1), "behind the work, not before it"


def test_what_cannot_be_written_is_told_as_an_error(shop: Path) -> None:
    argv = [sys.executable, "-m", "repoint", "-C", str(shop), "scan", "--format", "json"]
    for _ in range(2):
        with open("/dev/full", "w") as full:  # noqa: PTH123
            done = subprocess.run(argv, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert (done.returncode, done.stderr.partition(":")[0]) == (1, "error")
        _run(*argv[3:])


def test_what_git_told_at_the_door_is_not_asked_again(shop: Path, tmp_path: Path) -> None:
    code = """
import sys
from repoint.adapters import gitrepo
asked = []
listing = gitrepo.listing
gitrepo.listing = lambda *given: asked.append(given) or listing(*given)
from repoint.cli import door
sys.argv[1:] = ["-C", sys.argv[1], "scan"]
try:
    door.main()
except SystemExit:
    pass
print(*(len(given) > 1 and given[1] is not None for given in asked), file=sys.stderr)
"""
    argv = [sys.executable, "-c", code, str(shop)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "False True", "before the work, and after it"


def test_ctrl_c_while_modules_load_ends_as_it_does_later(tmp_path: Path) -> None:
    interrupted = (
        "import sys\n"
        "class Impatient:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'repoint.cli.app':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Impatient())\n"
        "from repoint.cli.door import main\n"
        "sys.argv = ['repoint', 'status']\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", interrupted], cwd=tmp_path, capture_output=True, text=True
    )

    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.strip() == "error: interrupted"
