"""Private servers on this machine: the programs, what runs of them, and load on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from repoint.model.benchmark import Workload
    from repoint.ports.connecting import Conversation
    from repoint.rehearsal.driver import Observation
    from repoint.rehearsal.lab import Attended, BouncerSpec, LabSpec
    from repoint.rules.facts import Connection
    from repoint.wire.login import Login


class PostgresPrograms(Protocol):
    """A PostgreSQL server on this machine."""

    @property
    def folder(self) -> Path:
        """Where `initdb` and `postgres` are."""
        ...

    @property
    def version(self) -> tuple[int, ...]:
        """Such as (18, 4)."""
        ...

    @property
    def tls(self) -> bool:
        """Whether it was built with TLS."""
        ...


class PgbouncerProgram(Protocol):
    """A PgBouncer on this machine."""

    @property
    def path(self) -> Path:
        """The program."""
        ...

    @property
    def version(self) -> tuple[int, ...]:
        """Such as (1, 24, 1)."""
        ...


class ServerPrograms(Protocol):
    """Finds the servers that a rehearsal runs."""

    def find_postgres(self, major: int) -> PostgresPrograms | None:
        """The best PostgreSQL of a major version (0 is any), None without one."""
        ...

    def find_pgbouncer(self, wanted: tuple[int, ...]) -> PgbouncerProgram | None:
        """The PgBouncer most like `wanted` (empty is any), None without one."""
        ...


class DriverObserver(Protocol):
    """Lets an installed driver itself log in."""

    def __call__(
        self,
        connection: Connection,
        login: Login,
        address: tuple[str, int],
        server_name: str,
        *,
        ca_file: Path | None,
        timeout_s: float = ...,
    ) -> Observation:
        """What the login's driver does with the string of `connection` at `address`.

        It believes to talk to `server_name` and trusts `ca_file` for a CA that the string
        names. A driver that is not installed is an observation too, and so
        is one that does not end within `timeout_s`.
        """
        ...


class RunningLab(Protocol):
    """The servers of one environment, up and answering."""

    @property
    def ca_file(self) -> Path:
        """The certificate of the Cluster's CA."""
        ...

    @property
    def postgres_version(self) -> str:
        """Such as `18.4`."""
        ...

    @property
    def pgbouncer_version(self) -> str:
        """Such as `1.24.1`."""
        ...

    @property
    def fidelity(self) -> tuple[str, ...]:
        """Every way in which these servers are not like production."""
        ...

    def files(self, bouncer: str) -> Mapping[str, str]:
        """The configuration files of a Pooler by name: `pgbouncer.ini`, `pg_hba.conf`."""
        ...

    def connect(self, host: str, login: Login, *, timeout_s: float = 5.0) -> Conversation:
        """Log in at the Service `host` (a full name of the spec), in the driver's manner.

        Raises:
            ServerRefusal: the server said no, with SQLSTATE and text.
            ConnectionLost: no answer in time, or the connection broke.
            DriverRefusal: the driver itself would not go on (certificate, channel binding).
        """
        ...

    def address(self, host: str) -> tuple[str, int]:
        """Where a Service of the spec listens here: loopback address and port."""
        ...

    def answers(self, host: str) -> bool:
        """What `pg_isready -h host` would say; it logs nobody in."""
        ...

    def superuser(self, database: str = "postgres") -> Conversation:
        """A superuser's connection straight to PostgreSQL, for repoint's own SQL alone."""
        ...

    def administrator(self, database: str = "postgres") -> Conversation:
        """A connection as the Cluster's `postgres`, for SQL of a repository.

        It is no superuser here, so that no SQL runs a program or opens a file.
        """
        ...

    def close_idle(self) -> None:
        """Let every PgBouncer close the server connections that nobody uses, where it can.

        Raises:
            LabFailed: one died.
        """
        ...

    def check(self) -> None:
        """Look whether every server that should run does.

        Raises:
            LabFailed: one died.
        """
        ...

    def attend(
        self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout_s: float
    ) -> Attended:
        """Run a program as repoint's own user; it ends with the servers, whatever happens.

        `env` is all that it gets, and may hold a password.

        Raises:
            LabFailed: it cannot be run.
        """
        ...

    def beside(self, bouncer: BouncerSpec) -> AbstractContextManager[None]:
        """Run one more PgBouncer while the block runs; `connect` reaches it by its `host`."""
        ...

    def stop_postgres(self) -> None:
        """Stop PostgreSQL, as a crash of the instance would."""
        ...

    def start_postgres(self) -> None:
        """Start it again, and wait until it takes logins."""
        ...


class Laboratory(Protocol):
    """Makes private servers that leave nothing behind."""

    def open(
        self, spec: LabSpec, *, said: Callable[[str], None] = ...
    ) -> AbstractContextManager[RunningLab]:
        """The servers of `spec`, up while the block runs; `said` is told each step.

        Raises:
            ServersMissing: no PostgreSQL or PgBouncer that is good enough is here.
            LabFailed: a server did not start; the message says why.
        """
        ...

    def abandon(self) -> None:
        """End every server that is up, now; whoever asks one is told that it died."""
        ...


class LoadGenerator(Protocol):
    """Makes load on one server at a time and measures it."""

    @property
    def version(self) -> str:
        """Such as `18.6`."""
        ...

    def prepare(self, address: tuple[str, int], login: Login, scale: int) -> None:
        """Make the tables that the load reads: `scale` times 100,000 rows.

        Raises:
            ToolFailed: it could not.
        """
        ...

    def measure(
        self, address: tuple[str, int], login: Login, workload: Workload, seconds: float
    ) -> float:
        """Transactions per second of one slice.

        Raises:
            ToolFailed: it ended with an error, or transactions failed.
        """
        ...
