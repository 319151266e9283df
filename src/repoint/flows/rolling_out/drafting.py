"""The steps that are left to do, found by asking the cluster; nothing is changed here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from secrets import token_hex

from repoint.flows.desired import Desired
from repoint.flows.rolling_out.jobs import JobBook
from repoint.flows.rolling_out.locking import lock_namespace
from repoint.flows.rolling_out.situation import Hooks, Settings, read_if_allowed
from repoint.flows.rolling_out.trying import Trial, Trials, kinds_made, refused
from repoint.model.cluster import Document, ObjectRef, ref_of
from repoint.model.tokens import new_token
from repoint.ports.cluster import ClusterApi
from repoint.rollout.inputs import Input, inputs_digest, inputs_of
from repoint.rollout.moving import moves, reads_anew
from repoint.rollout.names import GATED, INPUTS, ROLLED, SPEC, SWITCHED
from repoint.rollout.objects import annotated, marks_of, template_of, template_path
from repoint.rollout.ordering import (
    Wave,
    early_values,
    is_cnpg,
    is_values,
    place_of,
    secrets_named,
    sync_wave,
    wave_of,
)
from repoint.rollout.readiness import judge, judge_pooler, pooler_deployment
from repoint.rollout.recycling import due, is_ours, is_paused, leaving_pause
from repoint.rollout.restarts import Restart, by_reloader, decide
from repoint.rollout.starting import EFFECT, start_due, with_start_due
from repoint.rollout.steps import Action, Draft, Step
from repoint.rollout.values import Tokens, tokens_of, with_tokens


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the desired state against a cluster, at a time.

    `content` is the rollout's identity; `lease` the Lease's annotations, where one is there.
    """

    desired: Desired
    api: ClusterApi
    settings: Settings
    now: datetime
    hooks: Hooks = field(default_factory=Hooks)
    content: str = ""
    lease: Document | None = None


def draft(question: Question) -> Draft:
    """The steps of a rollout, in order; a dry run of each apply was asked of the server.

    Raises:
        RolloutStopped: something cannot be applied; all such things are named, and nothing was
            changed.
        ClusterRefused, ClusterLost: the cluster cannot be read.
    """
    return Drafting(question).draft()


