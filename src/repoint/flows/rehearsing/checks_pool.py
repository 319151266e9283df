"""Checks of a pool under load: a full one, the consumers' own pools, a restart while they idle."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack, closing

from repoint.flows.rehearsing.stage import (
    Answer,
    Question,
    Refused,
    Stage,
    asking,
    passed,
    told,
)
from repoint.model.rehearsal import Verdict
from repoint.ports.connecting import Conversation
from repoint.rehearsal.cast import Client
from repoint.rules.budget import DEFAULT_POOL_SIZE, needed_clients
from repoint.wire.refusals import ConnectionLost, ServerRefusal

_MOST = 200


def long_transaction(stage: Stage, client: Client) -> Answer:
    """A full pool makes the next client wait and tells it so; when it empties all goes on (CA3)."""

    def ask() -> Answer:
        expected = "the next client waits, is told `query_wait_timeout`, and is served afterwards"
        with closing(stage.open_alone(client)) as busy:
            busy.query("BEGIN")
            busy.query("SELECT 1")
            refusal = _refusal_of_next(stage, client)
            busy.query("COMMIT")
        with stage.alone(client) as after:
            served = after.query("SELECT 'served'") == (("served",),)
        holds = "query_wait_timeout" in refusal and served
        return passed(expected, f"{refusal or 'served at once'}, then served", holds)

    login = asking(client)
    return stage.once(("full pool", client.pooler, login.user, login.database), ask)


def _refusal_of_next(stage: Stage, client: Client) -> str:
    try:
        with stage.alone(client) as waiting:
            waiting.query("SELECT 1")
    except Refused as error:
        return told(error)
    return ""


def capacity(stage: Stage, client: Client) -> Answer:
    """The pool takes the connections of every consumer that shares it, all at once (CA1, CA2)."""
    pooler = stage.pooler(client)
    assert pooler is not None
    login = asking(client)
    pool = (client.pooler, login.user, login.database)
    together = {
        other.id: other.facts
        for other in stage.scene.clients
        if other.login is not None
        and other.purpose != "probe"
        and (other.pooler, other.login.user, other.login.database) == pool
    }
    wanted = min(needed_clients(pooler, together.values()), _MOST)
    size = pooler.number("default_pool_size", DEFAULT_POOL_SIZE) + pooler.number(
        "reserve_pool_size", 0
    )
    room = size if pooler.mode == "session" else 0
    return stage.once(("capacity", *pool), lambda: _opened(stage, client, wanted, room))


def _opened(stage: Stage, client: Client, wanted: int, room: int) -> Answer:
    """Whether so many are served; `room` is how many a session pool holds, 0 where all share."""
    expected = f"{wanted} clients served at once, as the consumers' pools add up"
    with ExitStack() as stack:
        for number in range(wanted):
            try:
                one = stack.enter_context(closing(stage.open(client)))
                one.query("SELECT 1")
            except Refused as error:
                if number == room and isinstance(error, ConnectionLost):
                    # Not for want of time: asked again it would wait again.
                    seen = f"{room}, and then the pool is full: the next waits until one leaves"
                    return Answer(Verdict.FAIL, expected, seen)
                return Answer(Verdict.FAIL, expected, f"{number}, then {told(error)}")
    return Answer(Verdict.PASS, expected, f"{wanted} served at once")


def answers(stage: Stage, client: Client) -> Answer:
    """The server that a wait loop asks answers it; a pooler does so without PostgreSQL (OP1)."""
    up = stage.lab.answers(client.server)
    return passed("it answers", "it answers" if up else "no answer", up)


class Restart:
    """Clients that idle while PostgreSQL stops and starts, and what pg_isready says meanwhile.

    `waiting` are one client of each Pooler, to ask with while PostgreSQL is down.
    """

    def __init__(self, stage: Stage, clients: Iterable[Client], waiting: Iterable[Client]) -> None:
        self._stage = stage
        self._clients = tuple(clients)
        self._idle: dict[int, Conversation] = {}
        self._waiting = tuple(waiting)
        self.answered_while_down: dict[str, tuple[Client, bool]] = {}
        """By Pooler: who asked, and whether it answered."""
        self.direct_answered = False

    def run(self) -> dict[int, Answer]:
        """One answer for each client, by its position."""
        try:
            left = {n: answer for n in range(len(self._clients)) if (answer := self._begin(n))}
            self._down()
            return left | {number: self._after(number) for number in self._idle}
        finally:
            for conversation in self._idle.values():
                conversation.close()

    def _begin(self, number: int) -> Answer | None:
        """Let a client idle beside the others; why not, where there is no room for all at once."""
        try:
            conversation = self._stage.open(self._clients[number])
            self._idle[number] = conversation
            conversation.query("SELECT 1")
        except Refused as error:
            self._stage.lab.check()
            self._idle.pop(number, None)
            expected = "it idles while PostgreSQL restarts"
            return Answer(Verdict.UNKNOWN, expected, f"not beside the others: {told(error)}")
        return None

    def _down(self) -> None:
        stage = self._stage
        stage.lab.stop_postgres()
        try:
            for client in self._waiting:
                if client.pooler not in self.answered_while_down:
                    # The narrow one: a Pooler that was asked meanwhile refuses logins for
                    # `server_login_retry` (OP3), and the idle clients' must not. It answers
                    # when its own short wait for PostgreSQL is over.
                    answered = stage.lab.answers(stage.narrow[client.pooler])
                    self.answered_while_down[client.pooler] = (client, answered)
            self.direct_answered = stage.lab.answers(stage.direct_host())
        finally:
            stage.lab.start_postgres()

    def _after(self, number: int) -> Answer:
        """The idle client goes on, or a new login does: which one depends on the pool (OP4)."""
        client = self._clients[number]
        noticed = ""
        try:
            self._idle[number].query("SELECT 1")
        except Refused as error:
            noticed = "its connection ended"
            if isinstance(error, ServerRefusal):
                noticed += f" with {error.sqlstate}"
        if client.pool_mode == "transaction":
            expected = "it does not notice, and its next query is answered"
            return passed(expected, noticed or "its next query is answered", not noticed)
        expected = "its next query is answered, or a new login is"
        try:
            with self._stage.talk(client) as again:
                again.query("SELECT 1")
        except Refused as error:
            return Answer(Verdict.FAIL, expected, f"{noticed}; then {told(error)}")
        return Answer(Verdict.PASS, expected, f"{noticed or 'answered'}; a new login is taken")


def _no_pool(client: Client) -> str:
    if client.purpose == "probe":
        return "a wait loop asks no more than this"
    return "" if client.pooler else "no pool in between"


def _no_size(client: Client) -> str:
    reason = _no_pool(client)
    if reason or client.facts.pool_size:
        return reason
    return f"nothing tells its pool's size: set `consumers.{client.facts.name}.pool_size`"


QUESTIONS: tuple[Question, ...] = (
    Question("long-transaction", ("CA3",), "the next client waits", long_transaction, _no_pool),
    Question("capacity", ("CA1", "CA2"), "all served at once", capacity, _no_size),
)
WAITS = Question("answers", ("OP1",), "it answers", answers)
RESTART_FACTS = ("OP2", "OP3", "OP4")
