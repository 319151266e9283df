"""Consumers that are at the source: who they are, and what their connections are asked."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from repoint.errors import ClusterLost, ClusterRefused
from repoint.flows.rehearsing.addresses import build_of
from repoint.flows.rehearsing.stage import Refused, told
from repoint.flows.verifying.flow import Scenery
from repoint.flows.verifying.questions import plainly, writable
from repoint.flows.verifying.reaching import Reach, Server, server_of
from repoint.flows.verifying.reading import Cast
from repoint.flows.verifying.subjects import Subject, live_password, origin_of, why_hidden
from repoint.model.cluster import ref_of
from repoint.model.consumer import Purpose, Route, Site, Use, Workload
from repoint.model.rehearsal import Check, Verdict
from repoint.planning.consumer_facts import connection, consumer_facts
from repoint.ports.connecting import Conversation
from repoint.rehearsal.cast import Client
from repoint.rules.driver_shapes import driver_of, login_for
from repoint.rules.facts import Connection, ConsumerFacts
from repoint.rules.known_drivers import UNKNOWN_DRIVER
from repoint.verification.container_env import is_composed
from repoint.verification.identity import Who, other_server
from repoint.wire.refusals import DriverRefusal

_NO_WAY = (ClusterRefused, ClusterLost)
_LOGIN = "the login is taken and a query answered"

Key = tuple[str, str]
"""A container's id and the variable (or key) that holds the connection."""


def at_source(scene: Scenery) -> tuple[Subject, ...]:
    """The live connections to the source, with the consumers' own passwords."""
    found = _connections(scene.actual, scene)
    uses: dict[Workload, list[Use]] = {}
    for use, _ in found.values():
        uses.setdefault(use.workload, []).append(use)
    facts = consumer_facts(
        scene.config,
        build_of(scene.actual.survey, scene.environment),
        {(workload, Route.DIRECT): tuple(several) for workload, several in uses.items()},
        {site.id: site for _, site in found.values()},
        scene.evidence.hazards,
    )
    by_id = {one.id: one for one in facts}
    return tuple(_subject(scene, use, site, by_id[use.workload.id]) for use, site in found.values())


def _connections(cast: Cast, scene: Scenery) -> dict[Key, tuple[Use, Site]]:
    """Every connection that names the source, a bare host only where nothing whole does."""
    own = {ref_of(one).name for one in scene.live.workloads.values() if scene.source.is_own(one)}
    sites = {one.site.id: one.site for one in cast.survey.inventory.sites if one.is_source}
    found: dict[Key, tuple[Use, Site]] = {}
    for name, uses in cast.survey.uses.items():
        for use in uses if name in sites else ():
            outside = use.workload.kind in ("File", "ComposeService") or use.workload.name in own
            if not outside and use.purpose is not Purpose.COMMENT:
                key = (use.workload.id, use.variable or sites[name].key)
                found.setdefault(key, (use, sites[name]))
    whole = {key[0] for key, (_, site) in found.items() if site.user and site.database}
    return {
        key: (use, site)
        for key, (use, site) in found.items()
        if (key[0] not in whole or (site.user and site.database))
        and not _is_spelled_out(scene, (use, site), found.values())
    }


def _is_spelled_out(
    scene: Scenery, one: tuple[Use, Site], others: Iterable[tuple[Use, Site]]
) -> bool:
    """Whether a command only spells what a variable of its container holds: `$(DATABASE_URL)`.

    The live objects are read with it replaced, the repository's are not.
    """
    use, site = one
    workload = use.workload
    if use.source != "command":
        return False
    container = scene.live.container(
        workload.kind, workload.namespace, workload.name, workload.container
    )
    words = [*(container.get("command") or ()), *(container.get("args") or ())] if container else []
    return any(is_composed(str(word)) for word in words) and any(
        other.workload == workload
        and other.source != "command"
        and place.host.text == site.host.text
        for other, place in others
    )


def _subject(scene: Scenery, use: Use, site: Site, facts: ConsumerFacts) -> Subject:
    container = use.workload
    workload = scene.live.workload(container.kind, container.namespace, container.name)
    whole = next((one for one in facts.connections if one.site == site.id), connection(site))
    client = Client(
        id=container.id,
        environment=scene.environment,
        purpose=use.purpose.value,
        server=site.host.text,
        pooler="",
        pool_mode="",
        facts=facts,
        key=site.key,
        reader=driver_of(whole, next(iter(facts.drivers), UNKNOWN_DRIVER)),
        connection=whole,
        sslmode=whole.param("sslmode"),
    )
    origin = origin_of(scene.live, container, use)
    made = Subject(container, None, client, workload, None, origin, use=use, site=site)
    if use.purpose is Purpose.PROBE and not facts.logs_in:
        return made
    return _with_login(scene, made, client, whole)


