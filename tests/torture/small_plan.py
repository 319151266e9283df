"""A plan of three files, and of a sealed one if wanted."""

from __future__ import annotations

from repoint.model.plan import Op, PartEdit, Plan
from tests.unit.flows.hand_plans import (
    DIRECT,
    OLD,
    POOLED,
    Repository,
    change,
    copy_of,
    edit,
    host,
    plan_of,
    swap,
)


def small_plan(repository: Repository, *, sealed: bool) -> Plan:
    """Two edited files, a created one in new folders, and a sealed one if wanted."""
    first = repository.write("a.yaml", f"u: postgres://x:canary-1@{OLD}/x\nv: {OLD}\n")
    second = repository.write("d/b.env", f"U=postgres://x:canary-2@{OLD}/x")
    key = PartEdit("key", "U", "U_DIRECT")
    entry = second.decode()
    root = repository.root
    changes = [
        change(root, "a.yaml", [swap(first, OLD, POOLED), swap(first, OLD, POOLED, nth=1)]),
        change(root, "d/b.env", [copy_of(second, entry, (key, host(OLD, DIRECT)))]),
        change(root, "e/f/new.yaml", [edit(Op.CREATE, "", "", after="kind: Patch\n")]),
    ]
    if sealed:
        repository.seal("s.yaml", f"stringData:\n  U: postgres://x:canary-3@{OLD}/x\n")
        one = edit(Op.SEALED, '["stringData"]["U"]', "U", parts=(host(),))
        changes.append(change(root, "s.yaml", [one]))
    return plan_of(root, changes)
