"""`--format html`: what each verb puts into the one report, with all that the repository keeps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from repoint.cli.output import check_output, write_output
from repoint.cli.stdout import emit
from repoint.cli.wiring import commit_of, half_done, identity

if TYPE_CHECKING:
    from repoint.cli.options import Session
    from repoint.cli.wiring import Desk
    from repoint.flows.dossier import Dossier
    from repoint.flows.scanning import Survey
    from repoint.model.benchmark import Benchmark
    from repoint.model.plan import Plan
    from repoint.model.rehearsal import Rehearsal
    from repoint.model.verification import Verification
    from repoint.planning.inventory import Inventory

HTML = "html"
_SUFFIXES = (".html", ".htm")


def check(form: str) -> bool:
    """Whether a report is asked for; looks for what it is made with before the work begins.

    Raises:
        ToolMissing: repoint was installed without its extra `report`.
    """
    if form != HTML:
        return False
    from repoint.cli.extras import need

    for module in ("jinja2", "fast_sugiyama", "pygal"):
        need("report", module, "the HTML report")
    return True


def is_page(output: Path | None, form: str) -> bool:
    """Whether `--output` names the report itself, not the plan."""
    wanted = output is not None and form == HTML and output.suffix.lower() in _SUFFIXES
    if wanted:
        check_output(output)
    return wanted


def deliver(session: Session, text: str, output: Path | None) -> None:
    """Write a report to the file that was named, else to stdout."""
    if output is None:
        emit(text)
        return
    write_output(output, text.encode())
    session.terminal.notice(f"wrote {output}")


def found_in(desk: Desk) -> Survey:
    """What a scan of the repository finds, for the topology and for a plan."""
    from repoint.flows.scanning import survey

    return survey(desk.workspace, desk.reading)


def scan(desk: Desk, inventory: Inventory) -> str:
    """The report of a scan: nothing but what the files say."""
    from repoint.flows.dossier import Dossier

    return _rendered(Dossier("scan", inventory=inventory), desk)


def plan(desk: Desk, value: Plan, found: Survey) -> str:
    """The report of a plan, with the records of what was tried and done before."""
    return _rendered(_dossier("plan", desk, value.environments, value, found), desk)


def rehearsal(desk: Desk, value: Plan, found: Sequence[Rehearsal]) -> str:
    """The report of a rehearsal of `value`, made right now."""
    from dataclasses import replace

    from repoint.flows.dossier import fresh

    whole = _dossier("rehearse", desk, value.environments, value, found_in(desk))
    return _rendered(replace(whole, rehearsals=fresh(found)), desk)


def benchmark(desk: Desk, value: Benchmark) -> str:
    """The report of a measurement, beside the records of others."""
    from dataclasses import replace

    whole = _dossier("bench", desk)
    others = [
        one
        for one in whole.benchmarks
        if (one.environment, one.pooler) != (value.environment, value.pooler)
    ]
    return _rendered(replace(whole, benchmarks=(value, *others)), desk)


def verification(desk: Desk, value: Verification) -> str:
    """The report of a verification, with the ledger of its environment."""
    from dataclasses import replace

    whole = _dossier("verify", desk, (value.environment,))
    return _rendered(replace(whole, verification=value), desk)


def status(desk: Desk, environments: Sequence[str], *, with_plan: bool) -> str:
    """The report of how far each environment is; with a plan made now, where that is asked."""
    if not with_plan:
        return _rendered(_dossier("status", desk, environments), desk)
    from repoint.flows.planning import make_plan

    found = found_in(desk)
    made = make_plan(desk.workspace, environments, found)
    return _rendered(_dossier("status", desk, environments, made, found), desk)


def _dossier(
    command: str,
    desk: Desk,
    environments: Sequence[str] = (),
    value: Plan | None = None,
    found: Survey | None = None,
) -> Dossier:
    from repoint.flows.dossier import Dossier, past_of, targets_in

    config = desk.workspace.config
    root = desk.workspace.root
    past = past_of(
        *(desk.tree, config, identity(root).now(), environments),
        plan=value,
        store=desk.sealed,
        half_done=half_done(Path(root)),
    )
    return Dossier(
        command,
        cluster=config.target.cluster if config is not None else "",
        commit=commit_of(root),
        inventory=found.inventory if found is not None else None,
        plan=value,
        targets=targets_in(config, found) if found is not None else (),
        status=past.status,
        ledger=past.ledger,
        rehearsals=past.rehearsals,
        benchmarks=past.benchmarks,
    )


def _rendered(dossier: Dossier, desk: Desk) -> str:
    from repoint.views.report import render

    return render(dossier, desk.tree)
