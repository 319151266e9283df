"""`repoint status`: how far each environment is, on one screen."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from repoint.cli import report
from repoint.cli.options import Session, env_option, examples, format_option, root_argument
from repoint.cli.plans import make_plan
from repoint.cli.stdout import emit
from repoint.cli.wiring import Desk, half_done, identity, open_desk


@click.command(
    epilog=examples(
        "repoint status",
        "repoint status --env staging --format json",
        "repoint status --format html > status.html",
        "repoint status --plan       # also ask whether a plan would change anything",
    ),
)
@root_argument()
@env_option("Show")
@format_option("json", "markdown", "html")
@click.option("--plan", is_flag=True, help="Also make a plan, to see whether changes are due.")
@click.pass_obj
def status(
    session: Session, root: Path | None, environments: tuple[str, ...], form: str, plan: bool
) -> None:
    """Show how far each environment is: planned, rehearsed, applied, rolled out, verified.

    Reads the ledger, the receipts and the files that apply wrote; asks no cluster and writes
    nothing. What was reached before a rollback, or with other content, counts no more. For each
    environment the gates that hold its rollout and the next command are named.
    """
    from repoint.flows.status import status_of
    from repoint.views import status as view

    if report.check(form):
        with open_desk(session, root) as desk:
            emit(report.status(desk, environments, with_plan=plan))
        return
    with open_desk(session, root, tells=False) as desk:
        session.progress.step("looking at what was applied")
        value = status_of(
            desk.tree,
            desk.workspace.config,
            identity(desk.workspace.root).now(),
            environments,
            store=desk.sealed,
            pending=_pending(desk, environments) if plan else None,
            half_done=half_done(Path(desk.workspace.root)),
        )
    if form == "json":
        emit(view.machine(value))
    elif form == "markdown":
        from repoint.cli.asked import scope_of
        from repoint.views import comments

        emit(comments.status(value, scope_of(Path(desk.workspace.root), environments)))
    else:
        terminal = session.terminal
        emit(view.human(value, width=terminal.width, color=terminal.color))


def _pending(desk: Desk, environments: tuple[str, ...]) -> dict[str, int]:
    """How many files a plan made now would change in each environment."""
    made = make_plan(desk, environments)
    due = Counter(change.environment for change in made.changes)
    return {name: due[name] for name in made.environments}


COMMANDS = (status,)
