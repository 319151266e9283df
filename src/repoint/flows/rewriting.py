"""Works out in memory what a plan makes of each file, and the receipts that tell of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from repoint.errors import DirtyWorkTree, EditRefused, RepointError, StalePlan, UsageError
from repoint.flows.receipts import digest, read_now
from repoint.model.plan import Edit, FileChange, Op, Plan
from repoint.model.receipt import RECEIPT_FORMAT, Chosen, FileWrite, Receipt, ReceiptFile, Undo
from repoint.planning.meaning import meaning
from repoint.planning.sealed import line_swaps, new_value, plain_texts
from repoint.planning.splice import apply_edits, patches, to_write
from repoint.planning.takeback import carry, take_back
from repoint.planning.undo import describe
from repoint.ports.repository import SealedEditor, WritableTree
from repoint.ports.work import Aside, Progress

MANY = 200
"""So many simple files are worth another process."""


def changes_of(plan: Plan, environment: str) -> tuple[FileChange, ...]:
    """The changes of one environment."""
    return tuple(change for change in plan.changes if change.environment == environment)


_Key = tuple[str, str]
"""A receipt's entry: its path, and the fingerprint of the plan that made it."""


def _entries(receipt: Receipt | None) -> dict[_Key, ReceiptFile]:
    """The entries of a receipt in their order; of two for the same the first counts."""
    found: dict[_Key, ReceiptFile] = {}
    for entry in receipt.files if receipt is not None else ():
        found.setdefault((entry.path, entry.fingerprint), entry)
    return found


def wanted_of(plan: Plan, environments: Sequence[str]) -> tuple[str, ...]:
    """The environments asked for in promotion order, all of the plan's by default.

    Raises:
        UsageError: the plan is not for one of them.
    """
    unknown = sorted(set(environments) - set(plan.environments))
    if unknown:
        hint = f"it is for: {', '.join(plan.environments)}"
        raise UsageError(f"this plan is not for environment `{unknown[0]}`", hint=hint)
    return tuple(name for name in plan.environments if not environments or name in environments)


def is_done(
    plan: Plan, environment: str, receipts: Mapping[str, Receipt], tree: WritableTree
) -> bool:
    """Whether every file is as an earlier apply of this plan left it."""
    entries = _entries(receipts.get(environment))
    for change in changes_of(plan, environment):
        entry = entries.get((change.path, plan.fingerprint))
        if entry is None or entry.after_sha256 != digest(read_now(tree, change.path)):
            return False
    return True


@dataclass(frozen=True, slots=True)
class _Ready:
    """What became of a file that one environment's changes alone are for."""

    new: bytes
    undos: tuple[Undo, ...]


