"""What a run leaves behind: processes, files and shared memory, by its own TMPDIR."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0
SHARED = Path("/dev/shm")
SEGMENTS = Path("/proc/sysvipc/shm")


class Watched:
    """A process with a TMPDIR of its own, and all that works in there."""

    def __init__(self, tmp: Path) -> None:
        self.tmp = tmp
        self._shared = shared_files(), idle_segments()
        self.process: subprocess.Popen[str] | None = None

    def start(
        self,
        argv: Sequence[str],
        *,
        cwd: Path = ROOT,
        env: Mapping[str, str] | None = None,
        stderr: int = subprocess.DEVNULL,
    ) -> subprocess.Popen[str]:
        self.process = subprocess.Popen(
            argv,
            cwd=cwd,
            env={**(os.environ if env is None else env), "TMPDIR": str(self.tmp)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            # A background shell's child would ignore it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        return self.process

    def processes(self) -> dict[int, str]:
        """The command lines of all that works in the folder or was started there, by id."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                where = str((entry / "cwd").readlink())
                variables = (entry / "environ").read_bytes().split(b"\0")
            except (OSError, UnicodeDecodeError):
                continue
            started = f"TMPDIR={self.tmp}".encode() in variables
            if started or str(self.tmp) in words or where.startswith(str(self.tmp)):
                found[int(entry.name)] = words
        return found

    def left(self) -> list[str]:
        """All that is still there."""
        files = [str(path) for path in self.tmp.iterdir()]
        shared = sorted(shared_files() - self._shared[0])
        segments = sorted(idle_segments() - self._shared[1])
        return [*self.processes().values(), *files, *shared, *segments]

    def gone(self) -> bool:
        return eventually(lambda: not self.left())


Kind = TypeVar("Kind", bound="Watched")


@contextmanager
def watched(kind: type[Kind]) -> Iterator[Kind]:
    """A TMPDIR that the servers' user can enter, which pytest's own folders forbid."""
    tmp = Path(tempfile.mkdtemp(prefix="lab-test-", dir="/tmp"))
    tmp.chmod(0o755)
    made = kind(tmp)
    try:
        yield made
    finally:
        if made.process is not None:
            made.process.kill()
            made.process.communicate()
        for pid in made.processes():
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(tmp, ignore_errors=True)


def shared_files() -> set[str]:
    """The servers' files of shared memory that no process uses: what a dead server left.

    Other servers of this machine come and go meanwhile.
    """
    found = {path.name for path in SHARED.glob("PostgreSQL.*")}
    if found:
        used = "".join(map(_maps, Path("/proc").glob("[0-9]*/maps")))
        found = {name for name in found if f"{SHARED}/{name}" not in used}
    return found


def _maps(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def idle_segments() -> set[str]:
    """Ids of System V segments that no process is attached to: what a dead server left."""
    lines = SEGMENTS.read_text().splitlines()
    place = lines[0].split().index("nattch")
    return {line.split()[1] for line in lines[1:] if line.split()[place] == "0"}


def eventually(question: Callable[[], object]) -> bool:
    """Whether it comes true in time."""
    until = time.monotonic() + PATIENCE_S
    while not question():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True
