"""The questions that a live connection is asked; nothing is ever written."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from repoint.errors import ClusterLost, ClusterRefused
from repoint.flows.rehearsing.checks_login import encrypted
from repoint.flows.rehearsing.stage import Answer, Refused, passed, path_held, told
from repoint.flows.verifying.reaching import Reach, Server, server_of
from repoint.flows.verifying.subjects import Subject, differences, is_schema_alone, wanted_path
from repoint.model.rehearsal import Check, Control, Verdict
from repoint.ports.connecting import Conversation
from repoint.rehearsal.cast import Client
from repoint.rehearsal.setup import first_schema
from repoint.rules.facts import ClusterFacts, RoleDefault
from repoint.verification.identity import Who, kind_of, right_kind, right_server
from repoint.wire.login import Login, Tls

_NO_WAY = (ClusterRefused, ClusterLost)

Ask = Callable[[Subject, Conversation], Answer]


@dataclass(slots=True, eq=False)
class Interview:
    """Asks every subject of one environment.

    `systems` are the Clusters' `status.systemID` by name, `poolers` a Pooler's full name by
    Cluster, `defaults` what the repository gives to roles. `domain` is the cluster's.
    """

    reach: Reach
    systems: Mapping[str, str]
    poolers: Mapping[str, str]
    defaults: tuple[RoleDefault, ...]
    domain: str
    controls: list[Control] = field(default_factory=list)
    _primaries: dict[str, Who | str] = field(default_factory=dict)

    def checks(self, subject: Subject) -> tuple[Check, ...]:
        """The checks of a connection that begin with its login."""
        client = subject.client
        if subject.live is None and subject.hidden:
            return (Check("login", Verdict.UNKNOWN, "the login is taken", subject.hidden),)
        if subject.live is None:
            return (_skip("login", "the login is taken", "the workload does not have it"),)
        if client.refused:
            expected = "the driver takes the connection string"
            return (Check("login", Verdict.FAIL, expected, client.refused, ("X16",)),)
        if client.login is None:
            return (_skip("login", "the login is taken", "it waits, and logs nobody in"),)
        if subject.unread:
            return (Check("login", Verdict.UNKNOWN, "the login is taken", subject.unread),)
        return self._asked(subject)

    def _asked(self, subject: Subject) -> tuple[Check, ...]:
        client, login = subject.client, _login(subject.client)
        server, expected = self.server(subject), "the login is taken and a query answered"
        if server is None:
            return (Check("login", Verdict.UNKNOWN, expected, "its host is no Service's name"),)
        began = time.monotonic()
        with ExitStack() as stack:
            try:
                ca_file = self.reach.ca_file(client, *_home(subject))
                conversation = stack.enter_context(self.reach.talk(server, login, ca_file))
                row = conversation.run("SELECT session_user::text, current_database()::text")[0]
            except Refused as error:
                failed = Check("login", Verdict.FAIL, expected, told(error), ("OP6", "SP1", "TL1"))
                return (failed, *_unasked())
            except _NO_WAY as error:
                return (_no_way(error, expected), *_unasked())
            first = _check("login", expected, _who_is(row, login), ("OP6", "SP1"), began)
            rest = (
                self._one(name, facts, ask, subject, conversation)
                for name, facts, ask in self._questions()
            )
            return (first, *rest)

    def _questions(self) -> tuple[tuple[str, tuple[str, ...], Ask], ...]:
        return (
            ("server", ("TL8", "SP2"), self._kind),
            ("primary", ("TL8",), self._primary_answer),
            ("current-schema", ("SP1", "SP2", "SP6"), self._current_schema),
            ("search-path", ("SP4", "SP9"), self._search_path),
            ("tls", ("TL8", "TL10"), _encryption),
            ("writable", (), writable),
        )

    def _one(
        self,
        name: str,
        facts: tuple[str, ...],
        ask: Ask,
        subject: Subject,
        conversation: Conversation,
    ) -> Check:
        began = time.monotonic()
        try:
            answer = ask(subject, conversation)
        except Refused as error:
            answer = Answer(Verdict.FAIL, "an answer", told(error))
        except _NO_WAY as error:
            answer = Answer(Verdict.UNKNOWN, "an answer", error.message)
        return _check(name, answer.expected, answer, facts, began)

    def server(self, subject: Subject) -> Server | None:
        """The Service that the live connection names."""
        client = subject.client
        host = client.connection.host if client.connection is not None else client.server
        port = subject.site.port.text if subject.site is not None and subject.site.port else ""
        number = int(port) if port.isdigit() else 0
        return server_of(host or client.server, subject.container.namespace, number)

    def _marked(self, subject: Subject) -> Who:
        server = self.server(subject)
        assert server is not None
        ca_file = self.reach.ca_file(subject.client, *_home(subject))
        return self.reach.who(server, _login(subject.client), ca_file)

    def _kind(self, subject: Subject, _: Conversation) -> Answer:
        """Pooled really is PgBouncer, direct really is not."""
        return Answer(*right_kind(self._marked(subject), pooled=bool(subject.client.pooler)))

    def _primary_answer(self, subject: Subject, _: Conversation) -> Answer:
        """PostgreSQL behind it is the Cluster's primary."""
        cluster = subject.cluster
        assert cluster is not None
        primary = self.primary(cluster, subject.client)
        answer = right_server(
            self._marked(subject),
            cluster=cluster.name,
            system=self.systems.get(cluster.name, ""),
            primary=primary if isinstance(primary, Who) else None,
        )
        return Answer(*answer)

    def primary(self, cluster: ClusterFacts, client: Client) -> Who | str:
        """What `<cluster>-rw` says of itself to a client's role, or why it cannot be asked."""
        if cluster.name not in self._primaries:
            host = f"{cluster.name}-rw.{cluster.namespace}.svc.{self.domain}"
            self._primaries[cluster.name] = self._other(host, cluster.namespace, client)
        return self._primaries[cluster.name]

    def _other(self, host: str, namespace: str, client: Client) -> Who | str:
        server = server_of(host, namespace)
        assert server is not None
        try:
            return self.reach.who(server, plainly(client), None)
        except Refused as error:
            return told(error)
        except _NO_WAY as error:
            return error.message

    def control(self, subject: Subject) -> Control:
        """The question of the server's kind, asked of the other route: it must tell the other."""
        client, cluster = subject.client, subject.cluster
        assert cluster is not None
        if client.pooler:
            expected = f"PostgreSQL itself at `{cluster.name}-rw`"
            found, wanted = self.primary(cluster, client), "PostgreSQL itself"
        else:
            host = self.poolers.get(cluster.name, "")
            expected, wanted = f"PgBouncer at `{host.partition('.')[0]}`", "PgBouncer"
            if not host:
                return _control(subject, Verdict.SKIPPED, expected, "the Cluster has no Pooler")
            found = self._other(host, cluster.namespace, client)
        if isinstance(found, str):
            return _control(subject, Verdict.UNKNOWN, expected, found)
        seen = kind_of(found)
        held = Verdict.PASS if seen == wanted else Verdict.UNKNOWN
        return _control(subject, held, expected, seen or "nothing that is certain")

    def _current_schema(self, subject: Subject, conversation: Conversation) -> Answer:
        """Names without a schema are looked up where the consumer's tables are."""
        path = wanted_path(subject, self.defaults)
        wanted = first_schema(path) if path else self._direct(subject, 0)
        seen = conversation.run("SELECT current_schema()::text")[0][0] or "none that exists"
        return passed(wanted, seen, seen == wanted)

    def _search_path(self, subject: Subject, conversation: Conversation) -> Answer:
        """The whole search_path arrives."""
        wanted = wanted_path(subject, self.defaults) or self._direct(subject, 1)
        seen = conversation.run("SELECT current_setting('search_path')")[0][0] or ""
        schema = conversation.run("SELECT current_schema()::text")[0][0] or ""
        return path_held(wanted, seen, schema, alone=is_schema_alone(subject))

    def _direct(self, subject: Subject, column: int) -> str:
        """What PostgreSQL gives to the same login without a pool in between."""
        cluster = subject.cluster
        assert cluster is not None
        host = f"{cluster.name}-rw.{cluster.namespace}.svc.{self.domain}"
        server = server_of(host, cluster.namespace)
        assert server is not None
        with self.reach.talk(server, plainly(subject.client), None) as conversation:
            row = conversation.query("SELECT current_schema(), current_setting('search_path')")[0]
        return row[column] or ""


