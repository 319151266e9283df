"""`repoint rollout`: the desired state of an environment, brought to its cluster."""

from __future__ import annotations

import re
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

import click

from repoint.cli.context import agrees, choose_environment, context_option, open_cluster
from repoint.cli.following import follow
from repoint.cli.options import (
    Session,
    examples,
    format_option,
    one_env_option,
    yes_option,
)
from repoint.cli.output import emit
from repoint.cli.wiring import (
    Desk,
    commit_of,
    http_getter,
    identity,
    lease_holder,
    open_desk,
)
from repoint.errors import ExitCode, RepointError, UsageError

if TYPE_CHECKING:
    from repoint.flows.desired import Desired
    from repoint.flows.rolling_out.flow import Rollout
    from repoint.flows.rolling_out.source import Repository
    from repoint.ports import ClusterApi
    from repoint.rollout.steps import Draft, Event


@dataclass(frozen=True, slots=True)
class Choices:
    """What the command line says."""

    environment: str
    context: str
    dry_run: bool
    yes: bool
    force_conflicts: bool
    timeout_s: float
    overrides: dict[str, str]
    allow_dirty: bool
    form: str

    @property
    def again(self) -> str:
        """The command that goes on after a stop."""
        argv = ["repoint", "rollout", "--env", self.environment]
        argv += ["--context", self.context] if self.context else []
        argv += ["--force-conflicts"] if self.force_conflicts else []
        argv += ["--allow-dirty"] if self.allow_dirty else []
        for gate, reason in self.overrides.items():
            argv += ["--override", gate, "--reason", reason]
        return f"`{shlex.join(argv)}`"


@click.command(
    short_help="Bring an environment to its cluster, step by step.",
    epilog=examples(
        "repoint rollout --env local --dry-run",
        "repoint rollout --env staging",
        "repoint rollout --env staging      # again after a stop: it goes on there",
        "repoint rollout --env staging --mode gitops   # Argo CD or Flux bring it: watch them",
        "repoint rollout --env production --override soaked --reason 'the change is urgent'",
    ),
)
@one_env_option()
@context_option()
@click.option(
    "--mode",
    type=click.Choice(["kubectl", "gitops"]),
    help="Who brings the objects: repoint (kubectl), or Argo CD or Flux, which are watched "
    "(gitops). Default: `mode:` in repoint.yaml.",
)
@click.option("--dry-run", is_flag=True, help="Only list the steps, as the API server takes them.")
@yes_option()
@click.option(
    "--force-conflicts", is_flag=True, help="Take over fields that a controller owns, too."
)
@click.option(
    "--timeout",
    metavar="DURATION",
    default="10m",
    show_default=True,
    help="How long to wait without progress, where an object has no progress deadline.",
)
@click.option(
    "--override", "gates", multiple=True, metavar="GATE", help="Pass a gate by (repeatable)."
)
@click.option("--reason", "reasons", multiple=True, metavar="TEXT", help="Why; it is recorded.")
@click.option("--allow-dirty", is_flag=True, help="Roll out files that are not committed.")
@format_option("json")
@click.pass_obj
def rollout(
    session: Session,
    environment: str,
    context: str,
    mode: str | None,
    dry_run: bool,
    yes: bool,
    force_conflicts: bool,
    timeout: str,
    gates: tuple[str, ...],
    reasons: tuple[str, ...],
    allow_dirty: bool,
    form: str,
) -> int:
    """Bring an environment to its cluster: a list of steps first, then each of them.

    The Cluster and the Pooler come first and have to be ready, then Secrets and ConfigMaps
    (opened by sops, sent to the API alone), then the migration Jobs, then the pools are
    recycled, and then the workloads that changed, or read what changed, each waited for.
    Objects that are as they should be are left alone; nothing is deleted but Jobs that run
    again.

    It stops at the first failure, tells what pods, events and logs say, and ends with 5 once
    something was changed. A second run asks the cluster what is left, and goes on there.

    In mode gitops nothing in the cluster is changed: it watches Argo CD or Flux bring the
    objects, tells who still has an old connection, and ends with 0 once all is as planned, else
    with 1 when nothing has changed for as long as `--timeout` says.
    """
    from repoint.flows.gates import overrides_of
    from repoint.flows.planning import require_config

    overrides = overrides_of(gates, reasons)
    with open_desk(session, None) as desk:
        config = require_config(desk.workspace)
        name = choose_environment(desk, environment)
        choices = Choices(
            *(name, context, dry_run, yes, force_conflicts, _seconds(timeout)),
            overrides=overrides,
            allow_dirty=allow_dirty,
            form=form,
        )
        if (mode or config.environments[name].mode) == "gitops":
            return follow(session, desk, choices)
        return _Command(session, desk, choices).run()


