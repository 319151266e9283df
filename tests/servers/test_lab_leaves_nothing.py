"""Whatever happens to a rehearsal, no process, no file and no shared memory stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.fix_lab import Servers
from tests.servers.leavings import PATIENCE_S, ROOT, SEGMENTS, Watched, eventually, watched

pytestmark = pytest.mark.servers


class Child(Watched):
    """A process with a laboratory."""

    def run(self, what: str) -> subprocess.Popen[str]:
        path = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
        argv = [sys.executable, "-m", "tests.servers.lab_child", what]
        return self.start(argv, env={**os.environ, "PYTHONPATH": path})

    def started(self, what: str) -> subprocess.Popen[str]:
        process = self.run(what)
        assert process.stdout is not None
        assert Path(process.stdout.readline().strip()).parent == self.tmp
        assert self.processes()
        return process


@pytest.fixture
def child(real_servers: Servers) -> Iterator[Child]:
    real_servers.need()
    if not SEGMENTS.exists():
        pytest.skip("needs /proc to see what is left")
    with watched(Child) as made:
        yield made


@pytest.mark.parametrize(("what", "status"), [("end", 0), ("fail", 1)])
def test_after_success_and_after_an_exception(child: Child, what: str, status: int) -> None:
    process = child.run(what)

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


def test_after_everybody_was_killed_the_next_one_cleans_up(child: Child) -> None:
    """As when a container or a job is ended: no guardian is left to do it."""
    process = child.started("wait")
    [guardian] = guardians(process.pid)
    for pid in (guardian, process.pid):
        os.kill(pid, signal.SIGKILL)
    process.wait(PATIENCE_S)
    assert eventually(lambda: not child.processes())
    [left] = child.tmp.iterdir()

    with Child(child.tmp).run("end") as other:
        assert other.wait(PATIENCE_S) == 0

    assert child.gone(), child.left()
    assert not left.exists()


def test_what_another_one_works_in_is_left_alone(child: Child) -> None:
    child.started("wait")
    [folder] = child.tmp.iterdir()

    with Child(child.tmp).run("end") as other:
        assert other.wait(PATIENCE_S) == 0

    assert list(child.tmp.iterdir()) == [folder]
    assert (folder / "data").is_dir()


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
    process = child.run("wait")
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
