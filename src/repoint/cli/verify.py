"""`repoint verify`: what the cluster really does, and a soak that watches it."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import click

from repoint.cli import report, show
from repoint.cli.context import choose_environment, context_option, open_cluster
from repoint.cli.options import Session, examples, format_option, one_env_option
from repoint.cli.running import interruptible, seconds
from repoint.cli.stdout import emit
from repoint.cli.watching import SoakScreen
from repoint.cli.wiring import Desk, dialer, http_getter, identity, open_desk
from repoint.errors import ExitCode, RepointError

if TYPE_CHECKING:
    from repoint.model.verification import Verification
    from repoint.ports.cluster import ClusterApi

_CONFIGURED = "as configured"


@click.command(
    epilog=examples(
        "repoint verify --env local",
        "repoint verify --env staging --soak   # as long as repoint.yaml says",
        "repoint verify --env staging --soak 30m --auto-rollback",
        "repoint verify --env production --in-cluster --format markdown",
        "repoint verify --env staging --format junit > verify.xml",
        "repoint verify --env staging --format html > verify.html",
    ),
)
@one_env_option()
@context_option()
@format_option("json", "markdown", "html", "junit")
@click.option(
    "--soak",
    "duration",
    metavar="[DURATION]",
    is_flag=False,
    flag_value=_CONFIGURED,
    default="",
    help="Afterwards watch pools and restarts: for DURATION (`30m`), else as repoint.yaml says.",
)
@click.option("--in-cluster", is_flag=True, help="Ask from a short-lived Job in the namespace.")
@click.option("--auto-rollback", is_flag=True, help="Roll back when something failed for certain.")
@click.option("--no-record", is_flag=True, help="Write nothing into the ledger.")
@click.pass_obj
def verify(
    session: Session,
    environment: str,
    context: str,
    form: str,
    duration: str,
    in_cluster: bool,
    auto_rollback: bool,
    no_record: bool,
) -> int:
    """Ask the cluster whether every consumer really moved, and is well.

    Each consumer's connection is read from the live objects and tried as its driver would,
    through a port-forward that keeps the host's name for TLS. Nothing is written into any
    database. A soak then watches the Poolers' metrics and the consumers' restarts.

    Ends with 0 when everything passed, with 1 when something failed or is unknown, and with 130
    when a soak was interrupted.
    """
    from repoint.flows.planning import require_config
    from repoint.flows.verifying.noting import note

    wants_page = report.check(form)
    with interruptible(), open_desk(session, None) as desk:
        name = choose_environment(desk, environment)
        config = require_config(desk.workspace)
        lasts = config.verify.soak.duration if duration == _CONFIGURED else duration
        soak_s = seconds(lasts) if lasts else 0.0
        with open_cluster(session, desk, name, context) as api:
            inside = in_cluster or config.verify.in_cluster
            found = _verified(session, desk, api, name, inside=inside, seconds=soak_s)
        session.progress.close()
        if not wants_page:
            emit(show.verification(session.terminal, form, found, desk.workspace.root))
        if not no_record:
            note(found, desk.tree, identity(desk.workspace.root), desk.sealed)
        if wants_page:
            emit(report.verification(desk, found))
        root = desk.workspace.root
    if found.verdict.value == "fail":
        _way_back(session, root, name, context, now=auto_rollback)
    if found.soak is not None and found.soak.ended == "interrupted":
        return ExitCode.INTERRUPTED
    return ExitCode.OK if found.verdict.value == "pass" else ExitCode.REFUSED


def _verified(
    session: Session,
    desk: Desk,
    api: ClusterApi,
    environment: str,
    *,
    inside: bool,
    seconds: float,
) -> Verification:
    """The connections, and a soak where one is wanted and nothing failed before."""
    from dataclasses import replace

    from repoint.flows.planning import require_config
    from repoint.flows.verifying.flow import read_scenery, verify
    from repoint.flows.verifying.in_cluster import verify_inside
    from repoint.flows.verifying.soaking import soak, watched

    config = require_config(desk.workspace)
    scene = read_scenery(desk.workspace, api, environment, secrets=not inside)
    ask = verify_inside if inside else verify
    found = ask(desk.workspace, api, scene, dial=dialer(), get=http_getter())
    if not seconds:
        return found
    if found.connections.value == "fail":
        session.terminal.notice("no soak: something failed already")
        return found
    session.progress.close()
    gc.enable()  # It was off for a scan, and a soak is long.
    with SoakScreen(session.terminal) as screen:
        seen = soak(
            api, config, watched(scene), wanted_s=seconds, get=http_getter(), seen=screen.show
        )
    return replace(found, soak=seen)


def _way_back(session: Session, root: str, environment: str, context: str, *, now: bool) -> None:
    """Offer the rollback of an environment, or do it `now`.

    Raises:
        RepointError: the rollback was refused.
    """
    from repoint.cli.app import main

    words = ["rollback", "--env", environment, "--rollout"]
    words += ["--context", context] if context else []
    if not now:
        session.terminal.notice(f"the way back: repoint {' '.join(words)}")
        return
    session.terminal.notice(f"rolling back: repoint {' '.join(words)} --yes")
    status = main.main(["-C", root, *words, "--yes"], standalone_mode=False)
    if status not in (None, ExitCode.OK):
        raise RepointError(
            f"the rollback of `{environment}` ended with status {status}",
            hint=f"run `repoint {' '.join(words)}` again",
        )


COMMANDS = (verify,)