class Rewriting:
    """One run's bytes and receipts, gathered in memory; nothing is written here.

    `writes` are the files as they are to be, for the environments `todo`.
    """

    def __init__(
        self,
        plan: Plan,
        tree: WritableTree,
        store: SealedEditor,
        receipts: Mapping[str, Receipt],
        todo: tuple[str, ...],
    ) -> None:
        self._plan = plan
        self._tree = tree
        self._store = store
        self._receipts = dict(receipts)
        self._todo = todo
        self._entries = {name: _entries(receipt) for name, receipt in receipts.items()}
        self._of_path: dict[str, dict[tuple[str, _Key], None]] = {}
        for name, entries in self._entries.items():
            for key in entries:
                self._of_path.setdefault(key[0], {})[name, key] = None
        self._changes: dict[str, list[FileChange]] = {}
        for change in plan.changes:
            self._changes.setdefault(change.path, []).append(change)
        self._ready: dict[str, _Ready] = {}
        self.writes: list[FileWrite] = []

    def check_inputs(self) -> None:
        """Every input is what the plan was made on, or what this plan made of it."""
        own = {
            (entry.path, entry.after_sha256)
            for receipt in self._receipts.values()
            for entry in receipt.files
            if entry.fingerprint == self._plan.fingerprint
        }
        for item in self._plan.inputs:
            now = digest(read_now(self._tree, item.path))
            if now != item.sha256 and (item.path, now) not in own:
                raise StalePlan(f"`{item.path}` is not what this plan was made on")

    def check_clean(self, allow_dirty: bool) -> None:
        """No file at hand has changes of a person that are not committed."""
        if allow_dirty:
            return
        paths = {c.path for c in self._plan.changes if c.environment in self._todo}
        own = {
            (entry.path, entry.after_sha256)
            for receipt in self._receipts.values()
            for entry in receipt.files
        }
        for path in self._tree.dirty(sorted(paths)):
            if (path, digest(read_now(self._tree, path))) not in own:
                raise DirtyWorkTree(f"`{path}` has changes that are not committed")

    def prepare(self, paths: Sequence[str], aside: Aside, progress: Progress) -> None:
        """Work out the new bytes of what is simple, with another process, where it is much.

        What is refused is left out: `change` meets it again, and in the order of the files.
        """
        simple = [path for path in paths if self._is_simple(path)]
        if len(simple) < MANY:
            return
        from repoint.flows.locating import pieces

        progress.step("checking edits", len(simple))
        some = [partial(self._ready_of, few, progress) for few in pieces(simple)]
        for ready in aside(some)():
            self._ready.update(ready)

    def _is_simple(self, path: str) -> bool:
        """Whether a clear file is for one environment, and has nothing of this plan in it."""
        first, *others = self._changes[path]
        own = first.environment in self._todo and self._entry(first) is None
        return not others and own and bool(first.before_sha256) and not first.sealed

    def _ready_of(self, paths: Sequence[str], progress: Progress) -> dict[str, _Ready]:
        found: dict[str, _Ready] = {}
        for path in paths:
            change = self._changes[path][0]
            with suppress(RepointError):
                now = read_now(self._tree, path)
                if now is not None and digest(now) == change.before_sha256:
                    edits = _by_owner([change])
                    new = apply_edits(path, now, edits[change.environment])
                    undos = _undos(path, now, new, edits, change.environment)
                    found[path] = _Ready(new, undos)
            progress.advance()
        return found

    def change(self, path: str) -> None:
        """Work out the new bytes of a file and its receipts' entries."""
        changes = self._changes[path]
        if any(change.sealed for change in changes):
            self._change_sealed(path, changes)
        else:
            self._change_clear(path, changes)

    def after(self, chosen: tuple[Chosen, ...] = ()) -> dict[str, Receipt]:
        """The receipts as they are to be after the run; `chosen` is for what is applied now."""
        for name in self._todo:
            self._entries.setdefault(name, {})
        made = {
            name: replace(self._receipts.get(name) or self._empty(name), files=(*entries.values(),))
            for name, entries in self._entries.items()
        }
        return made | {name: replace(made[name], chosen=chosen) for name in self._todo}

    def _entry(self, change: FileChange) -> ReceiptFile | None:
        """What this plan did to the file of `change` up to now."""
        entries = self._entries.get(change.environment, {})
        return entries.get((change.path, self._plan.fingerprint))

    def _change_clear(self, path: str, changes: Sequence[FileChange]) -> None:
        """Apply all environments that have, or are to have, this file's changes to its original."""
        now = read_now(self._tree, path)
        applied = [c for c in changes if self._entry(c)]
        group = [c for c in changes if c in applied or c.environment in self._todo]
        original = self._original(path, now, applied)
        edits = _by_owner(group)
        read = self._tree.read_again
        # The original is the same: its digest is that of the plan, here and there.
        ready = self._ready.pop(path, None)
        every = [edit for own in edits.values() for edit in own]
        new = ready.new if ready else apply_edits(path, original, every, read)
        for change in group:
            # Most files are one environment's: then this was worked out, and read back, above.
            is_all = edits == {change.environment: to_write(change.edits)}
            alone = new if is_all else apply_edits(path, original, change.edits, read)
            if change.after_sha256 and digest(alone) != change.after_sha256:
                raise EditRefused(f"`{path}`: its edits do not give the planned result")
        made = self._tree.folders_to_make(path) if original is None else ()
        for change in group:
            others = [edit for name in edits if name != change.environment for edit in edits[name]]
            without = original if not others else apply_edits(path, original, others, read)
            undos = ready.undos if ready else _undos(path, original, new, edits, change.environment)
            self._put(
                change.environment,
                ReceiptFile(
                    *(path, self._plan.fingerprint, digest(without), digest(new)),
                    undos=undos,
                    made_dirs=made,
                    meaning=meaning(path, new) if original is None else "",
                ),
            )
        self._carry_others(path, now, new, group)
        self.writes.append(FileWrite(path, now, new))

    def _original(
        self, path: str, now: bytes | None, applied: Sequence[FileChange]
    ) -> bytes | None:
        """The file as the plan saw it, with this plan's other environments taken out."""
        content = now
        entries = [self._entry(c) for c in applied]
        left = [entry for entry in entries if entry is not None]
        while left:
            entry = left.pop()
            back = take_back(content, entry)
            if content is not None and back.content is not None:
                left = [carry(other, content, back.content, back.patches) for other in left]
            content = back.content
        expected = {change.before_sha256 for change in self._changes[path]}
        if content is not None and expected == {""}:
            raise StalePlan(f"`{path}` exists, but this plan creates it")
        if digest(content) not in expected:
            raise StalePlan(f"`{path}` is not what this plan was made on")
        return content

    def _change_sealed(self, path: str, changes: Sequence[FileChange]) -> None:
        raw = now = read_now(self._tree, path)
        if raw is None:
            raise StalePlan(f"`{path}` is not there any more")
        own = [self._entry(c) for c in changes]
        known = {c.before_sha256 for c in changes} | {e.after_sha256 for e in own if e is not None}
        if digest(raw) not in known:
            raise StalePlan(f"`{path}` is not what this plan was made on")
        for change in changes:
            if change.environment not in self._todo:
                continue
            new = self._seal(path, raw, to_write(change.edits))
            self._put(
                change.environment,
                ReceiptFile(
                    *(path, self._plan.fingerprint, digest(raw), digest(new)),
                    sealed=True,
                    undos=tuple(_sealed_undo(edit) for edit in to_write(change.edits)),
                    swaps=line_swaps(raw, new),
                ),
            )
            raw = new
        self.writes.append(FileWrite(path, now, raw))

    def _seal(self, path: str, raw: bytes, edits: Sequence[Edit]) -> bytes:
        texts = plain_texts(path, self._store.open(path, raw))
        for edit in edits:
            if edit.op not in (Op.SEALED, Op.SEALED_ADD):
                raise EditRefused(f"`{path}` line {edit.line}: a sealed file changes by sops alone")
            value = new_value(path, edit, texts)
            raw = self._store.set_value(path, raw, edit.pointer, value)
        return raw

    def _carry_others(
        self, path: str, now: bytes | None, new: bytes, group: Sequence[FileChange]
    ) -> None:
        """Keep the exact way back open for what older plans did to this file."""
        mine = {(change.environment, self._plan.fingerprint) for change in group}
        if now is None:
            return
        edits = [e for c in group if c.environment in self._todo for e in to_write(c.edits)]
        for name, key in self._of_path.get(path, {}):
            if (name, key[1]) not in mine:
                entries = self._entries[name]
                entries[key] = carry(entries[key], now, new, patches(path, now, edits))

    def _put(self, environment: str, entry: ReceiptFile) -> None:
        """Put an entry behind those that are there, in the place of an older one of its own."""
        entries = self._entries.setdefault(environment, {})
        key = (entry.path, entry.fingerprint)
        entries.pop(key, None)
        entries[key] = entry
        self._of_path.setdefault(entry.path, {})[environment, key] = None

    def _empty(self, environment: str) -> Receipt:
        return Receipt(RECEIPT_FORMAT, self._plan.tool_version, environment, ())


