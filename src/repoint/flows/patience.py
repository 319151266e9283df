"""The repository's lock for those who only add a record: they wait for each other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from repoint.errors import LockHeld
from repoint.ports.repository import WritableTree

_TRIES, _PAUSE_S = 50, 0.1


@contextmanager
def locked_soon(tree: WritableTree, verb: str) -> Iterator[None]:
    """Hold the lock; another run that writes its record has it for a moment only.

    Raises:
        LockHeld: another run holds the repository's lock, and goes on to.
    """
    with ExitStack() as stack:
        for patience in range(_TRIES, 0, -1):
            try:
                stack.enter_context(tree.locked(verb))
                break
            except LockHeld:
                if patience == 1:
                    raise
                time.sleep(_PAUSE_S)
        yield
