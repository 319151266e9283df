"""Whatever happens to a rehearsal, no process, no file and no shared memory stays behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers.fix_lab import Servers

pytestmark = pytest.mark.servers

ROOT = Path(__file__).parents[2]
PATIENCE_S = 30.0
SHARED = Path("/dev/shm")
SEGMENTS = Path("/proc/sysvipc/shm")


class Child:
    """A process with a laboratory, and a TMPDIR of its own."""

    def __init__(self, tmp: Path) -> None:
        self.tmp = tmp
        self._shared = shared_files(), idle_segments()
        self.process: subprocess.Popen[str] | None = None

    def start(self, what: str) -> subprocess.Popen[str]:
        path = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.servers.lab_child", what],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(self.tmp), "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        return self.process

    def started(self, what: str) -> subprocess.Popen[str]:
        process = self.start(what)
        assert process.stdout is not None
        assert Path(process.stdout.readline().strip()).parent == self.tmp
        assert self.processes()
        return process

    def processes(self) -> dict[int, str]:
        """The command lines of all that works in the folder, by process id."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                where = str((entry / "cwd").readlink())
            except OSError:
                continue
            if str(self.tmp) in words or where.startswith(str(self.tmp)):
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


def shared_files() -> set[str]:
    return {path.name for path in SHARED.glob("PostgreSQL.*")}


def idle_segments() -> set[str]:
    """Ids of System V segments that no process is attached to: what a dead server left."""
    lines = SEGMENTS.read_text().splitlines()
    place = lines[0].split().index("nattch")
    return {line.split()[1] for line in lines[1:] if line.split()[place] == "0"}


def eventually(question: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE_S
    while not question():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def child(real_servers: Servers) -> Iterator[Child]:
    real_servers.need()
    if not SEGMENTS.exists():
        pytest.skip("needs /proc to see what is left")
    # The servers' user must be able to enter it, which pytest's own folders forbid.
    tmp = Path(tempfile.mkdtemp(prefix="lab-test-", dir="/tmp"))
    tmp.chmod(0o755)
    made = Child(tmp)
    yield made
    if made.process is not None:
        made.process.kill()
        made.process.communicate()
    for pid in made.processes():
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(tmp, ignore_errors=True)


@pytest.mark.parametrize(("what", "status"), [("end", 0), ("fail", 1)])
def test_after_success_and_after_an_exception(child: Child, what: str, status: int) -> None:
    process = child.start(what)

    assert process.wait(PATIENCE_S) == status
    assert not child.processes()
    assert list(child.tmp.iterdir()) == []
    assert child.gone(), child.left()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_after_a_signal(child: Child, number: signal.Signals) -> None:
    process = child.started("wait")

    process.send_signal(number)

    assert process.wait(PATIENCE_S) != 0
    assert child.gone(), child.left()


def test_after_two_interrupts_in_a_row(child: Child) -> None:
    process = child.started("wait")

    for _ in range(3):
        process.send_signal(signal.SIGINT)

    process.wait(PATIENCE_S)
    assert child.gone(), child.left()


def test_after_a_signal_to_everything_but_the_parent(child: Child) -> None:
    """A terminal's Ctrl-C, or `kill` of the guardian, ends nothing: only the parent does."""
    process = child.started("wait")
    before = servers(child)

    for pid in guardians(process.pid):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(pid, number)

    assert servers(child) == before
    process.kill()
    assert child.gone(), child.left()


def test_after_the_guardian_was_killed(child: Child) -> None:
    process = child.started("wait")

    for pid in guardians(process.pid):
        os.kill(pid, signal.SIGKILL)
    process.send_signal(signal.SIGINT)

    process.wait(PATIENCE_S)
    assert child.gone(), child.left()


@pytest.mark.parametrize("word", [" -D ", "pgbouncer.ini"], ids=["postgres", "pgbouncer"])
def test_after_a_server_was_killed(child: Child, word: str) -> None:
    process = child.started("wait")
    victims = [pid for pid in servers(child) if word in child.processes()[pid]]
    assert len(victims) == 1

    os.kill(victims[0], signal.SIGKILL)
    assert eventually(lambda: victims[0] not in child.processes())
    process.send_signal(signal.SIGINT)

    process.wait(PATIENCE_S)
    assert child.gone(), child.left()


@pytest.mark.parametrize(
    "sign",
    ["*", "*/data", "*/data/base/1", "*/data/pg_wal/0*", "*/data/base/4", "*/s/.s.PGSQL.*", "*/b0"],
)
def test_killed_while_the_servers_are_being_made(child: Child, sign: str) -> None:
    """Killed as soon as a file is there: in initdb, in the bootstrap, at the first start."""
    process = child.start("wait")
    assert eventually(lambda: any(child.tmp.glob(sign)))

    process.kill()

    process.wait(PATIENCE_S)
    assert child.gone(), child.left()


def servers(child: Child) -> set[int]:
    """The servers and their guardian, without the processes that PostgreSQL makes and ends."""
    return {pid for pid, words in child.processes().items() if str(child.tmp) in words}


def guardians(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = entry.read_text()
        except OSError:
            continue
        if int(text.rpartition(")")[2].split()[1]) == parent:
            found.append(int(entry.parent.name))
    assert len(found) == 1
    return found