def connection_check(subject: Subject, *, cleared: bool, known: bool) -> Check:
    """The live workload asks the server that the repository sends it to.

    `cleared` tells of a Job that ended and is gone, `known` that the repository could be read.
    """
    planned, live, name = subject.planned, subject.live, "connection"
    expected = planned.server if planned is not None else "what the repository says"
    if live is None:
        assert planned is not None
        if subject.hidden:
            return Check(name, Verdict.UNKNOWN, expected, subject.hidden)
        if subject.workload is None and cleared:
            return Check(name, Verdict.UNKNOWN, expected, "the Job is gone, with what it read")
        if subject.workload is None:
            return Check(name, Verdict.FAIL, expected, "there is no such workload")
        return Check(name, Verdict.FAIL, expected, "the live workload names no server of it")
    origin = f"{subject.read_from} names " if subject.read_from else ""
    if planned is None:
        why = f"{origin}`{live.server}`; the repository has no such connection"
        if not known:
            why = f"{origin}`{live.server}`; the repository could not be read"
        return Check(name, Verdict.UNKNOWN, expected, why)
    if planned.server != live.server:
        return Check(name, Verdict.FAIL, expected, f"{origin}`{live.server}`")
    other = differences(subject)
    if other:
        why = f"{origin}it; unlike the repository's: {', '.join(other)}"
        if subject.hidden:
            return Check(name, Verdict.UNKNOWN, expected, f"{why}; {subject.hidden}")
        return Check(name, Verdict.FAIL, expected, why)
    return Check(name, Verdict.PASS, expected, f"{origin}it")


