"""One scene from its first statement to its last check."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from repoint.errors import LabFailed
from repoint.flows.rehearsing import (
    checks_driver,
    checks_login,
    checks_pool,
    checks_state,
    controls,
)
from repoint.flows.rehearsing.asking import asked, late, skipped
from repoint.flows.rehearsing.casting import Scene
from repoint.flows.rehearsing.migrating import Migrations
from repoint.flows.rehearsing.preparing import Preparation
from repoint.flows.rehearsing.stage import Answer, Refused, Stage, told
from repoint.model.rehearsal import (
    Check,
    Control,
    Ini,
    Phase,
    RehearsedConsumer,
    Verdict,
)
from repoint.ports.servers import DriverObserver, Laboratory, RunningLab
from repoint.rehearsal.cast import Client
from repoint.rehearsal.lab import BouncerSpec
from repoint.rehearsal.setup import tenants
from repoint.rehearsal.spec import beside_host, lab_spec, narrow

_QUESTIONS = (
    *checks_login.QUESTIONS,
    *checks_driver.QUESTIONS,
    *checks_state.QUESTIONS,
    *checks_pool.QUESTIONS,
)
_MIGRATIONS = "migrations"
_RESTART = "restart"


@dataclass(slots=True, eq=False)
class Played:
    """What one scene came to."""

    postgres: str = ""
    pgbouncer: str = ""
    consumers: list[RehearsedConsumer] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)
    fidelity: dict[str, None] = field(default_factory=dict)
    configuration: list[Ini] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure how long the block takes."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.phases.append(Phase(name, round(time.monotonic() - began, 2)))


def play(
    scene: Scene,
    laboratory: Laboratory,
    migrations: Migrations,
    said: Callable[[str], None],
    observe: DriverObserver | None,
    answered: Callable[[], None],
) -> Played:
    """Start the scene's servers and ask every client's questions; `observe`, real drivers too.

    `said` is told each step, `answered` that one more client was asked everything.

    Raises:
        ServersMissing: no PostgreSQL or PgBouncer that is good enough is here.
        LabFailed: a server did not start, or died on the way.
    """
    played = Played()
    name = scene.ground.environment
    spec = lab_spec(scene.ground, scene.clients, scene.passwords.by_role)
    with ExitStack() as stack:
        with played.phase(f"{name}: servers"):
            lab = stack.enter_context(laboratory.open(spec, said=said))
            narrowed = {b.name: narrow(b, beside_host(b, "-narrow")) for b in spec.bouncers}
            for bouncer in narrowed.values():
                stack.enter_context(lab.beside(bouncer))
        stage = Stage(lab, scene, {key: one.host for key, one in narrowed.items()}, observe=observe)
        _note(played, scene, lab)
        try:
            bouncers = {one.name: one for one in spec.bouncers}
            _perform(played, stage, migrations, bouncers, said, answered)
        except Refused as error:
            # No check asked for this; a server that died has said why.
            lab.check()
            raise LabFailed(f"{name}: a server did not go on: {told(error)}") from None
    return played


def _perform(
    played: Played,
    stage: Stage,
    migrations: Migrations,
    bouncers: dict[str, BouncerSpec],
    said: Callable[[str], None],
    one_more: Callable[[], None],
) -> None:
    """All that is asked while the servers are up."""
    scene, name = stage.scene, stage.scene.ground.environment
    with played.phase(f"{name}: roles, schemas and SQL"):
        said(f"{name}: preparing databases")
        _prepare(played, stage.lab, scene)
        migrated = migrations.run(stage, said)
    answered: dict[int, list[Check]] = {}
    with played.phase(f"{name}: checks"):
        for number, client in enumerate(scene.clients):
            said(f"{name}: checking {client.id}")
            answered[number] = _checks(stage, client, migrated)
            # The next one finds PostgreSQL's connections free, however many roles there are.
            stage.lab.close_idle()
            one_more()
    with played.phase(f"{name}: controls"):
        said(f"{name}: negative controls")
        played.controls += controls.Controls(stage, bouncers).run()
        stage.lab.check()
    with played.phase(f"{name}: restart of PostgreSQL"):
        said(f"{name}: restarting PostgreSQL under idle clients")
        waiting = [one for b in bouncers.values() for one in controls.borrowers(scene, b)[:1]]
        _restart(played, stage, answered, waiting)
        stage.lab.check()
    played.consumers += _merged(scene.clients, answered)


def _note(played: Played, scene: Scene, lab: RunningLab) -> None:
    played.postgres, played.pgbouncer = lab.postgres_version, lab.pgbouncer_version
    for note in (*lab.fidelity, *scene.notes):
        played.fidelity[note] = None
    for facts, _ in scene.ground.poolers:
        for file, text in lab.files(facts.name).items():
            ini = Ini(scene.ground.environment, facts.name, file, text)
            played.configuration.append(ini)


def _prepare(played: Played, lab: RunningLab, scene: Scene) -> None:
    """Run the scene's SQL; what fails and may fail is told, since production may have it."""
    settings = {
        (client.login.database, setting)
        for client in scene.clients
        if client.login is not None and (setting := checks_state.tenant_setting(client))
    }
    made = [tenants(database, setting) for database, setting in sorted(settings)[:1]]
    preparation = Preparation(lab)
    preparation.run((*scene.statements, *made))
    for note in preparation.notes:
        played.fidelity[note] = None


