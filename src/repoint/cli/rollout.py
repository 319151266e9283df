"""`repoint rollout`: the desired state of an environment, brought to its cluster."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
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
from repoint.cli.running import Lines, interruptible, seconds
from repoint.cli.stdout import emit
from repoint.cli.wiring import (
    Desk,
    commit_of,
    data_desk,
    data_world,
    http_getter,
    identity,
    lease_holder,
    open_desk,
)
from repoint.errors import ExitCode, RepointError

if TYPE_CHECKING:
    from repoint.flows.desired import Desired
    from repoint.flows.rolling_out.flow import Rollout
    from repoint.flows.rolling_out.source import Repository
    from repoint.ports.cluster import ClusterApi
    from repoint.rollout.steps import Draft


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


def _gate_names(ctx: click.Context, param: click.Parameter, start: str) -> list[str]:
    """The gates that begin with `start`."""
    from repoint.planning.config import ROLLOUT_GATES

    return [name for name in ROLLOUT_GATES if name.startswith(start)]


@click.command(
    epilog=examples(
        "repoint rollout --env local --dry-run",
        "repoint rollout --env staging",
        "repoint rollout --env staging      # again after a stop: it goes on there",
        "repoint rollout --env staging --mode gitops   # watch Argo CD or Flux",
        "repoint rollout --env production --override soaked --reason 'it is urgent'",
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
    "--override",
    "gates",
    multiple=True,
    metavar="GATE",
    shell_complete=_gate_names,
    help="Pass a gate by (repeatable).",
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
            *(name, context, dry_run, yes, force_conflicts, seconds(timeout)),
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
        self._lines = Lines(session, choices.form)
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
            self._session.progress.step("asking the cluster what would change")
            draft = draft_rollout(rollout)
            self._session.progress.close()
            self._show(draft)
            if self._choices.dry_run or draft.is_done:
                return self._end(draft, "dry-run" if self._choices.dry_run else "nothing")
            if not self._agreed(draft):
                self._session.terminal.say("nothing was changed")
                return ExitCode.REFUSED
            return self._run(rollout, draft)

    def _rollout(self, desired: Desired, api: ClusterApi) -> Rollout:
        from repoint.flows.rolling_out.flow import Rollout
        from repoint.flows.rolling_out.metrics import servers_left
        from repoint.flows.rolling_out.situation import Hooks, Settings
        from repoint.flows.services import services_of

        settings = Settings(
            self._choices.timeout_s, self._choices.force_conflicts, self._choices.again
        )
        gate = "is the target complete?" if self._compares else "the target's state is noted"
        hooks = Hooks(
            before_switch=self._switch,
            target=services_of(self._desk.workspace, self._choices.environment).target,
            gate=gate,
            servers_left=servers_left(http_getter()),
        )
        return Rollout(
            *(desired, api, self._repository.identity, settings, hooks), content=self._content
        )

    @property
    def _compares(self) -> bool:
        """Whether the gate `data` is asked for, and not passed by."""
        return "data" in self._config.gates.rollout and "data" not in self._choices.overrides

    def _switch(self, api: ClusterApi, begun: bool) -> Sequence[str]:
        from repoint.flows.comparing.switching import before_switch

        desk = data_desk(self._session, self._desk)
        with data_world(api) as world:
            found = before_switch(
                desk, self._choices.environment, world, begun=begun, compared=self._compares
            )
        self._session.progress.close()
        return found

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
            with interruptible():
                run_rollout(rollout, draft, lease_holder(), self._lines.tell, before=self._gates)
        except KeyboardInterrupt:
            self._lines.close()
            self._json(draft, "interrupted")
            place = f" at `{self._lines.at}`" if self._lines.at else ""
            self._session.terminal.say(f"interrupted{place}; go on with {self._choices.again}")
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
            text = machine(draft, **about, outcome=outcome, events=self._lines.events, error=error)
            self._session.terminal.done(text)


COMMANDS: Sequence[click.Command] = (rollout,)
