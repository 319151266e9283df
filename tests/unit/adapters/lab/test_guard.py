"""The guardian with programs of every machine in the place of servers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from repoint.adapters.lab import guard as guard_module
from repoint.adapters.lab.account import Account, base_folder, servers_account
from repoint.adapters.lab.guard import Guard
from repoint.errors import LabFailed


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[Guard]:
    with Guard(Account(-1, -1), tmp_path) as opened:
        yield opened
    assert list(tmp_path.iterdir()) == []


def shell(text: str) -> list[str]:
    return ["/bin/sh", "-c", text]


def test_a_program_runs_in_the_folder_with_little_of_our_environment(
    guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "canary-hunter2")

    assert guard.run("p", shell("pwd; env; exit 3"), timeout_s=10) == 3

    printed = guard.log("p").read_text()
    assert printed.startswith(f"{guard.folder}\n")
    assert "TZ=UTC" in printed and "PGPASSWORD" not in printed


def test_the_folder_is_private(guard: Guard) -> None:
    assert guard.folder.stat().st_mode & 0o777 == 0o700
    made = guard.make(guard.folder / "d")
    written = guard.write(made / "f", "text")
    assert (made.stat().st_mode & 0o777, written.stat().st_mode & 0o777) == (0o700, 0o600)
    assert guard.write(written, b"other").read_bytes() == b"other"


def test_a_program_that_is_missing_is_named(guard: Guard) -> None:
    with pytest.raises(LabFailed, match=r"cannot be run: .*/no/such/program"):
        guard.start("p", ["/no/such/program"])

    assert guard.run("p", shell("exit 0"), timeout_s=10) == 0


def test_a_program_that_hangs(guard: Guard) -> None:
    with pytest.raises(LabFailed, match=r"`p` did not end within 0\.1 s"):
        guard.run("p", shell("sleep 60"), timeout_s=0.1)


def test_a_program_that_ignores_its_signal_is_killed(guard: Guard) -> None:
    guard.start("p", shell("trap '' QUIT; echo up; while :; do sleep 1; done"))
    wait_for(guard, "p", "up")

    guard.stop("p", signal.SIGQUIT, timeout_s=0.1)

    assert guard.status("p") == -signal.SIGKILL


def test_a_late_answer_is_not_taken_for_the_next(guard: Guard) -> None:
    guard.start("a", shell("exit 7"))
    while guard.status("a") is None:
        time.sleep(0.01)
    guard.start("b", shell("sleep 60"))

    # As when Ctrl-C falls between a request and its answer.
    guard._number += 1
    pipe = guard._guardian.stdin
    assert pipe is not None
    pipe.write(b'{"n": %d, "do": "status", "name": "a"}\n' % guard._number)

    assert guard.status("b") is None


def test_a_guardian_that_died_is_told_and_cleaned_up(tmp_path: Path) -> None:
    opened = Guard(Account(-1, -1), tmp_path)
    opened.start("p", shell("sleep 60"))
    os.kill(opened._guardian.pid, signal.SIGKILL)
    opened._guardian.wait()

    with pytest.raises(LabFailed, match="the process that guards the servers died"):
        opened.status("p")
    opened.close()
    opened.close()

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(LabFailed, match="No such file or directory"):
        Guard(Account(-1, -1), tmp_path / "missing")


def test_a_file_that_cannot_be_written(guard: Guard) -> None:
    with pytest.raises(LabFailed, match="`f` cannot be written for the servers"):
        guard.write(guard.folder / "missing" / "f", "text")
    with pytest.raises(LabFailed, match="`d` cannot be written"):
        guard.make(guard.folder / "missing" / "d")


@pytest.mark.parametrize(
    ("log", "told"),
    [
        pytest.param("", "", id="nothing"),
        pytest.param("one\ntwo\n\n", "two", id="the last line without a telling one"),
        pytest.param(
            "2026-11-22 19:22:48.147 UTC [15501] FATAL:  no\nLOG:  x",
            "FATAL:  no",
            id="postgres",
        ),
        pytest.param(
            "2026-11-22 19:35:19.787 UTC [22514] FATAL failed to listen\n",
            "FATAL failed to listen",
            id="pgbouncer",
        ),
        pytest.param("initdb: error: bad\nHINT:  ERROR\n", "initdb: error: bad", id="initdb"),
        pytest.param(
            "FATAL:  x: No space left on device\nPANIC:  cannot abort\n",
            "FATAL:  x: No space left on device",
            id="a full disk",
        ),
        pytest.param(
            "ERROR bad value\nFATAL cannot load config file", "ERROR bad value", id="configuration"
        ),
    ],
)
def test_what_a_log_tells(guard: Guard, log: str, told: str) -> None:
    guard.log("p").write_text(log)

    assert guard.told("p") == told


def test_a_log_that_is_not_there_tells_nothing(guard: Guard) -> None:
    assert guard.told("never") == ""


def test_servers_do_not_run_as_root() -> None:
    account = servers_account()

    assert account.uid != 0
    assert (account.uid == -1) == (os.geteuid() != 0)


def test_a_folder_that_the_servers_may_not_enter_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Account(54321, 54321)
    closed, opened = tmp_path / "closed", Path("/tmp")
    closed.mkdir(mode=0o700)

    assert not other.may_search(closed)
    assert other.may_search(opened)
    monkeypatch.setattr("tempfile.tempdir", str(closed))
    assert base_folder(other) == opened


def test_a_folder_too_long_for_a_socket_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))

    assert base_folder(Account(-1, -1)) == Path("/tmp")


@pytest.mark.parametrize("name", ["a,b", "a\nb", "a\x7fb"])
def test_a_folder_that_postgresql_would_misread_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A comma ends a socket folder's name in PostgreSQL's list."""
    odd = Path(tempfile.mkdtemp(dir="/tmp")) / name
    odd.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(odd))
    try:
        assert base_folder(Account(-1, -1)) == Path("/tmp")
    finally:
        shutil.rmtree(odd.parent)


