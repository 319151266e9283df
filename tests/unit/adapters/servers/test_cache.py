"""The cache folder: whole folders or nothing, one fetch at a time."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from repoint.adapters.servers.cache import cache_folder, fetching, filling
from repoint.errors import FileRefused


def silent(_text: str) -> None:
    """Nobody listens."""


@pytest.fixture
def cache() -> Iterator[Path]:
    """A cache folder that every user can reach, which pytest's own folders are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "cache"


@pytest.fixture
def tight_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.parametrize(
    ("environment", "user", "folder"),
    [
        ({"REPOINT_CACHE": "/x/y", "XDG_CACHE_HOME": "/xdg"}, 0, "/x/y"),
        ({}, 0, "/var/cache/repoint"),
        ({"REPOINT_CACHE": "off"}, 0, "/var/cache/repoint"),
        ({"XDG_CACHE_HOME": "/xdg"}, 1000, "/xdg/repoint"),
        ({"XDG_CACHE_HOME": "xdg"}, 1000, "/home/somebody/.cache/repoint"),
        ({}, 1000, "/home/somebody/.cache/repoint"),
    ],
)
def test_where_the_cache_is(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], user: int, folder: str
) -> None:
    for name in ("REPOINT_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/somebody", **environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert cache_folder() == Path(folder)


def test_a_user_without_a_name_has_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(number: int) -> object:
        raise KeyError(number)

    for name in ("REPOINT_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    monkeypatch.setattr("pwd.getpwuid", nobody)
    assert cache_folder() == Path("/nonexistent/.cache/repoint")


@pytest.mark.usefixtures("tight_umask")
def test_a_filled_folder_is_readable_for_all_whatever_the_umask_is(cache: Path) -> None:
    with fetching(cache, silent), filling(cache, "tools/one") as folder:
        (folder / "bin").mkdir()
        (folder / "bin" / "program").write_text("x")
        (folder / "bin" / "program").chmod(0o700)
        (folder / "bin" / "data").write_text("x")
        (folder / "bin" / "link").symlink_to("nowhere")
        assert not (cache / "tools" / "one").exists()
    made = cache / "tools" / "one"
    modes = {
        path: path.lstat().st_mode & 0o777 for path in (cache, made.parent, made, made / "bin")
    }
    assert set(modes.values()) == {0o755}
    assert (made / "bin" / "program").stat().st_mode & 0o777 == 0o755
    assert (made / "bin" / "data").stat().st_mode & 0o777 == 0o644


def test_a_failure_leaves_what_was_there_and_nothing_half(cache: Path) -> None:
    with fetching(cache, silent), filling(cache, "tools/one") as folder:
        (folder / "old").write_text("good")
    with (
        pytest.raises(RuntimeError),
        fetching(cache, silent),
        filling(cache, "tools/one") as folder,
    ):
        (folder / "new").write_text("half")
        raise RuntimeError
    assert [path.name for path in (cache / "tools" / "one").iterdir()] == ["old"]
    assert list((cache / "tmp").iterdir()) == []


def test_a_new_folder_replaces_the_one_that_was_there(cache: Path) -> None:
    for name in ("first", "second"):
        with fetching(cache, silent), filling(cache, "tools/one") as folder:
            (folder / name).write_text("x")
    assert [path.name for path in (cache / "tools" / "one").iterdir()] == ["second"]
    assert list((cache / "tmp").iterdir()) == []


def test_what_a_killed_run_left_is_removed_by_the_next(cache: Path) -> None:
    (cache / "tmp" / "of-a-killed-run" / "new").mkdir(parents=True)
    with fetching(cache, silent):
        assert not (cache / "tmp" / "of-a-killed-run").exists()


def test_a_second_run_waits_for_the_first(cache: Path) -> None:
    said: list[str] = []
    waits = threading.Event()
    order: list[str] = []

    def tell(text: str) -> None:
        said.append(text)
        waits.set()

    def second() -> None:
        with fetching(cache, tell):
            order.append("second")

    thread = threading.Thread(target=second)
    with fetching(cache, silent):
        thread.start()
        assert waits.wait(30)
        order.append("first")
    thread.join(30)
    assert order == ["first", "second"]
    assert said == ["waiting for another run that fetches into the same folder"]


def test_the_lock_of_a_killed_run_holds_nobody_up(cache: Path) -> None:
    code = (
        "import sys, os, signal\nfrom pathlib import Path\n"
        "from repoint.adapters.servers.cache import fetching\n"
        f"with fetching(Path({str(cache)!r}), print):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    with (cache / "lock").open("rb") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_cache_that_cannot_be_made_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(FileRefused, match="cannot be written") as caught,
        fetching(tmp_path / "file" / "cache", silent),
    ):
        pass
    assert "REPOINT_CACHE" in caught.value.hints[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as another user")
def test_root_gets_no_cache_that_the_servers_user_cannot_enter(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with (
        pytest.raises(FileRefused, match="closed to other users"),
        fetching(closed / "cache", silent),
    ):
        pass
