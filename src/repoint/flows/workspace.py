"""The world as a flow sees it: one repository with its helpers, passed in by the CLI."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from repoint.planning.config import Config
from repoint.ports.repository import Renderer, SecretStore, Tree
from repoint.ports.work import Aside, KeptResults, Progress

Result = TypeVar("Result")


def in_turn(pieces: Sequence[Callable[[], Result]]) -> Callable[[], list[Result]]:
    """Do all when the results are asked for, once; implements `ports.Aside` with one process."""
    return cache(lambda: [piece() for piece in pieces])


@dataclass(frozen=True, slots=True)
class Workspace:
    """A repository at hand.

    `config` is None when there is no `repoint.yaml`; `config_text` is its text, which
    belongs to the plan's fingerprint. `aside` is for work that another process can do meanwhile,
    `kept` what earlier runs worked out.
    """

    root: str
    tree: Tree
    config: Config | None
    config_text: str
    secrets: SecretStore
    renderer: Renderer
    progress: Progress
    aside: Aside = in_turn
    kept: KeptResults | None = None
