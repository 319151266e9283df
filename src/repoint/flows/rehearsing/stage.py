"""What a check has at hand: the running servers, who asks them, and how a question is answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace

from repoint.flows.rehearsing.casting import Scene
from repoint.model.rehearsal import Verdict
from repoint.ports.connecting import Conversation
from repoint.ports.servers import DriverObserver, RunningLab
from repoint.rehearsal.cast import Client
from repoint.rehearsal.setup import MARKER, first_schema
from repoint.rules.facts import PoolerFacts
from repoint.wire.login import Login
from repoint.wire.refusals import ConnectionLost, DriverRefusal, ServerRefusal

Refused = (ServerRefusal, ConnectionLost, DriverRefusal)
"""Whatever a login or a statement may be answered with instead of rows."""
PLACE = f"SELECT place FROM {MARKER} WHERE who IS NULL"
"""Tells the schema that an unqualified name is looked up in."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was expected and what was seen; short texts without a value of a secret."""

    verdict: Verdict
    expected: str
    observed: str


@dataclass(frozen=True, slots=True)
class Question:
    """A check: its id, the facts it rests on, and how it is asked.

    `skips` gives the reason why the question does not apply to a client, empty when it does.
    `expected` is shown where the server's refusal is the answer.
    """

    id: str
    facts: tuple[str, ...]
    expected: str
    ask: Callable[[Stage, Client], Answer]
    skips: Callable[[Client], str] = lambda client: ""


@dataclass(slots=True, eq=False)
class Stage:
    """The servers of one Cluster in one environment, while they run.

    `narrow` gives, by Pooler, the host of the same Pooler with one server connection.
    `observe` asks installed drivers themselves. `shared` keeps answers that are the same for
    every client of a Pooler and role.
    """

    lab: RunningLab
    scene: Scene
    narrow: Mapping[str, str] = field(default_factory=dict)
    shared: dict[object, object] = field(default_factory=dict)
    observe: DriverObserver | None = None
    patience_s: float = 5.0
    """How long a server may take for an answer."""

    @contextmanager
    def patient(self) -> Iterator[None]:
        """Give every answer in the block four times as long."""
        self.patience_s *= 4
        try:
            yield
        finally:
            self.patience_s /= 4

    def forget(self, bad: Callable[[Answer], bool]) -> None:
        """Forget the shared answers that are `bad`, so that they are asked for again."""
        for key, found in list(self.shared.items()):
            if isinstance(found, Answer) and bad(found):
                del self.shared[key]

    @contextmanager
    def talk(
        self, client: Client, host: str = "", login: Login | None = None
    ) -> Iterator[Conversation]:
        """A conversation in the client's manner, closed at the end."""
        with closing(self.open(client, host, login)) as conversation:
            yield conversation

    def open(self, client: Client, host: str = "", login: Login | None = None) -> Conversation:
        """A conversation in the client's manner; `host` is its own server by default."""
        given = login or asking(client)
        return self.lab.connect(host or client.server, given, timeout_s=self.patience_s)

    @contextmanager
    def alone(self, client: Client) -> Iterator[Conversation]:
        """A conversation through the one server connection of the client's narrow Pooler."""
        with closing(self.open_alone(client)) as conversation:
            yield conversation

    def open_alone(self, client: Client) -> Conversation:
        """As `alone`, for the caller to close.

        The narrow Pooler has a name that no certificate carries, so the name is not compared.
        """
        login = asking(client)
        loose = replace(login, tls=replace(login.tls, check_name=False))
        return self.open(client, self.narrow[client.pooler], loose)

    def pooler(self, client: Client) -> PoolerFacts | None:
        """The Pooler that a client asks, None when it asks the Cluster."""
        for facts, _ in self.scene.ground.poolers:
            if facts.name == client.pooler:
                return facts
        return None

    def postgres(self) -> int:
        """The major version that runs."""
        return int(self.lab.postgres_version.split(".")[0])

    def once(self, key: object, make: Callable[[], Answer]) -> Answer:
        """The answer under `key`, made the first time it is asked for."""
        if key not in self.shared:
            self.shared[key] = make()
        found = self.shared[key]
        assert isinstance(found, Answer)
        return found

    def direct_host(self) -> str:
        """The full name of the Cluster's read-write Service."""
        cluster = self.scene.ground.cluster
        return f"{cluster.name}-rw.{cluster.namespace}.svc.{self.scene.ground.domain}"

    def wanted_path(self, client: Client) -> tuple[str, str]:
        """The `current_schema()` and `search_path` a client must see, with no pool in between.

        What its connection string asks for, else what PostgreSQL itself gives to the same login.
        """
        if client.schema:
            return first_schema(client.schema), client.schema
        login = asking(client)
        key = ("path", login.user, login.database)
        if key not in self.shared:
            with closing(self.lab.connect(self.direct_host(), plainly(client))) as conversation:
                row = conversation.query("SELECT current_schema(), current_setting('search_path')")
            self.shared[key] = (row[0][0] or "", row[0][1] or "")
        found = self.shared[key]
        assert isinstance(found, tuple)
        return found


def asking(client: Client) -> Login:
    """The login of a client that has one."""
    assert client.login is not None, client.id
    return client.login


def plainly(client: Client) -> Login:
    """The client's login without what its string asks of the startup packet or a certificate."""
    login = asking(client)
    return replace(login, startup=(), tls=replace(login.tls, check_name=False, own_store=False))


def told(error: Exception) -> str:
    """A refusal in the words of who refused."""
    if isinstance(error, ServerRefusal):
        return f"{'FATAL: ' if error.fatal else ''}{error.text} ({error.sqlstate})"
    if isinstance(error, (ConnectionLost, DriverRefusal)):
        return error.reason
    raise error


def path_held(wanted: str, seen: str, schema: str, *, alone: bool) -> Answer:
    """Whether a search_path is the wanted one; `alone`: whether the wanted schema comes first.

    `schema` is the first of `seen` that exists, as `current_schema()` gives it.
    """
    if alone:
        return passed(f"{wanted} first", seen, schema == first_schema(wanted))
    return passed(wanted, seen, _names(wanted) == _names(seen))


def _names(path: str) -> list[str]:
    return [part.strip().strip('"') for part in path.split(",") if part.strip()]


def passed(expected: str, observed: str, holds: bool) -> Answer:
    """Pass when it holds, fail when it does not."""
    return Answer(Verdict.PASS if holds else Verdict.FAIL, expected, observed)
