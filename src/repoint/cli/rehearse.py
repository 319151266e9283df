"""`repoint rehearse`: the plan on a real PostgreSQL and PgBouncer, on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from repoint.cli import report, show
from repoint.cli.asked import Asked
from repoint.cli.options import Session, env_option, examples, format_option
from repoint.cli.output import check_output
from repoint.cli.plans import make_plan, read_plan
from repoint.cli.stdout import emit
from repoint.cli.wiring import (
    Desk,
    driver_observer,
    identity,
    laboratory,
    migration_runner,
    open_desk,
)
from repoint.errors import ExitCode

if TYPE_CHECKING:
    from repoint.flows.rehearsing.flow import Prepared
    from repoint.model.plan import Plan
    from repoint.model.rehearsal import Rehearsal


@click.command(
    epilog=examples(
        "repoint rehearse",
        "repoint rehearse plan.json --env staging",
        "repoint rehearse --show-ini",
        "repoint rehearse --format markdown --output rehearsal.md",
        "repoint rehearse --format junit --output rehearsal.xml   # for CI",
        "repoint rehearse --format html --output rehearsal.html",
    ),
)
@click.argument(
    "plan_file",
    required=False,
    metavar="[PLAN]",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
)
@env_option("Rehearse")
@format_option("json", "markdown", "html", "junit")
@click.option("--show-ini", is_flag=True, help="Only print the Poolers' files; starts no server.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the result to FILE, not to stdout.",
)
@click.option(
    "--keep-logs",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the servers' logs in DIR.",
)
@click.option("--no-record", is_flag=True, help="Write neither a record nor into the ledger.")
@click.option(
    "--run-migrations",
    is_flag=True,
    help="Also run the commands under `migrations:` of repoint.yaml.",
)
@click.pass_obj
def rehearse(
    session: Session,
    plan_file: Path | None,
    environments: tuple[str, ...],
    form: str,
    show_ini: bool,
    output: Path | None,
    keep_logs: Path | None,
    no_record: bool,
    run_migrations: bool,
) -> int:
    """Try the plan on a real PostgreSQL and PgBouncer, configured as CloudNativePG would.

    The servers are private, listen on this machine alone and leave nothing behind. Each
    consumer's new connection is tried with the packets that its driver sends; what must fail
    is tried, too. PLAN is a file that `repoint plan --output` wrote; without it a plan is
    made now.

    Ends with 0 when everything passed, with 1 when a check failed or is unknown, and with 4
    when PLAN is stale.
    """
    from repoint.flows.rehearsing.flow import prepare, together

    check_output(output)
    wants_page = report.check(form)
    with open_desk(session, None) as desk:
        plan = read_plan(plan_file) if plan_file else make_plan(desk, environments)
        prepared = prepare(plan, desk.workspace, desk.tree, desk.sealed, environments)
        if show_ini:
            return _show_ini(prepared)
        found = _tried(desk, prepared, keep_logs, run_migrations=run_migrations)
        session.progress.close()
        whole = together(found, prepared)
        # What was found is told also where it cannot be kept.
        if not wants_page:
            asked = Asked(desk.tree, Path(desk.workspace.root), environments)
            due = {change.environment for change in plan.changes}
            text = show.rehearsal(session.terminal, form, whole, asked, due)
            report.deliver(session, text, output)
        if not no_record:
            _record(session, desk, plan, found)
        if wants_page:
            report.deliver(session, report.rehearsal(desk, plan, found), output)
    return ExitCode.OK if whole.verdict.value == "pass" else ExitCode.REFUSED


def _tried(
    desk: Desk, prepared: Prepared, keep_logs: Path | None, *, run_migrations: bool
) -> tuple[Rehearsal, ...]:
    """What is found on servers that are private to this run."""
    from repoint.flows.rehearsing.flow import rehearse

    runner = migration_runner(desk.workspace.root) if run_migrations else None
    servers, drivers = laboratory(keep_logs), driver_observer()
    return rehearse(prepared, servers, observe=drivers, run_command=runner)


def _record(session: Session, desk: Desk, plan: Plan, found: tuple[Rehearsal, ...]) -> None:
    """Keep what was found, and note it in the ledger."""
    from repoint.flows.noting import note_rehearsals
    from repoint.flows.rehearsing.record import record

    for path in record(found, desk.tree):
        session.terminal.notice(f"wrote {path}")
    note_rehearsals(found, plan, desk.tree, identity(desk.workspace.root))


def _show_ini(prepared: Prepared) -> int:
    from repoint.flows.rehearsing.flow import configuration
    from repoint.views.rehearsal import files

    emit(files(configuration(prepared)))
    return ExitCode.OK


COMMANDS = (rehearse,)
