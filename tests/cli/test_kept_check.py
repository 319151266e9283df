"""A check that is told again is the check that would be made, whatever changed in between."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from repoint.adapters.filetree import FileTree
from repoint.cli.answers import KeptScan
from repoint.cli.options import Session
from repoint.cli.output import Terminal
from repoint.cli.progress import StderrProgress
from repoint.cli.wiring import open_desk
from tests.cli.test_door import MANIFEST
from tests.prepared import run

EXAMPLE = Path(__file__).parents[2] / "examples" / "naytife"
FORMS = ("human", "json", "markdown", "sarif", "junit", "github", "gitlab")
CONFIG = """\
source: {hosts: [pg.old.svc]}
target: {cluster: new, pooler: new-pooler}
environments: {local: {overlay: deploy/local}, far: {overlay: deploy/far}}
"""
RUN = """
import sys
sys.argv[0] = "repoint"
try:
    from repoint.cli.door import main
    main()
finally:
    made = "repoint.flows.checking" in sys.modules
    print("made" if made else "told again", file=sys.stderr)
"""


class Shop:
    """A repository in git, and the checks that are made of it."""

    def __init__(self, root: Path, cache: Path) -> None:
        self.root, self.cache = root, cache
        self.key = ""

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def git(self, *arguments: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@b.example")
        subprocess.run(["git", *who, *arguments], cwd=self.root, check=True, capture_output=True)

    def environment(self, cache: str) -> dict[str, str]:
        return {**os.environ, "REPOINT_CACHE": cache, "SOPS_AGE_KEY_FILE": self.key}

    def check(self, *arguments: str, where: str = ".") -> tuple[int, str, str]:
        """Status, stdout, and whether it was made or told again."""
        argv = [sys.executable, "-c", RUN, "check", *arguments]
        done = subprocess.run(
            argv,
            cwd=self.root / where,
            env=self.environment(str(self.cache)),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr.splitlines()[-1]

    def without(self, *arguments: str) -> tuple[int, str]:
        """Status and stdout where no answers are kept."""
        done = run("check", *arguments, cwd=self.root, env=self.environment("off"))
        return done.returncode, done.stdout

    def agrees(self, *arguments: str) -> str:
        """The check with the kept answers equals one without; how it came about."""
        status, text, how = self.check(*arguments)
        assert (status, text) == self.without(*arguments)
        assert status in (0, 1)
        return how


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop(tmp_path / "shop", tmp_path / "cache")
    made.write("repoint.yaml", CONFIG)
    for name in ("local", "far"):
        made.write(f"deploy/{name}/kustomization.yaml", "resources: [web.yaml]\n")
        made.write(f"deploy/{name}/web.yaml", MANIFEST)
    made.write("notes.txt", "nothing\n")
    made.write("deploy/.env", "A=1\n")
    made.git("init", "-q")
    made.git("add", "-A")
    made.git("commit", "-qm", "one")
    return made


@pytest.mark.parametrize("form", FORMS)
def test_the_second_check_says_the_same_with_the_same_status(shop: Shop, form: str) -> None:
    first = shop.check("--format", form)
    second = shop.check("--format", form)
    assert first[0] == 1
    assert first[:2] == second[:2] == shop.without("--format", form)
    assert (first[2], second[2]) == ("made", "told again")
    assert shop.check("--format", form, "--env", "far")[2] == "made"


def test_a_clean_check_is_kept_with_its_status(shop: Shop) -> None:
    for name in ("local", "far"):
        shop.write(f"deploy/{name}/web.yaml", MANIFEST.replace("pg.old", "pg.new"))
    assert [shop.check()[0::2] for _ in range(2)] == [(0, "made"), (0, "told again")]


def test_whatever_changed_is_seen(shop: Shop) -> None:
    changes = {
        "deploy/local/web.yaml": MANIFEST.replace("pg.old", "pg.new"),
        "deploy/far/web.yaml": MANIFEST.replace("name: web}", "name: shop}"),
        "deploy/local/kustomization.yaml": "resources: [web.yaml, gone.yaml]\n",
        "deploy/local/gone.yaml": MANIFEST.replace("name: web}", "name: gone}"),
        "deploy/.env": "DATABASE_URL=postgres://u:canary-1@pg.old.svc/x\n",
        ".sops.yaml": "creation_rules: [{path_regex: deploy/.*, age: age1x}]\n",
        "scripts/dump": "#!/bin/sh\npg_dump -h pg.old.svc\n",
        "repoint.yaml": f"{CONFIG}accept: [{{code: RP110, reason: for now}}]\n",
    }
    assert shop.agrees() == "made"
    for path, text in changes.items():
        shop.write(path, text)
        assert shop.agrees() == "made", path
        assert shop.agrees() == "told again", path
    (shop.root / "deploy/far/web.yaml").unlink()
    assert shop.agrees() == "made"
    shop.git("add", "-A")
    shop.git("commit", "-qm", "two")
    assert [shop.agrees() for _ in range(2)] == ["made", "told again"]


def test_what_cannot_matter_changes_nothing(shop: Shop) -> None:
    shop.agrees()
    shop.write("notes.txt", "other words\n")
    assert shop.agrees() == "told again"


def test_a_receipt_that_comes_or_changes_is_seen_though_git_ignores_it(shop: Shop) -> None:
    shop.write(".git/info/exclude", ".repoint\n")
    assert [shop.agrees() for _ in range(2)] == ["made", "told again"]
    for text in ("{}", '{"format": 1}'):
        shop.write(".repoint/receipts/local.json", text)
        assert shop.check()[2] == "made", text
    (shop.root / ".repoint/receipts/local.json").unlink()
    shop.agrees()
    assert shop.agrees() == "told again"


def test_nothing_is_kept_where_a_receipt_came_while_a_check_worked(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPOINT_CACHE", str(shop.cache))
    shop.write(".git/info/exclude", ".repoint\n")
    terminal = Terminal.detect(no_color=True, quiet=True)
    session = Session(None, terminal, StderrProgress(quiet=True))
    with open_desk(session, shop.root) as desk:
        for comes in (True, False):
            kept = KeptScan(FileTree(shop.root), ("json",))
            assert kept.recall() is None
            if comes:
                shop.write(".repoint/receipts/local.json", "{}")
            kept.keep("told", desk, beyond=False)
            shutil.rmtree(shop.root / ".repoint", ignore_errors=True)
    assert KeptScan(FileTree(shop.root), ("json",)).recall() == "told"


@pytest.mark.parametrize("what", ["a folder elsewhere", "a file elsewhere", "a queue"])
def test_what_takes_the_place_of_a_receipt_is_not_opened_and_nothing_is_kept(
    shop: Shop, tmp_path: Path, what: str
) -> None:
    folder = shop.root / ".repoint/receipts"
    folder.parent.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "local.json").write_text("{}")
    if what == "a folder elsewhere":
        folder.symlink_to(elsewhere)
    else:
        folder.mkdir()
        if what == "a queue":
            os.mkfifo(folder / "local.json")
        else:
            (folder / "local.json").symlink_to(elsewhere / "local.json")
    assert [shop.check()[0::2] for _ in range(2)] == [(1, "made"), (1, "made")]


def test_the_same_folder_elsewhere_in_git_marks_other_paths(shop: Shop) -> None:
    forms = ("sarif", "github", "gitlab")
    before = [shop.check("--format", form)[1] for form in forms]
    (shop.root / ".git").rename(shop.root.parent / ".git")
    shop.git("rm", "-rq", "--cached", ":/")
    shop.git("add", ".")
    for form, told in zip(forms, before, strict=True):
        below = shop.check("--format", form)[1]
        assert "shop/deploy/" in below and "shop/deploy/" not in told
        assert shop.check("--format", form)[1:] == (below, "told again")


def test_a_marker_names_the_folder_in_the_work_tree_however_it_was_typed(shop: Shop) -> None:
    assert shop.check("--format", "markdown")[1].startswith("<!-- repoint: check -->")
    (shop.root / ".git").rename(shop.root.parent / ".git")
    for told in (
        shop.check("--format", "markdown")[1],
        shop.check("--format", "markdown", str(shop.root), where="..")[1],
        shop.check("--format", "markdown", "--env", "far", "shop", where="..")[1],
    ):
        assert told.startswith("<!-- repoint: check shop ")


@pytest.fixture
def example(tmp_path: Path) -> Shop:
    shutil.copytree(EXAMPLE, tmp_path / "example")
    made = Shop(tmp_path / "example", tmp_path / "cache")
    made.git("init", "-q")
    subprocess.run([sys.executable, "-m", "repoint", "-q", "init"], cwd=made.root, check=True)
    made.git("add", "-A")
    made.git("commit", "-qm", "one")
    keys = [path.read_text() for path in sorted((EXAMPLE / "keys").glob("*.txt"))]
    (tmp_path / "keys.txt").write_text("\n".join(keys))
    return made


def test_what_was_opened_is_kept_without_its_values(example: Shop, tmp_path: Path) -> None:
    example.key = str(tmp_path / "keys.txt")
    assert [example.agrees() for _ in range(2)] == ["made", "told again"]
    (kept,) = example.cache.rglob("scans/*")
    raw = kept.read_bytes()
    for secret in ("naytife-postgres.naytife", "hra87Kd50E23", "postgresql://", "sslmode"):
        assert secret.encode() not in raw


def test_what_stayed_closed_is_tried_again(example: Shop, tmp_path: Path) -> None:
    assert [example.agrees() for _ in range(2)] == ["made", "made"]
    closed = example.check("--format", "json")[1]
    example.key = str(tmp_path / "keys.txt")
    assert example.agrees("--format", "json") == "made"
    assert "RP312" in closed
    assert "RP312" not in example.check("--format", "json")[1]
