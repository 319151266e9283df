"""A ledger is judged by its lines alone: none lost, none half, none that tells what is not so."""

from __future__ import annotations

import json

from tests.torture.looking import Shot

RECEIPT = ".repoint/receipts/local.json"


def wrong_ledger(known: bytes | None, now: bytes | None, tree: Shot) -> str:
    """What is wrong with a ledger that was `known` and is `now`, in the repository `tree`.

    Its last line of `applied` or `taken-back` has to agree with the receipt that is there; a
    ledger without such a line was not told.
    """
    if not now:
        return "the ledger is gone" if known else ""
    if not now.startswith(known or b""):
        return "a line of the ledger changed"
    if not now.endswith(b"\n"):
        return "the last line of the ledger is cut short"
    phases = []
    for number, line in enumerate(now.splitlines(), 1):
        try:
            phases.append(json.loads(line)["phase"])
        except (ValueError, KeyError, TypeError):
            return f"line {number} of the ledger is torn"
    steps = [phase for phase in phases if phase in ("applied", "taken-back")]
    if steps and (steps[-1] == "applied") != (RECEIPT in tree):
        return f"the ledger ends with {steps[-1]}, and that is not so"
    return ""
