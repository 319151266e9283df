"""Commands that read a repository, and write no more than repoint.yaml or new manifests."""

from __future__ import annotations

from pathlib import Path

import click

from repoint.cli import report, show
from repoint.cli.asked import Asked
from repoint.cli.options import Session, env_option, examples, format_option, root_argument
from repoint.cli.output import write_output
from repoint.cli.place import CONFIG_FILE, find_root
from repoint.cli.stdout import emit
from repoint.cli.wiring import Desk, identity, open_desk
from repoint.errors import ExitCode


@click.command(
    epilog=examples("repoint init", "repoint init --print", "repoint init infra"),
)
@root_argument()
@click.option("--print", "print_only", is_flag=True, help="Print the proposal and write nothing.")
@click.option("--force", is_flag=True, help="Replace a repoint.yaml that is there.")
@click.pass_obj
def init(session: Session, root: Path | None, print_only: bool, force: bool) -> None:
    """Look around and write repoint.yaml.

    Finds the PostgreSQL that consumers talk to, the Cluster and the Pooler to move to, and
    the environments in their order. What the repository does not tell is marked in the file
    and listed on stderr.
    """
    from repoint.cli.files import write_new
    from repoint.flows.init import propose
    from repoint.planning.config import CONFIG_NAME
    from repoint.views.visible import on_one_line

    with open_desk(session, root, config=False) as desk:
        proposal = propose(desk.workspace)
        if print_only:
            emit(proposal.text)
        else:
            write_new(desk.tree, "init", {CONFIG_NAME: proposal.text.encode()}, replace=force)
            session.terminal.notice(f"wrote {CONFIG_NAME}")
    for note in proposal.notes:
        session.terminal.notice(on_one_line(f"note: {note}"))
    for question in proposal.questions:
        session.terminal.notice(on_one_line(f"to decide: {question}"))


def _purpose_names(ctx: click.Context, param: click.Parameter, start: str) -> list[str]:
    """The purposes that begin with `start`."""
    from repoint.model.consumer import Purpose

    return [str(one) for one in Purpose if one.startswith(start)]


