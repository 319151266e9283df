"""A scan's answer from the time before, when it still stands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from repoint.cli.place import CONFIG_FILE, JOURNAL

if TYPE_CHECKING:
    from repoint.adapters.answers import Answers
    from repoint.adapters.filetree import FileTree
    from repoint.cli.wiring import Desk
    from repoint.model.knowledge import Knowledge


class KeptScan:
    """What a scan of `tree` said last, for a request such as `("json", "staging")`."""

    def __init__(self, tree: FileTree, request: tuple[str, ...]) -> None:
        self._tree = tree
        self._known, self._answers = _answers(tree, request)

    def recall(self) -> str | None:
        """The text that the scan would print; None when it has to be worked out."""
        told = self.told()
        return None if told is None else str(told, "utf-8", "surrogateescape")

    def told(self) -> memoryview | None:
        """The same in UTF-8: a large text is printed sooner than decoded."""
        listing = self._tree.listing() if self._answers else None
        if self._answers is None or listing is None or self._is_half_done():
            return None
        if self._known is None:
            return self._answers.recall(listing, self._tree.glance, _matters)
        from repoint.model.knowledge import knowing

        with knowing(self._known):  # Added words tell of files that would not matter otherwise.
            return self._answers.recall(listing, self._tree.glance, _matters)

    def keep(self, text: str, desk: Desk, *, beyond: bool | None = None) -> None:
        """Keep what was worked out, unless more than the repository decided it, or it changed.

        `beyond` tells whether more decided it, where a sealed file that was opened is no reason.
        """
        from repoint.adapters.gitrepo import listing

        beyond = desk.looked_beyond() if beyond is None else beyond
        known = self._tree.listing() if self._answers else None
        if self._answers is None or known is None or beyond:
            return
        if listing(self._tree.root) == known:
            contents, refused = self._tree.remembered(), self._tree.refused()
            self._answers.keep(text, known, contents, refused, self._tree.glance)

    def _is_half_done(self) -> bool:
        """Whether there may be a run that was stopped, which the whole scan tells of."""
        return (self._tree.root / JOURNAL).exists()


def kept_tree(folder: Path) -> FileTree:
    """The files of a repository, for asking whether they are as they were."""
    from repoint.adapters.filetree import FileTree

    return FileTree(folder)


def _answers(tree: FileTree, request: tuple[str, ...]) -> tuple[Knowledge | None, Answers | None]:
    """What is known here beside the built-in tables, None for nothing; and what is kept."""
    from repoint.adapters.answers import Answers, program_mark
    from repoint.adapters.cache_folder import cache_folder
    from repoint.errors import RepointError

    folder = cache_folder()
    if folder is None:
        return None, None
    try:
        config = tree.read(CONFIG_FILE) if tree.exists(CONFIG_FILE) else b""
        known = _known(tree, config)
    except RepointError:
        return None, None
    program = program_mark(Path(__file__).resolve().parents[1])
    mark = (known.mark,) if known is not None else ()
    return known, Answers(folder, (program, config.decode(errors="replace"), *mark, *request))


def _known(tree: FileTree, config: bytes) -> Knowledge | None:
    """What was added here; None where that is nothing, which is told without a look at it.

    The files that repoint.yaml names are read on the way, and so belong to the answer.
    """
    from repoint.adapters.plugins import any_installed

    # An escape in a key could spell the word, too.
    if b"knowledge" not in config and b"\\" not in config and not any_installed():
        return None
    from repoint.api.opening import settings_of

    return settings_of(tree).known


def _matters(path: str, raw: bytes) -> bool:
    from repoint.flows.relevance import has_kind, may_be_read, may_matter

    return may_be_read(path) and has_kind(path, raw) and may_matter(path, raw)
