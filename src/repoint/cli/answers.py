"""A scan's answer from the time before, when it still stands."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from repoint.cli.at_once import may_know_more, whole_request
from repoint.cli.place import CONFIG_FILE, JOURNAL

if TYPE_CHECKING:
    from repoint.adapters.filetree import FileTree
    from repoint.adapters.gitrepo import Listing
    from repoint.adapters.kept.answers import Kept
    from repoint.adapters.kept.stamps import Stamp
    from repoint.cli.wiring import Desk
    from repoint.model.knowledge import Knowledge


class KeptScan:
    """What a scan of `tree` said last, for a request such as `("json", "staging")`."""

    def __init__(self, tree: FileTree, request: tuple[str, ...]) -> None:
        self.tree, self.request = tree, request
        self._known, self._place = _place_of(tree, request)
        self._asked_in_vain = False

    def recall(self) -> str | None:
        """The text that the scan would print; None when it has to be worked out."""
        told = self.told()
        return None if told is None else str(told, "utf-8", "surrogateescape")

    def told(self) -> memoryview | None:
        """The same in UTF-8: a large text is printed sooner than decoded.

        What did not stand is not asked for again: `tree` knows what git told of it then.
        """
        if self._place is None or self._asked_in_vain or self._is_half_done():
            return None
        kept = self._recalled(self.tree, self.tree.listing())
        if kept is not None:
            kept = self._marked() if self._is_due() else self._noted(kept)
        self._asked_in_vain = kept is None
        return None if kept is None else kept.text

    def _recalled(self, tree: FileTree, listing: Listing | None) -> Kept | None:
        """What is kept, if it stands where git tells `listing`."""
        if self._place is None or listing is None:
            return None
        from repoint.adapters.kept.answers import Answers

        with self._with_knowledge():
            return Answers(*self._place).recall(listing, tree.glance, _matters)

    def _is_due(self) -> bool:
        """Whether this very place was asked before: then a stamp is worth its time."""
        from repoint.adapters.kept.watching import is_due

        return self._place is not None and is_due(*self._place, self.tree.root)

    def _noted(self, kept: Kept) -> Kept:
        """Note that it was told, so that the next run makes a stamp."""
        self._stamp(None)
        return kept

    def _marked(self) -> Kept | None:
        """What stands once more, with a stamp: git has to look after the marks were taken.

        A second look takes time, which is spent on an answer that stood at the first one alone.
        """
        from repoint.adapters.filetree import FileTree
        from repoint.adapters.kept.watching import Watch

        root = self.tree.root
        watch, tree = Watch(root), FileTree(root)
        listing = tree.listing(watch.tracked)
        if listing is not None:
            watch.others(listing)
        kept = self._recalled(tree, listing)
        if kept is not None:
            self._stamp(watch.make(kept.seal))
        return kept

    def keep(self, text: str, desk: Desk, *, beyond: bool | None = None) -> None:
        """Keep what was worked out, unless more than the repository decided it, or it changed.

        `beyond` tells whether more decided it, where a sealed file that was opened is no reason.
        """
        beyond = desk.looked_beyond() if beyond is None else beyond
        known = self.tree.listing() if self._place else None
        if self._place is None or known is None or beyond:
            return
        from repoint.adapters.filetree import FileTree
        from repoint.adapters.kept.answers import Answers
        from repoint.adapters.kept.watching import Watch

        tree, root = self.tree, self.tree.root
        watch = Watch(root)
        if FileTree(root).listing(watch.tracked) != known:
            return
        if _place_of(FileTree(root), self.request)[1] != self._place:
            return  # Another run wrote receipts meanwhile, of which git may tell nothing.
        watch.others(known)
        made = Answers(*self._place).keep(
            text, known, tree.remembered(), tree.refused(), tree.glance
        )
        # What git lists without an id may have changed since it was read.
        if made is not None and made.stands(FileTree(root).glance):
            self._stamp(watch.make(made.seal))

    def _stamp(self, stamp: Stamp | None) -> None:
        from repoint.adapters.kept.watching import keep

        if self._place is not None and self._known is None:
            with suppress(OSError):
                keep(*self._place, self.tree.root, stamp)

    def _with_knowledge(self) -> AbstractContextManager[None]:
        """Added words tell of files that would not matter otherwise."""
        if self._known is None:
            return nullcontext()
        from repoint.model.knowledge import knowing

        return knowing(self._known)

    def _is_half_done(self) -> bool:
        """Whether there may be a run that was stopped, which the whole scan tells of."""
        return (self.tree.root / JOURNAL).exists()


_HANDED_OVER: list[KeptScan] = []


def kept_tree(folder: Path) -> FileTree:
    """The files of a repository, for asking whether they are as they were."""
    from repoint.adapters.filetree import FileTree

    known = [kept.tree for kept in _HANDED_OVER if kept.tree.root == folder]
    return known[-1] if known else FileTree(folder)


def kept_scan(tree: FileTree, request: tuple[str, ...]) -> KeptScan:
    """What was said last; the very one that the door asked, where it asked for the same."""
    while _HANDED_OVER:
        kept = _HANDED_OVER.pop()
        if kept.tree is tree and kept.request == request:
            return kept
    return KeptScan(tree, request)


def hand_over(kept: KeptScan) -> None:
    """Let the command that runs next know what git told at the door, and what did not stand."""
    _HANDED_OVER.append(kept)


def _place_of(
    tree: FileTree, request: tuple[str, ...]
) -> tuple[Knowledge | None, tuple[Path, tuple[str, ...]] | None]:
    """What is known here beside the built-in tables, None for nothing; and what is kept where.

    That is a folder, and the request with all that decides its answer; None where nothing is kept.
    """
    from repoint.adapters.cache_folder import cache_folder
    from repoint.errors import RepointError

    folder = cache_folder()
    if folder is None:
        return None, None
    try:
        config = tree.read(CONFIG_FILE) if tree.exists(CONFIG_FILE) else b""
        known = _known(tree) if may_know_more(config) else None
    except RepointError:
        return None, None
    mark = (known.mark,) if known is not None else ()
    whole = whole_request(str(tree.root), config, (*mark, *request))
    return known, None if whole is None else (folder, whole)


def _known(tree: FileTree) -> Knowledge:
    """What was added here; the files that repoint.yaml names are read, and so belong to the answer.

    Raises:
        RepointError: what it says is wrong.
    """
    from repoint.api.opening import settings_of

    return settings_of(tree).known


def _matters(path: str, raw: bytes) -> bool:
    from repoint.flows.relevance import has_kind, may_be_read, may_matter

    return may_be_read(path) and has_kind(path, raw) and may_matter(path, raw)