class Drafting:
    """One draft in the making."""

    def __init__(self, question: Question) -> None:
        desired, api = question.desired, question.api
        self._question, self._api = question, api
        self._documents = tuple(sorted(desired.documents, key=place_of))
        self._live = {ref_of(one): api.get(ref_of(one)) for one in self._documents}
        self._trials = Trials(
            api,
            question.settings.force_conflicts,
            self._live,
            self._new(),
            kinds_made(self._documents),
        )
        self._notes: list[str] = []
        self._start_due: dict[ObjectRef, tuple[str, ...]] = {}
        self._values = self._with_tokens()
        self._others: dict[ObjectRef, Document | None] = {}
        self._book = JobBook(question.lease)
        read = (one.ref for one in self._read_by_workloads())
        there = {ref: live is not None for ref, live in self._live.items()}
        self._early = early_values(self._documents, there, read)

    def draft(self) -> Draft:
        """Ask about everything, then say what is left."""
        steps = self._steps()
        if self._trials.against:
            raise refused(self._trials.against)
        desired = self._question.desired
        return Draft(
            *(desired.environment, self._api.context, lock_namespace(desired)),
            steps=steps,
            notes=tuple(dict.fromkeys((*self._missing(), *self._notes))),
            objects=len(desired.objects),
        )

    def _steps(self) -> tuple[Step, ...]:
        ground = [*self._resumed(), *self._ground()]
        values, jobs = tuple(self._applied(Wave.VALUES)), tuple(self._jobs())
        switch = (*values, *jobs, *self._pools(jobs), *self._workloads())
        return (*ground, *self._gate(switch), *switch)

    def _of(self, wave: Wave) -> tuple[Document, ...]:
        return tuple(one for one in self._documents if wave_of(one, self._early) is wave)

    def _new(self) -> frozenset[str]:
        """Namespaces that the rollout makes."""
        namespaces = {one.ref for one in self._question.desired.of_kind("Namespace")}
        return frozenset(ref.name for ref in namespaces if self._live[ref] is None)

    def _with_tokens(self) -> dict[ObjectRef, Document]:
        token = new_token(self._question.now, token_hex(3))
        return {
            ref_of(one): with_tokens(self._live[ref_of(one)], one, token)
            for one in self._documents
            if is_values(ref_of(one))
        }

    def _tokens(self, one: Input) -> Tokens:
        ref = one.ref
        return tokens_of(self._values.get(ref) or self._other(ref))

    def _other(self, ref: ObjectRef) -> Document | None:
        if ref not in self._others:
            self._others[ref] = read_if_allowed(self._api, ref)
        return self._others[ref]

    def _read_by_workloads(self) -> Iterator[Input]:
        for document in self._documents:
            if wave_of(document) in (Wave.JOBS, Wave.WORKLOADS):
                yield from inputs_of(document)

    def _resumed(self) -> Iterator[Step]:
        for document in self._documents:
            ref = ref_of(document)
            live = self._live[ref]
            if not is_cnpg(ref, "Pooler") or not is_paused(live):
                continue
            if is_ours(live):
                yield Step(Action.RESUME, ref, why="a run that was cut off left it paused")
            elif not is_paused(document):
                self._notes.append(f"{ref} was paused by somebody else: it stays so")

    def _ground(self) -> Iterator[Step]:
        yield from self._applied(Wave.NAMESPACES)
        steps = tuple(self._applied(Wave.GROUND))
        yield from steps
        changed = {step.ref for step in steps}
        for document in self._of(Wave.GROUND):
            ref = ref_of(document)
            live = self._live[ref]
            if is_cnpg(ref, "Cluster"):
                judged = judge(live)
            elif is_cnpg(ref, "Pooler"):
                judged = judge_pooler(live, self._other(pooler_deployment(ref)))
            else:
                continue
            if ref in changed or not judged.ready:
                yield Step(Action.WAIT, ref, why=judged.reason if ref not in changed else "")
            if names := self._start_due.get(ref):
                why = f"PgBouncer takes {', '.join(names)} at its start only; {EFFECT}"
                yield Step(Action.RESTART, ref, why=why)

    def _applied(self, wave: Wave) -> Iterator[Step]:
        for document in self._of(wave):
            ref = ref_of(document)
            wanted = self._values.get(ref, document)
            if is_cnpg(ref, "Pooler"):
                wanted = leaving_pause(document, self._live[ref])
            trial = self._trials.apply(wanted)
            if is_cnpg(ref, "Pooler"):
                self._start_due[ref] = start_due(self._live[ref], trial.fields)
                wanted = with_start_due(wanted, self._start_due[ref])
            if trial.is_new or trial.fields:
                self._tell_taken(ref, trial)
                yield _apply(ref, wanted, trial)

    def _tell_taken(self, ref: ObjectRef, trial: Trial) -> None:
        if trial.taken:
            who = ", ".join(f"`{manager}`" for manager in trial.taken)
            self._notes.append(f"{ref}: fields of {who} are taken over, nobody reconciles them")

    def _gate(self, switch: tuple[Step, ...]) -> Iterator[Step]:
        hooks = self._question.hooks
        if hooks.before_switch is None or not any(self._moves(step) for step in switch):
            return
        passed = str(marks_of(self._question.lease).get(GATED, ""))
        if passed and passed == self._question.content:
            self._notes.append("the data gate was passed before this rollout was cut off")
            return
        yield Step(Action.GATE, ObjectRef("", "", "", ""), why=hooks.gate)

    def _moves(self, step: Step) -> bool:
        """Whether a step moves a consumer to the target that was not there before."""
        live, target = self._live.get(step.ref), self._question.hooks.target
        switched = marks_of(self._question.lease).get(GATED) == SWITCHED
        if not step.document or (live is None and (switched or step.ref.kind == "Job")):
            return False
        if moves(live, step.document, target):
            return True
        if live is None or is_values(step.ref):
            return False
        held = self._read_values(live, self._live)
        return reads_anew(
            live, held, step.document, self._read_values(step.document, self._values), target
        )

    def _read_values(
        self, workload: Document, known: Mapping[ObjectRef, Document | None]
    ) -> dict[tuple[str, str, str], Document]:
        """The Secrets and ConfigMaps that a workload reads: of `known`, else as they are."""
        found = {}
        for one in inputs_of(workload):
            ref = one.ref
            holder = known[ref] if ref in known else self._other(ref)
            if holder is not None:
                found[one.kind, one.namespace, one.name] = holder
        return found

    def _jobs(self) -> Iterator[Step]:
        for _, group in groupby(self._of(Wave.JOBS), key=sync_wave):
            waits: list[Step] = []
            for document in group:
                wanted = self._book.marked(document, self._tokens)
                verdict = self._book.judge(wanted, self._live[ref_of(document)])
                if verdict.run and self._ran_already(document):
                    continue
                if verdict.run:
                    self._trials.create(wanted)
                    yield Step(
                        *(Action.REPLACE, ref_of(document)),
                        is_new=self._live[ref_of(document)] is None,
                        why=verdict.why,
                        document=wanted,
                    )
                if verdict.wait:
                    waits.append(Step(Action.WAIT, ref_of(document), document=wanted))
            yield from waits

    def _ran_already(self, document: Document) -> bool:
        """Whether a Job that repoint did not make is complete, as wanted, with what it reads."""
        live = self._live[ref_of(document)]
        if SPEC in marks_of(live) or not judge(live).ready or self._changed(inputs_of(document)):
            return False
        return self._trials.is_same(document)

    def _pools(self, jobs: tuple[Step, ...]) -> Iterator[Step]:
        again = frozenset(step.ref for step in jobs if step.action is Action.REPLACE)
        live = {ref: None if ref in again else one for ref, one in self._live.items()}
        runs = self._book.runs(self._documents, live, self._other, again)
        for document in self._documents:
            ref = ref_of(document)
            if not is_cnpg(ref, "Pooler"):
                continue
            found = due(document, self._live[ref], runs)
            if found is not None:
                names = ", ".join(run.name for run in found.runs)
                why = f"after {names}; {found.effect}"
                yield Step(Action.RECYCLE, ref, why=why, document=document)

    def _workloads(self) -> Iterator[Step]:
        for _, group in groupby(self._of(Wave.WORKLOADS), key=sync_wave):
            known = tuple(group)
            steps = [step for one in known if (step := self._workload(one)) is not None]
            # All that is new is made before anything is waited for: they may need each other.
            yield from (replace(step, action=Action.APPLY) for step in steps if step.is_new)
            yield from (step for step in steps if not step.is_new)
            made = (step for step in steps if step.is_new and step.ref.kind in ROLLED)
            yield from (Step(Action.WAIT, step.ref, document=step.document) for step in made)

    def _workload(self, document: Document) -> Step | None:
        ref = ref_of(document)
        live = self._live[ref]
        path = template_path(document)
        inputs = inputs_of(document)
        # What it makes from now on reads what is there then: nothing of it has to restart.
        digest = inputs_digest(inputs, self._tokens) if ref.kind in ROLLED else ""
        neutral = _marked(document, str(marks_of(template_of(live or {})).get(INPUTS, "")), path)
        trial = self._trials.apply(neutral)
        reloaded = by_reloader(document, self._changed(inputs), self._objects(ref.namespace))
        decision = decide(live, digest=digest, template_changes=trial.template, reloaded=reloaded)
        wanted = _marked(document, decision.mark, path)
        judged = judge(live)
        restarts = decision.restart in (Restart.BY_REPOINT, Restart.BY_RELOADER)
        if not (trial.is_new or trial.fields or restarts):
            waits = ref.kind in ROLLED and not judged.ready
            return Step(Action.WAIT, ref, why=judged.reason, document=wanted) if waits else None
        self._tell_taken(ref, trial)
        return Step(
            *(Action.ROLL, ref, trial.fields, trial.is_new or live is None),
            why=self._why(decision.restart, inputs),
            document=wanted,
            force=trial.force,
            reloaded=decision.restart is Restart.BY_RELOADER,
            mark=digest if decision.restart is Restart.BY_RELOADER else "",
        )

    def _changed(self, inputs: Iterable[Input]) -> tuple[Input, ...]:
        """Those inputs of which repoint changed something at some time."""
        return tuple(
            one
            for one in inputs
            if (one.key in self._tokens(one) if one.key else self._tokens(one))
        )

    def _why(self, restart: Restart, inputs: tuple[Input, ...]) -> str:
        if restart in (Restart.BY_REPOINT, Restart.BY_RELOADER):
            names = sorted({f"{one.kind}/{one.name}" for one in self._changed(inputs)})
            return f"restarted {restart.value}: {', '.join(names)} changed"
        return ""

    def _objects(self, namespace: str) -> dict[tuple[str, str], Document]:
        return {
            (ref.kind, ref.name): one
            for ref, one in self._values.items()
            if ref.namespace == namespace
        }

    def _missing(self) -> Iterator[str]:
        """Secrets and ConfigMaps that are read, and neither desired nor there."""
        for document in self._documents:
            for ref in self._read_by(document):
                known = ref in self._values or ref.namespace in self._trials.new_namespaces
                if not known and self._other(ref) is None:
                    yield f"{ref}, which {ref_of(document)} reads, is not there or not readable"

    def _read_by(self, document: Document) -> Iterator[ObjectRef]:
        own = ref_of(document)
        if is_cnpg(own, "Cluster"):
            for name in sorted(secrets_named(document.get("spec"))):
                yield ObjectRef("v1", "Secret", own.namespace, name)
        elif wave_of(document) >= Wave.JOBS:
            for one in inputs_of(document):
                if not one.optional:
                    yield one.ref


def _marked(document: Document, mark: str, path: tuple[str, ...]) -> Document:
    return annotated(document, {INPUTS: mark}, *path) if mark else document


def _apply(ref: ObjectRef, document: Document, trial: Trial) -> Step:
    return Step(
        *(Action.APPLY, ref, trial.fields, trial.is_new), document=document, force=trial.force
    )
