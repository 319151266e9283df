"""`repoint rollback --rollout`: ask, take the files back, bring the cluster back, verify."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import click

from repoint.cli import show
from repoint.cli.change import STATE_FOLDER, tell_recovered
from repoint.cli.context import open_cluster
from repoint.cli.options import Session, says_yes
from repoint.cli.running import Lines, interruptible
from repoint.cli.stdout import emit
from repoint.cli.wiring import (
    Desk,
    data_desk,
    data_world,
    dialer,
    http_getter,
    identity,
    lease_holder,
    open_desk,
)
from repoint.errors import ExitCode, RepointError

if TYPE_CHECKING:
    from repoint.flows.going_back.sides import Sides
    from repoint.flows.rolling_out.flow import Rollout
    from repoint.flows.rolling_out.source import Repository
    from repoint.flows.watching import Subject
    from repoint.model.rehearsal import Verdict
    from repoint.ports.cluster import ClusterApi
    from repoint.rollout.steps import Draft
    from repoint.views.rollback import Story


@dataclass(frozen=True, slots=True)
class Choices:
    """What the command line says."""

    environment: str
    context: str
    dry_run: bool
    yes: bool
    force_conflicts: bool
    timeout_s: float
    accept_data_loss: bool
    form: str

    @property
    def again(self) -> str:
        """The command that goes on after a stop."""
        argv = ["repoint", "rollback", "--env", self.environment, "--rollout"]
        argv += ["--context", self.context] if self.context else []
        argv += ["--force-conflicts"] if self.force_conflicts else []
        argv += ["--accept-data-loss"] if self.accept_data_loss else []
        return f"`{shlex.join(argv)}`"


def go_back(session: Session, desk: Desk, choices: Choices) -> int:
    """Go the whole way back; the exit status.

    Raises:
        WouldLoseData: the source is gone, or rows would be lost; nothing was changed.
        RolloutStopped: a step failed, and running it again goes on there.
    """
    from repoint.flows.planning import require_config
    from repoint.flows.recover import resume

    if desk.tree.files_in(STATE_FOLDER):
        tell_recovered(session, resume(desk.tree))
    mode = require_config(desk.workspace).environments[choices.environment].mode
    with open_cluster(session, desk, choices.environment, choices.context) as api:
        command = Homeward(session, desk, choices, api)
        return command.run_watching() if mode == "gitops" else command.run()


class Homeward:
    """One call of the command."""

    def __init__(self, session: Session, desk: Desk, choices: Choices, api: ClusterApi) -> None:
        from repoint.flows.going_back.flow import past_of
        from repoint.flows.going_back.sides import sides_of
        from repoint.flows.rolling_out.source import Repository
        from repoint.views.rollback import Story

        self._session, self._desk, self._choices, self._api = session, desk, choices, api
        self._repository: Repository = Repository(
            desk.workspace, desk.tree, desk.sealed, identity(desk.workspace.root)
        )
        self._past = past_of(desk.tree, choices.environment)
        self._sides: Sides = sides_of(self._repository, choices.environment)
        self._lines = Lines(session, choices.form)
        self._story: Story = Story(choices.environment, api.context, self._sides.files)
        self._story.events = self._lines.events

    def run(self) -> int:
        """Ask, show, go back by repoint's own hand, verify, record."""
        from repoint.flows.rolling_out.flow import draft_rollout
        from repoint.rollout.steps import switches

        rollout = self._rollout()
        draft = self._story.draft = draft_rollout(rollout)
        if not self._sides.files and draft.is_done and self._past.owed is None:
            return self._nothing()
        if switches(draft.steps):
            self._ask()
        self._show()
        if self._choices.dry_run:
            return self._end("dry-run")
        if not self._agreed(f"go back with {len(draft.steps)} steps in the cluster"):
            return ExitCode.REFUSED
        self._run(rollout, draft)
        return self._verify(f"{len(draft.steps)} steps")

    def run_watching(self) -> int:
        """Take the files back, and watch a controller bring what they say; then verify."""
        from repoint.flows.watching import Patience, watch

        if not self._sides.files and self._past.owed is None:
            return self._nothing()
        self._ask()
        self._show()
        if self._choices.dry_run:
            return self._end("dry-run")
        if self._sides.files:
            if not self._agreed("take the files back; a controller brings them"):
                return ExitCode.REFUSED
            self._take_back()
        self._session.terminal.notice("commit and push: the controller brings the way back")
        subject = self._subject()
        patience = Patience(timeout_s=self._choices.timeout_s)
        try:
            found = watch(self._api, subject, patience)
        except KeyboardInterrupt:
            return self._interrupted()
        if not found.reached:
            waits = [row for row in found.seen.rows if row.standing.value != "reached"]
            for row in waits[:5]:
                self._session.terminal.notice(f"{row.ref}: {row.reason}")
            self._session.terminal.notice(f"not reached yet; look again with {self._choices.again}")
            self._end("waiting")
            return ExitCode.REFUSED
        return self._verify(f"watched, {len(found.seen.rows)} objects")

    def _subject(self) -> Subject:
        """What is watched: the files as they are now, with the source as the aim."""
        from dataclasses import replace

        from repoint.flows.watching import subject_of

        with open_desk(self._session, None) as fresh:
            subject = subject_of(fresh.workspace, self._choices.environment)
        return replace(subject, target=subject.source, source=subject.target)

    def _rollout(self) -> Rollout:
        from repoint.flows.desired import desired_state
        from repoint.flows.rolling_out.flow import Rollout
        from repoint.flows.rolling_out.homeward import Home
        from repoint.flows.rolling_out.situation import Hooks, Settings

        choices = self._choices
        settings = Settings(choices.timeout_s, choices.force_conflicts, choices.again)
        desired = self._sides.desired
        if desired is None:  # this tells why there are no objects
            desired = desired_state(self._sides.back, choices.environment)
        return Rollout(
            *(desired, self._api, self._repository.identity, settings, Hooks()),
            home=Home(self._sides.left),
        )

    def _ask(self) -> None:
        """Ask the way back, before anything is touched."""
        from repoint.flows.going_back.flow import ask

        with data_world(self._api) as world:
            self._story.way = ask(data_desk(self._session, self._desk), self._sides, world)

    def _show(self) -> None:
        from repoint.views.rollback import before

        self._session.progress.close()
        way = self._story.way
        if self._choices.form == "human":
            terminal = self._session.terminal
            emit(before(self._story, width=terminal.width, color=terminal.color))
        if way is not None:
            try:
                accepted = self._choices.accept_data_loss
                self._story.lost = way.require(accept_data_loss=accepted)
            except RepointError as error:
                self._json("stopped", error.message)
                raise

    def _agreed(self, question: str) -> bool:
        place = f"`{self._choices.environment}` (context `{self._api.context}`)"
        if self._choices.yes or says_yes(self._session, f"{question}, {place}?"):
            return True
        self._session.terminal.say("nothing was changed")
        return False

    @property
    def _overrides(self) -> tuple[str, ...]:
        return tuple(f"data: {one}" for one in self._story.lost)

    def _take_back(self) -> None:
        from repoint.flows.rollback import roll_back

        if not self._sides.files:
            return
        done = roll_back(
            *((self._choices.environment,), self._desk.tree, self._desk.sealed),
            identity=self._repository.identity,
            overrides=self._overrides,
        )
        for note in done.notes:
            self._session.terminal.notice(f"note: {note}")
        self._session.terminal.notice(f"{len(done.written)} files are back: commit them")

    def _begin(self, rollout: Rollout) -> None:
        """Take the files back, under the Lease and before the cluster is changed."""
        from repoint.flows.going_back.flow import require_same

        self._take_back()
        with open_desk(self._session, None) as fresh:
            require_same(fresh.workspace, rollout.desired)

    def _run(self, rollout: Rollout, draft: Draft) -> None:
        from repoint.flows.rolling_out.flow import run_rollout

        if draft.is_done:
            self._take_back()
            return
        try:
            with interruptible():
                run_rollout(
                    *(rollout, draft, lease_holder(), self._lines.tell),
                    before=lambda: self._begin(rollout),
                )
        except KeyboardInterrupt:
            raise click.exceptions.Exit(self._interrupted()) from None
        except RepointError as error:
            self._stopped(error)
        self._lines.close()

    def _verify(self, detail: str) -> int:
        """Ask everybody where they are, tell the ledger."""
        from repoint.flows.going_back.flow import verified, with_meanwhile

        name = self._choices.environment
        with open_desk(self._session, None) as fresh:
            found = verified(fresh.workspace, self._api, name, dial=dialer(), get=http_getter())
        first = self._story.way
        if first is not None:
            self._ask()
            again, self._story.way = self._story.way, first
            assert again is not None
            found = with_meanwhile(found, first, again)
        self._story.verification = found
        self._session.progress.close()
        if self._choices.form == "human":
            terminal = self._session.terminal
            terminal.done(show.verification(terminal, "human", found))
        self._record(found.connections, f"{detail}, context {self._api.context}")
        if found.connections.value != "pass":
            hint = f"look at what failed, then run {self._choices.again} again"
            self._session.terminal.notice(f"back, and not all of it is proven: {hint}")
            self._end("unverified")
            return ExitCode.REFUSED
        self._session.terminal.notice(f"rolled back: {name}; commit the files and .repoint")
        return self._end("done")

    def _record(self, verdict: Verdict, detail: str) -> None:
        from repoint.flows.going_back.flow import record_return

        record_return(
            *(self._repository, self._choices.environment, verdict),
            detail=detail,
            overrides=self._overrides,
        )

    def _stopped(self, error: RepointError) -> NoReturn:
        from repoint.model.rehearsal import Verdict

        self._lines.close()
        self._json("stopped", error.message)
        if error.exit_code is ExitCode.PARTIAL:
            self._record(Verdict.FAIL, error.message)
        raise error

    def _interrupted(self) -> int:
        self._lines.close()
        self._json("interrupted")
        place = f" at `{self._lines.at}`" if self._lines.at else ""
        self._session.terminal.say(f"interrupted{place}; go on with {self._choices.again}")
        return ExitCode.INTERRUPTED

    def _nothing(self) -> int:
        done = self._past.done
        when = f"; it went back on {done.at:%Y-%m-%d %H:%M}" if done is not None else ""
        name = self._choices.environment
        self._session.terminal.notice(f"nothing to roll back: files and cluster agree{when}")
        self._session.terminal.notice(f"`repoint status` shows how far {name} is")
        return self._end("nothing")

    def _end(self, outcome: str) -> int:
        self._json(outcome)
        return ExitCode.OK

    def _json(self, outcome: str, error: str = "") -> None:
        from repoint.views.rollback import document

        if self._choices.form == "json":
            self._session.terminal.done(document(self._story, outcome=outcome, error=error))