def _checks(stage: Stage, client: Client, migrated: dict[str, Answer]) -> list[Check]:
    """Every question's check for one client, in order; nothing is asked when it cannot log in."""
    if client.refused:
        expected, observed = checks_login.LOGIN.expected, f"{client.reader}: {client.refused}"
        return [
            Check("login", Verdict.FAIL, expected, observed, checks_login.LOGIN.facts),
            *(skipped(question, "the driver does not take the string") for question in _QUESTIONS),
        ]
    if client.login is None:
        waits = asked(stage, client, checks_pool.WAITS)
        nobody = [skipped(q, "it logs nobody in") for q in (checks_login.LOGIN, *_QUESTIONS)]
        return [nobody[0], waits, *nobody[1:]]
    login = asked(stage, client, checks_login.LOGIN)
    if login.verdict is not Verdict.PASS:
        return [login, *(skipped(question, "the login failed") for question in _QUESTIONS)]
    found = [login]
    for question in _QUESTIONS:
        reason = question.skips(client)
        found.append(skipped(question, reason) if reason else asked(stage, client, question))
    if client.id in migrated:
        answer = migrated[client.id]
        found.append(Check(_MIGRATIONS, answer.verdict, answer.expected, answer.observed, ("MG1",)))
    return found


def _restart(
    played: Played, stage: Stage, answered: dict[int, list[Check]], waiting: Iterable[Client]
) -> None:
    """The restart is one for all clients, and the last thing that happens."""
    able = [
        number
        for number, client in enumerate(stage.scene.clients)
        if client.login is not None and client.purpose != "probe"
        and answered[number][0].verdict is Verdict.PASS
    ]  # fmt: skip
    restart = checks_pool.Restart(stage, [stage.scene.clients[number] for number in able], waiting)
    answers = restart.run()
    for position, number in enumerate(able):
        answer = late(stage, stage.scene.clients[number], answers[position])
        answered[number].append(
            Check(
                _RESTART,
                answer.verdict,
                answer.expected,
                answer.observed,
                checks_pool.RESTART_FACTS,
            )
        )
    played.controls += controls.while_down(stage, restart)


_WORST = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS, Verdict.SKIPPED)


def _merged(
    clients: Iterable[Client], answered: dict[int, list[Check]]
) -> Iterator[RehearsedConsumer]:
    """One row for each consumer: of several connections the worst answer to each question."""
    rows: dict[str, RehearsedConsumer] = {}
    for number, client in enumerate(clients):
        row = RehearsedConsumer(
            id=client.id,
            environment=client.environment,
            route=client.route,
            pool_mode=client.pool_mode,
            driver=client.driver,
            server=client.server,
            checks=tuple(answered[number]),
        )
        rows[client.id] = _worse(rows[client.id], row) if client.id in rows else row
    yield from rows.values()


def _worse(one: RehearsedConsumer, other: RehearsedConsumer) -> RehearsedConsumer:
    checks = {check.id: check for check in one.checks}
    for check in other.checks:
        known = checks.get(check.id)
        if known is None or _WORST.index(check.verdict) < _WORST.index(known.verdict):
            checks[check.id] = check
    drivers = ", ".join(dict.fromkeys(d for d in (one.driver, other.driver) if d))
    return replace(one, driver=drivers, checks=tuple(checks.values()))
