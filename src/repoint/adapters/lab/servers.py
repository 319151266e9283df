"""The servers of a rehearsal, from nothing to nothing."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from repoint.adapters.lab.account import base_folder, servers_account
from repoint.adapters.lab.bouncer import Bouncer
from repoint.adapters.lab.certificates import Authority
from repoint.adapters.lab.contents import fill
from repoint.adapters.lab.fidelity import bouncer_gaps, common_gaps, dotted, postgres_gaps
from repoint.adapters.lab.guard import Guard
from repoint.adapters.lab.postgres import Postgres
from repoint.errors import LabFailed, ServersMissing
from repoint.model.sensitive import Sensitive
from repoint.ports.connecting import Conversation, Dial
from repoint.ports.servers import PgbouncerProgram, PostgresPrograms, RunningLab, ServerPrograms
from repoint.rehearsal.cluster_conf import BOOTSTRAP, SUPERUSER
from repoint.rehearsal.ini import AUTH_DATABASE, pgbouncer_hba, pgbouncer_ini
from repoint.rehearsal.lab import Attended, BouncerSpec, LabSpec
from repoint.wire.login import Login, Tls
from repoint.wire.refusals import ConnectionLost, DriverRefusal, ServerRefusal

_SETUP_S = 60.0
_LAST_BREATH_S = 0.05
# Whatever the Cluster's parameters, or the database's own, say to everybody else.
_AS_USUAL = (
    ("default_transaction_read_only", "off"),
    ("statement_timeout", "0"),
    ("lock_timeout", "0"),
    ("standard_conforming_strings", "on"),
)


def _silent(_text: str) -> None:
    """Tell nobody."""


class PrivateServers:
    """Makes private servers; `keep_logs` is a folder that gets their logs at the end."""

    def __init__(
        self, programs: ServerPrograms, dial: Dial, *, keep_logs: Path | None = None
    ) -> None:
        self._programs = programs
        self._dial = dial
        self._keep_logs = keep_logs
        self._up: list[Guard] = []
        self._abandoned = False

    @contextmanager
    def open(self, spec: LabSpec, *, said: Callable[[str], None] = _silent) -> Iterator[RunningLab]:
        """The servers of `spec`, up while the block runs; `said` is told each step.

        Raises:
            ServersMissing: no PostgreSQL or PgBouncer that is good enough is here.
            LabFailed: a server did not start; the message says why.
        """
        postgres = self._postgres(spec.postgres.major)
        for bouncer in spec.bouncers:
            self.pgbouncer(bouncer)
        account = servers_account()
        with Guard(account, base_folder(account)) as guard:
            self._up.append(guard)
            try:
                self._go_on()
                lab = PrivateLab(guard, postgres, spec, self)
                lab.set_up(said)
                yield lab
            finally:
                self._up.remove(guard)
                if self._keep_logs is not None:
                    try:
                        _copy_logs(guard.folder, self._keep_logs, spec.environment)
                    except OSError as error:
                        said(f"the servers' logs could not be kept: {error.strerror}")

    def abandon(self) -> None:
        """End every server that is up, now; none is started any more."""
        self._abandoned = True
        for guard in tuple(self._up):
            guard.close()

    def _go_on(self) -> None:
        if self._abandoned:
            raise LabFailed("the servers were given up")

    def dial(
        self, address: tuple[str, int] | Path, host: str, login: Login, ca: Path, timeout_s: float
    ) -> Conversation:
        """Log in with the client that this laboratory was given."""
        return self._dial(address, host, login, ca_file=ca, timeout_s=timeout_s)

    def pgbouncer(self, spec: BouncerSpec) -> PgbouncerProgram:
        """The PgBouncer to run for a Pooler.

        Raises:
            ServersMissing: there is none.
        """
        found = self._programs.find_pgbouncer(spec.version)
        if found is None:
            raise ServersMissing("there is no PgBouncer here that can stand in for a Pooler")
        return found

    def _postgres(self, major: int) -> PostgresPrograms:
        found = self._programs.find_postgres(major) or self._programs.find_postgres(0)
        if found is None:
            raise ServersMissing("there is no PostgreSQL server with TLS here")
        if not found.tls:
            raise ServersMissing(f"PostgreSQL in `{found.folder}` was built without TLS")
        return found


class PrivateLab:
    """The servers of one environment, up and answering."""

    def __init__(
        self, guard: Guard, programs: PostgresPrograms, spec: LabSpec, made_by: PrivateServers
    ) -> None:
        self._guard = guard
        self._programs = programs
        self._spec = spec
        self._made_by = made_by
        self._numbers = count()
        self._bouncers: dict[str, Bouncer] = {}
        self._gaps: list[str] = []
        self._stopped = False
        self._authority = Authority(spec.postgres.host.partition(".")[0])
        self._postgres = Postgres(guard, programs, self._authority)

    def set_up(self, said: Callable[[str], None]) -> None:
        """Start every server and give PostgreSQL its roles, databases and SQL.

        Raises:
            LabFailed: a server does not start, or refuses a statement.
        """
        said(f"starting PostgreSQL {self.postgres_version}")
        self._postgres.create(self._spec)
        self._postgres.start()
        said("making roles and databases")
        self._gaps += fill(self._spec.postgres, self._programs.version[0], self)
        self._gaps += postgres_gaps(self._spec.postgres, self._programs, self._postgres.not_taken)
        self._gaps += common_gaps() if self._spec.bouncers else ()
        for bouncer in self._spec.bouncers:
            said(f"starting PgBouncer for `{bouncer.name}`")
            self._bouncers[bouncer.host] = self._start(bouncer)
            self._gaps += bouncer_gaps(bouncer, self._made_by.pgbouncer(bouncer))

    @property
    def folder(self) -> Path:
        """Where the servers' files are while they run."""
        return self._guard.folder

    @property
    def ca_file(self) -> Path:
        """The certificate of the Cluster's CA."""
        return self._guard.folder / "certificates" / "ca.crt"

    @property
    def postgres_version(self) -> str:
        """Such as `18.4`."""
        return dotted(self._programs.version)

    @property
    def pgbouncer_version(self) -> str:
        """Such as `1.24.1`; several when the Poolers' differ, empty without a Pooler."""
        found = (dotted(self._made_by.pgbouncer(b).version) for b in self._spec.bouncers)
        return ", ".join(dict.fromkeys(found))

    @property
    def fidelity(self) -> tuple[str, ...]:
        """Every way in which these servers are not like production."""
        return tuple(self._gaps)

    def files(self, bouncer: str) -> Mapping[str, str]:
        """What CloudNativePG writes for the Pooler of that name, with its own paths.

        Raises:
            KeyError: the environment has no such Pooler.
        """
        spec = {one.name: one for one in self._spec.bouncers}[bouncer]
        return {"pgbouncer.ini": pgbouncer_ini(spec), "pg_hba.conf": pgbouncer_hba(spec)}

    def connect(self, host: str, login: Login, *, timeout_s: float = 5.0) -> Conversation:
        """Log in at the Service `host`, in the driver's manner.

        Raises:
            ServerRefusal: the server said no, with SQLSTATE and text.
            ConnectionLost: no answer in time, or the connection broke.
            DriverRefusal: the driver itself would not go on.
            LabFailed: the server behind `host` died.
        """
        try:
            return self._made_by.dial(self.address(host), host, login, self.ca_file, timeout_s)
        except (ConnectionLost, ServerRefusal):
            # A server of ours that died is no finding about a consumer.
            time.sleep(_LAST_BREATH_S)
            self._check_alive(host)
            raise

    def address(self, host: str) -> tuple[str, int]:
        """Where the Service `host` is on this machine.

        Raises:
            KeyError: no server of the environment has that host.
        """
        if host in self._bouncers:
            return ("127.0.0.1", self._bouncers[host].port)
        if host == self._spec.postgres.host:
            return ("127.0.0.1", self._postgres.port)
        raise KeyError(host)

    def answers(self, host: str) -> bool:
        """What `pg_isready -h host` would say; it logs nobody in."""
        return self._server(host).answers()

    def superuser(self, database: str = AUTH_DATABASE) -> Conversation:
        """A superuser's connection straight to PostgreSQL, over its private socket.

        Raises:
            LabFailed: PostgreSQL died, or has no such database.
        """
        return self._locally(BOOTSTRAP, database)

    def administrator(self, database: str = AUTH_DATABASE) -> Conversation:
        """A connection as the Cluster's `postgres`, for SQL that is not repoint's own.

        Raises:
            LabFailed: as for `superuser`.
        """
        return self._locally(SUPERUSER, database)

    def console(self, host: str) -> Conversation:
        """PgBouncer's own console, for `SHOW` and `RECONNECT`."""
        bouncer = self._bouncers[host]
        login = Login("repoint", "pgbouncer", Sensitive(""), "pgbouncer", tls=Tls("never"))
        path = bouncer.folder / f".s.PGSQL.{bouncer.port}"
        return self._made_by.dial(path, "", login, self.ca_file, _SETUP_S)

    def close_idle(self) -> None:
        """Let every PgBouncer close the server connections that nobody uses.

        One whose Pooler sets an `auth_type` of its own may not let anybody at its console: it
        goes on as it is.

        Raises:
            LabFailed: one died.
        """
        try:
            for host in self._bouncers:
                with contextlib.closing(self.console(host)) as session:
                    session.query("RECONNECT")
        except (ConnectionLost, ServerRefusal, DriverRefusal):
            self.check()

    def check(self) -> None:
        """Look whether every server that should run does.

        Raises:
            LabFailed: one died.
        """
        # A dying process closes its sockets a moment before its parent hears of it.
        time.sleep(_LAST_BREATH_S)
        for host in tuple(self._bouncers):
            self._check_alive(host)
        self._check_alive("")

    def attend(
        self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout_s: float
    ) -> Attended:
        """Run a program as repoint's own user; it ends with the servers, whatever happens.

        Raises:
            LabFailed: it cannot be run.
        """
        return self._guard.attend(argv, cwd=cwd, env=env, timeout_s=timeout_s)

    @contextmanager
    def beside(self, bouncer: BouncerSpec) -> Iterator[None]:
        """Run one more PgBouncer while the block runs; `connect` reaches it by its `host`.

        One that already has that host is hidden for as long.
        """
        hidden = self._bouncers.get(bouncer.host)
        started = self._start(bouncer)
        self._bouncers[bouncer.host] = started
        try:
            yield
        finally:
            del self._bouncers[bouncer.host]
            if hidden is not None:
                self._bouncers[bouncer.host] = hidden
            started.stop()

    def stop_postgres(self) -> None:
        """Stop PostgreSQL, as a crash of the instance would."""
        self._stopped = True
        self._postgres.stop()

    def start_postgres(self) -> None:
        """Start it again at its old port, and wait until it takes logins."""
        self._postgres.start(again=True)
        self._stopped = False

    def _start(self, spec: BouncerSpec) -> Bouncer:
        program = self._made_by.pgbouncer(spec)
        bouncer = Bouncer(self._guard, program, spec, next(self._numbers))
        bouncer.configure(self._authority)
        bouncer.start(self._postgres.port)
        return bouncer

    def _locally(self, user: str, database: str) -> Conversation:
        login = Login("repoint", user, Sensitive(""), database, _AS_USUAL, tls=Tls("never"))
        try:
            return self._made_by.dial(self._postgres.socket, "", login, self.ca_file, _SETUP_S)
        except (ConnectionLost, ServerRefusal) as error:
            time.sleep(_LAST_BREATH_S)
            self._check_alive("")
            why = error.sqlstate if isinstance(error, ServerRefusal) else error.reason
            raise LabFailed(f"database `{database}` cannot be entered: {why}") from None

    def _server(self, host: str) -> Bouncer | Postgres:
        return self._bouncers.get(host) or self._postgres

    def _check_alive(self, host: str) -> None:
        bouncer = self._bouncers.get(host)
        if bouncer is not None and not bouncer.alive():
            raise bouncer.failed("died") from None
        if not self._stopped and not self._postgres.alive():
            raise self._postgres.failed("died") from None


def _copy_logs(folder: Path, into: Path, environment: str) -> None:
    into.mkdir(parents=True, exist_ok=True)
    for log in folder.glob("*.log"):
        kept = into / f"{environment.replace('/', '-')}-{log.name}"
        kept.touch(0o600)
        shutil.copyfile(log, kept)
