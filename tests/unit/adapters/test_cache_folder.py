from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from repoint.adapters.cache_folder import cache_folder

NAME = f"private-{os.geteuid()}"


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REPOINT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"REPOINT_CACHE": "given", "XDG_CACHE_HOME": "xdg", "HOME": "home"}, "given"),
        ({"XDG_CACHE_HOME": "xdg", "HOME": "home"}, "xdg/repoint"),
        ({"HOME": "home"}, "home/.cache/repoint"),
    ],
)
def test_the_first_variable_that_is_set_tells_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    for name in ("REPOINT_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, place in variables.items():
        monkeypatch.setenv(name, str(tmp_path / place))
    assert cache_folder() == tmp_path / expected / NAME


def test_a_relative_xdg_folder_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The specification has it ignored; in a work tree it would be committed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REPOINT_CACHE", raising=False)
    for name, place in {"XDG_CACHE_HOME": "xdg", "HOME": str(tmp_path / "home")}.items():
        monkeypatch.setenv(name, place)
    assert cache_folder() == tmp_path / "home/.cache/repoint" / NAME


def test_it_is_made_for_this_user_alone_whatever_the_umask(base: Path) -> None:
    mask = os.umask(0)
    try:
        folder = cache_folder()
    finally:
        os.umask(mask)
    assert folder is not None
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(base.stat().st_mode) == 0o755
    assert cache_folder() == folder


def test_off_is_none_and_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REPOINT_CACHE", "off")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o500])
def test_one_that_is_not_private_or_cannot_be_written_is_not_used(base: Path, mode: int) -> None:
    (base / NAME).mkdir(parents=True)
    (base / NAME).chmod(mode)
    assert cache_folder() is None


def test_a_link_is_not_followed(base: Path, tmp_path: Path) -> None:
    base.mkdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (base / NAME).symlink_to(tmp_path / "elsewhere")
    assert cache_folder() is None


def test_a_file_in_its_place_is_no_error(base: Path) -> None:
    base.write_text("")
    assert cache_folder() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_one_of_another_user_is_not_used(base: Path) -> None:
    (base / NAME).mkdir(parents=True, mode=0o700)
    os.chown(base / NAME, 12345, 12345)
    assert cache_folder() is None
