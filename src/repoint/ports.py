"""What the flows need of the world, as protocols; adapters implement them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from repoint.model.benchmark import Workload
    from repoint.model.cluster import Document, ObjectRef
    from repoint.model.receipt import FileWrite
    from repoint.rehearsal.driver import Observation
    from repoint.rehearsal.lab import Attended, BouncerSpec, LabSpec
    from repoint.rules.facts import Connection
    from repoint.wire.login import Login, Statements

Result = TypeVar("Result")


class Aside(Protocol):
    """Does work at the same time as the caller, on the same memory, where that is possible."""

    def __call__(self, pieces: Sequence[Callable[[], Result]], /) -> Callable[[], list[Result]]:
        """Start on at most 256 `pieces`, which change nothing that is seen outside.

        What comes back gives their results, in their order: the caller takes part then, in what
        is left. A result is a copy where another process made it. A `RepointError` of a piece is
        raised where the results are asked for.
        """
        ...


class Tree(Protocol):
    """The repository's files, read once each."""

    def paths(self) -> tuple[str, ...]:
        """Every file that git tracks or does not ignore, sorted; all files without git."""
        ...

    def read(self, path: str) -> bytes:
        """The bytes of a file.

        Raises:
            FileRefused: it is missing, not a regular file, or leaves the repository.
        """
        ...

    def glance(self, path: str) -> bytes:
        """The bytes of a file, not kept in memory for a second look; errors as for `read`."""
        ...

    def keep(self, path: str, raw: bytes) -> None:
        """Keep what `glance` gave, here or in a copy of this process: `read` gives it again."""
        ...

    def exists(self, path: str) -> bool:
        """Whether `path` is a regular file of the repository."""
        ...


