"""`repoint doctor`: what a rehearsal needs, what of it is here, and how to get the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from repoint.cli.options import Session, examples, format_option
from repoint.cli.stdout import emit
from repoint.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from repoint.adapters.servers import Wanted
    from repoint.flows.doctor import Machine, Program
    from repoint.model.version import VersionWish

_MODULES = ("cryptography", "psycopg")
_KEYS = ("SOPS_AGE_KEY_FILE", "SOPS_AGE_KEY", "SOPS_AGE_KEY_CMD", "SOPS_AGE_SSH_PRIVATE_KEY_FILE")
_OTHER_KEYS = ("SOPS_PGP_FP", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "VAULT_TOKEN", "VAULT_ADDR")
_CLOUD_KEYS = ("GOOGLE_APPLICATION_CREDENTIALS", "AZURE_CLIENT_ID")


def _wishes(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> tuple[VersionWish, ...]:
    from repoint.model.version import VersionWish

    try:
        return tuple(VersionWish.parse(value) for value in values)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from None


@click.command(
    epilog=examples(
        "repoint doctor",
        "repoint doctor --fetch                  # get what is missing",
        "repoint doctor --fetch --postgres 16 --pgbouncer 1.26",
    ),
)
@click.option("--fetch", "fetches", is_flag=True, help="Get what is missing into the cache folder.")
@click.option(
    "--postgres",
    "majors",
    multiple=True,
    type=click.IntRange(13, 99),
    metavar="MAJOR",
    help="This PostgreSQL has to be here (repeatable; default: any, better 18).",
)
@click.option(
    "--pgbouncer",
    "poolers",
    multiple=True,
    callback=_wishes,
    metavar="VERSION",
    help="This PgBouncer has to be here, such as 1.24 or 1.25+ (repeatable; default: 1.24+).",
)
@format_option("json")
@click.pass_obj
def doctor(
    session: Session,
    fetches: bool,
    majors: tuple[int, ...],
    poolers: tuple[VersionWish, ...],
    form: str,
) -> int:
    """Say what repoint can use, what of it is here, and the command that gets the rest.

    Looks at no repository and changes nothing; with --fetch it gets PostgreSQL, PgBouncer, psql
    and pgbench into repoint's own cache folder, without root and without touching the system's
    packages. Ends with 0 when a rehearsal can run here, else with 1.
    """
    from repoint.adapters.servers import cache_folder, fetch
    from repoint.flows.doctor import diagnose
    from repoint.views import doctor as view

    if fetches:
        fetch(_wanted(majors, poolers), _teller(session))
    session.progress.step("looking at this machine")
    value = diagnose(_machine(), majors, poolers)
    session.progress.close()
    cache = str(cache_folder())
    if form == "json":
        emit(view.machine(value, cache))
    else:
        terminal = session.terminal
        emit(view.human(value, cache, width=terminal.width, color=terminal.color))
    return ExitCode.OK if value.ready else ExitCode.REFUSED


def _teller(session: Session) -> Callable[[str], None]:
    """Tells each step of a fetch: in place where somebody watches, else a line each."""
    return session.progress.step if session.progress.shows else session.terminal.notice


def _wanted(majors: tuple[int, ...], poolers: tuple[VersionWish, ...]) -> Wanted:
    from repoint.adapters.servers import Wanted

    wanted = Wanted()
    return Wanted(majors or wanted.postgres, poolers or wanted.pgbouncer, wanted.clients)


def _machine() -> Machine:
    """Look at this machine."""
    import sys

    from repoint.adapters import servers
    from repoint.adapters.plugins import told_of
    from repoint.flows.doctor import Machine, Program

    return Machine(
        systems=servers.systems(),
        python=sys.executable,
        fetches_postgres=servers.can_fetch_postgres(),
        fetches_debs=servers.can_fetch_debs(),
        postgres=tuple(
            Program(one.version, str(one.folder), one.flaw) for one in servers.all_postgres()
        ),
        pgbouncer=tuple(
            Program(one.version, str(one.path), one.flaw) for one in servers.all_pgbouncers()
        ),
        tools=_tools(),
        modules=tuple((name, _module_version(name)) for name in _MODULES),
        key=_key(),
        overrides=servers.broken_overrides(),
        knowledge=told_of(),
    )


def _tools() -> tuple[tuple[str, Program | None], ...]:
    from repoint.adapters import servers
    from repoint.flows.doctor import Program

    clients = {"psql": servers.find_psql(), "pgbench": servers.find_pgbench()}
    return (
        *((name, _tool(name)) for name in ("git", "kubectl", "sops")),
        *(
            (name, None if one is None else Program(one.version, str(one.path), one.flaw))
            for name, one in clients.items()
        ),
    )


def _tool(name: str) -> Program | None:
    from repoint.adapters.runner import find_tool, run
    from repoint.adapters.servers import version_in
    from repoint.errors import ToolFailed, ToolMissing
    from repoint.flows.doctor import Program

    asks = {"kubectl": ("version", "--client"), "sops": ("--version", "--check-for-updates=false")}
    try:
        path = find_tool(name)
        # Named as no tool is: to tell its version it needs none of the tool's variables.
        said = run([path, *asks.get(name, ("--version",))], tool=f"{name} --version", timeout=20.0)
    except (ToolMissing, ToolFailed):
        return None
    return Program(version_in(said.stdout.decode(errors="replace")), path)


def _module_version(name: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _key() -> str:
    """Where sops would find a key, never what it is; empty when nothing speaks for one."""
    import os
    from pathlib import Path

    from repoint.adapters.servers import home_folder

    for name in (*_KEYS, *_OTHER_KEYS, *_CLOUD_KEYS):
        if os.environ.get(name):
            return f"${name}"
    given = os.environ.get("XDG_CONFIG_HOME")
    config = Path(given) if given else home_folder() / ".config"
    keys = config / "sops" / "age" / "keys.txt"
    return str(keys) if keys.is_file() else ""


COMMANDS = (doctor,)
