"""What repoint changed in an environment, as one digest that two records can be compared by.

The digest of one plan's changes is known before apply (a rehearsal is bound to it), and stays
known afterwards, when a plan is empty: the receipt tells which plans stand, and the ledger what
each of them changed. Several plans, one after another, are one content whatever their order, so
that it does not matter who merged which receipt first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from repoint.model.ledger import Entry, Phase
from repoint.model.plan import FileChange
from repoint.model.receipt import Receipt


def content_of_changes(environment: str, changes: Iterable[FileChange]) -> str:
    """SHA-256 over what one plan changes in one environment, whatever else it holds."""
    encoded = msgspec.json.encode(tuple(changes))
    return hashlib.sha256(environment.encode() + b"\0" + encoded).hexdigest()


def untouched(environment: str) -> str:
    """The content of an environment in which repoint changed nothing."""
    return content_of_changes(environment, ())


def whole_content(environment: str, parts: Iterable[str]) -> str:
    """The content of an environment to which plans with the contents `parts` were applied."""
    every = sorted(set(parts) - {untouched(environment)})
    if len(every) < 2:
        return every[0] if every else untouched(environment)
    return hashlib.sha256("\0".join((environment, *every)).encode()).hexdigest()


def applied_parts(
    environment: str, receipt: Receipt | None, entries: Iterable[Entry]
) -> dict[str, str]:
    """What each plan that stands in a receipt changed, by the plan's fingerprint.

    A plan of which the ledger knows nothing stands for itself: its fingerprint identifies what
    was applied, but no rehearsal of before can be recognised by it.
    """
    known = {
        entry.plan: entry.content
        for entry in entries
        if entry.environment == environment and entry.phase is Phase.APPLIED and entry.content
    }
    plans = dict.fromkeys(file.fingerprint for file in receipt.files) if receipt else {}
    return {plan: known.get(plan) or _unknown(environment, plan) for plan in plans}


def _unknown(environment: str, plan: str) -> str:
    return hashlib.sha256(f"{environment}\0plan\0{plan}".encode()).hexdigest()
