"""`repoint rollback`: the files as they were, and with `--rollout` the cluster, too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from repoint.cli.change import STATE_FOLDER, agreed_to, tell_recovered
from repoint.cli.context import choose_environment, context_option
from repoint.cli.options import Session, env_option, examples, format_option, yes_option
from repoint.cli.running import seconds
from repoint.cli.wiring import Desk, identity, open_desk
from repoint.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from repoint.cli.homeward import Choices


_CLUSTERS = ("--context", "--accept-data-loss", "--dry-run", "--force-conflicts", "--format json")
"""The options that are about the cluster."""


@click.command(
    epilog=examples(
        "repoint rollback --env local                      # the files alone",
        "repoint rollback --env local --rollout --dry-run",
        "repoint rollback --env staging --rollout",
        "repoint rollback --env staging --rollout          # again: it goes on there",
        "repoint rollback --env staging --rollout --accept-data-loss",
    ),
)
@env_option("Roll back")
@click.option("--rollout", is_flag=True, help="Bring the cluster back, too: one environment.")
@context_option()
@click.option(
    "--accept-data-loss",
    is_flag=True,
    help="Go back though rows on the target are not on the source, or nobody can tell.",
)
@click.option("--dry-run", is_flag=True, help="Only show what would be done; with `--rollout`.")
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
@yes_option()
@format_option("json")
@click.pass_obj
def rollback(
    session: Session,
    environments: tuple[str, ...],
    rollout: bool,
    context: str,
    accept_data_loss: bool,
    dry_run: bool,
    force_conflicts: bool,
    timeout: str,
    yes: bool,
    form: str,
) -> int:
    """Take back what apply wrote, byte for byte where nobody edited since.

    In a file that was edited meanwhile only repoint's own edits are taken back. Nothing is
    written when a value that apply wrote was changed by somebody else.

    With `--rollout` the cluster follows. First, before any file is touched, it is asked whether
    the source stands, and what was written on the target since the baseline; rows that would be
    lost stop it. Then the files come back, Secrets and ConfigMaps are applied, Jobs that changed
    run again at the source, consumers are restarted and waited for, and each of them is asked
    where it is. What only the move brought is left where it is; nothing is deleted but Jobs
    that run again. The gates of repoint.yaml do not hold a way back.

    It stops at the first failure and ends with 5 once the cluster was changed; a second run goes
    on there, also when the files are back already. It ends with 1 when not every consumer is
    proven to be at the source. In mode gitops it takes the files back and watches the controller.
    """
    if not rollout:
        _require_rollout(context, accept_data_loss, dry_run, force_conflicts, form != "human")
        return _files(session, environments, yes=yes)
    from repoint.cli.homeward import Choices

    choices = Choices(
        *("", context, dry_run, yes, force_conflicts, seconds(timeout)),
        accept_data_loss=accept_data_loss,
        form=form,
    )
    return _cluster(session, environments, choices)


def _require_rollout(*given: object) -> None:
    """Refuse an option that is about the cluster where the cluster is left alone."""
    alone = [name for name, used in zip(_CLUSTERS, given, strict=True) if used]
    if alone:
        raise UsageError(f"`{alone[0]}` is about the cluster", hint="add `--rollout`")


def _cluster(session: Session, environments: tuple[str, ...], choices: Choices) -> int:
    """Take back files, and let the cluster follow; what is chosen names no environment yet."""
    if len(environments) > 1:
        raise UsageError(
            "`--rollout` works on one environment at a time", hint="run it once for each `--env`"
        )
    from repoint.cli.homeward import go_back

    with open_desk(session, None) as desk:
        name = choose_environment(desk, next(iter(environments), ""))
        return go_back(session, desk, replace(choices, environment=name))


def _files(session: Session, environments: tuple[str, ...], *, yes: bool) -> int:
    """Take back files alone."""
    from repoint.flows.receipts import load_receipts
    from repoint.flows.recover import resume
    from repoint.flows.rollback import check_names, roll_back

    with open_desk(session, None, config=False, knowledge=False) as desk:
        if desk.tree.files_in(STATE_FOLDER):
            tell_recovered(session, resume(desk.tree))
        receipts = load_receipts(desk.tree)
        check_names(environments, receipts, desk.tree)
        wanted = [name for name in environments or receipts if name in receipts]
        files = sorted({entry.path for name in wanted for entry in receipts[name].files})
        owed = _owed(desk, environments)
        if not wanted:
            session.terminal.notice(_nothing(environments, list(receipts)))
            _tell_owed(session, owed)
            return ExitCode.OK
        if not agreed_to(session, "take back", files, yes=yes):
            return ExitCode.REFUSED
        done = roll_back(
            wanted,
            desk.tree,
            desk.sealed,
            progress=session.progress,
            identity=identity(desk.workspace.root),
        )
    for note in done.notes:
        session.terminal.notice(f"note: {note}")
    session.terminal.done("".join(f"{path}\n" for path in sorted(done.written)))
    session.terminal.notice(f"rolled back: {', '.join(done.environments)}")
    _tell_owed(session, owed)
    return ExitCode.OK


def _nothing(environments: tuple[str, ...], applied: list[str]) -> str:
    """Why there is nothing to take back, and where there would be."""
    if not applied:
        return (
            "nothing to roll back: no receipt of an apply is here; who applied has it in "
            "`.repoint/receipts/`, and `git revert` of that commit brings the files back without it"
        )
    named = ", ".join(f"`{name}`" for name in environments)
    return f"nothing to roll back in {named}: not applied; applied: {', '.join(applied)}"


def _owed(desk: Desk, environments: tuple[str, ...]) -> list[str]:
    """Environments that were rolled out, of which no way back through the cluster is known."""
    from repoint.errors import RepointError
    from repoint.flows.going_back.flow import rolled_out

    try:
        known = rolled_out(desk.tree)
    except RepointError:  # a ledger that cannot be read is no reason not to go back
        return []
    return [name for name in known if not environments or name in environments]


def _tell_owed(session: Session, names: list[str]) -> None:
    for name in names:
        session.terminal.notice(
            f"the cluster of {name} is not touched: repoint rollback --env {name} --rollout"
        )


COMMANDS = (rollback,)
