"""The one place where adapters meet flows."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repoint.cli.place import JOURNAL, find_root

if TYPE_CHECKING:
    from repoint.adapters.filetree import FileTree
    from repoint.cli.options import Session
    from repoint.flows.comparing.reaching import World
    from repoint.flows.comparing.switching import Desk as DataDesk
    from repoint.flows.reading import Reading
    from repoint.flows.rehearsing.migrating import Runner
    from repoint.flows.rolling_out.locking import Holder
    from repoint.flows.workspace import Workspace
    from repoint.planning.config import Config
    from repoint.ports.cluster import ClusterApi, ClusterDoor
    from repoint.ports.connecting import Dial, HttpGet
    from repoint.ports.repository import SealedEditor, WritableTree
    from repoint.ports.servers import DriverObserver, Laboratory, LoadGenerator
    from repoint.ports.user import Identity, LocalState


@dataclass(frozen=True, slots=True)
class Desk:
    """A repository opened for a command: for reading, and for the verbs that write."""

    workspace: Workspace
    tree: WritableTree
    sealed: SealedEditor
    reading: Reading | None = None
    """What guessing a configuration read, so that the command does not read it again."""
    looked_beyond: Callable[[], bool] = bool
    """Whether a sealed file was opened, or tried, or kubectl asked: then more than the repository
    decides the result."""
    left_closed: Callable[[], bool] = bool
    """The same, but for sealed files that were opened."""


def config_at(folder: Path) -> Config | None:
    """The configuration of a repository, None where there is no repoint.yaml.

    Raises:
        ConfigError: repoint.yaml is wrong.
        FileRefused: it cannot be read.
    """
    from repoint.adapters.filetree import FileTree
    from repoint.api.opening import config_of

    return config_of(FileTree(folder))[0]


@contextmanager
def open_desk(
    session: Session,
    root: Path | None,
    *,
    config: bool = True,
    guess: bool = False,
    knowledge: bool = True,
    tree: FileTree | None = None,
    tells: bool = True,
) -> Iterator[Desk]:
    """The repository with its adapters; the progress line is cleared at the end.

    A run that was stopped half-way is told of when the block ends, unless `tells` is off.

    Without `config` repoint.yaml is not looked at. With `guess` a repository without one
    gets the configuration that `repoint init` would propose, and a notice says so. Without
    `knowledge` installed packages are not asked: none may stand in a way back. `tree` is the
    repository where it was opened already.

    Raises:
        ConfigError: repoint.yaml is wrong.
        KnowledgeFailed: an installed package brings knowledge that is wrong.
    """
    from repoint.adapters.aside import forked
    from repoint.adapters.filetree import FileTree
    from repoint.api.opening import kept_results, opened, settings_of
    from repoint.model.knowledge import knowing

    # A scan keeps every tree it reads until the end, and makes no cycles worth collecting:
    # looking for them over and over costs a third of its time.
    gc.disable()
    tree = tree or FileTree(find_root(session.directory, root))
    settings = settings_of(tree, config=config, plugins=knowledge)
    kept = kept_results(settings.known)
    here = opened(tree, settings, session.progress, aside=forked, kept=kept)
    workspace, reading = here.workspace, None
    try:
        with knowing(settings.known):
            if guess and workspace.config is None:
                workspace, reading = _guessed(session, workspace)
            beyond = here.looked_beyond, here.left_closed
            yield Desk(workspace, tree, here.sealed, reading, *beyond)
    finally:
        session.progress.close()
        verb = half_done(tree.root) if tells else ""
        if verb:
            from repoint.views.wording import half_done_text

            session.terminal.notice(f"stopped: {half_done_text(verb)}")


def half_done(root: Path) -> str:
    """The verb of a run that was stopped half-way; empty without one, and while it is at work."""
    import os

    if not os.path.lexists(root / JOURNAL):
        return ""
    from repoint.adapters.journal import half_done as verb_of

    return verb_of(root)


def laboratory(keep_logs: Path | None) -> Laboratory:
    """The private servers of a rehearsal; `keep_logs` is a folder for what they say."""
    from repoint.adapters import servers
    from repoint.adapters.lab import PrivateServers
    from repoint.adapters.pgclient import connect

    return PrivateServers(servers, connect, keep_logs=keep_logs)


def cluster_door(config_s: float = 60.0) -> ClusterDoor:
    """The API servers of the user's kubeconfig, which may take `config_s` seconds to be read."""
    from repoint.adapters.kubeapi import KubectlDoor

    return KubectlDoor(config_s=config_s)


