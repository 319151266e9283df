"""Files without what apply wrote, worked out in memory: for a rollback, or to see what stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from repoint.errors import EditRefused, SealedFile, StalePlan
from repoint.flows.receipts import digest, read_now
from repoint.model.plan import Op, PartEdit
from repoint.model.receipt import FileWrite, Receipt, ReceiptFile, Undo
from repoint.planning.sealed import plain_texts, reversed_parts, steps
from repoint.planning.splice import BASE64, recode, repart
from repoint.planning.takeback import (
    Gone,
    LineEnds,
    TakenBack,
    as_applied,
    carry,
    conflict,
    edit_is_gone,
    file_is_gone,
    restore_sealed,
    take_back,
)
from repoint.ports.repository import SealedEditor, WritableTree

_What = tuple[Op, str, str, str, tuple[PartEdit, ...]] | None
"""What an edit did, wherever it stands; None for the making of a file."""


class TakingBack:
    """The files without their edits, gathered in memory; nothing is written here.

    `receipts` are those of others, to be carried over. `inexact` are the files that others
    edited since, `gone` the notes on edits that are not there any more, and that no later apply
    made again. Without `store` a
    sealed file is taken back only while it is as apply left it. A file of which git changed
    nothing but the line ends (`core.autocrlf`) is as apply left it, and keeps them.
    """

    def __init__(
        self, tree: WritableTree, store: SealedEditor | None, receipts: dict[str, Receipt]
    ) -> None:
        self._tree = tree
        self._store = store
        self._before: dict[str, bytes | None] = {}
        self._now: dict[str, bytes | None] = {}
        self._folders: dict[str, tuple[str, ...]] = {}
        self._ends: dict[str, LineEnds] = {}
        self._made: dict[str, set[_What]] = {}
        self.receipts = receipts
        self.inexact: list[str] = []
        self.notes: list[str] = []
        self.gone: list[str] = []

    def take(self, entries: list[ReceiptFile]) -> list[ReceiptFile]:
        """Take back the last of `entries`; the others, carried over, are what is left."""
        *left, entry = entries
        path = entry.path
        if path not in self._before:
            self._before[path] = found = read_now(self._tree, path)
            self._now[path], self._ends[path] = as_applied(found, entry)
        raw = self._now[path]
        back = self._sealed(raw, entry) if entry.sealed else take_back(raw, entry)
        self._now[path] = back.content
        self._folders[path] = entry.made_dirs or self._folders.get(path, ())
        made = self._made.setdefault(path, set())
        gone = [one.note for one in back.gone if _what(one.undo) not in made]
        made.update(_what(None if undo.op is Op.CREATE else undo) for undo in entry.undos)
        self.notes += (*back.notes, *gone)
        self.gone += gone
        if not back.exact and raw is not None and path not in self.inexact:
            self.inexact.append(path)
        if raw is None or back.content is None or entry.sealed:
            return left

        def carried(other: ReceiptFile) -> ReceiptFile:
            if other.path != path or back.content is None:
                return other
            return carry(other, raw, back.content, back.patches)

        for name, receipt in self.receipts.items():
            self.receipts[name] = replace(receipt, files=tuple(map(carried, receipt.files)))
        return [carried(other) for other in left]

    def writes(self) -> list[FileWrite]:
        """The files that differ from what is on disk."""
        found = [
            FileWrite(path, before, self._as_found(path), self._folders[path])
            for path, before in self._before.items()
        ]
        return [one for one in found if one.after != one.before]

    def _as_found(self, path: str) -> bytes | None:
        """A file as it comes back, with the line ends that it was found with."""
        content, ends = self._now[path], self._ends[path]
        return content.replace(*ends) if content is not None and ends else content

    def _sealed(self, raw: bytes | None, entry: ReceiptFile) -> TakenBack:
        if raw is None:
            return file_is_gone(entry)
        if digest(raw) == entry.after_sha256:
            return TakenBack(restore_sealed(raw, entry), (), True)
        if self._store is None:
            raise SealedFile(f"`{entry.path}` was changed since apply and is sealed")
        note = f"`{entry.path}` was changed since apply; only repoint's edits were taken back"
        gone: list[Gone] = []
        for undo in reversed(entry.undos):
            raw, was_gone = self._unseal(self._store, entry.path, raw, undo)
            if was_gone:
                gone.append(edit_is_gone(entry, undo))
        return TakenBack(raw, (), False, (note,), tuple(gone))

    def _unseal(self, store: SealedEditor, path: str, raw: bytes, undo: Undo) -> tuple[bytes, bool]:
        """`raw` without one sealed edit, and whether there was nothing to take back."""
        text = plain_texts(path, store.open(path, raw)).get(steps(undo.pointer))
        if text is None:
            return raw, True
        parts = reversed_parts(undo.parts)
        try:
            value = _changed(path, undo, text, parts)
        except (EditRefused, StalePlan):
            if undo.op is Op.SEALED and _is_back(path, undo, text):
                return raw, True
            raise conflict(path, undo, text) from None
        if undo.op is Op.SEALED_ADD:
            return store.remove_value(path, raw, undo.pointer), False
        return store.set_value(path, raw, undo.pointer, value), False


def _what(undo: Undo | None) -> _What:
    if undo is None:
        return None
    return undo.op, undo.pointer, undo.key, undo.after, undo.parts


def _changed(path: str, undo: Undo, text: str, parts: Sequence[PartEdit]) -> str:
    if undo.before == BASE64:
        return recode(path, undo.line, text.encode(), parts).decode()
    return repart(path, undo.line, text, parts)


def _is_back(path: str, undo: Undo, text: str) -> bool:
    """Whether the edit could be made again: then somebody took it back by hand."""
    parts = tuple(part for part in undo.parts if part.part != "key")
    try:
        _changed(path, undo, text, parts)
    except (EditRefused, StalePlan):
        return False
    return True
