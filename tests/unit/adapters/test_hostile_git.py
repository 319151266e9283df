"""A repository whose own configuration names programs: git runs none of them for repoint."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from repoint.adapters.filetree import FileTree
from repoint.adapters.gitrepo import find_root


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    """A file that the hostile program makes when it is run."""
    return tmp_path / "ran"


@pytest.fixture
def program(tmp_path: Path, ran: Path) -> str:
    """A program that tells that it was run, and goes on as a filter would."""
    path = tmp_path / "evil"
    path.write_text(f"#!/bin/sh\necho ran >> '{ran}'\ncat\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one commit and a file that changed since."""
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "-q")
    (root / "a.yaml").write_text("a: 1\n")
    git(root, "add", "a.yaml")
    git(root, "commit", "-qm", "first")
    os.utime(root / "a.yaml", (1, 1))
    return root


def git(root: Path, *arguments: str) -> str:
    """Run git in the repository, as its owner does."""
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout


def look(root: Path) -> tuple[str, ...]:
    """All that repoint asks git of a repository."""
    tree = FileTree(root)
    paths = tree.paths()
    tree.dirty(list(paths))
    find_root(root)
    return paths


CONFIGS = [
    pytest.param([("core.fsmonitor", "PROGRAM")], "", id="fsmonitor"),
    pytest.param([("filter.x.clean", "PROGRAM")], "* filter=x\n", id="clean filter"),
    pytest.param([("filter.x.process", "PROGRAM")], "* filter=x\n", id="filter process"),
    pytest.param(
        [("filter.a.b.clean", "PROGRAM"), ("filter.a.b.required", "true")],
        "* filter=a.b\n",
        id="a required filter with a dot in its name",
    ),
    pytest.param([("core.hooksPath", "HOOKS")], "", id="hooks"),
    pytest.param([("core.pager", "PROGRAM"), ("pager.status", "true")], "", id="pager"),
    pytest.param([("diff.external", "PROGRAM")], "", id="external diff"),
    pytest.param([("diff.x.textconv", "PROGRAM")], "* diff=x\n", id="textconv"),
    pytest.param([("alias.status", "!PROGRAM"), ("alias.ls-files", "!PROGRAM")], "", id="alias"),
]


@pytest.mark.parametrize(("settings", "attributes"), CONFIGS)
def test_no_program_of_the_configuration_runs(
    root: Path, program: str, ran: Path, settings: list[tuple[str, str]], attributes: str
) -> None:
    hooks = root.parent / "hooks"
    hooks.mkdir()
    for name in ("post-index-change", "fsmonitor-watchman"):
        (hooks / name).symlink_to(program)
    for key, value in settings:
        value = value.replace("PROGRAM", program).replace("HOOKS", str(hooks))
        git(root, "config", key, value)
    (root / ".git" / "info").mkdir(exist_ok=True)
    (root / ".git" / "info" / "attributes").write_text(attributes)

    assert look(root) == ("a.yaml",)
    assert not ran.exists()


def test_no_program_of_an_included_configuration_runs(root: Path, program: str, ran: Path) -> None:
    (root / "more.cfg").write_text(f'[core]\n\tfsmonitor = {program}\n[filter "y"]\n')
    with (root / "more.cfg").open("a") as opened:
        opened.write(f"\tclean = {program}\n")
    (root / ".gitattributes").write_text("* filter=y\n")
    git(root, "config", "include.path", "../more.cfg")

    assert "a.yaml" in look(root)
    assert not ran.exists()


def test_a_missing_object_is_not_fetched(root: Path, program: str, ran: Path) -> None:
    tree = git(root, "rev-parse", "HEAD^{tree}").strip()
    (root / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    for key, value in (
        ("core.repositoryformatversion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", f"ext::{program}"),
        ("protocol.ext.allow", "always"),
    ):
        git(root, "config", key, value)

    try:
        look(root)
    except Exception as error:  # a damaged repository may be refused, in words
        assert type(error).__name__ in ("ToolFailed", "FileRefused")
    assert not ran.exists()


def test_a_submodule_is_not_entered(root: Path, program: str, ran: Path) -> None:
    inner = root / "inner"
    inner.mkdir()
    git(inner, "init", "-q")
    (inner / "b.yaml").write_text("b: 1\n")
    git(inner, "add", "b.yaml")
    git(inner, "commit", "-qm", "inner")
    git(root, "-c", "advice.addEmbeddedRepo=false", "add", "inner")
    git(inner, "config", "core.fsmonitor", program)

    look(root)
    assert not ran.exists()


def test_a_bare_repository_inside_is_not_believed(root: Path, program: str, ran: Path) -> None:
    inner = root / "inner"
    git(root, "clone", "-q", "--bare", ".", str(inner))
    for key, value in (
        ("core.bare", "false"),
        ("core.worktree", str(root)),
        ("core.fsmonitor", program),
    ):
        git(root, "config", "--file", str(inner / "config"), key, value)

    look(inner)
    assert not ran.exists()
    assert find_root(inner) != root / "inner"


def test_a_work_tree_elsewhere_is_not_believed(root: Path) -> None:
    git(root, "config", "core.worktree", "/")

    assert find_root(root) is None


def test_variables_that_name_programs_do_not_reach_git(
    root: Path, program: str, ran: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", program)
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", program)
    monkeypatch.setenv("GIT_PAGER", program)

    assert look(root) == ("a.yaml",)
    assert not ran.exists()
