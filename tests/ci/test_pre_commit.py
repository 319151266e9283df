"""The hook under the real pre-commit: it builds repoint, and stops who names the source."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml

from tests.ci.steps import ROOT, git, write_shop

HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
PARTS = ("src", "pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml")


def environment(home: Path) -> dict[str, str]:
    """Without a network: what repoint needs, and what builds it, is taken from this Python."""
    kept = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
    who = {
        f"GIT_{role}_{part}": text
        for role in ("AUTHOR", "COMMITTER")
        for part, text in (("NAME", "a"), ("EMAIL", "a@b.example"))
    }
    return {
        **kept,
        **who,
        "HOME": str(home),
        "PRE_COMMIT_HOME": str(home / "pre-commit"),
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
        "PYTHONPATH": sysconfig.get_path("purelib"),
    }


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This tree as a repository of hooks."""
    root = tmp_path_factory.mktemp("hooks")
    for name in PARTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copy(source, root / name)
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "hooks")
    return root


@pytest.mark.slow
def test_a_commit_that_names_the_source_is_stopped(hooks: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    write_shop(work, "pg.new.svc")
    rev = git(hooks, "rev-parse", "HEAD").strip()
    chosen = {"repos": [{"repo": str(hooks), "rev": rev, "hooks": [{"id": "repoint-check"}]}]}
    (work / ".pre-commit-config.yaml").write_text(yaml.safe_dump(chosen))
    git(work, "init", "-q")
    git(work, "add", "-A")
    known = environment(tmp_path)

    def run(*argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv, cwd=work, env=known, capture_output=True, text=True, check=False
        )

    pre_commit = (sys.executable, "-m", "pre_commit")
    installed = run(*pre_commit, "install", "--install-hooks")
    assert installed.returncode == 0, installed.stdout + installed.stderr
    first = run("git", "commit", "-qm", "clean")
    assert first.returncode == 0, first.stdout + first.stderr

    write_shop(work, "pg.old.svc")
    git(work, "add", "-A")
    stopped = run("git", "commit", "-qm", "old host")
    assert stopped.returncode == 1
    assert "RP110" in stopped.stderr + stopped.stdout
    assert git(work, "log", "--format=%s").split() == ["clean"]

    # What is not staged is not committed, and not looked at.
    write_shop(work, "pg.new.svc")
    git(work, "add", "-A")
    (work / "deploy/local/web.yaml").write_text("value: postgres://u@pg.old.svc/x\n")
    assert run("git", "commit", "--allow-empty", "-qm", "staged").returncode == 0
    assert list(tmp_path.rglob("repoint/private-*/scans/*"))


def test_the_hook_asks_the_whole_tree_and_leaves_nothing_out() -> None:
    (hook,) = HOOKS
    assert hook["id"] == "repoint-check"
    assert hook["always_run"] is True and hook["pass_filenames"] is False
    assert not {"files", "types", "exclude"} & hook.keys()
