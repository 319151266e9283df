"""`repoint rollout --mode gitops`: Argo CD or Flux bring the objects, and are watched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repoint.cli.context import open_cluster
from repoint.cli.options import Session
from repoint.cli.stdout import emit
from repoint.cli.wiring import Desk, commit_of, identity
from repoint.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from repoint.cli.rollout import Choices
    from repoint.flows.rolling_out.source import Repository
    from repoint.flows.watching import Watched
    from repoint.rollout.gitops import Seen


def follow(session: Session, desk: Desk, choices: Choices) -> int:
    """Watch until the environment is at its planned state; nothing in the cluster is changed.

    Ends with 0 when it is reached, else with 1, and with 130 when it was interrupted.

    Raises:
        GateClosed: the plan has files left to write.
        DirtyWorkTree: what is to be watched for is in no commit.
        UsageError: an option changes the cluster.
    """
    from repoint.flows.planning import require_config
    from repoint.flows.rolling_out import source
    from repoint.flows.watching import Patience, subject_of, watch

    if choices.force_conflicts:
        raise UsageError(
            "`--force-conflicts` writes to the cluster, and `--mode gitops` never does",
            hint="leave it out, or roll out with `--mode kubectl`",
        )
    name, config = choices.environment, require_config(desk.workspace)
    repository = source.Repository(
        desk.workspace, desk.tree, desk.sealed, identity(desk.workspace.root)
    )
    if not choices.allow_dirty:
        source.require_committed(repository, name, config.environments[name])
    source.require_applied(repository, name)
    commit = commit_of(desk.workspace.root)
    subject = subject_of(desk.workspace, name, commit)
    once = Patience(timeout_s=0.0, settle_s=0.0)
    patience = once if choices.dry_run else Patience(timeout_s=choices.timeout_s)
    screen = _Screen(session, quiet=choices.dry_run)
    with open_cluster(session, desk, name, choices.context) as api:
        context = api.context
        session.progress.close()
        try:
            found = watch(api, subject, patience, screen.show)
        except KeyboardInterrupt:
            again = f"{choices.again.removesuffix('`')} --mode gitops`"
            session.terminal.say(f"interrupted; nothing was changed; look again with {again}")
            return ExitCode.INTERRUPTED
    session.progress.close()
    _print(session, choices, found, commit, source.content(repository, name), context)
    if not choices.dry_run:
        _record(session, repository, choices, found, context)
    return ExitCode.OK if found.reached else ExitCode.REFUSED


def _print(
    session: Session, choices: Choices, found: Watched, commit: str, content: str, context: str
) -> None:
    from repoint.views.watching import human, machine

    if choices.form == "json":
        emit(machine(found, commit=commit, content=content, context=context))
    else:
        emit(human(found, width=session.terminal.width, color=session.terminal.color))


def _record(
    session: Session, repository: Repository, choices: Choices, found: Watched, context: str
) -> None:
    """Tell the ledger; what was not reached in time is no outcome, and not told."""
    from repoint.flows.gates import check_gates, passed_by
    from repoint.flows.planning import require_config
    from repoint.flows.rolling_out.source import content, record_rollout
    from repoint.flows.watching import Ended
    from repoint.model.rehearsal import Verdict

    gates = check_gates(
        *(repository.tree, require_config(repository.workspace), choices.environment),
        repository.identity.now(),
        overrides=choices.overrides,
        store=repository.sealed,
    )
    closed = [one.id for one in gates if not one.is_open]
    for name in closed:
        session.terminal.notice(f"gate `{name}` is not open: the controller does not ask for it")
    if found.ended is Ended.LATE:
        return
    told = f", gates not open: {', '.join(closed)}" if closed else ""
    record_rollout(
        *(repository, choices.environment),
        Verdict.PASS if found.reached else Verdict.FAIL,
        detail=f"watched, {len(found.seen.rows)} objects, context {context}{told}",
        content=content(repository, choices.environment),
        overrides=passed_by(gates),
        did_anything=False,
    )


class _Screen:
    """Tells on stderr what changes from round to round."""

    def __init__(self, session: Session, *, quiet: bool) -> None:
        self._session, self._quiet = session, quiet
        self._last: Seen | None = None
        self._reached = 0

    def show(self, seen: Seen) -> None:
        """Tell what is new, and how many objects are reached."""
        from repoint.rollout.gitops import Standing
        from repoint.views.watching import news

        if not self._quiet:
            for line in news(self._last, seen):
                self._session.terminal.notice(line)
            if self._last is None:
                self._session.progress.step("watching", len(seen.rows))
                self._reached = 0
            reached = sum(row.standing is Standing.REACHED for row in seen.rows)
            self._session.progress.advance(reached - self._reached)
            self._reached = reached
        self._last = seen
