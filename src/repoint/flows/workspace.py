"""The world as a flow sees it: one repository with its helpers, passed in by the CLI."""

from __future__ import annotations

from dataclasses import dataclass

from repoint.planning.config import Config
from repoint.ports import Progress, Renderer, SecretStore, Tree


@dataclass(frozen=True, slots=True)
class Workspace:
    """A repository at hand.

    `config` is None when there is no `repoint.yaml`; `config_text` is its text, which
    belongs to the plan's fingerprint.
    """

    root: str
    tree: Tree
    config: Config | None
    config_text: str
    secrets: SecretStore
    renderer: Renderer
    progress: Progress
