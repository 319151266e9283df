"""This process's end of the guardian: start servers, ask for them, write into their folder."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Any

from repoint.adapters.environment import child_environment
from repoint.adapters.lab.account import Account
from repoint.errors import LabFailed
from repoint.rehearsal.lab import Attended

_END_S = 20.0
_POLL_S = 0.01
_GONE = "the process that guards the servers died, and the servers with it"
_NOISE = ("cannot load config file", "HINT:", "CONTEXT:", "DETAIL:", "STATEMENT:")
# When and who, before what PostgreSQL or PgBouncer says.
_STAMP = re.compile(r"^[-0-9]{10} [0-9:.]+ \w+ \[\d+\] ")
_TELLING = ("FATAL", "PANIC", "ERROR", "error:", "failed")
# What follows is PostgreSQL's despair at it.
_FULL = "No space left"


class Guard:
    """A guardian that runs, with its private folder; a context manager."""

    def __init__(self, account: Account, base: Path) -> None:
        self.account = account
        self._closed = False
        self._closing = Lock()
        self._number = 0
        self._one_at_a_time = Lock()
        self._attended = count()
        argv = [sys.executable, "-I", "-S", str(Path(__file__).with_name("guardian.py"))]
        # It waits for the end of its input, so nobody else may hold the writing end.
        self._guardian = subprocess.Popen(
            [*argv, str(base), str(account.uid), str(account.gid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            env=child_environment("python", os.environ),
        )
        try:
            self.folder = Path(self._read()["folder"])
        except BaseException:
            self._end()
            raise

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        stop: int = signal.SIGQUIT,
    ) -> int:
        """Start a program under `name` and give its process id; it prints to `log(name)`.

        `argv` and `env` hold no secret: other users of the machine can read them. `stop` ends
        it in order, 0 when nothing does.

        Raises:
            LabFailed: it cannot be run.
        """
        environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", "HOME": str(self.folder)}
        if "LD_LIBRARY_PATH" in os.environ:
            environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
        request = {
            "argv": list(argv),
            "env": {**environment, **(env or {})},
            "log": str(self.log(name)),
            "stop": int(stop),
        }
        started: int = self._ask("start", name, **request)["pid"]
        return started

    def run(self, name: str, argv: Sequence[str], *, timeout_s: float) -> int:
        """Run a program to its end, and give its status.

        Raises:
            LabFailed: it cannot be run, or did not end in time.
        """
        self.start(name, argv, stop=0)
        until = time.monotonic() + timeout_s
        while (status := self.status(name)) is None:
            if time.monotonic() > until:
                raise LabFailed(f"`{name}` did not end within {timeout_s:g} s")
            time.sleep(_POLL_S)
        return status

    def attend(
        self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout_s: float
    ) -> Attended:
        """Run a program as repoint's own user, with `env` alone; all it starts ends with the guard.

        Raises:
            LabFailed: it cannot be run.
        """
        name = f"attended-{next(self._attended)}"
        self._ask("attend", name, argv=list(argv), env=dict(env), cwd=str(cwd))
        until = time.monotonic() + timeout_s
        while (status := self.status(name)) is None and time.monotonic() < until:
            time.sleep(_POLL_S)
        if status is None:
            self.stop(name, signal.SIGKILL)
        return Attended(status, self._ask("said", name)["said"])

    def status(self, name: str) -> int | None:
        """None while the program runs, then its exit status (a signal's number negated)."""
        found: int | None = self._ask("status", name)["exit"]
        return found

    def stop(self, name: str, number: int, *, timeout_s: float = 10.0) -> None:
        """Send a signal and wait for the end; SIGKILL when that takes too long."""
        self._ask("signal", name, signal=int(number))
        until = time.monotonic() + timeout_s
        while self.status(name) is None:
            if time.monotonic() > until:
                self._ask("signal", name, signal=int(signal.SIGKILL))
            time.sleep(_POLL_S)

    def log(self, name: str) -> Path:
        """The file with what a program printed."""
        return self.folder / f"{name}.log"

    def told(self, name: str) -> str:
        """The last telling line of a program's log, for an error; empty without one."""
        try:
            lines = self.log(name).read_text(errors="replace").splitlines()
        except OSError:
            return ""
        lines = [line.strip() for line in lines if line.strip()]
        told = [line for line in lines if _FULL in line]
        told = told or [line for line in lines if any(word in line for word in _TELLING)]
        kept = [line for line in told or lines if not any(word in line for word in _NOISE)]
        return _STAMP.sub("", kept[-1]) if kept else ""

    def make(self, path: Path) -> Path:
        """Make a private folder below the guardian's, owned by the servers' user."""
        try:
            path.mkdir(mode=0o700)
            self.account.give(path)
        except OSError as error:
            raise _unwritten(path, error) from None
        return path

    def write(self, path: Path, content: str | bytes) -> Path:
        """Write a private file for the servers' user; what stood there is replaced.

        Raises:
            LabFailed: it cannot be written, for example when the disk is full.
        """
        data = content.encode() if isinstance(content, str) else content
        try:
            path.unlink(missing_ok=True)
            number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(number, "wb") as opened:
                opened.write(data)
            self.account.give(path)
        except OSError as error:
            raise _unwritten(path, error) from None
        return path

    def close(self) -> None:
        """Stop the servers and remove the folder; a second call does nothing.

        Raises:
            LabFailed: something of the folder could not be removed.
        """
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._end()
        until = time.monotonic() + _END_S
        while self.folder.exists() and time.monotonic() < until:
            # The guardian was killed, and a server may still be writing on its way out.
            shutil.rmtree(self.folder, ignore_errors=True)
            time.sleep(_POLL_S)
        if self.folder.exists():
            raise LabFailed(
                f"`{self.folder}` could not be removed",
                hint="nothing runs in it any more; remove it by hand",
            )

    def _end(self) -> None:
        assert self._guardian.stdin is not None and self._guardian.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._guardian.stdin.close()
        try:
            self._guardian.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._guardian.kill()
            self._guardian.wait()
        self._guardian.stdout.close()

    def _ask(self, do: str, name: str, **more: Any) -> dict[str, Any]:
        assert self._guardian.stdin is not None
        with self._one_at_a_time:
            self._number += 1
            request = {"n": self._number, "do": do, "name": name, **more}
            try:
                self._guardian.stdin.write(json.dumps(request).encode() + b"\n")
                self._guardian.stdin.flush()
            except (BrokenPipeError, ValueError):
                raise LabFailed(_GONE) from None
            return self._read()

    def _read(self) -> dict[str, Any]:
        """The answer to the last request; late ones to a request before it are dropped."""
        assert self._guardian.stdout is not None
        answer: dict[str, Any] = {"n": -1}
        while answer["n"] != self._number:
            try:
                line = self._guardian.stdout.readline()
            except ValueError:
                line = b""  # Another thread closed it.
            if not line:
                raise LabFailed(_GONE)
            answer = json.loads(line)
        if "error" in answer:
            raise LabFailed(f"a program cannot be run: {answer['error']}")
        return answer


def _unwritten(path: Path, error: OSError) -> LabFailed:
    return LabFailed(f"`{path.name}` cannot be written for the servers: {error.strerror}")