def plainly(client: Client) -> Login:
    """The client's login without what its string asks of the startup packet or a certificate."""
    login = _login(client)
    tls = replace(login.tls, check_name=False, check_chain=False, own_store=False)
    return replace(login, startup=(), tls=replace(tls, channel_binding=False, direct=False))


def anywhere(client: Client) -> Login:
    """The client's login for a server that its string was not written for: TLS if it is offered.

    The plan raises sslmode for the target, and the source often speaks no TLS at all.
    """
    return replace(plainly(client), tls=Tls())


def _encryption(subject: Subject, conversation: Conversation) -> Answer:
    """The client's own leg is encrypted (TL8)."""
    return encrypted(subject.client.sslmode, conversation.tls)


def writable(subject: Subject, conversation: Conversation) -> Answer:
    """A transaction of its own could write; a read-only one is begun and left."""
    expected = "a server that takes writes, and a read-only transaction that answers"
    own = conversation.query("SHOW transaction_read_only")[0][0]
    conversation.query("BEGIN TRANSACTION READ ONLY")
    try:
        inside = conversation.query("SHOW transaction_read_only")[0][0]
        tables = conversation.query(_READABLE)[0][0]
    finally:
        conversation.query("ROLLBACK")
    seen = "read only" if own != "off" else "takes writes"
    observed = f"{seen}; {tables} table(s) readable in its schema; nothing was written"
    return passed(expected, observed, own == "off" and inside == "on")


_READABLE = (
    "SELECT count(*)::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') "
    "AND has_table_privilege(c.oid, 'SELECT')"
)


def _who_is(row: tuple[str | None, ...], login: Login) -> Answer:
    user, database = (text or "" for text in row)
    observed = f"logged in as `{user}` at database `{database}`"
    expected = f"`{login.user}` at database `{login.database}`"
    return passed(expected, observed, (user, database) == (login.user, login.database))


def _no_way(error: ClusterRefused | ClusterLost, expected: str) -> Check:
    """Whether the consumer has no way either: a Service that is not there serves nobody."""
    gone = isinstance(error, ClusterRefused) and error.reason in ("NotFound", "NotRunning")
    verdict = Verdict.FAIL if gone else Verdict.UNKNOWN
    return Check("login", verdict, expected, error.message)


def _unasked() -> tuple[Check, ...]:
    names = ("server", "primary", "current-schema", "search-path", "tls", "writable")
    return tuple(_skip(name, "an answer", "there is no login") for name in names)


def _skip(name: str, expected: str, why: str) -> Check:
    return Check(name, Verdict.SKIPPED, expected, why)


def _check(name: str, expected: str, answer: Answer, facts: tuple[str, ...], began: float) -> Check:
    took = round(time.monotonic() - began, 3)
    return Check(name, answer.verdict, answer.expected or expected, answer.observed, facts, took)


def _control(subject: Subject, verdict: Verdict, expected: str, observed: str) -> Control:
    route = subject.client.route
    return Control(
        f"other-route-{route}", "", subject.id, verdict, expected, observed, ("TL8", "SP2")
    )


def _home(subject: Subject) -> tuple[str, str]:
    """Namespace and name of its Cluster."""
    assert subject.cluster is not None
    return subject.cluster.namespace, subject.cluster.name


def _login(client: Client) -> Login:
    assert client.login is not None, client.id
    return client.login