class _Command:
    """One call of the command in `kubectl` mode."""

    def __init__(self, session: Session, desk: Desk, choices: Choices) -> None:
        from repoint.flows.planning import require_config
        from repoint.flows.rolling_out.source import Repository, content

        self._session, self._desk, self._choices = session, desk, choices
        self._config = require_config(desk.workspace)
        self._repository: Repository = Repository(
            desk.workspace, desk.tree, desk.sealed, identity(desk.workspace.root)
        )
        self._commit = commit_of(desk.workspace.root)
        self._content = content(self._repository, choices.environment)
        self._lines = _Lines(session, choices.form)
        self._passed: tuple[str, ...] = ()

    def run(self) -> int:
        """Draft, show, ask, run, record."""
        from repoint.flows.desired import desired_state
        from repoint.flows.rolling_out import source
        from repoint.flows.rolling_out.flow import draft_rollout

        name = self._choices.environment
        if not self._choices.allow_dirty:
            environment = self._config.environments[name]
            source.require_committed(self._repository, name, environment)
        source.require_applied(self._repository, name)
        desired = desired_state(self._desk.workspace, name)
        with open_cluster(self._session, self._desk, name, self._choices.context) as api:
            rollout = self._rollout(desired, api)
            draft = draft_rollout(rollout)
            self._session.progress.close()
            self._show(draft)
            if self._choices.dry_run or draft.is_done:
                return self._end(draft, "dry-run" if self._choices.dry_run else "nothing")
            if not self._agreed(draft):
                click.echo("nothing was changed", err=True)
                return ExitCode.REFUSED
            return self._run(rollout, draft)

    def _rollout(self, desired: Desired, api: ClusterApi) -> Rollout:
        from repoint.flows.rolling_out.flow import Rollout
        from repoint.flows.rolling_out.metrics import servers_left
        from repoint.flows.rolling_out.situation import Hooks, Settings

        settings = Settings(
            self._choices.timeout_s, self._choices.force_conflicts, self._choices.again
        )
        hooks = Hooks(servers_left=servers_left(http_getter()))
        return Rollout(
            *(desired, api, self._repository.identity, settings, hooks), content=self._content
        )

    def _show(self, draft: Draft) -> None:
        from repoint.views.rollout import steps

        if self._choices.form == "human":
            terminal = self._session.terminal
            what = f"commit {self._commit[:12] or 'none'}, content {self._content[:12] or 'none'}"
            emit(steps(draft, what=what, width=terminal.width, color=terminal.color))

    def _agreed(self, draft: Draft) -> bool:
        name = self._choices.environment
        what = f"roll out {len(draft.steps)} steps to `{name}`"
        return agrees(
            *(self._session, self._config, name, draft.context, what), yes=self._choices.yes
        )

    def _run(self, rollout: Rollout, draft: Draft) -> int:
        from repoint.flows.rolling_out.flow import run_rollout

        try:
            with _interruptible():
                run_rollout(rollout, draft, lease_holder(), self._lines.tell, before=self._gates)
        except KeyboardInterrupt:
            self._lines.close()
            self._json(draft, "interrupted")
            place = f" at `{self._lines.at}`" if self._lines.at else ""
            click.echo(f"interrupted{place}; go on with {self._choices.again}", err=True)
            return ExitCode.INTERRUPTED
        except RepointError as error:
            self._stopped(draft, error)
        return self._end(draft, "done")

    def _gates(self) -> None:
        from repoint.flows.gates import check_gates, passed_by, require

        found = check_gates(
            *(self._repository.tree, self._config, self._choices.environment),
            self._repository.identity.now(),
            overrides=self._choices.overrides,
            store=self._repository.sealed,
        )
        require(found, self._choices.environment)
        self._passed = passed_by(found)

    def _stopped(self, draft: Draft, error: RepointError) -> NoReturn:
        self._lines.close()
        self._json(draft, "stopped", error.message)
        if error.exit_code is ExitCode.PARTIAL:
            self._record("fail", error.message, did_anything=True)
        raise error

    def _end(self, draft: Draft, outcome: str) -> int:
        self._lines.close()
        self._json(draft, outcome)
        if outcome != "dry-run":
            detail = f"{len(draft.steps)} steps, context {draft.context}"
            self._record("pass", detail, did_anything=outcome == "done")
        if outcome == "done":
            self._session.terminal.notice(f"rolled out: {draft.environment}")
            self._session.terminal.notice(f"next: repoint verify --env {draft.environment}")
        return ExitCode.OK

    def _record(self, verdict: str, detail: str, *, did_anything: bool) -> None:
        from repoint.flows.rolling_out.source import record_rollout
        from repoint.model.rehearsal import Verdict

        record_rollout(
            *(self._repository, self._choices.environment, Verdict(verdict)),
            detail=detail,
            content=self._content,
            overrides=self._passed,
            did_anything=did_anything,
        )

    def _json(self, draft: Draft, outcome: str, error: str = "") -> None:
        from repoint.views.rollout import machine

        if self._choices.form == "json":
            about = {"commit": self._commit, "content": self._content}
            emit(machine(draft, **about, outcome=outcome, events=self._lines.events, error=error))


