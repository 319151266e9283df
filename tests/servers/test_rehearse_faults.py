"""Faults in the middle of `repoint rehearse` and `repoint bench`, and what they leave: nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.example import Checkout
from tests.servers.fix_lab import Servers
from tests.servers.leavings import PATIENCE_S, SEGMENTS, Watched, eventually, watched
from tests.servers.rehearsing import add, example

pytestmark = pytest.mark.servers

COMMANDS = {
    "rehearse": ("rehearse", "--env", "local"),
    "bench": ("bench", "--env", "local", "--rounds", "2", "--seconds", "1", "--scale", "1"),
}
SERVERS = {"postgres": " -D ", "pgbouncer": "pgbouncer.ini"}


class Run(Watched):
    """`repoint` in a checkout of the example, with a TMPDIR of its own."""

    def run(self, here: Checkout, *arguments: str) -> subprocess.Popen[str]:
        argv = here.argv(*arguments)
        return self.start(argv, env=here.environment, stderr=subprocess.PIPE)

    def servers(self, name: str) -> list[int]:
        """The process ids of the servers of one kind, none of their children."""
        return [pid for pid, words in self.processes().items() if SERVERS[name] in words]

    def serves(self) -> bool:
        """Whether checks are being asked: clients have logged in at a PgBouncer."""
        logs = (path.read_text(errors="replace") for path in self.tmp.glob("*/pgbouncer-*.log"))
        return any(text.count("login attempt") > 3 for text in logs)


@pytest.fixture
def run(real_servers: Servers) -> Iterator[Run]:
    real_servers.need()
    if not SEGMENTS.exists():
        pytest.skip("needs /proc to see what is left")
    with watched(Run) as made:
        yield made


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return example(tmp_path_factory.mktemp("faults"))


def assert_clean(run: Run, here: Checkout) -> None:
    """Nothing runs, nothing lies about, and the repository is what it was."""
    assert run.gone(), run.left()
    assert here.git("status", "--short") == ""
    assert not (here.root / ".repoint" / "rehearsals").exists()


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_that_is_killed_is_no_failed_check(run: Run, here: Checkout, name: str) -> None:
    process = run.run(here, *COMMANDS["rehearse"])
    assert eventually(run.serves)

    os.kill(run.servers(name)[0], signal.SIGKILL)

    told = process.communicate(timeout=PATIENCE_S)
    server = {"postgres": "PostgreSQL", "pgbouncer": "PgBouncer of "}[name]
    assert process.returncode == 1, told
    assert told[0] == ""
    assert told[1].startswith(f"error: {server}") and "died" in told[1].splitlines()[0]
    assert_clean(run, here)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_in_the_middle(
    run: Run, here: Checkout, command: str, number: signal.Signals
) -> None:
    process = run.run(here, *COMMANDS[command])
    assert eventually(lambda: run.servers("pgbouncer"))

    process.send_signal(number)

    told = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == (130 if number is signal.SIGINT else -number), told
    assert "Traceback" not in told[1] and told[0] == ""
    assert_clean(run, here)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("tenths", range(1, 50, 7))
def test_a_kill_at_any_time(run: Run, here: Checkout, command: str, tenths: int) -> None:
    process = run.run(here, *COMMANDS[command])
    time.sleep(tenths / 10)

    process.kill()

    process.communicate(timeout=PATIENCE_S)
    assert_clean(run, here)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_migration_command_ends_with_the_rehearsal(
    run: Run, tmp_path: Path, number: signal.Signals
) -> None:
    """It, and what it started and let go of."""
    here = example(tmp_path)
    script = "setsid sleep 1000 & trap '' INT; echo up > $TMPDIR/up; sleep 1000"
    add(here, "repoint.yaml", f'migrations:\n  - command: [sh, -c, "{script}"]\n')
    process = run.run(here, *COMMANDS["rehearse"], "--run-migrations")
    assert eventually(lambda: (run.tmp / "up").exists())
    (run.tmp / "up").unlink()

    process.send_signal(number)

    told = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == (130 if number is signal.SIGINT else -9), told
    assert_clean(run, here)


def test_a_slow_machine_fails_no_check(run: Run, here: Checkout) -> None:
    """Servers that stop for longer than a check waits, once: it is asked again."""
    process = run.run(here, *COMMANDS["rehearse"], "--no-record", "--format", "json")
    brake = threading.Thread(target=_brake, args=(run,))
    brake.start()
    out, err = process.communicate(timeout=5 * PATIENCE_S)
    brake.join()
    assert process.returncode in (0, 1), err
    checks = [one for row in json.loads(out)["consumers"] for one in row["checks"]]
    assert [one for one in checks if one["verdict"] == "fail"] == []
    assert sum(one["verdict"] == "pass" for one in checks) > 20
    assert_clean(run, here)


def _brake(run: Run) -> None:
    """Stop every server for a while, when the checks have begun."""
    if eventually(run.serves):
        pids = [pid for name in SERVERS for pid in run.servers(name)]
        _send(pids, signal.SIGSTOP)
        time.sleep(6)
        _send(pids, signal.SIGCONT)


def _send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
