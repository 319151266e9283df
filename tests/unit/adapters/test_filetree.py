"""The repository's files."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from repoint.adapters.filetree import LARGEST, FileTree
from repoint.errors import FileRefused
from repoint.model.receipt import FileWrite


def git(root: Path, *arguments: str) -> None:
    user = ["-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run(["git", "-C", str(root), *user, *arguments], check=True, capture_output=True)


def put(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


def test_paths_are_those_of_git(tmp_path: Path) -> None:
    put(tmp_path, "b.yaml", "a/ü x.yaml", "ignored.yaml", "gone.yaml", ".repoint/receipts/e.json")
    (tmp_path / ".gitignore").write_text("ignored.yaml\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "gone.yaml", "b.yaml")
    (tmp_path / "gone.yaml").unlink()

    assert FileTree(tmp_path).paths() == (".gitignore", "a/ü x.yaml", "b.yaml")


def test_paths_without_git_skip_what_is_nobodys_source(tmp_path: Path) -> None:
    put(tmp_path, "b.yaml", "a/c.yaml", "node_modules/x.yaml", ".venv/y.yaml", ".repoint/lock")
    (tmp_path / "loop").symlink_to(tmp_path)

    assert FileTree(tmp_path).paths() == ("a/c.yaml", "b.yaml")


def test_a_file_is_read_once(tmp_path: Path) -> None:
    put(tmp_path, "a")
    tree = FileTree(tmp_path)
    first = tree.read("a")
    (tmp_path / "a").write_text("new")

    assert tree.read("a") is first
    assert tree.read_again("a") == b"new" == tree.read("a") or tree.read("a") == b"new"


@pytest.mark.parametrize(
    "name", ["missing", "folder", "fifo", "out", "dangling", "../x", "/etc/hosts", ""]
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "folder").mkdir()
    os.mkfifo(root / "fifo")
    (tmp_path / "x").write_text("secret")
    (root / "out").symlink_to("../x")
    (root / "dangling").symlink_to("nowhere")

    with pytest.raises(FileRefused):
        FileTree(root).read(name)
    assert not FileTree(root).exists(name)


def test_a_giant_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "big").open("wb") as opened:
        opened.truncate(LARGEST + 1)

    with pytest.raises(FileRefused, match="64 MB"):
        FileTree(tmp_path).read("big")


def test_dirty_names_what_git_does_not_have(tmp_path: Path) -> None:
    put(tmp_path, "sub/a", "sub/b", "sub/*")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "x")
    put(tmp_path, "sub/new")
    (tmp_path / "sub/a").write_text("changed")
    tree = FileTree(tmp_path / "sub")

    assert tree.dirty(["a", "b", "new"]) == ("a", "new")
    assert tree.dirty(["*"]) == ()
    assert tree.dirty([]) == ()


def test_folders_that_are_missing(tmp_path: Path) -> None:
    put(tmp_path, "a/x")

    assert FileTree(tmp_path).folders_to_make("a/b/c/d") == ("a/b", "a/b/c")
    assert FileTree(tmp_path).folders_to_make("a/y") == ()


def test_commit_writes_removes_and_tidies_up(tmp_path: Path) -> None:
    put(tmp_path, "a", "d/e/b")
    (tmp_path / "a").chmod(0o600)
    tree = FileTree(tmp_path)
    writes = [
        FileWrite("a", b"a", b"new"),
        FileWrite("d/e/b", b"d/e/b", None, ("d", "d/e")),
        FileWrite("n/m", None, b"made"),
    ]

    tree.commit("apply", writes)

    assert {path.name for path in tmp_path.iterdir()} == {"a", "n", ".repoint"}
    assert tree.read("a") == b"new" and tree.read("n/m") == b"made"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in (tmp_path / ".repoint").iterdir()) == [".gitignore"]


def test_folders_nested_beyond_reason_are_refused(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(250):
        deep = deep / "d"
    deep.mkdir(parents=True)
    (deep / "file.yaml").write_text("a: 1\n")
    with pytest.raises(FileRefused, match="nested too deep"):
        FileTree(tmp_path).paths()


def test_a_path_of_a_thousand_folders_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(FileRefused):
        FileTree(tmp_path).glance("d/" * 1500 + "file.yaml")


def test_a_folder_that_is_a_link_is_not_gone_through(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.yaml").write_text("password: x\n")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "deploy").symlink_to(outside)
    tree = FileTree(tmp_path / "shop")
    for path in ("deploy/secret.yaml", "/etc/hostname", "../outside/secret.yaml", "deploy/.."):
        with pytest.raises(FileRefused):
            tree.glance(path)
        with pytest.raises(FileRefused):
            tree.read(path)


def test_a_glance_is_not_remembered_and_a_look_is(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    tree = FileTree(tmp_path)
    assert tree.glance("a") == b"one" and not tree.remembered()
    assert tree.read("a") == b"one"
    (tmp_path / "a").write_text("two")
    assert tree.glance("a") == b"one" and tree.read_again("a") == b"two"
    assert dict(tree.remembered()) == {}


@pytest.mark.parametrize(
    ("name", "there"),
    [
        *(("d/a.yaml", True), ("d", True), ("d/gone.yaml", False), ("gone/a.yaml", False)),
        *(("link", True), ("linked/a.yaml", True), ("linked/gone.yaml", False)),
        *(("broken", False), ("d/./a.yaml", True), ("d/a\0.yaml", False)),
    ],
)
def test_what_is_there(tmp_path: Path, name: str, there: bool) -> None:
    put(tmp_path, "d/a.yaml")
    (tmp_path / "link").symlink_to("d/a.yaml")
    (tmp_path / "linked").symlink_to("d")
    (tmp_path / "broken").symlink_to("nowhere")

    assert FileTree(tmp_path).is_there(name) is there


def test_a_folder_that_became_a_link_is_seen_before_anything_is_written(tmp_path: Path) -> None:
    put(tmp_path, "d/a.yaml", ".git/a.yaml")
    tree = FileTree(tmp_path)
    assert tree.read_again("d/a.yaml") == b"d/a.yaml"
    (tmp_path / "d").rename(tmp_path / "e")
    (tmp_path / "d").symlink_to(".git")

    with pytest.raises(FileRefused, match="git's"), tree.locked("apply"):
        tree.commit("apply", [FileWrite("d/a.yaml", b".git/a.yaml", b"new")])

    assert (tmp_path / ".git/a.yaml").read_bytes() == b".git/a.yaml"