@dataclass(slots=True)
class _Lines:
    """Shows events as they come: on a terminal one line that changes, elsewhere one each."""

    session: Session
    form: str
    events: list[Event] = field(default_factory=list)
    at: str = ""
    _drawn: bool = False

    def tell(self, event: Event) -> None:
        """Show an event."""
        from repoint.rollout.steps import Tone
        from repoint.views.rollout import line

        self.events.append(event)
        if event.tone is Tone.BEGAN:
            self.at = event.text
        passing = event.tone in (Tone.BEGAN, Tone.WAITS)
        live = sys.stderr.isatty() and self.session.terminal.color
        if live and passing:
            text = line(event)[: self.session.terminal.width - 1]
            click.echo(f"\r\x1b[K{text}", nl=False, err=True)
            self._drawn = True
            return
        self.close()
        failing = event.tone in (Tone.TROUBLE, Tone.LOG)
        if failing or not self.session.terminal.quiet:
            click.echo(line(event), err=True)

    def close(self) -> None:
        """Clear the line that changes."""
        if self._drawn:
            click.echo("\r\x1b[K", nl=False, err=True)
            self._drawn = False


@contextmanager
def _interruptible() -> Iterator[None]:
    """Take a polite end (SIGTERM) for Ctrl-C, so that no Pooler is left paused."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _seconds(duration: str) -> float:
    """A duration in seconds.

    Raises:
        UsageError: the text is none.
    """
    from repoint.planning.config import seconds_of

    if not re.fullmatch(r"([0-9]+(ms|s|m|h))+", duration):
        raise UsageError(f"`{duration}` is no duration", hint="write one as `90s` or `10m`")
    return seconds_of(duration)


COMMANDS: Sequence[click.Command] = (rollout,)
