"""No password of the repository, and no throwaway, is anywhere while servers run, or after."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from repoint.adapters.runner import find_tool
from tests.acceptance.example import SECRETS, Checkout
from tests.servers.fix_lab import Servers
from tests.servers.leavings import PATIENCE_S, Watched, watched
from tests.servers.rehearsing import add, change, example

pytestmark = [pytest.mark.servers, pytest.mark.slow]

CANARY = "CANARYof/the+repo"
THROWAWAY = "throwawayTHROWNaway"
# The second half: a throwaway gets awkward characters after its ninth.
NEEDLES = tuple(
    spelling.encode()
    for text in ("CANARYof", "THROWNaway")
    for spelling in (text, base64.b64encode(f"{text}x".encode()).decode()[:8])
)


class Watcher(threading.Thread):
    """Looks again and again at what other users, or a kept file, could show."""

    def __init__(self, run: Watched) -> None:
        super().__init__()
        self._run = run
        self._ended = threading.Event()
        self.seen: set[str] = set()
        """Command lines that were seen."""
        self.found: set[str] = set()
        """Where a needle stands."""

    def run(self) -> None:
        while not self._ended.is_set():
            for pid, words in self._run.processes().items():
                self.seen.add(words)
                for name in ("cmdline", "environ"):
                    self.look(Path(f"/proc/{pid}/{name}"))
            for folder, _, names in os.walk(self._run.tmp):
                for name in names:
                    self.look(Path(folder, name))
            time.sleep(0.05)

    def look(self, path: Path) -> None:
        try:
            content = path.read_bytes() if path.is_file() else b""
        except OSError:
            return
        if any(needle in content for needle in NEEDLES):
            self.found.add(str(path))

    def end(self) -> None:
        self._ended.set()
        self.join()


@pytest.fixture
def run(real_servers: Servers) -> Iterator[Watched]:
    real_servers.need()
    with watched(Watched) as made:
        yield made


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The example with canaries for passwords, and a migration command that tells its own."""
    made = example(tmp_path_factory.mktemp("secrecy"))
    for path in SECRETS:
        for key, value in made.secret(path).items():
            sealed = with_canary(key, value)
            if sealed != value:
                where = f'["stringData"]["{key}"]'
                argv = [find_tool("sops"), "set", path, where, json.dumps(sealed)]
                subprocess.run(argv, cwd=made.root, env=made.environment, check=True)
        assert "CANARYof" in made.opened(path)
    # The only one that is told a throwaway: in a variable, since it has asked for it.
    add(
        made,
        "repoint.yaml",
        'migrations:\n  - command: [sh, -c, "echo $DATABASE_URL >&2; sleep 1; exit 3"]\n',
    )
    return made


def with_canary(key: str, value: str) -> str:
    """A secret's value with the canary for its password."""
    scheme, sign, rest = value.partition("://")
    if sign:
        name = rest.rpartition("@")[0].partition(":")[0]
        return f"{scheme}://{name}:{quote(CANARY, safe='')}@{rest.rpartition('@')[2]}"
    return CANARY if "PASSWORD" in key or "SECRET" in key else value


@pytest.fixture(scope="module")
def fixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that makes Python's throwaways known, first in PYTHONPATH."""
    folder = tmp_path_factory.mktemp("fixed")
    script = f"import secrets\nsecrets.token_urlsafe = lambda *_: {THROWAWAY!r}\n"
    (folder / "sitecustomize.py").write_text(script)
    return folder


def clean(
    run: Watched, here: Checkout, fixed: Path, arguments: tuple[str, ...], kept: Path
) -> subprocess.Popen[str]:
    """Run repoint under watch; nothing of it, or of what it leaves, holds a needle."""
    environment = {
        **here.environment,
        "PYTHONPATH": f"{fixed}:{here.environment['PYTHONPATH']}",
        "XDG_STATE_HOME": str(kept),
        "REPOINT_DEBUG": "1",
    }
    argv = [sys.executable, "-X", "dev", "-m", "repoint", *arguments]
    watcher = Watcher(run)
    process = run.start(argv, cwd=here.root, env=environment, stderr=subprocess.PIPE)
    watcher.start()
    try:
        told = process.communicate(timeout=3 * PATIENCE_S)
    finally:
        watcher.end()
    (kept / "told").write_text("".join(told))
    for path in (*kept.rglob("*"), *(here.root / ".repoint").rglob("*")):
        watcher.look(path)
    given = {one for one in watcher.found if one.endswith("/environ")}
    migrates = "--run-migrations" in arguments
    # That the command's own variable is found shows that the throwaway is the one looked for.
    assert bool(given) is migrates, told
    assert watcher.found == given, told
    assert any("guardian.py" in words for words in watcher.seen), told
    return process


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("rehearse", "--keep-logs", "{kept}/logs"), 0),
        (("rehearse", "--env", "staging", "--format", "json"), 0),
        (("rehearse", "--env", "local", "--format", "markdown", "--output", "{kept}/out"), 0),
        (("rehearse", "--env", "local", "--run-migrations", "--keep-logs", "{kept}/logs"), 1),
        (("bench", "--env", "local", "--rounds", "2", "--seconds", "1", "--scale", "1"), 0),
    ],
    ids=["all", "json", "markdown", "migrations", "bench"],
)
def test_no_password_is_anywhere(
    run: Watched,
    here: Checkout,
    fixed: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
    status: int,
) -> None:
    given = tuple(one.replace("{kept}", str(tmp_path)) for one in arguments)

    process = clean(run, here, fixed, given, tmp_path)

    assert process.returncode == status, (tmp_path / "told").read_text()


def test_nor_when_a_server_does_not_start(
    run: Watched, here: Checkout, fixed: Path, tmp_path: Path
) -> None:
    broken = here.copy(tmp_path / "broken")
    change(
        broken, "deploy/base/cnpg-cluster/cluster.yaml", '"100"', '"100"\n      wal_level: minimal'
    )
    kept = tmp_path / "kept"
    kept.mkdir()
    logs = ("--keep-logs", str(kept / "logs"))

    process = clean(run, broken, fixed, ("rehearse", "--env", "local", *logs), kept)

    assert process.returncode == 1
    assert "PostgreSQL does not start" in (kept / "told").read_text()


def test_the_watcher_sees_what_is_there(
    run: Watched, here: Checkout, fixed: Path, tmp_path: Path
) -> None:
    """A password that somebody prints or hands on is found: the search itself works."""
    command = "echo CANARYof > $TMPDIR/x; sleep 1; sh -c 'sleep 1; : THROWNaway'; rm $TMPDIR/x"
    watcher = Watcher(run)
    process = run.start(["sh", "-c", command])
    watcher.start()
    process.wait(PATIENCE_S)
    watcher.end()

    assert str(run.tmp / "x") in watcher.found
    assert any(one.endswith("/cmdline") for one in watcher.found)