def test_a_user_without_a_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs as any number: initdb would refuse it."""

    def nobody(number: int) -> object:
        raise KeyError(number)

    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    monkeypatch.setattr("pwd.getpwuid", nobody)

    with pytest.raises(LabFailed, match="user 54321 has no name here"):
        servers_account()


def test_an_attended_program_is_repoints_own(guard: Guard, tmp_path: Path) -> None:
    env = {"PATH": os.defpath, "SECRET": "canary-hunter2"}

    done = guard.attend(shell("pwd; echo $SECRET; id -u"), cwd=tmp_path, env=env, timeout_s=30)
    late = guard.attend(shell("echo begun; sleep 60"), cwd=tmp_path, env=env, timeout_s=0.5)

    assert done.status == 0
    assert done.said.split() == [str(tmp_path), "canary-hunter2", str(os.geteuid())]
    assert "canary-hunter2" not in repr(done)
    assert (late.status, late.said) == (None, "begun\n")
    assert not list(guard.folder.glob("attended*"))


def wait_for(guard: Guard, name: str, word: str) -> None:
    until = time.monotonic() + 10
    while word not in guard.log(name).read_text() and time.monotonic() < until:
        time.sleep(guard_module._POLL_S)


def test_without_the_extra_the_missing_package_is_named() -> None:
    code = (
        "import importlib.util as u; real = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'cryptography' else real(name, *a)\n"
        "from repoint.errors import ServersMissing\n"
        "try:\n    import repoint.adapters.lab\n"
        "except ServersMissing as error:\n    print(error.message, error.hints)\n"
    )
    argv = [sys.executable, "-c", code]

    told = subprocess.run(argv, capture_output=True, text=True, check=True).stdout

    assert "`cryptography`" in told and "repoint[lab]" in told
