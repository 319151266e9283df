"""What the ledger is told of a comparison."""

from __future__ import annotations

from collections.abc import Sequence

from repoint.comparison.model import Comparison
from repoint.flows.ledger import append, content_of, entry_of
from repoint.model.ledger import Phase
from repoint.model.rehearsal import worst
from repoint.ports.repository import SealedEditor, WritableTree
from repoint.ports.user import Identity


def note_comparison(
    tree: WritableTree, identity: Identity, found: Sequence[Comparison], store: SealedEditor
) -> None:
    """Add one line for all databases of an environment, each of which was compared whole.

    Raises:
        LockHeld: another run holds the repository's lock, and goes on to.
        FileRefused: the ledger cannot be read or written.
    """
    environment = found[0].environment
    entry = entry_of(
        *(tree, identity, environment, Phase.COMPARED),
        worst(one.verdict for one in found),
        content=content_of(tree, environment, store),
        detail="; ".join(one.summary for one in found),
    )
    append(tree, entry)