def _purposes(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    known = _purpose_names(ctx, param, "") if values else []
    for value in values:
        if value not in known:
            raise click.BadParameter(f"`{value}` is none of {', '.join(known)}", ctx, param)
    return values


@click.command(
    epilog=examples(
        "repoint scan",
        "repoint scan --env staging --format markdown",
        "repoint scan --consumer '*-migrate' --purpose migration",
        "repoint scan --summary",
        "repoint scan --format sarif > scan.sarif",
        "repoint scan --format html > consumers.html   # for people without repoint",
    ),
)
@root_argument()
@env_option("Show")
@click.option(
    "--consumer",
    "names",
    multiple=True,
    metavar="PATTERN",
    help="Show consumers of this name only, or Kind/name; `*` is any text (repeatable).",
)
@click.option(
    "--purpose",
    "purposes",
    multiple=True,
    callback=_purposes,
    shell_complete=_purpose_names,
    metavar="PURPOSE",
    help="Show consumers of this purpose only, such as migration (repeatable).",
)
@click.option("--summary", is_flag=True, help="Print the counts alone (human format).")
@format_option("json", "markdown", "html", "sarif")
@click.pass_obj
def scan(
    session: Session,
    root: Path | None,
    environments: tuple[str, ...],
    names: tuple[str, ...],
    purposes: tuple[str, ...],
    summary: bool,
    form: str,
) -> None:
    """Show who talks to PostgreSQL: which workload, through which file and key, and why.

    Writes nothing. What cannot be read is listed, never skipped. Without a repoint.yaml the
    environments are guessed as `repoint init` would.
    """
    from repoint.cli.answers import kept_scan, kept_tree

    tree = kept_tree(find_root(session.directory, root))
    alike = report.check(form) or form == "json"
    looks = () if alike else (str(tree.root), *map(str, session.terminal.looks))
    beside = Asked(tree, tree.root, environments).beside(form)
    narrow = [f"consumer {name}" for name in names] + [f"purpose {one}" for one in purposes]
    kept = kept_scan(tree, (form, *looks, *beside, *environments, *narrow, *["short"] * summary))
    text = kept.recall()
    if text is not None:
        emit(text)
        return
    with open_desk(session, root, guess=True, tree=tree) as desk:
        text = _scanned(session, desk, environments, names, purposes, form, summary=summary)
        emit(text)
        if desk.reading is None:
            kept.keep(text, desk)


def _scanned(
    session: Session,
    desk: Desk,
    environments: tuple[str, ...],
    names: tuple[str, ...],
    purposes: tuple[str, ...],
    form: str,
    *,
    summary: bool,
) -> str:
    """What a scan shows. What it knows has gone when its text goes out: it may take much room."""
    from repoint.flows.scanning import scan as run
    from repoint.planning.narrowing import narrowed

    inventory = narrowed(run(desk.workspace, environments, desk.reading), names, purposes)
    if form == report.HTML:
        return report.scan(desk, inventory)
    return show.scan(
        *(session.terminal, form, inventory, _asked(desk, environments)),
        configured=desk.tree.exists(CONFIG_FILE),
        short=summary,
    )


@click.command(
    epilog=examples(
        "repoint plan",
        "repoint plan --env local --output plan.json",
        "repoint plan --format diff",
        "repoint plan --format markdown --detailed-exitcode   # in a pull request",
        "repoint plan --format sarif > plan.sarif             # for code scanning",
        "repoint plan --format html --output report.html   # for everybody",
    ),
)
@root_argument()
@env_option("Plan")
@format_option("json", "markdown", "html", "sarif", "github", "gitlab", "diff")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help=(
        "Also write the plan to FILE, for `repoint apply FILE`; with `--format html` a FILE "
        "called *.html gets the report."
    ),
)
@click.option("--record", is_flag=True, help="Also note the plan in .repoint/ledger.jsonl.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 10 when changes are due.")
@click.pass_obj
def plan(
    session: Session,
    root: Path | None,
    environments: tuple[str, ...],
    form: str,
    output: Path | None,
    record: bool,
    detailed_exitcode: bool,
) -> int:
    """Show what would change and why, and the proof that nothing else does.

    Writes nothing but FILE, and a line of the ledger with --record. Ends with 1 when a finding
    or a failed proof stands in the way of `repoint apply`.
    """
    from repoint.flows.noting import note_plan
    from repoint.flows.planning import make_plan
    from repoint.planning.codec import encode_plan

    wants_page = report.check(form)
    page = output if report.is_page(output, form) else None
    with open_desk(session, root) as desk:
        found = report.found_in(desk) if wants_page else None
        value = make_plan(desk.workspace, environments, found)
        if output is not None and page is None:
            write_output(output, encode_plan(value))
            session.terminal.notice(f"wrote {output}")
        if found is None:
            asked = _asked(desk, environments)
            emit(show.plan(session.terminal, form, value, asked))
        if record:
            note_plan(value, desk.tree, identity(desk.workspace.root))
        if found is not None:
            report.deliver(session, report.plan(desk, value, found), page)
    if not value.applicable:
        return ExitCode.REFUSED
    return ExitCode.CHANGES if detailed_exitcode and not value.is_empty else ExitCode.OK


@click.command(
    epilog=examples("repoint scaffold", "repoint scaffold --env local --write"),
)
@root_argument()
@env_option("Scaffold")
@click.option("--write", is_flag=True, help="Write the files, all of them or none.")
@click.pass_obj
def scaffold(
    session: Session, root: Path | None, environments: tuple[str, ...], write: bool
) -> None:
    """Print the Cluster, the Pooler and what belongs to them, where they are missing.

    With --write the files are written. Of what exists only the overlay's kustomization is
    changed, by the line that lists the new folder.
    """
    from repoint.cli.files import write_new
    from repoint.flows.scaffold import scaffold as run

    with open_desk(session, root) as desk:
        files = dict(run(desk.workspace, environments))
        if write:
            write_new(desk.tree, "scaffold", files, replace=True)
            for path in files:
                session.terminal.notice(f"wrote {path}")
        else:
            emit("".join(f"# {path}\n{text.decode()}" for path, text in files.items()))
    if not files:
        session.terminal.notice("nothing to scaffold: every target object is there")


def _asked(desk: Desk, environments: tuple[str, ...]) -> Asked:
    return Asked(desk.tree, Path(desk.workspace.root), environments)


COMMANDS = (init, scan, plan, scaffold)
