"""The `repoint` group: its options and its commands."""

from __future__ import annotations

from pathlib import Path

import click

from repoint import __version__
from repoint.cli.options import Commands, EdgeGroup, Later, Session, examples
from repoint.cli.output import Terminal
from repoint.cli.progress import StderrProgress

_COMMANDS = Commands(
    {
        "init": Later("repo", "Look around and write repoint.yaml.", "Look and plan"),
        "scan": Later("repo", "Show who talks to PostgreSQL, and how."),
        "plan": Later("repo", "Show what would change, and the proof that nothing else does."),
        "check": Later("check", "Ask whether what the migration reached still stands."),
        "scaffold": Later("repo", "Print the Cluster and Pooler manifests that are missing."),
        "rehearse": Later(
            "rehearse", "Try the plan on a real PostgreSQL and PgBouncer.", "Try it here"
        ),
        "bench": Later("bench", "Measure the Pooler against its Cluster with pgbench."),
        "apply": Later("change", "Write what a plan says: all of it or nothing.", "Change files"),
        "rollback": Later("rollback", "Take back what apply wrote, and what rollout did."),
        "data": Later(
            "data", "Compare source and target, and see what was written since.", "In the cluster"
        ),
        "rollout": Later("rollout", "Bring an environment to its cluster, step by step."),
        "status": Later("status", "Show how far each environment is, and what is next."),
        "verify": Later("verify", "Ask the cluster whether every consumer really moved."),
        "rbac": Later("rbac", "Print the roles that the cluster-side commands need.", "Help"),
        "doctor": Later("doctor", "Say what a rehearsal needs and what of it is here."),
        "explain": Later("about", "Explain a finding or an error."),
        "schema": Later("about", "Print the JSON schema of repoint.yaml, for editors."),
        "completion": Later("about", "Print the completion script for a shell."),
    }
)
"""The commands in the order of the story."""


@click.group(
    name="repoint",
    cls=EdgeGroup,
    commands=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "repoint init                # look around and write repoint.yaml",
        "repoint scan                # who talks to PostgreSQL, and how",
        "repoint plan                # what would change, and why",
        "repoint rehearse            # the plan on a real PostgreSQL and PgBouncer",
        "repoint apply --env local   # write the files of one environment",
        "repoint rollback --env local",
    ),
)
@click.version_option(__version__, prog_name="repoint", message="%(prog)s %(version)s")
@click.option(
    "-C",
    "--directory",
    metavar="ROOT",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Work in this repository (default: the nearest folder above with a repoint.yaml, "
    "else the current one).",
)
@click.option("--no-color", is_flag=True, help="Print without colors (NO_COLOR does the same).")
@click.option("-q", "--quiet", is_flag=True, help="Print no notices and no progress on stderr.")
@click.pass_context
def main(ctx: click.Context, directory: Path | None, no_color: bool, quiet: bool) -> None:
    """Move every PostgreSQL consumer of a GitOps repository onto CloudNativePG.

    Runtime traffic goes through the PgBouncer Pooler, migrations go direct. Nothing is
    written before a plan shows it, and every apply can be rolled back byte for byte.

    \b
    Exit status: 0 done; 1 refused or a verdict failed; 2 wrong usage; 3 bug;
    4 stale plan; 5 stopped half-way; 10 changes are due; 130 interrupted.
    """
    terminal = Terminal.detect(no_color=no_color, quiet=quiet)
    ctx.color = None if terminal.color else False
    ctx.obj = Session(directory, terminal, StderrProgress(quiet=quiet))
