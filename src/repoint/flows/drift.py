"""Values that repoint wrote and that somebody changed since: RP109.

Nothing else would tell of it: a host that is neither the source's nor a target's is nobody's to
move, and a rollback finds out only when it is needed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from repoint.errors import Conflict, RepointError
from repoint.flows.receipts import digest, receipt_of
from repoint.model.plan import Finding
from repoint.model.receipt import ReceiptFile
from repoint.model.source import Location
from repoint.planning.takeback import as_applied, carry, take_back
from repoint.ports.repository import Tree
from repoint.rules import routing


def drifted(tree: Tree, environment: str, told: Collection[str] = ()) -> Iterator[Finding]:
    """A finding for each clear file of which an edit of apply's cannot be taken back any more.

    Sealed files are left out: what they hold is asked of their sites. So are files that were
    `told` of already, with what a plan writes there anew (RP107).
    """
    receipt = receipt_of(tree, environment)
    written: dict[str, list[ReceiptFile]] = {}
    for entry in receipt.files if receipt is not None else ():
        if not entry.sealed and entry.path not in told:
            written.setdefault(entry.path, []).append(entry)
    for path, entries in written.items():
        changed = _changed(tree, path, entries)
        if changed is not None:
            yield routing.CHANGED_SINCE.finding(
                changed.message,
                hint="; ".join((*changed.hints[:-1], routing.CHANGED_SINCE.remedy)),
                location=Location(path, 1, 1, ""),
                environment=environment,
            )


def _changed(tree: Tree, path: str, entries: Sequence[ReceiptFile]) -> Conflict | None:
    """Why the entries of a file cannot be taken back, the last first; None where they can."""
    try:
        found = tree.read(path) if tree.exists(path) else None
        content, _ = as_applied(found, entries[-1])
        if digest(content) == entries[-1].after_sha256:
            return None
        left = list(entries)
        while left:
            entry, raw = left.pop(), content
            back = take_back(raw, entry)
            content = back.content
            if raw is not None and content is not None:
                left = [carry(other, raw, content, back.patches) for other in left]
    except Conflict as conflict:
        return conflict
    except RepointError:
        return None  # A file that cannot be read is told as that.
    return None
