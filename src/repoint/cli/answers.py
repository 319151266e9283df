"""A scan's answer from the time before, when it still stands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from repoint.cli.place import CONFIG_FILE

if TYPE_CHECKING:
    from repoint.adapters.answers import Answers
    from repoint.adapters.filetree import FileTree
    from repoint.cli.wiring import Desk


class KeptScan:
    """What a scan of `tree` said last, for a request such as `("json", "staging")`."""

    def __init__(self, tree: FileTree, request: tuple[str, ...]) -> None:
        self._tree = tree
        self._answers = _answers(tree, request)

    def recall(self) -> str | None:
        """The text that the scan would print; None when it has to be worked out."""
        listing = self._tree.listing() if self._answers else None
        if self._answers is None or listing is None:
            return None
        return self._answers.recall(listing, self._tree.glance, _matters)

    def keep(self, text: str, desk: Desk) -> None:
        """Keep what was worked out, unless more than the repository decided it, or it changed."""
        from repoint.adapters.gitrepo import listing

        known = self._tree.listing() if self._answers else None
        if self._answers is None or known is None or desk.looked_beyond():
            return
        if listing(self._tree.root) == known:
            contents, refused = self._tree.remembered(), self._tree.refused()
            self._answers.keep(text, known, contents, refused, self._tree.glance)


def kept_tree(folder: Path) -> FileTree:
    """The files of a repository, for asking whether they are as they were."""
    from repoint.adapters.filetree import FileTree

    return FileTree(folder)


def _answers(tree: FileTree, request: tuple[str, ...]) -> Answers | None:
    from repoint.adapters.answers import Answers, program_mark
    from repoint.adapters.cache_folder import cache_folder
    from repoint.errors import RepointError

    folder = cache_folder()
    try:
        config = tree.read(CONFIG_FILE) if tree.exists(CONFIG_FILE) else b""
    except RepointError:
        return None
    if folder is None:
        return None
    program = program_mark(Path(__file__).resolve().parents[1])
    return Answers(folder, (program, config.decode(errors="replace"), *request))


def _matters(path: str, raw: bytes) -> bool:
    from repoint.flows.relevance import has_kind, may_be_read, may_matter

    return may_be_read(path) and has_kind(path, raw) and may_matter(path, raw)
