"""What a command was asked of: formats for programs name it, and mark places in its files."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from repoint.ports.repository import Tree
    from repoint.views.markup import Scope
    from repoint.views.places import Places

PAGES_VARIABLE = "REPOINT_RULES_URL"
"""The address of the folder with a page for each rule, for the links of SARIF."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The repository's files and folder, and the environments that were asked for."""

    tree: Tree
    root: Path
    environments: tuple[str, ...] = ()

    @property
    def scope(self) -> Scope:
        """What tells the comments of one verb apart."""
        return scope_of(self.root, self.environments)

    @property
    def places(self) -> Places:
        """Places as they are seen from the top of the work tree."""
        from repoint.views.places import Places

        return Places(self.tree, below_top(self.root))

    @property
    def pages(self) -> str:
        """Where the rules' pages are on the web; empty when nobody says so."""
        told = os.environ.get(PAGES_VARIABLE, "")
        return told if re.fullmatch(r"https?://[^\s\"<>\\^`{|}]+", told) else ""

    def beside(self, form: str) -> tuple[str, ...]:
        """What a format tells beside what is in the files."""
        where = (str(self.root),) if form == "human" else ()
        marked = form in ("markdown", "sarif", "github", "gitlab")
        below = (below_top(self.root),) if marked else ()
        return (*where, *below, *((self.pages,) if form == "sarif" else ()))


def scope_of(root: Path, environments: tuple[str, ...]) -> Scope:
    """The environments that were asked for, and where the repository lies in its work tree."""
    from repoint.views.markup import Scope

    return Scope(environments, below_top(root).rstrip("/"))


def below_top(root: Path) -> str:
    """Where a repository lies in its git work tree: `infra/`; empty at its top and without git."""
    from repoint.adapters.gitrepo import find_root

    top = find_root(root)
    if top is None or top == root or not root.is_relative_to(top):
        return ""
    return f"{root.relative_to(top).as_posix()}/"
