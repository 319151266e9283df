"""The parent of every server of a rehearsal: when repoint is gone, it ends them and their folder.

Run as `python -I -S guardian.py BASE UID GID` in a session of its own; it imports the standard
library only. It makes a private folder under BASE (for UID and GID; -1 for its own), says on
stdout where it is, and then answers one JSON line with one. When stdin closes, because repoint
is done or was killed, it stops the servers, removes what they left, and ends.

Requests, and what is answered beside `{"error": ...}`:

    {"do": "start", "name", "argv", "env", "log", "stop"}    {"pid"}
    {"do": "attend", "name", "argv", "env", "cwd"}           {"pid"}
    {"do": "said", "name"}                                   {"said"}
    {"do": "status", "name"}                                 {"exit": None or a status}
    {"do": "signal", "name", "signal"}                       {"exit": None or a status}

Each request has a number `n` that its answer repeats, so that one who was interrupted between
the two can tell a late answer from the next. `stop` is the signal that ends a server in order,
0 for a program that knows none. An attended program runs as this process's own user; the end of
what it printed is kept in a file without a name.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, BinaryIO

PREFIX = "repoint-lab-"
_GRACE_S = 3.0
_MARK = "guarded"
_MOST_SAID = 65536
_SUBREAPER = 36
_DEATH_SIGNAL = 1
_REMOVE_ID = 0
_SHARED_FILE = re.compile(r"/dev/shm/PostgreSQL\.\d+")
_SHARED_SEGMENT = re.compile(r"\S+ \S+ \S+ \S+ (\d+)\s+/SYSV[0-9a-f]{8}")
_PID_FILE = "postmaster.pid"
_SEGMENT_LINE = 6
_MOST_FILES = 65536
_LIBC = ctypes.CDLL(None)


class Guardian:
    """The servers by name, and the folder that all their files are in."""

    def __init__(self, base: str, uid: int, gid: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
        self._mark = _marked(self.folder)
        self._user: dict[str, Any] = {}
        if uid >= 0:
            os.chown(self.folder, uid, gid)
            self._user = {"user": uid, "group": gid, "extra_groups": []}
        self._children: dict[str, tuple[subprocess.Popen[bytes], int]] = {}
        self._outputs: dict[str, BinaryIO] = {}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what one request asks for."""
        name = request["name"]
        if request["do"] == "start":
            return {"pid": self._start(name, request)}
        if request["do"] == "attend":
            return {"pid": self._attend(name, request)}
        if request["do"] == "said":
            return {"said": self._last_words(name)}
        child, _ = self._children[name]
        if request["do"] == "signal" and child.poll() is None:
            child.send_signal(request["signal"])
        return {"exit": child.poll()}

    def _start(self, name: str, request: dict[str, Any]) -> int:
        with Path(request["log"]).open("ab") as log:
            return self._run(name, request, log, cwd=self.folder, umask=0o077, **self._user)

    def _attend(self, name: str, request: dict[str, Any]) -> int:
        # It has no name, so that nobody finds what the program prints; it is read once.
        output = self._outputs[name] = tempfile.TemporaryFile(dir=self.folder)  # noqa: SIM115
        return self._run(name, {**request, "stop": 0}, output, cwd=request["cwd"])

    def _run(self, name: str, request: dict[str, Any], output: BinaryIO, **how: Any) -> int:
        child = subprocess.Popen(
            request["argv"],
            env=request["env"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            # Should the guardian itself be killed, the servers go too (Linux).
            preexec_fn=lambda: _prctl(_DEATH_SIGNAL, request["stop"] or signal.SIGKILL),
            **how,
        )
        self._children[name] = child, request["stop"]
        return child.pid

    def _last_words(self, name: str) -> str:
        with self._outputs.pop(name) as output:
            output.seek(max(0, output.seek(0, os.SEEK_END) - _MOST_SAID))
            return output.read().decode(errors="replace")

    def end(self) -> None:
        """Stop every server, then whatever is still there, and remove the folder."""
        for child, stop in self._children.values():
            if stop and child.poll() is None:
                child.send_signal(stop)
        until = time.monotonic() + _GRACE_S
        while time.monotonic() < until and any(
            stop and child.poll() is None for child, stop in self._children.values()
        ):
            time.sleep(0.01)
        _remove_shared_memory(_kill_descendants() | _segments(self.folder))
        for child, _ in self._children.values():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
        for _ in range(20):
            shutil.rmtree(self.folder, ignore_errors=True)
            if not self.folder.exists():
                return
            time.sleep(0.1)


def _marked(folder: Path) -> int:
    """A locked file in the folder: whoever can lock it knows that its guardian is gone."""
    fresh = folder / f"{_MARK}.new"
    mark = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(mark, fcntl.LOCK_EX)
    fresh.rename(folder / _MARK)
    return mark


def sweep(base: str, owners: set[int]) -> None:
    """Remove the folders of guardians that were killed together with those they guarded for."""
    for folder in Path(base).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners:
                continue
            mark = os.open(folder / _MARK, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove_shared_memory(_segments(folder))
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(mark)


def _kill_descendants() -> set[str]:
    """Kill what servers left running, and give the shared memory that it had open.

    A process is stopped before its memory is looked at, so that nothing is missed. On a
    system without /proc only the servers' process groups were killed.
    """
    left: set[str] = set()
    for _ in range(50):
        living = _descendants(os.getpid())
        if not living:
            break
        for pid in living:
            _send(pid, signal.SIGSTOP)
        for pid in living:
            left |= _shared_memory(pid)
            _send(pid, signal.SIGKILL)
        _reap()
        time.sleep(0.01)
    return left


def _segments(folder: Path) -> set[str]:
    """Ids of System V segments of servers that somebody else killed, from their pid files."""
    found = set()
    for file in folder.glob(f"*/{_PID_FILE}"):
        with contextlib.suppress(OSError, IndexError):
            found.add(file.read_text().splitlines()[_SEGMENT_LINE].split()[1])
    return found


def _remove_shared_memory(names: set[str]) -> None:
    """Remove files of /dev/shm and System V segments; those that are gone do no harm."""
    for name in names:
        if name.startswith("/"):
            Path(name).unlink(missing_ok=True)
        else:
            _LIBC.shmctl(int(name), _REMOVE_ID, None)


def _descendants(root: int) -> list[int]:
    """Every living process below `root`, from /proc; zombies do not count."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            state, parent = entry.read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                parents[int(entry.parent.name)] = int(parent)
    found: list[int] = []
    fresh = {root}
    while fresh:
        fresh = {pid for pid, parent in parents.items() if parent in fresh}
        found += fresh
    return found


def _shared_memory(pid: int) -> set[str]:
    """Files of /dev/shm and ids of System V segments that PostgreSQL has mapped."""
    try:
        maps = Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return set()
    return {*_SHARED_FILE.findall(maps), *_SHARED_SEGMENT.findall(maps)}


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _prctl(option: int, value: int) -> None:
    with contextlib.suppress(AttributeError, OSError):
        _LIBC.prctl(option, value, 0, 0, 0)


def _serve(guardian: Guardian) -> None:
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = guardian.answer(request)
        except (OSError, subprocess.SubprocessError) as error:
            reply = {"error": str(error)}
        print(json.dumps({"n": request["n"], **reply}), flush=True)


def main() -> None:
    """Guard until stdin closes; signals do not end it, so that it can clean up."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        # A handler, and not SIG_IGN, which the servers would inherit.
        signal.signal(number, lambda *_: None)
    _prctl(_SUBREAPER, 1)
    _allow_files()
    base, uid, gid = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    sweep(base, {os.geteuid(), uid})
    try:
        guardian = Guardian(base, uid, gid)
    except OSError as error:
        print(json.dumps({"n": 0, "error": error.strerror}), flush=True)
        return
    try:
        print(json.dumps({"n": 0, "folder": str(guardian.folder)}), flush=True)
        _serve(guardian)
    except BrokenPipeError:
        pass
    finally:
        guardian.end()


def _allow_files() -> None:
    """Let PgBouncer open a file for each client that its `max_client_conn` allows."""
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if most == resource.RLIM_INFINITY else min(most, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


if __name__ == "__main__":
    main()
