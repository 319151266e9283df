"""Finishes or undoes what a killed run left behind."""

from __future__ import annotations

from repoint.ports.repository import WritableTree


def resume(tree: WritableTree) -> str:
    """Finish or undo an unfinished run, under the lock.

    Every writing verb does this first; `apply --resume` does nothing else.

    Returns:
        `finished`, `undone`, or an empty string when there was nothing to do.

    Raises:
        LockHeld: the run is not dead, it is at work.
        HalfDone: a file was changed since by somebody else, or cannot be written.
    """
    with tree.locked("apply --resume"):
        return tree.recover()
