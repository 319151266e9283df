"""`repoint rbac`: the rights that the cluster-side commands need, as roles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from repoint.cli.context import choose_environment
from repoint.cli.options import Session, examples, format_option, one_env_option
from repoint.cli.stdout import emit
from repoint.cli.wiring import open_desk
from repoint.errors import ExitCode, UsageError
from repoint.model.cluster import ClusterVerb

if TYPE_CHECKING:
    from repoint.rollout.roles import Subject

_KINDS = ("User", "Group", "ServiceAccount")


@click.command(
    epilog=examples(
        "repoint rbac --env staging --subject Group/operators | kubectl apply -f -",
        "repoint rbac --env production --verb verify --subject Group/verifiers",
        "repoint rbac --env local --format json",
    ),
)
@one_env_option()
@click.option(
    "--verb",
    "verbs",
    multiple=True,
    type=click.Choice([str(verb) for verb in ClusterVerb]),
    help="The rights of this command only (repeatable; default: all).",
)
@click.option(
    "--subject",
    "subjects",
    multiple=True,
    metavar="KIND/NAME",
    help="Bind the roles to User/NAME, Group/NAME or ServiceAccount/[NAMESPACE/]NAME "
    "(repeatable; default: print no bindings).",
)
@click.option("--in-cluster", is_flag=True, help="The rights of `verify --in-cluster`.")
@format_option("json")
@click.pass_obj
def rbac(
    session: Session,
    environment: str,
    verbs: tuple[str, ...],
    subjects: tuple[str, ...],
    in_cluster: bool,
    form: str,
) -> int:
    """Print the rights that the cluster-side commands need in an environment, and no more.

    There is a Role for each namespace, and a ClusterRole only for objects of the environment
    that belong to no namespace. Rights are limited to the environment's own objects by name
    wherever the API allows that. The output is for `kubectl apply -f -`, run by somebody who
    has these rights; the cluster is not asked.
    """
    from repoint.flows.rights import ground_of
    from repoint.rollout.roles import role_name, rules_of
    from repoint.views import rights as views

    with open_desk(session, None) as desk:
        name = choose_environment(desk, environment)
        ground = ground_of(desk.workspace, name, in_cluster=in_cluster)
    commands = tuple(ClusterVerb(verb) for verb in dict.fromkeys(verbs)) or tuple(ClusterVerb)
    bound = tuple(_subject(text, ground.lease_namespace) for text in subjects)
    rules = rules_of(commands, ground)
    if not rules:
        session.terminal.notice("note: this needs no rights: it reads the ledger alone")
    show = views.machine if form == "json" else views.human
    emit(show(role_name(name, commands), rules, bound))
    return ExitCode.OK


def _subject(text: str, namespace: str) -> Subject:
    """A subject as the command line names it.

    Raises:
        UsageError: it is none.
    """
    from repoint.rollout.roles import Subject

    kind, _, name = text.partition("/")
    if kind == "ServiceAccount" and "/" in name:
        namespace, _, name = name.partition("/")
    if kind not in _KINDS or not name or not namespace:
        raise UsageError(
            f"`{text}` names no subject",
            hint="say `User/NAME`, `Group/NAME` or `ServiceAccount/NAMESPACE/NAME`",
        )
    return Subject(kind, name, namespace if kind == "ServiceAccount" else "")


COMMANDS = (rbac,)
