"""One container of a pod, as long as the pod lives: started again, it is still the same one."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from repoint.adapters.lab.guard import Guard
from tests.cluster.world.images import BIN, PATH, Image
from tests.cluster.world.network import Sandbox

_SHIM = Path(__file__).with_name("shim.py")
_NUMBERS = count(1)
_POLL_S = 0.02


@dataclass
class Container:
    """A container by its specification; `folder` holds what it needs, `etc` is its pod's."""

    guard: Guard
    spec: Any
    image: Image
    folder: Path
    etc: Path
    sandbox: Sandbox
    hostname: str
    restarts: int = 0
    ready: bool = False
    started: bool = False
    waiting: str = "PodInitializing"
    """Why it does not run, where it has never run or runs again later."""
    _program: str = ""
    _pid: int = 0
    _since: str = ""
    _ended: dict[str, Any] = field(default_factory=dict)
    _before: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def log(self) -> Path:
        """What it printed, in the form that kubelets write; all its runs."""
        return self.folder / f"{self.name}.log"

    @property
    def running(self) -> bool:
        return self._program != ""

    @property
    def exit_code(self) -> int | None:
        """How its last run ended; None while it runs, or where it never did."""
        return None if self.running else self._ended.get("exitCode")

    def start(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        uid: int,
        binds: Sequence[tuple[str, str]],
    ) -> None:
        """Run it; `binds` are its volumes, as pairs of a place outside and one inside."""
        number = next(_NUMBERS)
        self._program = f"container-{number}"
        folder = self.folder / self._program
        root, programs = folder / "root", folder / "bin"
        root.mkdir(parents=True)
        programs.mkdir()
        for name, program in self.image.programs.items():
            (programs / name).symlink_to(program)
        single = [(str(file), f"{BIN}/{name}") for name, file in self.image.single.items()]
        own = [(str(outside), inside) for outside, inside in self.image.binds]
        everything = [(str(programs), BIN), *single, *own, *binds]
        spec = {
            "network": self.sandbox.path,
            "hostname": self.hostname,
            "root": str(root),
            "etc": str(self.etc),
            "binds": [pair for pair in everything if Path(pair[0]).exists()],
            "argv": list(argv),
            "cwd": self.spec.get("workingDir", "/"),
            "uid": uid,
            "gid": uid,
            "log": str(self.log),
        }
        file = self.guard.write(folder / "spec.json", json.dumps(spec))
        shim = [sys.executable, "-I", "-S", str(_SHIM), str(file)]
        variables = {"PATH": PATH, **self.image.variables, **env}
        self._pid = self.guard.start(self._program, shim, env=variables, stop=signal.SIGKILL)
        self._since = now()
        self._ended = {}
        self.waiting = ""

    def look(self) -> bool:
        """Whether it has ended since the last look; then it is known how."""
        if not self.running:
            return False
        status = self.guard.status(self._program)
        if status is None:
            return False
        code = status if status >= 0 else 128 - status
        self._before = self._ended = {
            "exitCode": code,
            "reason": "Completed" if code == 0 else "Error",
            "startedAt": self._since,
            "finishedAt": now(),
        }
        shutil.rmtree(self.folder / self._program, ignore_errors=True)
        self._program = ""
        self.ready = self.started = False
        return True

    def stop(self, grace_s: float) -> None:
        """Ask it to end, and end it when it does not."""
        if not self.running:
            return
        self.tell(self.image.stop)
        end = time.monotonic() + grace_s
        while self.running and not self.look():
            if time.monotonic() > end:
                # The program dies with its shim.
                self.tell(signal.SIGKILL)
            time.sleep(_POLL_S)

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, number)

    def run(self, argv: Sequence[str], timeout_s: float) -> bool:
        """Run a command inside, as `kubectl exec` does; whether it succeeded in time."""
        into = ["nsenter", "-t", str(self._pid), "-m", "-n", "-u", "-i", "-r", "-w", "--"]
        with contextlib.suppress(subprocess.TimeoutExpired):
            done = subprocess.run(
                [*into, *argv], env={"PATH": PATH}, capture_output=True, timeout=timeout_s
            )
            return done.returncode == 0
        return False

    def state(self) -> dict[str, Any]:
        """Its part of the pod's status."""
        if self.running:
            state: dict[str, Any] = {"running": {"startedAt": self._since}}
        elif self.waiting:
            state = {"waiting": {"reason": self.waiting}}
        else:
            state = {"terminated": self._ended}
        found = {
            "name": self.name,
            "image": self.spec["image"],
            "imageID": "",
            "ready": self.ready,
            "started": self.started,
            "restartCount": self.restarts,
            "state": state,
        }
        return {**found, "lastState": {"terminated": self._before}} if self.restarts else found


def now() -> str:
    """The time, as Kubernetes writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
