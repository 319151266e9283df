"""Negative controls: what must fail as predicted, or the rehearsal itself is unknown."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace

from repoint.flows.rehearsing.casting import Scene
from repoint.flows.rehearsing.checks_login import identity
from repoint.flows.rehearsing.checks_pool import Restart
from repoint.flows.rehearsing.stage import (
    Answer,
    Refused,
    Stage,
    asking,
    passed,
    plainly,
    told,
)
from repoint.flows.rehearsing.traces import OWN_SETTING, left_behind, setting_trace
from repoint.model.rehearsal import Control, Verdict
from repoint.ports.connecting import Conversation
from repoint.rehearsal.cast import Client
from repoint.rehearsal.lab import BouncerSpec
from repoint.rehearsal.setup import literal
from repoint.rehearsal.spec import beside_host, narrow
from repoint.rules.driver_shapes import login_for
from repoint.rules.facts import Connection, PoolerFacts
from repoint.rules.sent import Fate, Sent, fate, sent
from repoint.wire.login import Login
from repoint.wire.refusals import DriverRefusal

_TROUBLE = frozenset({Fate.REFUSED, Fate.DROPPED, Fate.IGNORED, Fate.UNTRACKABLE})
_PROBES = ("search_path", "work_mem", "statement_timeout")
_OTHER_SCHEMA = "pg_catalog"


@dataclass(slots=True, eq=False)
class Controls:
    """The controls of one scene, asked through its running servers."""

    stage: Stage
    bouncers: dict[str, BouncerSpec]

    def run(self) -> tuple[Control, ...]:
        """Every control that the scene's clients allow, but those of the restart."""
        found: list[Control] = []
        for spec in self.bouncers.values():
            borrowed = borrowers(self.stage.scene, spec)
            if borrowed:
                found += [
                    self._letter(borrowed, spec),
                    self._leak(borrowed[0], spec),
                    *self._wrong(borrowed[0]),
                ]
        return tuple(found)

    def _letter(self, clients: list[Client], spec: BouncerSpec) -> Control:
        """The plan's letter: the new host with the old parameters, at the Pooler as it was."""
        scene = self.stage.scene
        original = scene.original.get(spec.name)
        for client in clients if original is not None else ():
            old = scene.letters.get((client.id, client.key))
            item = self._troubled(old, client, original) if old is not None else None
            if old is not None and item is not None and original is not None:
                written = self._as_written(old, client)
                if not self._matters(client, written, item):
                    continue
                was = replace(
                    spec,
                    host=beside_host(spec, "-as-it-was"),
                    mode=original.mode,
                    parameters=original.parameters,
                )
                answer = self._as_predicted(client, written, was, item)
                return self._control("letter", client, answer, ("SP1", "SP2", "SP3", "X1"))
        client = clients[0]
        return self._control("letter", client, self._probe(client, spec), ("SP1",))

    def _troubled(
        self, old: Connection, client: Client, original: PoolerFacts | None
    ) -> Sent | None:
        """The first parameter of the old string that the original Pooler does not serve."""
        for item in sent(old, (client.driver,)):
            if self._fate(item, original) in _TROUBLE:
                return item
        return None

    def _fate(self, item: Sent, pooler: PoolerFacts | None) -> Fate:
        """What the versions that run here make of it."""
        first = self.stage.lab.pgbouncer_version.split(",")[0]
        version = tuple(int(part) for part in first.split(".") if part.isdigit())
        here = replace(pooler, pgbouncer=version) if pooler is not None else None
        return fate(item, here, self.stage.postgres())

    def _matters(self, client: Client, login: Login, item: Sent) -> bool:
        """Whether its loss could be seen: a role's own default may give the same (SP9)."""
        return self._direct(login, item) != self._direct(plainly(client), item)

    def _direct(self, login: Login, item: Sent) -> str | None:
        """A setting's value without a pool; None where PostgreSQL refuses the login."""
        try:
            with closing(
                self.stage.lab.connect(self.stage.direct_host(), _loose(login))
            ) as straight:
                return _value(straight, item)
        except Refused:
            return None

    def _as_written(self, old: Connection, client: Client) -> Login:
        login = asking(client)
        try:
            made = login_for(old, client.driver, login.password)
        except DriverRefusal:
            return login
        # The remedy alone is taken away: TLS and the rest are as planned.
        return replace(login, startup=made.startup)

    def _probe(self, client: Client, spec: BouncerSpec) -> Answer:
        """Nothing was remedied: a parameter that this Pooler refuses must be refused."""
        pooler = self.stage.pooler(client)
        for name in _PROBES:
            item = Sent(name, name)
            if self._fate(item, pooler) is Fate.REFUSED:
                login = asking(client)
                plain = tuple(pair for pair in login.startup if pair[0] != name)
                value = _OTHER_SCHEMA if name == "search_path" else "12345"
                asked = replace(login, startup=(*plain, (name, value)))
                beside = replace(spec, host=beside_host(spec, "-control"))
                return self._as_predicted(client, asked, beside, item)
        expected = "a startup parameter that the Pooler refuses"
        return Answer(Verdict.UNKNOWN, expected, "it takes every one that was tried")

    def _as_predicted(
        self, client: Client, login: Login, bouncer: BouncerSpec, item: Sent
    ) -> Answer:
        """Pass when the parameter fails as the rules say it does."""
        predicted = self._fate(item, _facts_of(self.stage.pooler(client), bouncer))
        refused = f"unsupported startup parameter: {item.name}"
        lost = f"`{item.name}` is lost in silence"
        expected = f"FATAL: {refused}" if predicted is Fate.REFUSED else lost
        wanted = self._direct(login, item)
        with self.stage.lab.beside(bouncer):
            try:
                with closing(self.stage.lab.connect(bouncer.host, _loose(login))) as conversation:
                    found = _value(conversation, item)
            except Refused as error:
                as_told = predicted is Fate.REFUSED and refused in told(error)
                return passed(expected, told(error), as_told)
        if predicted is Fate.REFUSED:
            return Answer(Verdict.FAIL, expected, "the login was taken")
        return passed(expected, f"it has `{found}`, and `{wanted}` without a pool", found != wanted)

    def _leak(self, client: Client, spec: BouncerSpec) -> Control:
        """Two clients on one server connection of a transaction pool: the first one's setting."""
        expected = "in a transaction pool the next client finds a session setting"
        beside = narrow(spec, beside_host(spec, "-leak"))
        tried = replace(client, pool_mode="transaction")
        tried = replace(tried, login=plainly(client))
        stage = Stage(self.stage.lab, self.stage.scene, {client.pooler: beside.host})
        with self.stage.lab.beside(replace(beside, mode="transaction")):
            try:
                leaked = left_behind(stage, tried, setting_trace(OWN_SETTING))
            except Refused as error:
                answer = Answer(Verdict.UNKNOWN, expected, told(error))
            else:
                answer = passed(expected, "it does" if leaked else "it does not", leaked)
        return self._control("leak", client, answer, ("ST1",))

    def _wrong(self, client: Client) -> list[Control]:
        """The identity check asked of the wrong server, and a certificate without the name."""
        direct = self.stage.direct_host()
        found = []
        for host, pooled in ((direct, True), (client.server, False)):
            answer = self._identity(client, host, pooled=pooled)
            found.append(self._control("identity", client, answer, ("TL8",)))
        found.append(self._control("certificate", client, self._name(client), ("TL1", "X15")))
        return found

    def _identity(self, client: Client, host: str, *, pooled: bool) -> Answer:
        asked = "PostgreSQL itself" if pooled else "PgBouncer"
        expected = f"asked of {asked}, the server check says no"
        try:
            with closing(self.stage.lab.connect(host, plainly(client))) as conversation:
                answer = identity(conversation, pooled=pooled)
        except Refused as error:
            return Answer(Verdict.UNKNOWN, expected, told(error))
        said_no = answer.verdict is Verdict.FAIL
        return passed(expected, "it says no" if said_no else "it does not", said_no)

    def _name(self, client: Client) -> Answer:
        """verify-full at a name that the certificate does not carry."""
        expected = "a client that compares the name refuses a certificate without it"
        pooler = self.stage.pooler(client)
        if pooler is not None and pooler.parameter("client_tls_sslmode") == "disable":
            return Answer(Verdict.SKIPPED, expected, "the Pooler offers no TLS")
        login = plainly(client)
        strict = replace(login.tls, wanted="always", check_chain=True, check_name=True)
        host = self.stage.narrow[client.pooler]
        try:
            with closing(self.stage.lab.connect(host, replace(login, tls=strict))):
                return Answer(Verdict.FAIL, expected, "the login was taken")
        except Refused as error:
            refusal = error
        unnamed = replace(login, tls=replace(strict, check_name=False))
        try:
            self.stage.lab.connect(host, unnamed).close()
        except Refused:
            # Whatever it was, it was not the name.
            return Answer(Verdict.FAIL, expected, told(refusal))
        return passed(expected, told(refusal), isinstance(refusal, DriverRefusal))

    def _control(
        self, name: str, client: Client, answer: Answer, facts: tuple[str, ...]
    ) -> Control:
        return Control(
            name, client.environment, client.id, answer.verdict, answer.expected, answer.observed,
            facts,
        )  # fmt: skip


