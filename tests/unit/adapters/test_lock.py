"""One writing run at a time."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from repoint.adapters import lock
from repoint.errors import FileRefused, LockHeld

HOLDER = """
import sys, time
from pathlib import Path
from repoint.adapters import lock
with lock.held(Path(sys.argv[1]), "apply"):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(root: Path) -> subprocess.Popen[bytes]:
    path = os.pathsep.join(item for item in sys.path if item)
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(root)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"held\n"
    return child


def test_a_second_run_is_told_who_holds_it_and_a_dead_one_holds_nothing(tmp_path: Path) -> None:
    with holder(tmp_path) as child:
        with pytest.raises(LockHeld) as caught, lock.held(tmp_path, "rollback"):
            pass
        for told in (f"process {child.pid}", socket.gethostname(), "repoint apply", "since 20"):
            assert told in str(caught.value)
        child.kill()
    assert json.loads((tmp_path / ".repoint/lock").read_text())["pid"] == child.pid

    with lock.held(tmp_path, "rollback"):
        assert json.loads((tmp_path / ".repoint/lock").read_text())["pid"] == os.getpid()
    assert (tmp_path / ".repoint/lock").read_bytes() == b""


def test_another_machine_is_believed(tmp_path: Path) -> None:
    lock.state_dir(tmp_path)
    there = {"pid": 1, "host": "elsewhere", "boot": "other", "verb": "apply", "since": "x"}
    (tmp_path / ".repoint/lock").write_text(json.dumps(there))

    with pytest.raises(LockHeld, match="elsewhere") as caught, lock.held(tmp_path, "apply"):
        pass

    assert any(".repoint/lock" in hint for hint in caught.value.hints)


@pytest.mark.parametrize("boot", ["", "an earlier boot"])
def test_without_flock_a_pid_counts_only_while_it_is_the_same_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boot: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "not supported")

    monkeypatch.setattr("fcntl.flock", refuse)
    with lock.held(tmp_path, "apply"):
        mine = json.loads((tmp_path / ".repoint/lock").read_text())
    for change, free in (({}, False), ({"started": "1"}, True), ({"pid": 2**22 + 1}, True)):
        (tmp_path / ".repoint/lock").write_text(
            json.dumps({**mine, **change, **({"boot": boot} if boot else {})})
        )
        if free or boot:
            with lock.held(tmp_path, "apply"):
                pass
        else:
            with pytest.raises(LockHeld), lock.held(tmp_path, "apply"):
                pass


def test_a_torn_lock_is_nobodys(tmp_path: Path) -> None:
    lock.state_dir(tmp_path)
    (tmp_path / ".repoint/lock").write_text('{"pid": 1, "ho')

    with lock.held(tmp_path, "apply"):
        pass


def test_receipts_are_for_git_and_the_rest_is_not(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    with lock.held(tmp_path, "apply"):
        (tmp_path / ".repoint/journal").touch()
        (tmp_path / ".repoint/receipts").mkdir()
        (tmp_path / ".repoint/receipts/local.json").touch()
        argv = ["git", "-C", str(tmp_path), "ls-files", "-o", "--exclude-standard"]
        names = subprocess.run(argv, capture_output=True, check=True).stdout.decode().split()

    assert names == [".repoint/.gitignore", ".repoint/receipts/local.json"]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / ".repoint").write_text("a file")

    with pytest.raises(FileRefused, match=r"\.repoint"), lock.held(tmp_path, "apply"):
        pass


@pytest.mark.parametrize("zeros", [0, 7])
@pytest.mark.parametrize("length", [0, 1, len(lock.IGNORED) - 1])
def test_a_gitignore_that_was_cut_short_is_completed(
    tmp_path: Path, length: int, zeros: int
) -> None:
    ignore = lock.state_dir(tmp_path) / ".gitignore"
    ignore.write_text(lock.IGNORED[:length].ljust(min(length + zeros, len(lock.IGNORED)), "\0"))

    with lock.held(tmp_path, "apply"):
        pass

    assert ignore.read_text() == lock.IGNORED


def test_a_gitignore_that_somebody_changed_is_theirs(tmp_path: Path) -> None:
    ignore = lock.state_dir(tmp_path) / ".gitignore"
    ignore.write_text("/lock\n/mine\n")

    with lock.held(tmp_path, "apply"):
        pass

    assert ignore.read_text() == "/lock\n/mine\n"


def test_what_a_dead_run_had_just_started_is_waited_for(tmp_path: Path) -> None:
    """Between fork and exec a child has all files of its parent open, and so the parent's lock."""
    code = (
        "import os, signal, sys, time; from pathlib import Path\n"
        "from repoint.adapters import lock\n"
        "with lock.held(Path(sys.argv[1]), 'apply'):\n"
        "    if os.fork() == 0: time.sleep(0.3); os._exit(0)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = os.pathsep.join(item for item in sys.path if item)
    argv = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(argv, env={**os.environ, "PYTHONPATH": path}, check=False)
    assert done.returncode == -9

    with lock.held(tmp_path, "rollback"):
        assert json.loads((tmp_path / ".repoint/lock").read_text())["verb"] == "rollback"


def test_a_lock_file_that_was_deleted_meanwhile_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fcntl.flock
    deleted: list[int] = []

    def delete_first(fd: int, how: int) -> None:
        real(fd, how)
        if not deleted:
            (tmp_path / ".repoint/lock").unlink()
            deleted.append(fd)

    monkeypatch.setattr("fcntl.flock", delete_first)
    with lock.held(tmp_path, "apply"):
        assert json.loads((tmp_path / ".repoint/lock").read_text())["pid"] == os.getpid()
        with pytest.raises(LockHeld), lock.held(tmp_path, "rollback"):
            pass


def test_nobody_is_told_to_delete_a_lock_whose_holder_has_not_signed_yet(tmp_path: Path) -> None:
    with lock.held(tmp_path, "apply"):
        os.truncate(tmp_path / ".repoint/lock", 0)
        with pytest.raises(LockHeld) as caught, lock.held(tmp_path, "rollback"):
            pass

    assert not any("delete" in hint for hint in caught.value.hints)


def test_a_pipe_in_the_place_of_the_lock_is_refused(tmp_path: Path) -> None:
    os.mkfifo(lock.state_dir(tmp_path) / "lock")

    with pytest.raises(FileRefused, match="not a regular file"), lock.held(tmp_path, "apply"):
        pass


def test_a_disk_that_turned_read_only_meanwhile_hides_no_other_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    with pytest.raises(ValueError, match="mine"), lock.held(tmp_path, "apply"):
        monkeypatch.setattr("os.ftruncate", refuse)
        raise ValueError("mine")
    monkeypatch.undo()
    with lock.held(tmp_path, "rollback"):
        pass
