from __future__ import annotations

import os
from pathlib import Path

import pytest

from repoint.adapters import settling
from repoint.adapters.settling import MANY, at_once, sync_file_system


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on a file system that keeps its promise, whatever this machine has."""
    monkeypatch.setattr(settling, "_is_trusted", lambda _: True)
    monkeypatch.setattr(settling, "_kernel_tells", lambda: True)
    return tmp_path


def test_many_files_settle_at_once(trusted: Path) -> None:
    with at_once([trusted / "not" / "there", trusted], MANY) as disks:
        assert disks is not None
        (trusted / "a").write_text("x")
        disks.settle()


def test_few_do_not(trusted: Path) -> None:
    with at_once([trusted], MANY - 1) as disks:
        assert disks is None


def test_a_file_where_a_folder_is_to_be_does_not_matter(trusted: Path) -> None:
    (trusted / "a").write_text("x")
    with at_once([trusted / "a" / "b"], MANY) as disks:
        assert disks is not None


def test_one_file_system_is_opened_once(trusted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr(settling, "sync_file_system", lambda _, name: synced.append(name))
    with at_once([trusted / "a", trusted, Path("/proc")], MANY) as disks:
        assert disks is not None
        disks.settle()
    assert synced == [str(trusted), "/proc"]


def test_one_file_system_that_promises_less_is_enough_to_sync_each_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "_kernel_tells", lambda: True)
    with at_once([tmp_path, Path("/proc")], MANY) as disks:
        assert disks is None


@pytest.mark.parametrize(
    ("release", "tells"),
    [
        ("5.7.19", False),
        ("5.8.0-1-amd64", True),
        ("4.19.0", False),
        ("6.18.44", True),
        ("x", False),
    ],
)
def test_an_old_kernel_does_not_tell_of_failed_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, release: str, tells: bool
) -> None:
    names = os.uname()
    own = os.uname_result((names.sysname, names.nodename, release, names.version, names.machine))
    monkeypatch.setattr(os, "uname", lambda: own)
    monkeypatch.setattr(settling, "_is_trusted", lambda _: True)
    with at_once([tmp_path], MANY) as disks:
        assert (disks is not None) == tells


def test_an_error_names_the_folder(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    os.close(fd)
    with pytest.raises(OSError, match="Bad file descriptor") as caught:
        sync_file_system(fd, "the/folder")
    assert caught.value.filename == "the/folder"
