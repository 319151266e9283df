"""A disk that fills up, and files that change under the run: all or nothing, and said so."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from repoint.adapters.filetree import FileTree
from repoint.errors import FileRefused, HalfDone, RepointError, StalePlan
from repoint.flows.apply import apply_plan
from repoint.flows.recover import resume
from repoint.model.receipt import FileWrite
from tests.torture.small_plan import small_plan
from tests.unit.flows.hand_plans import Repository, new_repository, snapshot


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """An empty repository."""
    return new_repository(tmp_path)


def failing(name: str, number: int, code: int) -> Callable[..., Any]:
    """`os.<name>` that raises at its `number`-th call, once."""
    real = getattr(os, name)
    calls = 0

    def call(*arguments: Any, **rest: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number:
            raise OSError(code, os.strerror(code), *arguments[:1])
        return real(*arguments, **rest)

    return call


@pytest.mark.parametrize("number", range(1, 13))
@pytest.mark.parametrize("name", ["write", "fsync", "replace", "rename", "fchmod", "mkdir"])
def test_an_error_of_any_call_leaves_before_or_after(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, name: str, number: int
) -> None:
    plan = small_plan(repository, sealed=False)
    before = snapshot(repository.root)
    with monkeypatch.context() as patched:
        patched.setattr(os, name, failing(name, number, errno.ENOSPC))
        try:
            apply_plan(plan, repository.tree, repository.store, allow_dirty=True)
            refused = False
        except FileRefused as error:
            refused = True
            assert "No space left" in str(error)

    assert resume(repository.tree) == ""
    assert (snapshot(repository.root) == before) is refused


def test_a_rename_that_fails_half_way_is_put_back_from_memory(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = small_plan(repository, sealed=False)
    before = snapshot(repository.root)
    real = Path.replace
    calls = 0

    def replace(self: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(self))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(FileRefused):
        apply_plan(plan, repository.tree, repository.store, allow_dirty=True)

    assert snapshot(repository.root) == before


def test_a_rename_that_fails_for_good_is_half_done_and_can_be_resumed(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = small_plan(repository, sealed=False)
    before = snapshot(repository.root)
    with monkeypatch.context() as patched:
        real = Path.replace
        calls = 0

        def replace(self: Path, target: Path) -> Path:
            nonlocal calls
            calls += 1
            if calls >= 2:
                raise OSError(errno.EIO, os.strerror(errno.EIO), str(self))
            return real(self, target)

        patched.setattr(Path, "replace", replace)
        with pytest.raises(HalfDone) as caught:
            apply_plan(plan, repository.tree, repository.store, allow_dirty=True)
    assert "repoint apply --resume" in caught.value.hints[0]

    assert resume(repository.tree) == "undone"
    assert snapshot(repository.root) == before
    assert len(apply_plan(plan, repository.tree, repository.store, allow_dirty=True).written) == 3


def test_somebody_saves_a_file_between_the_checks_and_the_rename(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = repository.write("a.yaml", "old\n")
    tree = repository.tree
    real = os.fchmod

    def save(fd: int, mode: int) -> None:
        real(fd, mode)
        repository.write("a.yaml", "mine\n")

    monkeypatch.setattr(os, "fchmod", save)
    with pytest.raises(StalePlan, match="nothing was written"):
        tree.commit("apply", [FileWrite("a.yaml", raw, b"new\n")])

    assert snapshot(repository.root) == {"a.yaml": b"mine\n"}


def test_recovery_does_not_overwrite_what_somebody_wrote_since(repository: Repository) -> None:
    raw = repository.write("a.yaml", "old\n")
    repository.write("b.yaml", "old\n")
    writes = [FileWrite("a.yaml", raw, b"new\n"), FileWrite("b.yaml", raw, b"new\n")]
    with pytest.MonkeyPatch.context() as patched:

        def stop(*_: object) -> None:
            raise MemoryError

        patched.setattr("repoint.adapters.journal._finish", stop)
        with pytest.raises(MemoryError):
            repository.tree.commit("apply", writes)
    repository.write("a.yaml", "mine\n")

    with pytest.raises(HalfDone, match=r"a\.yaml"):
        resume(repository.tree)

    assert repository.tree.read("a.yaml") == b"mine\n"


def test_ctrl_c_after_the_commit_finishes_first(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = repository.write("a.yaml", "old\n")
    real = Path.replace
    pressed: list[Path] = []

    def press(self: Path, target: Path) -> Path:
        if not pressed:
            pressed.append(self)
            raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(Path, "replace", press)
    with pytest.raises(KeyboardInterrupt):
        repository.tree.commit("apply", [FileWrite("a.yaml", raw, b"new\n")])

    assert snapshot(repository.root) == {"a.yaml": b"new\n"}


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB; needs root."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full(tiny_disk: Path) -> None:
    tree = FileTree(tiny_disk)
    raw = b"x" * 20_000
    (tiny_disk / "a.yaml").write_bytes(raw)
    (tiny_disk / "b.yaml").write_bytes(raw)
    writes = [FileWrite(name, raw, b"y" * 20_000) for name in ("a.yaml", "b.yaml")]

    with pytest.raises(FileRefused, match="No space left"), tree.locked("apply"):
        tree.commit("apply", writes)

    assert snapshot(tiny_disk) == {"a.yaml": raw, "b.yaml": raw}


@pytest.mark.parametrize("how", ["folder", "fifo", "gone"])
def test_a_target_that_is_no_file_any_more(repository: Repository, how: str) -> None:
    raw = repository.write("d/a.yaml", "old\n")
    target = repository.root / "d/a.yaml"
    target.unlink()
    if how == "folder":
        target.mkdir()
    elif how == "fifo":
        os.mkfifo(target)

    with pytest.raises(RepointError, match=r"d/a\.yaml"):
        repository.tree.commit("apply", [FileWrite("d/a.yaml", raw, b"new\n")])

    assert [path.name for path in (repository.root / "d").iterdir()] == (
        [] if how == "gone" else ["a.yaml"]
    )


def test_a_folder_that_cannot_be_written(repository: Repository) -> None:
    raw = repository.write("d/a.yaml", "old\n")
    folder = repository.root / "d"
    if os.geteuid() == 0:
        done = subprocess.run(["mount", "--bind", "-o", "ro", folder, folder], check=False)
        if done.returncode:
            pytest.skip("a read-only mount cannot be made here")
    else:
        folder.chmod(0o555)
    try:
        with pytest.raises(FileRefused, match=r"d/a\.yaml"):
            repository.tree.commit("apply", [FileWrite("d/a.yaml", raw, b"new\n")])
    finally:
        if os.geteuid() == 0:
            subprocess.run(["umount", folder], check=True)
        folder.chmod(0o755)
    assert snapshot(repository.root) == {"d": None, "d/a.yaml": raw}
