"""`repoint bench`: what the Pooler gives and what it costs, measured here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from repoint.cli import report
from repoint.cli.extras import need
from repoint.cli.options import Session, env_option, examples, format_option
from repoint.cli.output import check_output, write_output
from repoint.cli.plans import make_plan, read_plan
from repoint.cli.stdout import emit
from repoint.cli.wiring import laboratory, load_generator, machine, open_desk
from repoint.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from repoint.flows.benchmarking import Bench


@click.command(
    epilog=examples(
        "repoint bench",
        "repoint bench --env staging --rounds 9 --seconds 5",
        "repoint bench --svg pooling.svg --format json > pooling.json",
        "repoint bench --record --format html > pooling.html",
    ),
)
@click.argument(
    "plan_file",
    required=False,
    metavar="[PLAN]",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
)
@env_option("Measure")
@format_option("json", "html")
@click.option("--pooler", metavar="NAME", default="", help="Measure this Pooler of the plan.")
@click.option(
    "--rounds",
    type=click.IntRange(2, 100),
    default=5,
    show_default=True,
    help="Pairs of slices for each load.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(1, 600),
    default=2,
    show_default=True,
    help="How long a slice takes; a round has two for each load.",
)
@click.option(
    "--scale",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    help="Size of the tables, in 100,000 rows.",
)
@click.option(
    "--svg",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a chart to FILE.",
)
@click.option(
    "--record", is_flag=True, help="Keep the figures in .repoint/benchmarks, for `--format html`."
)
@click.pass_obj
def bench(
    session: Session,
    plan_file: Path | None,
    environments: tuple[str, ...],
    form: str,
    pooler: str,
    rounds: int,
    seconds: float,
    scale: int,
    svg: Path | None,
    record: bool,
) -> int:
    """Measure the planned Pooler against its Cluster, on private servers and over TLS.

    pgbench makes the same load direct and pooled, one right after the other and in turns; a
    ratio is of such a pair. The loads are new connections for each transaction, where a pool
    helps, and persistent connections, where it costs. Only the first environment is measured
    unless `--env` names another.
    """
    from repoint.flows.bench_records import record as keep
    from repoint.flows.benchmarking import Settings, benches, benchmark
    from repoint.flows.rehearsing.flow import prepare
    from repoint.views import benchmark as views

    wants_page = report.check(form)
    check_output(svg)
    if svg is not None:
        need("lab", "pygal", "a chart")
    load = load_generator()
    with open_desk(session, None) as desk:
        plan = read_plan(plan_file) if plan_file else make_plan(desk, environments)
        prepared = prepare(plan, desk.workspace, desk.tree, desk.sealed, environments)
        chosen = _chosen(benches(prepared), pooler)
        settings = Settings(rounds, seconds, scale, machine())
        found = benchmark(laboratory(None), load, chosen, settings, session.progress)
        if record:
            session.terminal.notice(f"wrote {keep(found, desk.tree)}")
        text = report.benchmark(desk, found) if wants_page else ""
    if form == "json":
        text = views.machine(found)
    elif not wants_page:
        text = views.human(found, width=session.terminal.width, color=session.terminal.color)
    if svg is not None:
        write_output(svg, views.chart(found).encode())
        session.terminal.notice(f"wrote {svg}")
    emit(text)
    return ExitCode.OK


def _chosen(found: tuple[Bench, ...], pooler: str) -> Bench:
    """The first Pooler of the plan, or the one that was named.

    Raises:
        UsageError: the plan sends nobody through such a Pooler.
    """
    if not found:
        raise UsageError(
            "this plan sends nobody through a Pooler", hint="run `repoint plan` to see its routes"
        )
    for one in found:
        if pooler in ("", one.pooler.name):
            return one
    names = ", ".join(dict.fromkeys(one.pooler.name for one in found))
    raise UsageError(f"the plan has no Pooler `{pooler}`", hint=f"it has: {names}")


COMMANDS = (bench,)