def _with_login(scene: Scenery, made: Subject, client: Client, whole: Connection) -> Subject:
    assert made.site is not None and made.use is not None
    if not whole.user or not whole.database:
        return replace(made, unread="nothing tells the role or the database")
    password = live_password(scene.actual, scene.live, made.container, made.site, made.use)
    if password is None:
        return replace(made, unread=f"no password is told by {made.read_from}")
    try:
        login = login_for(whole, client.reader, password)
    except DriverRefusal as refusal:
        return replace(made, live=replace(client, refused=refusal.reason))
    return replace(made, live=replace(client, login=login))


@dataclass(slots=True, eq=False)
class SourceInterview:
    """Asks connections to the source.

    `systems` are the Clusters' system identifiers by name, empty where one tells none;
    `primaries` what their read-write Services say of themselves, where they could be asked.
    """

    reach: Reach
    systems: Mapping[str, str]
    primaries: Mapping[str, Who] = field(default_factory=dict)

    def checks(self, subject: Subject) -> tuple[Check, ...]:
        """The login, which server answers, and whether it takes writes."""
        client = subject.client
        if client.refused:
            expected = "the driver takes the connection string"
            return (Check("login", Verdict.FAIL, expected, client.refused, ("X16",)),)
        if subject.unread:
            return (Check("login", Verdict.UNKNOWN, _LOGIN, subject.unread),)
        if client.login is None:
            return (Check("login", Verdict.SKIPPED, _LOGIN, "it waits, and logs nobody in"),)
        server = server_at(subject)
        if server is None:
            why = "its host is no Service's name: it is not reached from here"
            return (Check("login", Verdict.UNKNOWN, _LOGIN, why),)
        began = time.monotonic()
        try:
            ca_file = self.reach.ca_file(client, server.namespace, server.service)
            with self.reach.talk(server, client.login, ca_file) as conversation:
                found = tuple(self._asked(subject, conversation))
            who = self.reach.who(server, plainly(client), None)
        except Refused as error:
            return (Check("login", Verdict.FAIL, _LOGIN, told(error), ("OP6",)),)
        except _NO_WAY as error:
            gone = isinstance(error, ClusterRefused) and error.reason in ("NotFound", "NotRunning")
            verdict = Verdict.FAIL if gone else Verdict.UNKNOWN
            return (Check("login", verdict, _LOGIN, error.message),)
        identity = other_server(who, self.systems, self.primaries)
        took = round(time.monotonic() - began, 3)
        return (*found, Check("server", *identity, ("TL8", "SP2"), took))

    def _asked(self, subject: Subject, conversation: Conversation) -> Iterator[Check]:
        login = subject.client.login
        assert login is not None
        row = conversation.query("SELECT session_user::text, current_database()::text")[0]
        expected = f"`{login.user}` at database `{login.database}`"
        same = (row[0], row[1]) == (login.user, login.database)
        observed = f"logged in as `{row[0]}` at database `{row[1]}`"
        yield Check("login", Verdict.PASS if same else Verdict.FAIL, expected, observed, ("OP6",))
        answer = writable(subject, conversation)
        yield Check("writable", answer.verdict, answer.expected, answer.observed)


def server_at(subject: Subject) -> Server | None:
    """The Service that a connection to the source names."""
    site = subject.site
    port = site.port.text if site is not None and site.port else ""
    number = int(port) if port.isdigit() else 0
    return server_of(subject.client.server, subject.container.namespace, number)


def named_checks(scene: Scenery, subjects: Iterable[Subject]) -> dict[str, tuple[Check, ...]]:
    """By container, whether the live connections name the source as the repository's do."""
    live = _connections(scene.actual, scene)
    wanted = _connections(scene.planned, scene) if scene.planned is not None else {}
    found: dict[str, list[Check]] = {subject.id: [] for subject in subjects}
    for key in sorted({*live, *wanted}):
        expected = wanted[key][1].host.text if key in wanted else "what the repository says"
        seen = live[key][1].host.text if key in live else ""
        if key not in live:
            hidden = why_hidden(scene.live, wanted[key][0].workload)
            verdict = Verdict.UNKNOWN if hidden else Verdict.FAIL
            answer = verdict, hidden or "the live workload does not name it"
        elif key not in wanted:
            answer = Verdict.UNKNOWN, f"`{seen}`; the repository has no such connection"
        else:
            answer = (Verdict.PASS if seen == expected else Verdict.FAIL), f"it names `{seen}`"
        check = Check("connection", answer[0], f"`{key[1]}` names `{expected}`", answer[1])
        found.setdefault(key[0], []).append(check)
    return {key: tuple(checks) for key, checks in found.items()}
