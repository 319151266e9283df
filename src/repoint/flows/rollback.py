"""Takes back what apply wrote: exact bytes where nobody edited since, else its own edits only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from repoint.errors import FileRefused
from repoint.flows.ledger import config_now, entry_of, read, write_of
from repoint.flows.receipts import load_receipts, receipt_writes
from repoint.flows.status import known_names
from repoint.flows.taking_back import TakingBack
from repoint.model.ledger import Entry, Phase
from repoint.model.receipt import FileWrite, Receipt
from repoint.model.rehearsal import Verdict
from repoint.model.told import count
from repoint.planning.config import CONFIG_NAME
from repoint.ports.repository import SealedEditor, WritableTree
from repoint.ports.user import Identity
from repoint.ports.work import UNWATCHED, Progress
from repoint.promotion.content import applied_parts, whole_content


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What roll_back did; `written` is empty when there was nothing to take back.

    `inexact` names the files that others edited since: there only repoint's own edits went.
    """

    environments: tuple[str, ...]
    written: tuple[str, ...]
    inexact: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    recovered: str = ""


def check_names(
    environments: Sequence[str], receipts: Mapping[str, Receipt], tree: WritableTree
) -> None:
    """Tell a name that is none from an environment that is not applied.

    Only a name without a receipt is looked for elsewhere, and nothing that cannot be read is in
    the way back.

    Raises:
        UsageError: one of `environments` has no receipt, and neither repoint.yaml nor the ledger
            names it.
    """
    if receipts.keys() >= set(environments):
        return
    config = config_now(tree)
    if config is None and tree.is_there(CONFIG_NAME):
        return
    try:
        entries = read(tree)
    except FileRefused:
        return
    if config is not None or receipts or entries:
        known_names(environments, config, receipts, (one.environment for one in entries))


def roll_back(
    environments: Sequence[str],
    tree: WritableTree,
    store: SealedEditor,
    *,
    progress: Progress = UNWATCHED,
    identity: Identity | None = None,
    overrides: Sequence[str] = (),
) -> RolledBack:
    """Take back everything that apply did for `environments`, the last first.

    With `identity` the ledger tells of it, with what was accepted (`overrides`). A ledger that
    cannot be read is no reason not to go back: a note says so.

    Raises:
        Conflict: a value, or a created file, was changed since; nothing is written.
        SealedFile: a sealed file was edited since, and no key at hand opens it.
    """
    with tree.locked("rollback"):
        recovered = tree.recover()
        receipts = load_receipts(tree)
        wanted = [name for name in dict.fromkeys(environments) if name in receipts]
        work = TakingBack(tree, store, {n: r for n, r in receipts.items() if n not in wanted})
        entries = [entry for name in wanted for entry in receipts[name].files]
        progress.step("taking back", len(entries))
        while entries:
            entries = work.take(entries)
            progress.advance()
        progress.step("writing")
        writes = work.writes()
        changed = receipt_writes(tree, receipts, work.receipts)
        told: list[FileWrite] = []
        if identity is not None and changed:
            back = {name: receipts[name] for name in wanted}
            try:
                told = [write_of(tree, _entries(tree, identity, back, work.inexact, overrides))]
            except FileRefused as error:
                work.notes.append(f"the ledger does not tell of this rollback: {error.message}")
        if writes or changed:
            tree.commit("rollback", [*writes, *changed, *told])
        paths = tuple(write.path for write in writes)
        return RolledBack(
            tuple(wanted), paths, tuple(work.inexact), tuple(dict.fromkeys(work.notes)), recovered
        )


def _entries(
    tree: WritableTree,
    identity: Identity,
    back: Mapping[str, Receipt],
    inexact: Sequence[str],
    overrides: Sequence[str],
) -> list[Entry]:
    """One entry for each environment, with the content that stood until now."""
    known = read(tree)
    entries = []
    for name, receipt in back.items():
        paths = {file.path for file in receipt.files}
        edited = len(paths & set(inexact))
        beside = f", {edited} of them edited by others" if edited else ""
        detail = f"{count(len(paths), 'file')}{beside}"
        content = whole_content(name, applied_parts(name, receipt, known).values())
        phase, verdict = Phase.TAKEN_BACK, Verdict.PASS
        entries.append(
            entry_of(
                *(tree, identity, name, phase, verdict),
                content=content,
                detail=detail,
                overrides=overrides,
            )
        )
    return entries
