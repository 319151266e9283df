"""What the ledger is told of plans and of rehearsals, which change nothing but tell much."""

from __future__ import annotations

from collections.abc import Sequence

from repoint.flows.ledger import append, entry_of, read
from repoint.flows.rewriting import changes_of
from repoint.flows.standing import planned_content
from repoint.model.ledger import Entry, Phase
from repoint.model.plan import Plan
from repoint.model.rehearsal import Rehearsal, Verdict
from repoint.model.told import count
from repoint.ports.repository import WritableTree
from repoint.ports.user import Identity


def note_plan(plan: Plan, tree: WritableTree, identity: Identity) -> None:
    """Note a plan for each environment in which it changes something.

    Raises:
        LockHeld: another run holds the repository's lock, and goes on to.
        FileRefused: the ledger cannot be read or written.
    """
    known = read(tree)
    verdict = Verdict.PASS if plan.applicable else Verdict.FAIL
    entries = []
    for name in plan.environments:
        files = len(changes_of(plan, name))
        if files:
            one = entry_of(
                *(tree, identity, name, Phase.PLANNED, verdict),
                content=planned_content(tree, plan, name, known),
                plan=plan.fingerprint,
                detail=count(files, "file"),
            )
            entries.append(one)
    append(tree, *_news(entries, known))


def note_rehearsals(
    found: Sequence[Rehearsal], plan: Plan, tree: WritableTree, identity: Identity
) -> None:
    """Note each environment's rehearsal; errors as for `note_plan`."""
    known = read(tree)
    entries = []
    for one in found:
        checks = sum(len(consumer.checks) for consumer in one.consumers)
        entry = entry_of(
            *(tree, identity, one.environments[0], Phase.REHEARSED, one.verdict),
            content=planned_content(tree, plan, one.environments[0], known),
            plan=one.plan,
            detail=f"{checks} checks, PostgreSQL {one.postgres}, PgBouncer {one.pgbouncer}",
        )
        entries.append(entry)
    append(tree, *_news(entries, known))


def _news(entries: Sequence[Entry], known: Sequence[Entry]) -> list[Entry]:
    """Those that say anything new: the same plan tried again with the same outcome does not."""
    last = {(one.environment, one.phase): one for one in known}
    return [one for one in entries if _said(last.get((one.environment, one.phase))) != _said(one)]


def _said(entry: Entry | None) -> tuple[object, ...]:
    if entry is None:
        return ()
    return (entry.content, entry.plan, entry.verdict, entry.tool, entry.settings, entry.detail)