class WritableTree(Tree, Protocol):
    """A tree that the writing verbs change, all or nothing."""

    def read_again(self, path: str) -> bytes:
        """The bytes of a file as they are on disk now; errors as for `read`."""
        ...

    def is_there(self, path: str) -> bool:
        """Whether anything stands at `path`, be it no regular file.

        Raises:
            FileRefused: the path leads out of the repository.
        """
        ...

    def locked(self, verb: str) -> AbstractContextManager[None]:
        """Hold the repository's lock while the block runs.

        Raises:
            LockHeld: another run holds it.
        """
        ...

    def recover(self) -> str:
        """Finish or undo what a killed run left: `finished`, `undone`, or empty.

        Raises:
            HalfDone: neither can be done.
        """
        ...

    def commit(self, verb: str, writes: Sequence[FileWrite]) -> None:
        """Make every write come true, or none, whatever happens.

        Raises:
            StalePlan: a file is not what its `before` says.
            FileRefused: a file cannot be replaced.
        """
        ...

    def dirty(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Those of `paths` with changes that are not committed."""
        ...

    def files_in(self, folder: str) -> tuple[str, ...]:
        """The regular files of a folder, repoint's own included, sorted; none without it."""
        ...

    def folders_to_make(self, path: str) -> tuple[str, ...]:
        """Folders that are missing above `path`, outermost first."""
        ...


class SecretStore(Protocol):
    """Opens sealed values; plain text stays in memory."""

    def decrypt(self, path: str) -> bytes:
        """The decrypted document of a sops file, for reading only.

        Raises:
            SealedFile: no key at hand opens it, or it is damaged.
            ToolMissing: sops is not installed.
        """
        ...

    def prefetch(self, paths: Sequence[str]) -> None:
        """Open files that `decrypt` will be asked for, faster than one after another.

        Raises nothing: `decrypt` raises what went wrong with its file.
        """
        ...


class SealedEditor(SecretStore, Protocol):
    """Changes sealed values; nothing is written, ciphertext comes back."""

    def open(self, path: str, raw: bytes) -> bytes:
        """The decrypted document of sealed bytes; errors as for `decrypt`.

        `path` tells the format.
        """
        ...

    def open_ahead(self, raws: Mapping[str, bytes]) -> None:
        """Open sealed bytes, by path, that `open` will be asked for; as `prefetch`."""
        ...

    def set_value(self, path: str, raw: bytes, pointer: str, value: str) -> bytes:
        """`raw` with the value at `pointer` (as sops spells it) set, or added at the end.

        Every byte but that value, `mac` and `lastmodified` is kept.

        Raises:
            EditRefused: the result does not read back as that one change.
            SealedFile: no key at hand opens it.
        """
        ...

    def remove_value(self, path: str, raw: bytes, pointer: str) -> bytes:
        """`raw` without the entry at `pointer`; errors as for `set_value`."""
        ...


class Renderer(Protocol):
    """Builds an overlay as the cluster would get it."""

    @property
    def version(self) -> str:
        """The tool and its version, for the evidence."""
        ...

    @property
    def mark(self) -> str:
        """Differs where the tool, or what it sees of the environment, may render otherwise."""
        ...

    def within(self, reads: Mapping[str, Collection[str]]) -> Renderer:
        """The same renderer, each overlay with these files of the tree alone.

        Of changed files those that it reads, and new ones in its folders, are there. A build
        fails that lacks one.
        """
        ...

    def render(
        self, overlays: Iterable[str], changed: Mapping[str, bytes]
    ) -> Mapping[str, Rendered]:
        """Each overlay's render with `changed` files laid over the tree.

        `changed` maps paths to new contents (new files included). Works in a
        private copy that is removed afterwards; the tree itself is never written.
        """
        ...


class Rendered(Protocol):
    """The outcome of one build: the YAML stream, or why there is none."""

    @property
    def text(self) -> str | None:
        """The rendered multi-document YAML, None when the build failed."""
        ...

    @property
    def error(self) -> str:
        """Why the build failed, one line, secrets masked; empty on success."""
        ...


class KeptResults(Protocol):
    """Results of earlier runs, found by all that they depend on; nobody needs them."""

    def recall(self, question: Sequence[bytes]) -> bytes | None:
        """The answer to the very same question; None without one. Never a wrong one."""
        ...

    def keep(self, question: Sequence[bytes], answer: bytes) -> None:
        """Keep an answer, which holds no secret, where that can be done; raises nothing."""
        ...


class Progress(Protocol):
    """Tells a person how far a long step is; silent when nobody looks."""

    def step(self, label: str, total: int | None = None) -> None:
        """Begin a step of `total` units (unknown when None)."""
        ...

    def advance(self, count: int = 1) -> None:
        """`count` more units are done."""
        ...

    def at(self, place: str) -> None:
        """What is worked on now, such as a path; no value of it."""
        ...


class Conversation(Protocol):
    """A connection to a server, in the manner of one driver.

    Errors that the server sends are raised as `ServerRefusal` (SQLSTATE and text); a
    connection that breaks, or an answer that does not come in time, as `ConnectionLost`.
    """

    @property
    def parameters(self) -> Mapping[str, str]:
        """What the server reports (`ParameterStatus`), such as `search_path` from 18 on."""
        ...

    @property
    def backend_pid(self) -> int:
        """The process id that the server gave for cancelling; PgBouncer's is made up."""
        ...

    @property
    def local_port(self) -> int:
        """The client's own TCP port, which PostgreSQL sees only without a pooler."""
        ...

    @property
    def tls(self) -> str:
        """The TLS version in use, such as `TLSv1.3`; empty for clear text."""
        ...

    def query(self, sql: str) -> tuple[tuple[str | None, ...], ...]:
        """Run SQL text in the simple protocol; the rows of the last result, values as text."""
        ...

    def run(
        self, sql: str, args: Sequence[str] = (), statements: Statements | None = None
    ) -> tuple[tuple[str | None, ...], ...]:
        """Run one statement with `$1` arguments as the driver sends it."""
        ...

    def prepare(self, sql: str) -> None:
        """The first round trip of a driver with two: Parse and Describe, unnamed."""
        ...

    def execute(self, args: Sequence[str] = ()) -> tuple[tuple[str | None, ...], ...]:
        """The second round trip: Bind and Execute of what was parsed last."""
        ...

    def notifications(self, timeout_s: float) -> tuple[tuple[str, str], ...]:
        """`(channel, payload)` of what arrives within `timeout_s` seconds."""
        ...

    def close(self) -> None:
        """Say goodbye and close; a second call does nothing."""
        ...


class Dial(Protocol):
    """Opens a connection and logs in as a driver would."""

    def __call__(
        self,
        address: tuple[str, int] | Path,
        server_name: str,
        login: Login,
        *,
        ca_file: Path | None,
        timeout_s: float,
    ) -> Conversation:
        """Log in at an address and port, or at the path of a Unix socket.

        `server_name` is the host that the driver believes to talk to; its certificate is
        checked against it. `ca_file` is the CA to believe; None is the system's.

        Raises:
            ServerRefusal: the server said no, with SQLSTATE and text.
            ConnectionLost: no answer in time, or the connection broke.
            DriverRefusal: the driver itself would not go on.
        """
        ...


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


class ClusterApi(Protocol):
    """A Kubernetes API server, under one context of the user's kubeconfig.

    What it refuses is raised as `ClusterRefused` (its `reason` is the API's: `Forbidden`,
    `Conflict`, `Invalid`, `Unauthorized` ...); an API server that does not answer, after
    patience with requests that may be repeated, as `ClusterLost`. No message holds a value of a
    Secret. Reads return None or nothing for what is not there, also for a kind that the
    server does not know.
    """

    @property
    def context(self) -> str:
        """The context's name."""
        ...

    def get(self, ref: ObjectRef) -> Document | None:
        """The object as it is now; None when it is not there."""
        ...

    def list(
        self, api_version: str, kind: str, namespace: str, *, labels: str = "", fields: str = ""
    ) -> tuple[Document, ...]:
        """The objects of a kind in a namespace, or (when empty) in all; selectors as in kubectl."""
        ...

    def apply(self, document: Document, *, dry_run: bool = False, force: bool = False) -> Document:
        """Server-side apply as field manager `repoint`; the object afterwards.

        With `force` fields that another manager owns are taken over; without it that is
        refused as `Conflict`, whose `causes` are pairs of manager and field.
        """
        ...

    def create(self, document: Document, *, dry_run: bool = False) -> Document:
        """Make an object that is not there; the object afterwards."""
        ...

    def replace(self, document: Document) -> Document:
        """Write a whole object; refused as `Conflict` where it is not made from the newest."""
        ...

    def merge(self, ref: ObjectRef, patch: Document, *, dry_run: bool = False) -> Document:
        """JSON merge patch; the object afterwards."""
        ...

    def delete(self, ref: ObjectRef, *, uid: str = "", dry_run: bool = False) -> None:
        """Delete an object and, in the background, what it owns; nothing happens without it.

        With `uid` only that very object, else it is refused as `Conflict`.
        """
        ...

    def watch(
        self,
        api_version: str,
        kind: str,
        namespace: str,
        *,
        labels: str = "",
        fields: str = "",
        timeout_s: float,
    ) -> Iterator[tuple[str, Document]]:
        """`(ADDED, MODIFIED or DELETED, object)` as they happen, what is there first.

        It ends after `timeout_s` seconds. A connection that breaks is opened again, and what
        is there is told again.
        """
        ...

    def logs(
        self, namespace: str, pod: str, container: str, *, lines: int = 50, previous: bool = False
    ) -> str:
        """The last lines of a container's log, passwords masked."""
        ...

    def allowed(self, verb: str, ref: ObjectRef, subresource: str = "") -> bool:
        """Whether this user may do `verb` (`get`, `patch`, `create` ...) there."""
        ...

    def forward(
        self, namespace: str, target: str, port: int
    ) -> AbstractContextManager[tuple[str, int]]:
        """A way to `port` of `pod/NAME` or `service/NAME` while the block runs.

        Gives a loopback address and port of this machine.
        """
        ...


class ClusterDoor(Protocol):
    """Opens API servers by the contexts of the user's kubeconfig."""

    def contexts(self) -> tuple[str, ...]:
        """The names of every context; none without a kubeconfig."""
        ...

    def current(self) -> str:
        """The current context; empty when none is set."""
        ...

    def server(self, context: str) -> str:
        """The address of a context's API server, without credentials; empty when it has none."""
        ...

    def open(self, context: str) -> AbstractContextManager[ClusterApi]:
        """The API server of a context, while the block runs.

        Raises:
            WrongContext: there is no such context.
            ClusterLost: it does not answer.
            ClusterRefused: it does not take this user's credentials.
            ToolMissing: kubectl is not installed.
            ToolFailed: the kubeconfig cannot be read.
        """
        ...


class LocalState(Protocol):
    """Small files of this user on this machine, apart from the repository, by name."""

    def read(self, name: str) -> bytes | None:
        """A file's bytes; None where there is none that can be read."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Replace a file whole; it is this user's alone.

        Raises:
            FileRefused: it cannot be written.
        """
        ...


class Identity(Protocol):
    """Who and when, for records."""

    def who(self) -> str:
        """`Name <mail>` as git knows the user, else the user's name on this machine."""
        ...

    def now(self) -> datetime:
        """The time, in UTC, to the second."""
        ...


class HttpGet(Protocol):
    """One plain GET request, as a kubelet's probe does it."""

    def __call__(
        self, address: tuple[str, int], host: str, path: str, *, tls: bool, timeout_s: float
    ) -> tuple[int, str]:
        """Status and text of the answer at an address; `host` is what the request asks for.

        With `tls` the certificate is not verified, as a probe does not. No redirect is followed.

        Raises:
            OSError: nobody answers, or not in time.
        """
        ...
