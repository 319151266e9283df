"""`repoint check`: the guard that stays, in CI and in a hook; kept answers make it quick."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from repoint.cli import show
from repoint.cli.answers import KeptScan, kept_scan, kept_tree
from repoint.cli.asked import Asked
from repoint.cli.options import Session, env_option, examples, format_option, root_argument
from repoint.cli.place import find_root
from repoint.cli.stdout import emit
from repoint.errors import ExitCode

if TYPE_CHECKING:
    from repoint.adapters.filetree import FileTree


@click.command(
    epilog=examples(
        "repoint check",
        "repoint check --format markdown              # in a pull request",
        "repoint check --format sarif > check.sarif   # for code scanning",
        "repoint check --format junit > check.xml     # for a CI that shows tests",
        "repoint check --format github                # marks lines in GitHub Actions",
        "repoint check --format gitlab > quality.json # for GitLab's Code Quality",
    ),
)
@root_argument()
@env_option("Check")
@format_option("json", "markdown", "sarif", "junit", "github", "gitlab")
@click.pass_obj
def check(session: Session, root: Path | None, environments: tuple[str, ...], form: str) -> int:
    """Ask whether the repository keeps what the migration reached; for CI, for ever after.

    Nobody names the old host, no migration goes through a pool. Ends with 1 when an error
    stands that nobody accepted. What was found is kept for the next time, and told again when
    git shows that nothing changed.
    """
    tree = kept_tree(find_root(session.directory, root))
    asked = Asked(tree, tree.root, environments)
    looks = map(str, session.terminal.looks) if form == "human" else ()
    kept = kept_scan(tree, ("check", form, *asked.beside(form), *looks, *environments))
    told = kept.recall()
    if told is None:
        told = _found(session, form, asked, tree, kept)
    status, _, text = told.partition("\n")
    emit(text)
    return int(status)


def _found(session: Session, form: str, asked: Asked, tree: FileTree, kept: KeptScan) -> str:
    """The exit status on a line of its own, then what is printed; kept where that may be."""
    from repoint.cli.wiring import open_desk
    from repoint.flows.checking import check as run

    with open_desk(session, asked.root, tree=tree) as desk:
        findings = run(desk.workspace, asked.environments)
        blocked = any(finding.blocks for finding in findings)
        status = ExitCode.REFUSED if blocked else ExitCode.OK
        told = f"{status:d}\n{show.check(session.terminal, form, findings, asked)}"
        # It names no value: a file that was opened may be kept silent about.
        kept.keep(told, desk, beyond=desk.left_closed())
    return told


COMMANDS = (check,)
