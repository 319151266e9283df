"""Runs pgbench, PostgreSQL's own load generator, against one server at a time."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from repoint.adapters.runner import run
from repoint.errors import ToolFailed
from repoint.model.benchmark import Workload
from repoint.model.sensitive import Sensitive
from repoint.wire.login import Login

_AGAIN = "run `repoint bench` again; `repoint doctor` tells which `pgbench` it uses"
_TPS = re.compile(r"^tps = ([\d.]+) ", re.MULTILINE)
_FAILED = re.compile(r"^number of failed transactions: ([1-9]\d*)", re.MULTILINE)
_GRACE_S = 60.0
_NOWHERE = "/nonexistent"


class Pgbench:
    """The load generator; the password reaches it in a file in memory."""

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
        with _passfile(login.password) as number:
            done = run(
                [self._program, *args, *server_args(address, login)],
                tool="pgbench",
                # Nothing of the user's own, not even a root.crt: `require` would verify with it.
                env={
                    "PGPASSFILE": f"/dev/fd/{number}",
                    "PGSSLMODE": "require",
                    "PGSSLROOTCERT": _NOWHERE,
                    "PGSSLCERT": _NOWHERE,
                    "PGCONNECT_TIMEOUT": "10",
                },
                timeout=timeout_s,
                pass_fds=(number,),
            )
        if done.status != 0:
            raise ToolFailed(f"`pgbench` ended with status {done.status}: {done.note()}")
        return done.stdout.decode(errors="replace")


@contextmanager
def _passfile(password: Sensitive) -> Iterator[int]:
    """A file in memory with the password: nothing of it is left when the process is killed."""
    if not hasattr(os, "memfd_create"):
        raise ToolFailed(
            "`repoint bench` hands pgbench its password in a way that only Linux has",
            hint="run it on Linux, or in a container",
        )
    number = os.memfd_create("pgpass")
    try:
        # libpq takes no password file that others may read.
        os.fchmod(number, 0o600)
        os.write(number, f"*:*:*:*:{escaped(password.reveal())}\n".encode())
        yield number
    finally:
        os.close(number)


def server_args(address: tuple[str, int], login: Login) -> list[str]:
    """The arguments that name the server; the password is not among them.

    The last one is a connection string whatever the names are: by itself a database called
    `host=..` would be one, too.
    """
    host, port = address
    pairs = (("host", host), ("port", str(port)), ("user", login.user), ("dbname", login.database))
    return [" ".join(f"{key}={_quoted(value)}" for key, value in pairs)]


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


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
        raise ToolFailed("`pgbench` printed no result", hint=_AGAIN)
    failed = _FAILED.search(said)
    if failed is not None:
        raise ToolFailed(f"`pgbench`: {failed[1]} transactions failed", hint=_AGAIN)
    return float(found[1])


def escaped(text: str) -> str:
    """A password as a pgpass file spells it."""
    return text.replace("\\", "\\\\").replace(":", "\\:")
