"""Opening a repository: its files, its configuration, what is known here, and its helpers.

The library and the command line open it alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from repoint.adapters.filetree import FileTree
from repoint.adapters.kubectl import Kustomize
from repoint.adapters.sops import Sops
from repoint.errors import ConfigError
from repoint.flows.workspace import Workspace, in_turn
from repoint.model.knowledge import NOTHING_ADDED, Knowledge, joined
from repoint.planning.config import CONFIG_NAME, Config, load_config

if TYPE_CHECKING:
    from repoint.flows.reading import Reading
    from repoint.model.plan import Plan
    from repoint.ports.repository import Tree, WritableTree
    from repoint.ports.work import Aside, KeptResults, Progress


@dataclass(frozen=True, slots=True)
class Opened:
    """A repository with its helpers: for reading, and for the verbs that write."""

    workspace: Workspace
    tree: FileTree
    sealed: Sops
    renderer: Kustomize

    def looked_beyond(self) -> bool:
        """Whether a sealed file was opened, or tried, or kubectl asked."""
        return self.sealed.was_asked or self.renderer.was_asked

    def left_closed(self) -> bool:
        """Whether a sealed file could not be opened, or kubectl was asked."""
        return self.sealed.was_refused or self.renderer.was_asked


@dataclass(frozen=True, slots=True)
class Settings:
    """repoint.yaml as it was read, its text, and all that is known here."""

    config: Config | None
    text: str
    known: Knowledge


def config_of(tree: Tree) -> tuple[Config | None, str]:
    """The configuration and its text; None and nothing where there is no repoint.yaml.

    Raises:
        ConfigError: repoint.yaml is wrong.
        FileRefused: it cannot be read.
    """
    if not tree.exists(CONFIG_NAME):
        return None, ""
    text = tree.read(CONFIG_NAME).decode(errors="replace")
    return load_config(text, CONFIG_NAME), text


def settings_of(
    tree: Tree, *, config: bool = True, plugins: bool = True, given: Knowledge = NOTHING_ADDED
) -> Settings:
    """What holds in a repository.

    Args:
        tree: Its files.
        config: Whether repoint.yaml is looked at.
        plugins: Whether installed packages may bring knowledge.
        given: What the caller knows beside that; it wins over installed packages.

    Raises:
        ConfigError: repoint.yaml, or a file with knowledge, is wrong.
        KnowledgeFailed: an installed package brings knowledge that is wrong.
        FileRefused: repoint.yaml cannot be read.
    """
    from repoint.adapters.plugins import installed
    from repoint.flows.knowing import known_here

    found, text = config_of(tree) if config else (None, "")
    elsewhere = joined((given, installed() if plugins else NOTHING_ADDED))
    return Settings(found, text, known_here(found, tree, elsewhere))


def opened(
    tree: FileTree,
    settings: Settings,
    progress: Progress,
    *,
    aside: Aside = in_turn,
    kept: KeptResults | None = None,
) -> Opened:
    """The repository with what reads sealed files and renders overlays.

    `aside` is for work that another process can do meanwhile, `kept` what earlier runs of this
    very program, with this very knowledge, worked out.
    """
    remote = settings.config is not None and settings.config.render.remote
    sops = Sops(tree, progress=progress)
    renderer = Kustomize(tree, remote=remote, progress=progress)
    workspace = Workspace(
        root=str(tree.root),
        tree=tree,
        config=settings.config,
        config_text=settings.text,
        secrets=sops,
        renderer=renderer,
        progress=progress,
        aside=aside,
        kept=kept,
    )
    return Opened(workspace, tree, sops, renderer)


def guessed(workspace: Workspace) -> tuple[Workspace, Reading]:
    """The workspace as if the configuration that `propose` finds were there, with what was read.

    Where too little is found for a configuration it stays without one.
    """
    from repoint.flows.init import propose

    proposal = propose(workspace)
    try:
        config = load_config(proposal.text)
    except ConfigError:
        return workspace, proposal.reading
    return replace(workspace, config=config, config_text=proposal.text), proposal.reading


def kept_results(known: Knowledge) -> KeptResults | None:
    """What earlier runs of this program worked out, knowing the same; None where none is kept."""
    from repoint.adapters.cache_folder import cache_folder
    from repoint.adapters.kept.program import program_mark
    from repoint.adapters.kept_results import UserResults
    from repoint.planning.knowledge import digest_of

    folder = cache_folder()
    if folder is None:
        return None
    program = program_mark(Path(__file__).absolute().parents[1])
    return UserResults(folder, program + digest_of(known))


def keep_apply_gate(
    config: Config | None, plan: Plan, environments: Sequence[str], tree: WritableTree
) -> None:
    """Go on only when repoint.yaml's gates for an apply are open.

    Raises:
        GateClosed: it asks for a rehearsal that passed, and there is none.
    """
    from repoint.flows.rehearsing.record import require_rehearsed
    from repoint.flows.rewriting import wanted_of

    if config is not None and "rehearsed" in config.gates.apply and plan.applicable:
        require_rehearsed(plan, wanted_of(plan, environments), tree)
