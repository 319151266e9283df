"""Which Kubernetes context a command uses, and asking before the cluster is changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from repoint.cli.options import Decorator, Session, says_yes
from repoint.cli.wiring import Desk, cluster_door
from repoint.errors import UsageError, WrongContext

if TYPE_CHECKING:
    from repoint.planning.config import Config
    from repoint.ports.cluster import ClusterApi, ClusterDoor

_PRODUCTION = re.compile(r"(?:^|[-_.])prod", re.IGNORECASE)


def context_option() -> Decorator:
    """`--context`."""
    return click.option(
        "--context",
        metavar="NAME",
        default="",
        shell_complete=_context_names,
        help="The Kubernetes context, for an environment that names none in repoint.yaml.",
    )


def choose_environment(desk: Desk, name: str) -> str:
    """The environment that a command works on: the one named, or the only one.

    Raises:
        ConfigError: there is no repoint.yaml.
        UsageError: there is no such environment, or several and none was named.
    """
    from repoint.flows.planning import require_config

    known = tuple(require_config(desk.workspace).environments)
    if name in known:
        return name
    if not name and len(known) == 1:
        return known[0]
    problem = f"there is no environment `{name}`" if name else "it is not said which environment"
    raise UsageError(
        problem, hint=f"name one with `--env`; repoint.yaml has: {', '.join(known) or 'none'}"
    )


def choose_context(config: Config, environment: str, named: str, door: ClusterDoor) -> str:
    """The context of an environment; never kubectl's current one.

    Raises:
        WrongContext: none is named, two different ones are, or it does not exist.
    """
    own = config.environments[environment].context
    if named and own and named != own:
        raise WrongContext(
            f"environment `{environment}` is in context `{own}`, not in `{named}`",
            hint="leave `--context` out, or change `context:` in repoint.yaml",
        )
    known = door.contexts()
    chosen = named or own
    if chosen in known:
        return chosen
    problem = (
        f"there is no Kubernetes context `{chosen}`"
        if chosen
        else f"it is not said which Kubernetes context environment `{environment}` is in"
    )
    raise WrongContext(
        problem,
        hint=(
            f"set `context:` of `{environment}` in repoint.yaml, or pass `--context`",
            f"the kubeconfig has: {', '.join(known) or 'none'}",
        ),
    )


def must_ask(config: Config, environment: str) -> bool:
    """Whether a person has to agree before this environment's cluster is changed.

    As `confirm:` says; without it every environment but the first, and one called production.
    """
    said = config.environments[environment].confirm
    if said is not None:
        return said
    first = next(iter(config.environments))
    return environment != first or bool(_PRODUCTION.search(environment))


def agrees(
    session: Session, config: Config, environment: str, context: str, what: str, *, yes: bool
) -> bool:
    """Whether the cluster may be changed: a person is asked where that is due.

    `what` is such as ``roll out 3 steps to `staging` ``; the address of the API server and the
    context are shown with it. `yes` answers beforehand.

    Raises:
        UsageError: nobody can be asked.
    """
    if yes or not must_ask(config, environment):
        return True
    server = cluster_door().server(context) or "an address that is not told"
    return says_yes(session, f"{what} at {server} (context `{context}`)?")


@contextmanager
def open_cluster(
    session: Session, desk: Desk, environment: str, context: str
) -> Iterator[ClusterApi]:
    """The API server of an environment, while the block runs.

    `environment` is what `choose_environment` gave, `context` what `--context` says.

    Raises:
        WrongContext: it is not certain which cluster is meant.
        ClusterLost, ClusterRefused, ToolMissing, ToolFailed: it cannot be reached.
    """
    from repoint.flows.planning import require_config

    door = cluster_door()
    chosen = choose_context(require_config(desk.workspace), environment, context, door)
    session.progress.step(f"reaching the cluster of context `{chosen}`")
    with door.open(chosen) as api:
        yield api


def _context_names(ctx: click.Context, param: click.Parameter, start: str) -> list[str]:
    """The contexts of the kubeconfig that begin with `start`."""
    from repoint.cli.completing import patience_s
    from repoint.errors import RepointError

    try:
        names = cluster_door(patience_s()).contexts()
        return [name for name in names if name.startswith(start)]
    except RepointError:
        return []
