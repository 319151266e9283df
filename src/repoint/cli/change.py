"""`repoint apply`: the files of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from repoint.cli.options import Session, env_option, examples, says_yes
from repoint.cli.plans import make_plan, read_plan
from repoint.cli.wiring import Desk, identity, open_desk
from repoint.errors import ExitCode

if TYPE_CHECKING:
    from repoint.model.plan import Plan

STATE_FOLDER = ".repoint"
_RECOVERED = {
    "finished": "an earlier run had been stopped half-way; it is finished now",
    "undone": "an earlier run had been stopped half-way; it is undone now",
}


@click.command(
    epilog=examples(
        "repoint apply --env local",
        "repoint plan --output plan.json && repoint apply plan.json",
        "repoint apply plan.json --env staging --yes",
        "repoint apply --resume",
    ),
)
@click.argument(
    "plan_file",
    required=False,
    metavar="[PLAN]",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
)
@env_option("Write")
@click.option("--allow-dirty", is_flag=True, help="Write files that have uncommitted changes.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--resume", is_flag=True, help="Only finish or undo a run that was stopped half-way.")
@click.pass_obj
def apply(
    session: Session,
    plan_file: Path | None,
    environments: tuple[str, ...],
    allow_dirty: bool,
    yes: bool,
    resume: bool,
) -> int:
    """Write what a plan says: all of it or nothing, with a receipt for the way back.

    PLAN is a file that `repoint plan --output` wrote. It is applied as it was reviewed, and
    refused with status 4 when a file changed since. Without it a plan is made now, and
    you are asked before anything is written.
    """
    from repoint.api.opening import keep_apply_gate

    with open_desk(session, None, config=not resume, knowledge=not resume) as desk:
        if resume:
            return _resume(session, desk)
        plan = read_plan(plan_file) if plan_file else make_plan(desk, environments)
        if plan_file is None and plan.applicable and not plan.is_empty:
            files = sorted({change.path for change in plan.changes})
            if not agreed_to(session, "write", files, yes=yes):
                return ExitCode.REFUSED
        keep_apply_gate(desk.workspace.config, plan, environments, desk.tree)
        return _apply(session, desk, plan, environments, allow_dirty=allow_dirty)


def _apply(
    session: Session, desk: Desk, plan: Plan, environments: Sequence[str], *, allow_dirty: bool
) -> int:
    from repoint.flows.apply import apply_plan

    done = apply_plan(
        plan,
        desk.tree,
        desk.sealed,
        environments=environments,
        allow_dirty=allow_dirty,
        progress=session.progress,
        identity=identity(desk.workspace.root),
        config_text=desk.workspace.config_text,
        aside=desk.workspace.aside,
    )
    session.progress.close()
    tell_recovered(session, done.recovered)
    if not done.written:
        why = "this plan has no edit" if plan.is_empty else "every edit of this plan is applied"
        session.terminal.notice(f"nothing to write: {why}")
        _tell_left(session, plan, environments or [task.environment for task in plan.tasks])
        return ExitCode.OK
    session.terminal.done("".join(f"{path}\n" for path in sorted(done.written)))
    names = [receipt.environment for receipt in done.receipts]
    session.terminal.notice(f"applied: {', '.join(names)}")
    _tell_left(session, plan, names)
    session.terminal.notice(f"the way back: repoint rollback --env {' --env '.join(names)}")
    _tell_rehearsed(session, desk, plan, names)
    return ExitCode.OK


def _tell_left(session: Session, plan: Plan, names: Sequence[str]) -> None:
    """Say how many values of these environments the plan leaves to a person."""
    left = [task for task in plan.tasks if task.environment in names]
    if left:
        session.terminal.notice(f"left for a person: {len(left)} (`repoint plan`)")


def _tell_rehearsed(session: Session, desk: Desk, plan: Plan, names: Sequence[str]) -> None:
    """Say what the records of rehearsals tell of what was applied."""
    from repoint.flows.rehearsing.record import standing

    for name in names:
        found = standing(plan, name, desk.tree)
        said = found.verdict or f"no, {found.why}"
        session.terminal.notice(f"rehearsed for {name}: {said}")


def _resume(session: Session, desk: Desk) -> int:
    from repoint.flows.recover import resume

    outcome = resume(desk.tree) if desk.tree.files_in(STATE_FOLDER) else ""
    if not outcome:
        session.terminal.notice("nothing to resume: no run was stopped half-way")
    tell_recovered(session, outcome)
    return ExitCode.OK


def tell_recovered(session: Session, outcome: str) -> None:
    """Say what became of a run that had been stopped half-way; nothing of none."""
    if outcome:
        session.terminal.notice(f"note: {_RECOVERED[outcome]}")


def agreed_to(session: Session, verb: str, files: Sequence[str], *, yes: bool) -> bool:
    """Ask before writing; `--yes` answers beforehand.

    Raises:
        UsageError: nobody can be asked.
    """
    if yes:
        return True
    noun = "file" if len(files) == 1 else "files"
    if says_yes(session, f"{verb} {len(files)} {noun}?", *(f"  {path}" for path in files)):
        return True
    session.terminal.say("nothing was written")
    return False


COMMANDS = (apply,)
