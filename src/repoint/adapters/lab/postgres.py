"""A private PostgreSQL, set up as CloudNativePG sets up a Cluster's primary."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from repoint.adapters.lab.account import local_user
from repoint.adapters.lab.certificates import Authority
from repoint.adapters.lab.guard import Guard
from repoint.adapters.lab.ports import LOOPBACK, answers, free_port
from repoint.errors import LabFailed
from repoint.ports.servers import PostgresPrograms
from repoint.rehearsal.cluster_conf import (
    BOOTSTRAP,
    PARAMETERS,
    Instance,
    parameters_conf,
    postgres_hba,
    postgres_ident,
    postgresql_conf,
    takeable,
)
from repoint.rehearsal.lab import LabSpec

NAME = "postgres"
_INITDB_S = 120.0
_START_S = 60.0
_POLL_S = 0.01
_TRIES = 5
_TAKEN = "could not bind"
_READY_LINE = 7


class Postgres:
    """One instance below the guard's folder; `port` is its own on 127.0.0.1."""

    def __init__(self, guard: Guard, programs: PostgresPrograms, authority: Authority) -> None:
        self._guard = guard
        self._programs = programs
        self._authority = authority
        self._data = guard.folder / "data"
        self.sockets = guard.make(guard.folder / "s")
        self.port = 0
        self.not_taken: tuple[str, ...] = ()
        """Names of the Cluster's parameters that this instance runs without."""

    @property
    def socket(self) -> Path:
        """The Unix socket, in a folder that only the servers' user may enter."""
        return self.sockets / f".s.PGSQL.{self.port}"

    def create(self, spec: LabSpec) -> None:
        """Make the data directory, with certificates and configuration.

        Raises:
            LabFailed: initdb failed; the message has the line that says why.
        """
        status = self._guard.run("initdb", self._initdb(), timeout_s=_INITDB_S)
        if status != 0:
            told = self._guard.told("initdb").removeprefix("initdb: ")
            raise LabFailed(f"initdb failed: {told}")
        self._certify(spec)
        instance = self._configure()
        self._guard.write(self._data / "pg_hba.conf", postgres_hba(spec.postgres))
        self._guard.write(self._data / "pg_ident.conf", postgres_ident(instance))
        self._take(spec)

    def start(self, *, again: bool = False) -> None:
        """Start it and wait until it takes logins; `again` at the port that it had.

        Raises:
            LabFailed: it does not start.
        """
        for _ in range(1 if again else _TRIES):
            argv = [self._program("postgres"), "-D", str(self._data)]
            if self._comes_up(self._guard.start(NAME, argv)):
                return
            if _TAKEN not in self._guard.log(NAME).read_text(errors="replace"):
                break
            # Somebody took the port between our look and now: another one, then.
            self._guard.log(NAME).unlink()
            self._configure()
        raise self.failed("does not start")

    def stop(self) -> None:
        """End it at once, as a crash of the instance would."""
        self._guard.stop(NAME, signal.SIGQUIT)

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._guard.status(NAME) is None

    def answers(self) -> bool:
        """What `pg_isready` would say of it."""
        return answers(self.port)

    def failed(self, how: str, program: str = NAME) -> LabFailed:
        """The error for a PostgreSQL that `how`: does not start, or died."""
        told = self._guard.told(program)
        return LabFailed(f"PostgreSQL {how}" + (f": {told}" if told else ""))

    def _initdb(self) -> list[str]:
        """The argv, with the encoding and locale of CloudNativePG's `bootstrap.initdb`."""
        return [
            self._program("initdb"),
            *("-D", str(self._data), "-U", BOOTSTRAP, "-E", "UTF8", "--locale=C"),
            # A peer-only start: its pg_hba.conf is replaced before the server ever runs.
            *("--auth=peer", "--no-sync", "--no-clean", "--wal-segsize=1"),
        ]

    def _program(self, name: str) -> str:
        return str(self._programs.folder / name)

    def _certify(self, spec: LabSpec) -> None:
        folder = self._guard.make(self._guard.folder / "certificates")
        modes = [dict(one.parameters).get("server_tls_sslmode") for one in spec.bouncers]
        # PgBouncer reaches it by address here, and by name in production.
        addresses = (LOOPBACK,) if "verify-full" in modes else ()
        pair = self._authority.server(spec.postgres.names, addresses)
        self._guard.write(folder / "ca.crt", self._authority.certificate)
        self._guard.write(folder / "server.crt", pair.certificate)
        self._guard.write(folder / "server.key", pair.key)

    def _configure(self) -> Instance:
        self.port = free_port()
        certificates = str(self._guard.folder / "certificates")
        instance = Instance(str(self.sockets), certificates, self.port, local_user())
        self._guard.write(self._data / "postgresql.conf", postgresql_conf(instance))
        return instance

    def _take(self, spec: LabSpec) -> None:
        """Give it the Cluster's parameters, without those that it does not take."""
        wanted, left = takeable(spec.postgres)
        if not self._takes(wanted):
            bad = {name for name, value in wanted.items() if not self._takes({name: value})}
            wanted = {name: value for name, value in wanted.items() if name not in bad}
            left = tuple(sorted({*left, *bad}))
            if not self._takes(wanted):
                raise self.failed("does not start", "parameters")
        self.not_taken = left

    def _takes(self, parameters: dict[str, str]) -> bool:
        self._guard.write(self._data / PARAMETERS, parameters_conf(parameters))
        argv = [self._program("postgres"), "-D", str(self._data), "-C", "max_connections"]
        return self._guard.run("parameters", argv, timeout_s=_START_S) == 0

    def _comes_up(self, pid: int) -> bool:
        """Wait for the line of postmaster.pid that pg_ctl waits for, too."""
        until = time.monotonic() + _START_S
        while self._guard.status(NAME) is None:
            if self._is_ready(pid):
                return True
            if time.monotonic() > until:
                raise LabFailed(f"PostgreSQL takes no logins after {_START_S:g} s")
            time.sleep(_POLL_S)
        return False

    def _is_ready(self, pid: int) -> bool:
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        ready = len(lines) > _READY_LINE and lines[_READY_LINE].strip() == "ready"
        return ready and lines[0] == str(pid)
