"""`repoint data`: is everything there, and what was written since?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from repoint.cli.context import choose_environment, context_option, open_cluster
from repoint.cli.options import Decorator, Session, examples, format_option, one_env_option
from repoint.cli.running import interruptible
from repoint.cli.stdout import emit
from repoint.cli.wiring import data_desk, data_world, open_desk
from repoint.errors import ExitCode

if TYPE_CHECKING:
    from repoint.comparison.model import Comparison
    from repoint.flows.comparing.switching import Databases


@click.group(
    epilog=examples(
        "repoint data compare --env staging",
        "repoint data baseline --env staging",
        "repoint data written --env staging",
    ),
)
def data() -> None:
    """Compare the source's data with the target's, before the switch and after it.

    Both are reached as the environment's migration consumer would: with its connection string
    as it was before apply, and as it is. Hosts are reached by port-forward in the
    environment's Kubernetes context. `data.source` and `data.target` of repoint.yaml name
    variables that hold URLs of a role that may read more. Nothing is written on either side.
    """


def _direct_option() -> Decorator:
    return click.option(
        "--direct",
        is_flag=True,
        help="Reach the hosts straight from here, without Kubernetes.",
    )


@data.command(
    short_help="Is everything of the source on the target, and alike?",
    epilog=examples(
        "repoint data compare --env staging",
        "repoint data compare --env staging --resume      # after it was stopped",
        "repoint data compare --env staging --schema-only",
        "repoint data compare --env local --direct --tables 'shop.*'",
    ),
)
@one_env_option()
@context_option()
@_direct_option()
@format_option("json", "markdown")
@click.option("--resume", is_flag=True, help="Do not read again what an earlier run found alike.")
@click.option("--schema-only", is_flag=True, help="Compare no rows; proves nothing of them.")
@click.option(
    "--tables",
    multiple=True,
    metavar="PATTERN",
    help="Compare these tables only, as schema.table; `*` is any text (repeatable).",
)
@click.option("--no-record", is_flag=True, help="Write no line into the ledger.")
@click.pass_obj
def compare(
    session: Session,
    environment: str,
    context: str,
    direct: bool,
    form: str,
    resume: bool,
    schema_only: bool,
    tables: tuple[str, ...],
    no_record: bool,
) -> int:
    """Hold the target against the source, through real connections, without writing.

    Compared are schemas, tables, columns, constraints, indexes, sequences and their values,
    views, functions, triggers, policies, types, extensions, owners, grants, roles and their
    settings, the migration tool's revisions, and every row by checksums that the servers make.
    Each side is read in one snapshot, with `data.parallel` connections at most and without a
    lock that a writer minds.

    Ends with 0 when the target has everything, with 1 when something differs or could not be
    seen. The outcome is recorded: the gate `data` of a rollout asks for it.
    """
    from repoint.model.rehearsal import Verdict, worst

    with _reached(session, environment, context, direct=direct) as reach:
        found = reach.compared(resume=resume, schema_only=schema_only, only=tables)
        session.progress.close()
        emit(_shown(session, form, found, reach))
        if not no_record:
            _record(session, reach, found)
    passed = worst(one.verdict for one in found) is Verdict.PASS
    return ExitCode.OK if passed else ExitCode.REFUSED


@data.command(
    short_help="Note the target's state, just before the switch.",
    epilog=examples("repoint data baseline --env staging"),
)
@one_env_option()
@context_option()
@_direct_option()
@click.pass_obj
def baseline(session: Session, environment: str, context: str, direct: bool) -> int:
    """Write the target's state into .repoint/baselines, to be committed.

    It holds the number of rows of each table, what the server counted, where sequences stand,
    and a digest of the rows that tells nothing without its key; the key stays on this machine.
    `rollout` takes a baseline by itself before the first consumer moves.
    """
    from repoint.views import comparison as view

    with _reached(session, environment, context, direct=direct) as reach:
        taken = reach.baselines()
        session.progress.close()
    for path, one in taken.items():
        emit(view.baseline(one, path))
    return ExitCode.OK


@data.command(
    short_help="What was written on the target since the baseline?",
    epilog=examples("repoint data written --env staging"),
)
@one_env_option()
@context_option()
@_direct_option()
@format_option("json")
@click.option(
    "--against-source",
    is_flag=True,
    help="Hold tables of which the baseline does not tell against the source.",
)
@click.pass_obj
def written(
    session: Session,
    environment: str,
    context: str,
    direct: bool,
    form: str,
    against_source: bool,
) -> int:
    """Measure, table by table, what going back to the source would lose.

    Ends with 0 when nothing was written, with 1 when something was or nobody can tell.
    """
    from repoint.flows.comparing.baselines import no_baseline
    from repoint.model.rehearsal import Verdict, worst
    from repoint.views import comparison as view

    with _reached(session, environment, context, direct=direct) as reach:
        found = [one for one in reach.written(against_source=against_source) if one is not None]
        session.progress.close()
        if len(found) < len(reach.ends):
            raise no_baseline(reach.environment)
    if form == "json":
        emit(view.written_machine(found))
    else:
        emit(view.written(found, width=session.terminal.width, color=session.terminal.color))
    passed = worst(one.verdict for one in found) is Verdict.PASS
    return ExitCode.OK if passed else ExitCode.REFUSED


@contextmanager
def _reached(
    session: Session, environment: str, context: str, *, direct: bool
) -> Iterator[Databases]:
    """An environment's databases, while the block runs; the cluster is opened where needed."""
    from repoint.flows.comparing.switching import databases
    from repoint.flows.planning import require_config

    with interruptible(), open_desk(session, None) as desk, ExitStack() as stack:
        settings = require_config(desk.workspace).data
        name = choose_environment(desk, environment)
        alone = direct or bool(settings.source and settings.target)
        api = None
        if not alone:
            api = stack.enter_context(open_cluster(session, desk, name, context))
        world = stack.enter_context(data_world(api))
        yield stack.enter_context(databases(data_desk(session, desk), name, world))


def _shown(session: Session, form: str, found: list[Comparison], reach: Databases) -> str:
    from repoint.views import comparison as view

    if form == "json":
        return view.machine(found)
    if form == "markdown":
        from repoint.cli.asked import scope_of

        scope = scope_of(Path(reach.desk.workspace.root), (reach.environment,))
        return view.markdown(found, scope)
    return view.human(found, width=session.terminal.width, color=session.terminal.color)


def _record(session: Session, reach: Databases, found: list[Comparison]) -> None:
    """One line for all databases of the environment; a part of them proves nothing."""
    from repoint.flows.comparing.noting import note_comparison

    partial = next((one.partial for one in found if one.partial), "")
    if partial:
        session.terminal.notice(f"note: not recorded, since {partial}")
        return
    note_comparison(reach.desk.tree, reach.desk.identity, found, reach.desk.sealed)
    session.terminal.notice("recorded in .repoint/ledger.jsonl")


COMMANDS = (data,)
