"""Rollout: a list of steps that is shown first, then run, and found anew by every run.

The same executor serves any desired state (documents in, steps out): a way back is a
rollout of what was before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from repoint.errors import ClusterRefused, ExitCode, FileRefused, RepointError, RolloutStopped
from repoint.flows.desired import Desired
from repoint.flows.rolling_out.drafting import Question, draft
from repoint.flows.rolling_out.failing import as_stopped, ended
from repoint.flows.rolling_out.homeward import Home, draft_home
from repoint.flows.rolling_out.jobs import JobBook, remembered
from repoint.flows.rolling_out.locking import Holder, lease_ref, lock_namespace, locked
from repoint.flows.rolling_out.pools import let_go, recycle, start_anew
from repoint.flows.rolling_out.situation import (
    Hooks,
    Running,
    Settings,
    Tell,
    read_if_allowed,
)
from repoint.flows.rolling_out.waiting import wait_gone, wait_pooler, wait_ready
from repoint.flows.rolling_out.workloads import roll
from repoint.model.cluster import Document, ref_of
from repoint.ports.cluster import ClusterApi
from repoint.ports.user import Identity
from repoint.rollout.names import GATED, RAN, SWITCHED
from repoint.rollout.objects import at
from repoint.rollout.ordering import is_cnpg
from repoint.rollout.ownership import reconciled
from repoint.rollout.passwords import KnownPasswords
from repoint.rollout.readiness import pooler_deployment
from repoint.rollout.recycling import Run
from repoint.rollout.steps import Action, Draft, Event, Step, Tone


@dataclass(frozen=True, slots=True)
class Rollout:
    """A desired state and the cluster it is brought to; see `Question` for the rest.

    `home` makes it the way back from a rollout.
    """

    desired: Desired
    api: ClusterApi
    identity: Identity
    settings: Settings
    hooks: Hooks
    content: str = ""
    home: Home | None = None

    def question(self) -> Question:
        """What is asked of the cluster now."""
        namespace = lock_namespace(self.desired)
        lease = read_if_allowed(self.api, lease_ref(self.desired.environment, namespace))
        return Question(
            *(self.desired, self.api, self.settings, self.identity.now()),
            hooks=self.hooks,
            content=self.content,
            lease=lease,
        )


def draft_rollout(rollout: Rollout) -> Draft:
    """The steps that are left, without changing anything; errors as for `drafting.draft`.

    Raises:
        FileRefused: an object has no name of its own.
    """
    for one in rollout.desired.objects:
        if not one.ref.name:
            raise FileRefused(
                f"`{one.source}`: a {one.ref.kind} has `generateName`, so each run would make one",
                hint="give it a `name`, or let a controller bring it (`--mode gitops`)",
            )
    return _draft(rollout)


def _draft(rollout: Rollout) -> Draft:
    question = rollout.question()
    return draft(question) if rollout.home is None else draft_home(question, rollout.home)


def run_rollout(
    rollout: Rollout,
    shown: Draft,
    holder: Holder,
    tell: Tell,
    *,
    before: Callable[[], None] = lambda: None,
) -> None:
    """Run the steps, and only such as were `shown`; `before` is asked under the lock.

    Raises:
        RolloutStopped: a step failed; its exit status tells whether anything was changed, and
            a second run goes on there.
        LockHeld: somebody else rolls out here.
        GateClosed: a gate of repoint.yaml, by `before`, before anything was changed.
    """
    namespaces = [s for s in shown.steps if s.ref.kind == "Namespace"]
    api, environment = rollout.api, rollout.desired.environment
    made = bool(namespaces)
    if made:
        before()
    for step in namespaces:
        api.apply(step.document, force=step.force)
    said: Callable[[str], None] = lambda text: tell(Event(Tone.NOTE, text))  # noqa: E731
    with locked(api, environment, shown.namespace, holder, said) as hold:
        running = Running(
            *(api, hold, tell, rollout.settings, rollout.hooks, rollout.content),
            changed=made,
            clean=KnownPasswords(rollout.desired.documents).hide,
        )
        steps = _still(running, rollout, shown)
        if not made:
            before()
        if rollout.home is not None:
            running.changed = True  # the files, by `before`
            # From here on consumers may write at the source: a later switch asks again.
            hold.note({GATED: None})
        _Executor(running, rollout).run(steps)
        if rollout.hooks.before_switch is not None and GATED in hold.noted():
            hold.note({GATED: SWITCHED})


def _still(running: Running, rollout: Rollout, shown: Draft) -> tuple[Step, ...]:
    """The steps that are left under the lock; none that a person has not seen."""
    seen = {(step.action, step.ref) for step in shown.steps}
    try:
        now = _draft(rollout)
    except RolloutStopped as error:
        error.exit_code = ExitCode.PARTIAL if running.changed else ExitCode.REFUSED
        raise
    fresh = [step for step in now.steps if (step.action, step.ref) not in seen]
    # What could not be asked about before its namespace was there may turn out to be a wait.
    fresh = [step for step in fresh if step.action is not Action.WAIT]
    if fresh and not any(step.ref.kind == "Namespace" for step in shown.steps):
        raise ended(running, f"the cluster changed meanwhile: `{fresh[0].title}` is due now, too")
    return now.steps


class _Executor:
    """Runs steps one after the other."""

    def __init__(self, running: Running, rollout: Rollout) -> None:
        self._running, self._rollout = running, rollout
        self._api = running.api

    def run(self, steps: tuple[Step, ...]) -> None:
        """Run them all; whatever ends it, no Pooler is left paused."""
        for number, step in enumerate(steps, 1):
            self._running.step = step.title
            place = (number, len(steps))
            try:
                self._running.hold.check()
                self._running.tell(Event(Tone.BEGAN, step.title, *place))
                self._one(step)
            except RolloutStopped:
                raise
            except RepointError as error:
                raise as_stopped(self._running, error) from None
            self._running.tell(Event(Tone.DONE, step.title, *place))

    def _one(self, step: Step) -> None:
        if step.action is Action.RESUME:
            let_go(self._running, step.ref)
        elif step.action is Action.APPLY:
            self._apply(step)
        elif step.action is Action.WAIT:
            self._wait(step)
        elif step.action is Action.GATE:
            self._gate()
        elif step.action is Action.REPLACE:
            self._replace(step)
        elif step.action is Action.RESTART:
            start_anew(self._running, step.ref)
        elif step.action is Action.RECYCLE:
            recycle(self._running, step.document, self._runs)
        else:
            roll(self._running, step)

    def _apply(self, step: Step) -> None:
        try:
            self._api.apply(step.document, force=step.force)
        except ClusterRefused as error:
            # Somebody's kubectl may have come in between; a controller's fields stay its own.
            if error.reason != "Conflict" or not error.causes or reconciled(error.causes):
                raise
            self._api.apply(step.document, force=True)
        self._running.changed = True

    def _wait(self, step: Step) -> None:
        if is_cnpg(step.ref, "Pooler"):
            wait_pooler(self._running, step.ref, pooler_deployment(step.ref))
            return
        found = wait_ready(self._running, step.ref)
        if step.ref.kind == "Job" and at(found, "spec", "ttlSecondsAfterFinished") is not None:
            marks = self._running.hold.noted()
            self._running.hold.note({RAN: remembered(marks, found)})

    def _gate(self) -> None:
        hook = self._running.hooks.before_switch
        if hook is not None:
            for text in hook(self._api, GATED in self._running.hold.noted()):
                self._running.tell(Event(Tone.NOTE, text))
        if self._running.content:
            self._running.hold.note({GATED: self._running.content})

    def _replace(self, step: Step) -> None:
        live = self._api.get(step.ref)
        if live is not None:
            uid = str(live["metadata"]["uid"])
            self._running.changed = True
            self._api.delete(step.ref, uid=uid)
            wait_gone(self._running, step.ref, uid)
        self._api.create(step.document)
        self._running.changed = True

    def _runs(self) -> tuple[Run, ...]:
        """The Jobs that ran for this state, as the cluster and the Lease know them now."""
        documents = self._rollout.desired.documents
        live = {ref_of(one): self._api.get(ref_of(one)) for one in documents if _is_job(one)}
        book = JobBook(self._api.get(self._running.hold.ref))
        runs = book.runs(documents, live, lambda ref: read_if_allowed(self._api, ref))
        return tuple(run for run in runs if run.uid)


def _is_job(document: Document) -> bool:
    return document.get("kind") == "Job"
