"""Runs pgbench, PostgreSQL's own load generator, against one server at a time."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from repoint.adapters.runner import run
from repoint.errors import ToolFailed
from repoint.model.benchmark import Workload
from repoint.wire.login import Login

_TPS = re.compile(r"^tps = ([\d.]+) ", re.MULTILINE)
_FAILED = re.compile(r"^number of failed transactions: ([1-9]\d*)", re.MULTILINE)
_GRACE_S = 60.0


class Pgbench:
    """The load generator; the password reaches it in a file that only its user can read."""

    def __init__(self, program: str) -> None:
        self._program = program

    @property
    def version(self) -> str:
        """Such as `18.6`."""
        said = run([self._program, "--version"], tool="pgbench").stdout.decode(errors="replace")
        found = re.search(r"\d+(?:\.\d+)*", said)
        return found[0] if found else "unknown"

    def prepare(self, address: tuple[str, int], login: Login, scale: int) -> None:
        """Make pgbench's tables: `scale` times 100,000 accounts.

        Raises:
            ToolFailed: pgbench could not.
        """
        self._run(["--initialize", "--quiet", f"--scale={scale}"], address, login, 120.0)

    def measure(
        self, address: tuple[str, int], login: Login, workload: Workload, seconds: float
    ) -> float:
        """Transactions per second of one slice: `SELECT` of one account, over TLS.

        Connecting counts where the workload connects anew, and does not where it stays.

        Raises:
            ToolFailed: pgbench ended with an error, or a transaction failed.
        """
        said = self._run(slice_args(workload, seconds), address, login, seconds + _GRACE_S)
        return tps_of(said)

    def _run(
        self, args: Sequence[str], address: tuple[str, int], login: Login, timeout_s: float
    ) -> str:
        with tempfile.TemporaryDirectory(prefix="repoint-bench-") as folder:
            passfile = Path(folder) / "pgpass"
            with os.fdopen(os.open(passfile, os.O_WRONLY | os.O_CREAT, 0o600), "w") as opened:
                opened.write(f"*:*:*:*:{escaped(login.password.reveal())}\n")
            done = run(
                [self._program, *server_args(address, login), *args],
                tool="pgbench",
                env={
                    "PGPASSFILE": str(passfile),
                    "PGSSLMODE": "require",
                    "PGCONNECT_TIMEOUT": "10",
                },
                timeout=timeout_s,
            )
        if done.status != 0:
            raise ToolFailed(f"`pgbench` ended with status {done.status}: {done.note()}")
        return done.stdout.decode(errors="replace")


def server_args(address: tuple[str, int], login: Login) -> list[str]:
    """The arguments that name the server; the password is not among them."""
    host, port = address
    return [f"--host={host}", f"--port={port}", f"--username={login.user}", login.database]


def slice_args(workload: Workload, seconds: float) -> list[str]:
    """The arguments of one slice; two threads at most, the rest is for the servers."""
    args = [
        "--no-vacuum",
        "--select-only",
        f"--client={workload.clients}",
        f"--jobs={min(2, workload.clients)}",
        f"--time={max(1, round(seconds))}",
    ]
    return [*args, "--connect"] if workload.reconnect else args


def tps_of(said: str) -> float:
    """The transactions per second that pgbench printed.

    Raises:
        ToolFailed: it printed none, or some transactions failed.
    """
    found = _TPS.search(said)
    if found is None or float(found[1]) == 0:
        raise ToolFailed("`pgbench` printed no result")
    failed = _FAILED.search(said)
    if failed is not None:
        raise ToolFailed(f"`pgbench`: {failed[1]} transactions failed")
    return float(found[1])


def escaped(text: str) -> str:
    """A password as a pgpass file spells it."""
    return text.replace("\\", "\\\\").replace(":", "\\:")