def identity(root: str) -> Identity:
    """Who works here, as the repository's git knows it."""
    from repoint.adapters.identity import GitIdentity

    return GitIdentity(Path(root))


def local_state(root: str) -> LocalState:
    """What this machine keeps of a repository."""
    from repoint.adapters.local_state import UserState

    return UserState(Path(root))


def data_desk(session: Session, desk: Desk) -> DataDesk:
    """A repository with what comparing its databases needs."""
    from repoint.flows.comparing.switching import Desk as DataDesk

    root = desk.workspace.root
    return DataDesk(
        *(desk.workspace, desk.tree, desk.sealed, local_state(root), identity(root)),
        progress=session.progress,
    )


@contextmanager
def data_world(api: ClusterApi | None) -> Iterator[World]:
    """What reaches both databases, by port-forward where there is a cluster."""
    import os
    import tempfile

    from repoint.flows.comparing.reaching import World

    with tempfile.TemporaryDirectory(prefix="repoint-") as folder:
        yield World(dialer(), os.environ, Path(folder), api)


def commit_of(root: str) -> str:
    """The commit that is checked out; empty without one."""
    from repoint.adapters.gitrepo import commit_id

    return commit_id(Path(root))


def lease_holder() -> Holder:
    """This process, as the holder of an environment's Lease."""
    from repoint.adapters.operator import holder_name, is_gone, process_mark
    from repoint.flows.rolling_out.locking import Holder

    return Holder(holder_name(), process_mark(), is_gone)


def dialer() -> Dial:
    """What logs in to a server as a driver would."""
    from repoint.adapters.pgclient import connect

    return connect


def http_getter() -> HttpGet:
    """What asks a health endpoint, or a Pooler for its metrics."""
    from repoint.adapters.http_get import http_get

    return http_get


def load_generator() -> LoadGenerator:
    """pgbench, the newest that is here.

    Raises:
        ToolMissing: there is none.
    """
    from repoint.adapters import servers
    from repoint.adapters.pgbench import Pgbench
    from repoint.errors import ToolMissing

    found = servers.find_pgbench()
    if found is None:
        raise ToolMissing(
            "`pgbench` is needed and was not found",
            hint="run `repoint doctor --fetch`, or install PostgreSQL's client programs",
        )
    return Pgbench(str(found.path))


def machine() -> str:
    """The processors at hand, for the record of a measurement."""
    import platform

    from repoint.adapters.aside import processors

    return f"{processors()} processors, {platform.machine()}"


def driver_observer() -> DriverObserver:
    """What lets an installed driver itself log in."""
    from repoint.adapters.real_drivers import observe

    return observe


def migration_runner(root: str) -> Runner:
    """What runs a repository's migration commands."""
    from repoint.adapters.migration_command import MigrationCommand

    return MigrationCommand(Path(root))


def _guessed(session: Session, workspace: Workspace) -> tuple[Workspace, Reading]:
    from repoint.api.opening import guessed

    found, reading = guessed(workspace)
    told = "`repoint init` writes what is guessed here"
    if found.config is None:
        told = "and too little to guess one from"
        session.terminal.notice(f"note: there is no repoint.yaml, {told}")
    else:
        session.terminal.notice(f"note: there is no repoint.yaml; {told}")
    return found, reading
