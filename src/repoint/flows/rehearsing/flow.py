"""Rehearse: every consumer's planned connection, tried on servers of our own."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Event

from repoint import __version__
from repoint.flows.evidence import Evidence, gather
from repoint.flows.planning import require_config
from repoint.flows.rehearsing.casting import Casting, Scene, Stranger
from repoint.flows.rehearsing.migrating import Migrations, Runner
from repoint.flows.rehearsing.planned import PlannedState, PlannedTree, planned_state
from repoint.flows.rehearsing.record import content_digest, inputs_of
from repoint.flows.rehearsing.run import Played, play
from repoint.flows.workspace import Workspace
from repoint.model.plan import Plan
from repoint.model.rehearsal import (
    REHEARSAL_FORMAT,
    Check,
    Ini,
    Phase,
    Rehearsal,
    RehearsedConsumer,
    Verdict,
)
from repoint.planning.config import CONFIG_NAME, Config
from repoint.ports.repository import SealedEditor, WritableTree
from repoint.ports.servers import DriverObserver, Laboratory
from repoint.ports.work import Progress
from repoint.rehearsal.ini import pgbouncer_hba, pgbouncer_ini
from repoint.rehearsal.spec import lab_spec

_AT_A_TIME = 2
_ALWAYS = (
    "a throwaway password has the awkward characters of the repository's, not its text",
    "every schema has a table of the rehearsal's own, and its role may use it",
)


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """The planned state of a repository, and who takes part in each environment's rehearsal.

    `began` is a monotonic clock's reading, `took_s` what this took, both in seconds.
    """

    plan: Plan
    state: PlannedState
    config: Config
    workspace: Workspace
    evidence: Evidence
    scenes: tuple[tuple[str, tuple[Scene, ...], tuple[Stranger, ...]], ...]
    began: float
    took_s: float


def prepare(
    plan: Plan,
    workspace: Workspace,
    tree: WritableTree,
    store: SealedEditor,
    environments: Sequence[str] = (),
) -> Prepared:
    """Lay the plan over the repository and find who asks which server; no server is needed.

    Raises:
        ConfigError: there is no repoint.yaml, or it names no environment.
        StalePlan: a file or an input changed since the plan was made.
        UsageError: the plan is not for one of `environments`.
    """
    began = time.monotonic()
    config = require_config(workspace)
    workspace.progress.step("laying the plan over the repository")
    state = planned_state(plan, workspace, tree, store, environments)
    overlaid = replace(workspace, tree=PlannedTree(workspace.tree, state.contents))
    evidence = gather(overlaid, state.after)
    scenes = []
    for name in state.environments:
        casting = Casting(state, config, plan.consumers, name, evidence.of(state.after, name))
        scenes.append((name, casting.scenes(), tuple(casting.strangers)))
    took = time.monotonic() - began
    return Prepared(plan, state, config, overlaid, evidence, tuple(scenes), began, took)


def configuration(prepared: Prepared) -> tuple[Ini, ...]:
    """The files that CloudNativePG writes for each Pooler, without any server."""
    found = []
    for name, scenes, _ in prepared.scenes:
        for scene in scenes:
            spec = lab_spec(scene.ground, scene.clients, scene.passwords.by_role)
            for bouncer in spec.bouncers:
                found.append(Ini(name, bouncer.name, "pgbouncer.ini", pgbouncer_ini(bouncer)))
                found.append(Ini(name, bouncer.name, "pg_hba.conf", pgbouncer_hba(bouncer)))
    return tuple(found)


def rehearse(
    prepared: Prepared,
    laboratory: Laboratory,
    *,
    run_command: Runner | None = None,
    observe: DriverObserver | None = None,
) -> tuple[Rehearsal, ...]:
    """One rehearsal for each environment, in promotion order.

    Args:
        run_command: Runs migration commands; without it none is run.
        observe: Asks installed drivers themselves; without it none is asked.

    Raises:
        ServersMissing: no PostgreSQL or PgBouncer that is good enough is here.
        LabFailed: a server did not start, or died on the way.
    """
    tree = prepared.workspace.tree
    migrations = Migrations(tree, tree.paths(), tuple(prepared.config.migrations), run_command)
    scenes = [scene for _, several, _ in prepared.scenes for scene in several]
    clients = sum(len(scene.clients) for scene in scenes)
    prepared.workspace.progress.step("rehearsing consumers", clients)
    with _Together(prepared.workspace.progress, laboratory) as pair:
        running = [
            pair.submit(play, scene, laboratory, migrations, pair.said, observe, pair.answered)
            for scene in scenes
        ]
        played = [one.result() for one in running]
    found = []
    for name, several, strangers in prepared.scenes:
        mine, played = played[: len(several)], played[len(several) :]
        found.append(_rehearsal(prepared, name, mine, strangers))
    return tuple(found)


class _Stopped(Exception):
    """Another scene failed, or somebody pressed Ctrl-C."""


class _Together(ThreadPoolExecutor):
    """Plays two scenes at a time: while one waits for a server, the other goes on.

    When the block is left by an error, the servers of those that still play are ended at once.
    """

    def __init__(self, progress: Progress, laboratory: Laboratory) -> None:
        super().__init__(max_workers=_AT_A_TIME)
        self._laboratory = laboratory
        self._progress = progress
        self._stop = Event()

    def said(self, text: str) -> None:
        """Show the step that one of them begins."""
        if self._stop.is_set():
            raise _Stopped
        self._progress.at(text)

    def answered(self) -> None:
        """Count a consumer of which everything was asked."""
        self._progress.advance()

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is not None:
            self._stop.set()
            self._laboratory.abandon()
        self.shutdown(wait=True, cancel_futures=kind is not None)


def _rehearsal(
    prepared: Prepared, name: str, played: Sequence[Played], strangers: Sequence[Stranger]
) -> Rehearsal:
    plan = prepared.plan
    fidelity = dict.fromkeys((*_ALWAYS, *(note for one in played for note in one.fidelity)))
    return Rehearsal(
        format=REHEARSAL_FORMAT,
        tool_version=__version__,
        plan=plan.fingerprint,
        environments=(name,),
        postgres=_versions(one.postgres for one in played),
        pgbouncer=_versions(one.pgbouncer for one in played),
        fidelity=tuple(fidelity),
        consumers=_rows(played, strangers),
        controls=tuple(control for one in played for control in one.controls),
        configuration=tuple(ini for one in played for ini in one.configuration),
        phases=tuple(phase for one in played for phase in one.phases),
        content=content_digest(plan, name),
        inputs=inputs_of(plan, _files(prepared, name)),
    )


def _versions(found: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(text for text in found if text))


def _rows(played: Sequence[Played], strangers: Sequence[Stranger]) -> tuple[RehearsedConsumer, ...]:
    """The consumers that were asked, and those that could not be; one may be both."""
    rows = {row.id: row for one in played for row in one.consumers}
    for one in strangers:
        known = rows.get(one.id)
        if known is None:
            rows[one.id] = _unknown(one)
        else:
            expected = "every connection of the consumer is tried"
            missed = Check("unseen", Verdict.UNKNOWN, expected, one.reason)
            rows[one.id] = replace(known, checks=(*known.checks, missed))
    return tuple(rows.values())


def _unknown(one: Stranger) -> RehearsedConsumer:
    check = Check("login", Verdict.UNKNOWN, "the login is taken", one.reason)
    return RehearsedConsumer(one.id, one.environment, one.route, "", "", one.server, (check,))


def _files(prepared: Prepared, name: str) -> frozenset[str]:
    """The files that one environment is read from, before the plan."""
    before = prepared.state.before
    build = next(one for one in before.resolution.environments if one.name == name)
    sites = {report.site.id: report.site for report in before.inventory.sites}
    used = {
        sites[site].location.path
        for site, uses in before.uses.items()
        if site in sites and any(use.environment == name for use in uses)
    }
    hazards = {hazard.path for hazard in prepared.evidence.hazards}
    return frozenset({CONFIG_NAME, *build.files, *used, *hazards})


def together(rehearsals: Sequence[Rehearsal], prepared: Prepared) -> Rehearsal:
    """Every environment's rehearsal as one, for a person and for a program."""
    first = Phase("plan laid over the repository", round(prepared.took_s, 2))
    whole = time.monotonic() - prepared.began
    last = Phase(f"in all, {_AT_A_TIME} environments at a time", round(whole, 2))
    return Rehearsal(
        format=REHEARSAL_FORMAT,
        tool_version=__version__,
        plan=prepared.plan.fingerprint,
        environments=tuple(one.environments[0] for one in rehearsals),
        postgres=_versions(one.postgres for one in rehearsals),
        pgbouncer=_versions(one.pgbouncer for one in rehearsals),
        fidelity=tuple(dict.fromkeys(note for one in rehearsals for note in one.fidelity)),
        consumers=tuple(row for one in rehearsals for row in one.consumers),
        controls=tuple(control for one in rehearsals for control in one.controls),
        configuration=tuple(ini for one in rehearsals for ini in one.configuration),
        phases=(first, *(phase for one in rehearsals for phase in one.phases), last),
    )
