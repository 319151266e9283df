"""Runs of `python -m repoint` in processes of their own, but without the start of each.

A process that has imported what the runs before it have imported forks for each run. What is
forked has the arguments, variables, folder and streams that it was given and no others; it ends
with a status, and nothing of it stays. A module that lies in the folder does not take the place of
one that is imported already. A test whose point is a signal, a limit, a terminal, the
seed of hashes or the start itself starts a process as a user does: `sys.executable -m repoint`.

With `--canaries` or under coverage, which both look into each start, every run is a start.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import defaultdict, deque
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

_OF_PYTHON = ("PYTHON", "LC_", "LANG", "TZ", "VIRTUAL_ENV")
"""Variables that an interpreter reads when it starts: each set of them has a process."""
_LOOK_IN = "COVERAGE_PROCESS_CONFIG"
_STARTS_EACH = threading.Event()
_LENGTH = 8
_IDLE: defaultdict[tuple[tuple[str, str], ...], deque[Preparer]] = defaultdict(deque)


def run(
    *arguments: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run repoint to its end, with nothing on stdin, as `subprocess.run` would."""
    variables = dict(os.environ if env is None else env)
    if _STARTS_EACH.is_set() or _LOOK_IN in variables:
        return start(*arguments, cwd=cwd, env=variables, timeout=timeout)
    key = tuple(sorted(item for item in variables.items() if item[0].startswith(_OF_PYTHON)))
    idle = _IDLE[key]
    # Another thread's run does not wait for this one.
    one = idle.pop() if idle else Preparer(dict(key))
    done = one.run(arguments, cwd or Path.cwd(), variables, timeout)
    idle.append(one)
    return done


def start(
    *arguments: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """The same in an interpreter that is started for it, whose hashes have a seed of their own."""
    return subprocess.run(
        [sys.executable, "-m", "repoint", *arguments],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def start_each() -> None:
    """From now on each run is a start, for whoever looks into starts."""
    _STARTS_EACH.set()


class Preparer:
    """The process that forks; it ends with the one that has started it."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                env=variables,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self._end)

    def run(
        self, arguments: tuple[str, ...], cwd: Path, env: Mapping[str, str], timeout: float | None
    ) -> subprocess.CompletedProcess[str]:
        """One run; a timeout is an error, and the run's end."""
        argv = [sys.executable, "-m", "repoint", *arguments]
        told = json.dumps({"arguments": arguments, "cwd": str(cwd), "env": dict(env)}).encode()
        with ExitStack() as stack:
            files = (os.fdopen(os.memfd_create(name), "r+b") for name in ("out", "err"))
            out, err = map(stack.enter_context, files)
            whole = len(told).to_bytes(_LENGTH, "big") + told
            socket.send_fds(self._socket, [whole[:_LENGTH]], [out.fileno(), err.fileno()])
            self._socket.sendall(whole[_LENGTH:])
            pid = json.loads(_line(self._socket))
            self._socket.settimeout(timeout)
            try:
                status = json.loads(_line(self._socket))
            except TimeoutError:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                self._socket.settimeout(None)
                _line(self._socket)
                raise subprocess.TimeoutExpired(argv, timeout or 0, _all(out), _all(err)) from None
            finally:
                self._socket.settimeout(None)
            return subprocess.CompletedProcess(argv, status, _all(out).decode(), _all(err).decode())

    def _end(self) -> None:
        self._socket.close()
        self._process.wait()


def _all(file: Any) -> bytes:
    file.seek(0)
    content: bytes = file.read()
    return content


def _line(connection: socket.socket) -> bytes:
    """The next line; an error where the other side is gone."""
    found = b""
    while not found.endswith(b"\n"):
        # Byte by byte: these lines are short, and nothing of the next may be taken.
        more = connection.recv(1)
        if not more:
            raise EOFError("the process that forks is gone")
        found += more
    return found


# The other side.


def serve(connection: socket.socket) -> None:
    """Fork for each request until there are no more, and import what the runs imported."""
    while True:
        head, streams, _, _ = socket.recv_fds(connection, _LENGTH, 2)
        if not head:
            return
        told = b""
        while len(told) < int.from_bytes(head, "big"):
            told += connection.recv(65536)
        learned, learns = os.pipe()
        pid = os.fork()
        if pid == 0:
            connection.close()
            os.close(learned)
            _be_repoint(json.loads(told), streams, learns)
        for one in (*streams, learns):
            os.close(one)
        connection.sendall(f"{pid}\n".encode())
        with os.fdopen(learned, encoding="utf-8") as names:
            imported = names.read().split()
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        connection.sendall(f"{status}\n".encode())
        for name in imported:
            # What only one run could import, such as a module of its folder, is left to it.
            with suppress(Exception):
                importlib.import_module(name)
        if imported:
            gc.collect()
            gc.freeze()


def _be_repoint(told: Mapping[str, Any], streams: list[int], learns: int) -> None:
    """What `python -m repoint` does with these arguments, streams, folder and variables."""
    os.dup2(streams[0], 1)
    os.dup2(streams[1], 2)
    for one in streams:
        os.close(one)
    os.chdir(told["cwd"])
    os.environ.clear()
    os.environ.update(told["env"])
    sys.path.insert(0, told["cwd"])
    sys.argv = [str(_REPOINT), *told["arguments"]]
    sys.orig_argv = [sys.executable, "-m", "repoint", *told["arguments"]]
    sys.stdout = os.fdopen(1, "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors)
    # Line by line, as Python has it: what a run said stays said, however it ends.
    sys.stderr = os.fdopen(2, "w", 1, encoding=sys.stderr.encoding, errors="backslashreplace")
    before = {*sys.modules}
    status = 1
    try:
        from repoint.cli.door import main

        main()
        status = 0
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        else:
            status = end.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os.write(learns, "\n".join({*sys.modules} - before).encode())
    os._exit(status & 0xFF)


_REPOINT = Path(__file__).parents[1] / "src" / "repoint" / "__main__.py"

if __name__ == "__main__":
    del sys.path[0]
    serve(socket.socket(fileno=int(sys.argv[1])))
