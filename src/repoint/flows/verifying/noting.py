"""What the ledger is told of a verification and of a soak."""

from __future__ import annotations

from repoint.flows.ledger import append, content_of, entry_of
from repoint.model.ledger import Phase
from repoint.model.verification import Verification
from repoint.ports.repository import SealedEditor, WritableTree
from repoint.ports.user import Identity


def note(found: Verification, tree: WritableTree, identity: Identity, store: SealedEditor) -> None:
    """Add a line for the connections, and one for a soak.

    Raises:
        LockHeld: another run holds the repository's lock, and goes on to.
        FileRefused: the ledger cannot be read or written.
    """
    content = content_of(tree, found.environment, store)
    checks = sum(len(one.checks) for one in found.consumers) + len(found.checks)
    about = (tree, identity, found.environment)
    detail = f"{len(found.consumers)} connections, {checks} checks, by {found.way}"
    entries = [entry_of(*about, Phase.VERIFIED, found.connections, content=content, detail=detail)]
    soak = found.soak
    if soak is not None:
        detail = f"{soak.readings} readings, {len(soak.pools)} pools"
        soaked = entry_of(
            *(*about, Phase.SOAKED, soak.verdict),
            content=content,
            detail=f"{detail}, {soak.ended}" if soak.ended else detail,
            seconds=soak.lasted_s,
        )
        entries.append(soaked)
    append(tree, *entries)
