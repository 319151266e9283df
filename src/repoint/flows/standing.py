"""Whether what apply wrote for an environment still stands, judged by its values.

A file may be edited after apply; what counts is that every value which repoint wrote is there.
So an image's new tag beside a new host is no drift, and the host set back is.
"""

from __future__ import annotations

from collections.abc import Sequence

from repoint.errors import Conflict, RepointError
from repoint.flows.receipts import digest, load_receipts, read_now
from repoint.flows.rewriting import changes_of
from repoint.flows.taking_back import TakingBack
from repoint.model.ledger import Entry
from repoint.model.plan import Plan
from repoint.model.receipt import Receipt, ReceiptFile
from repoint.model.rehearsal import Verdict
from repoint.ports.repository import SealedEditor, WritableTree
from repoint.promotion.content import applied_parts, content_of_changes, whole_content
from repoint.promotion.standing import Standing


def standing_of(
    tree: WritableTree,
    environment: str,
    entries: Sequence[Entry],
    store: SealedEditor | None = None,
) -> Standing:
    """What stands in an environment; a sealed file that changed is judged with `store` only.

    Raises:
        FileRefused: a receipt cannot be read, or is none.
    """
    receipt = load_receipts(tree).get(environment)
    parts = applied_parts(environment, receipt, entries)
    content = whole_content(environment, parts.values())
    if receipt is None:
        return Standing(environment, content, Verdict.PASS)
    verdict, why, edited = _judged(tree, receipt, store)
    paths = tuple(sorted({file.path for file in receipt.files}))
    return Standing(environment, content, verdict, why, edited, paths)


def planned_content(
    tree: WritableTree, plan: Plan, environment: str, entries: Sequence[Entry]
) -> str:
    """What repoint will have changed in an environment once `plan` is applied there, too."""
    receipt = load_receipts(tree).get(environment)
    parts = applied_parts(environment, receipt, entries)
    parts[plan.fingerprint] = content_of_changes(environment, changes_of(plan, environment))
    return whole_content(environment, parts.values())


def _judged(
    tree: WritableTree, receipt: Receipt, store: SealedEditor | None
) -> tuple[Verdict, str, tuple[str, ...]]:
    """The verdict, why it is so, and the files that others edited."""
    try:
        if all(_is_as_left(tree, file) for file in receipt.files):
            return Verdict.PASS, "", ()
        # Taken back in memory, the last edit first: what an edit was laid over is seen again.
        work = TakingBack(tree, store, {})
        left = list(receipt.files)
        while left:
            left = work.take(left)
    except Conflict as error:
        return Verdict.FAIL, error.message, ()
    except RepointError as error:
        return Verdict.UNKNOWN, error.message, ()
    edited = tuple(work.inexact)
    return (Verdict.FAIL, work.gone[0], edited) if work.gone else (Verdict.PASS, "", edited)


def _is_as_left(tree: WritableTree, file: ReceiptFile) -> bool:
    return digest(read_now(tree, file.path)) == file.after_sha256