def _by_owner(group: Sequence[FileChange]) -> dict[str, tuple[Edit, ...]]:
    """Each environment's edits; one that two share belongs to the first."""
    seen: set[tuple[Op, int, int, str, str]] = set()
    owned: dict[str, tuple[Edit, ...]] = {}
    for change in group:
        own: list[Edit] = []
        for edit in to_write(change.edits):
            same = (edit.op, edit.start, edit.end, edit.after, repr(edit.parts))
            if edit.op is Op.DUPLICATE or edit.start == edit.end or same not in seen:
                own.append(edit)
            seen.add(same)
        owned[change.environment] = tuple(own)
    return owned


def _undos(
    path: str,
    original: bytes | None,
    new: bytes,
    edits: Mapping[str, tuple[Edit, ...]],
    environment: str,
) -> tuple[Undo, ...]:
    own = edits[environment]
    if original is None:
        return tuple(Undo(edit.op, edit.pointer, edit.line, edit.key) for edit in own)
    every = [(name, edit) for name, theirs in edits.items() for edit in theirs]
    undos = describe(path, original, new, [edit for _, edit in every])
    return tuple(u for u, (name, _) in zip(undos, every, strict=True) if name == environment)


def _sealed_undo(edit: Edit) -> Undo:
    return Undo(
        *(edit.op, edit.pointer, edit.line, edit.key),
        before=edit.before,
        parts=edit.parts,
        source_pointer=edit.source_pointer,
    )