def borrowers(scene: Scene, spec: BouncerSpec) -> list[Client]:
    """Clients for a Pooler's controls: its own, else runtimes that the plan keeps from it.

    They log in with their role's password, whatever their connection strings say.
    """
    able = [c for c in scene.clients if c.login is not None and c.purpose != "probe"]
    own = [client for client in able if client.pooler == spec.name]
    runtimes = [client for client in able if client.serves and not client.pooler]
    found = []
    for client in own or runtimes:
        login = asking(client)
        found.append(
            replace(
                client,
                server=spec.host,
                pooler=spec.name,
                pool_mode=spec.mode,
                login=replace(login, password=scene.passwords.of(login.user)),
                variable="",
            )
        )
    return found


def _loose(login: Login) -> Login:
    return replace(login, tls=replace(login.tls, check_name=False, own_store=False))


def _value(conversation: Conversation, item: Sent) -> str:
    return conversation.query(f"SELECT current_setting({literal(item.name)}, true)")[0][0] or ""


def _facts_of(pooler: PoolerFacts | None, bouncer: BouncerSpec) -> PoolerFacts | None:
    if pooler is None:
        return None
    return replace(pooler, parameters=bouncer.parameters, mode=bouncer.mode)


def while_down(stage: Stage, restart: Restart) -> tuple[Control, ...]:
    """What pg_isready said while PostgreSQL was down: the pooler answers, PostgreSQL does not."""
    found = []
    pooled: dict[str, Client] = {}
    for name, (client, answered) in restart.answered_while_down.items():
        pooled[name] = client
        expected = "while PostgreSQL is down the pooler still answers a wait loop"
        seen = passed(expected, "it answers" if answered else "no answer", answered)
        found.append(("wait-loop", client, seen))
    answered = restart.direct_answered
    expected = "while PostgreSQL is down its own Service does not answer a wait loop"
    seen = passed(expected, "it answers" if answered else "no answer", not answered)
    if pooled:
        found.append(("wait-loop", next(iter(pooled.values())), seen))
    return tuple(
        Control(n, c.environment, c.id, a.verdict, a.expected, a.observed, ("OP1", "X8"))
        for n, c, a in found
    )
