"""Proof after a splice: the file reads back with exactly the planned places changed."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise, zip_longest

from repoint.errors import EditRefused
from repoint.formats import base
from repoint.formats.base import FileKind
from repoint.formats.in_step import in_step
from repoint.formats.places import Place, Places, keeps
from repoint.formats.read import read_file
from repoint.model.source import Span

_DIGITS = str.maketrans("", "", "0123456789")


@dataclass(frozen=True, slots=True)
class _Entry:
    """A leaf of the outline.

    `essence` is what must stay: where it begins, counted in the file before the edit,
    its keys (indexes and changed keys left out), its text, and whether it is a key.
    `end` is where it ends, counted likewise; `head` and `tail` are what stays of a text
    that is edited inside.
    """

    essence: tuple[int, tuple[str, ...], str, bool]
    place: Place
    node: base.Node
    pointer: str
    end: int = 0
    head: str | None = None
    tail: str = ""

    @property
    def line(self) -> int:
        """The line of the leaf; it is asked for in errors alone."""
        return self.node.line


@lru_cache(maxsize=2)
def read_lately(path: str, raw: bytes) -> base.ParsedFile:
    """`read_file`, from memory for the two files that were asked for last: before and after."""
    return read_file(path, raw)


def check_splice(
    path: str, before: bytes, after: bytes, changed: Sequence[tuple[Span, int]]
) -> None:
    """Check that `after` is `before` with `changed` spans replaced, and nothing else.

    `changed` holds `(span in before, length in bytes of its replacement in after)`. Both are
    read again: every byte outside the spans is the same, no new problem appeared, and
    every leaf outside them has the same text at the same place (list indexes may shift
    by an insertion). Formats without a tree are compared by bytes alone.

    Raises:
        EditRefused: one of these does not hold; names path, line and pointer, no value.
    """
    # Insertions at one place stay in their order.
    ordered = sorted(changed, key=lambda one: one[0])
    spans_before = [span for span, _ in ordered]
    spans_after = _moved(path, ordered)
    _check_bytes(path, before, after, spans_before, spans_after)
    old, new = read_lately(path, before), read_lately(path, after)
    if new.problem and new.problem.translate(_DIGITS) != old.problem.translate(_DIGITS):
        raise EditRefused(f"`{path}` would not read back after the edit: {new.problem}")
    if new.masked and not old.masked:
        raise EditRefused(f"`{path}` would be a template after the edit, and is none")
    _check_strict(path, old.kind, before, after)
    if len(old.documents) != len(new.documents):
        if old.problem:
            raise EditRefused(f"`{path}` is read only in part, and the edit changes which part")
        if old.kind is FileKind.JSON:
            raise EditRefused(f"`{path}` would hold another number of values after the edit")
    still = [0] * (len(ordered) + 1)
    shifts = list(accumulate((length - len(span) for span, length in ordered), initial=0))
    here, there = Places(spans_before, still), Places(spans_after, shifts)
    if not in_step(old, new, here, there):
        check_outlines(path, old, new, here, there)


def check_outlines(
    path: str, old: base.ParsedFile, new: base.ParsedFile, here: Places, there: Places
) -> None:
    """Check two readings leaf by leaf, aliases and moved lists included.

    Raises:
        EditRefused: a leaf beside the changes differs, or a changed one lost what it keeps.
    """
    was, will = _Outline(old, here), _Outline(new, there)
    _check_leaves(path, was, will)
    _check_edited(path, was, will)


def _moved(path: str, ordered: Sequence[tuple[Span, int]]) -> list[Span]:
    """The changed spans in `after`."""
    for (left, _), (right, _) in pairwise(ordered):
        if left.end > right.start:
            raise EditRefused(f"`{path}`: two changed spans overlap at byte {right.start}")
    moved: list[Span] = []
    shift = 0
    for span, length in ordered:
        moved.append(Span(span.start + shift, span.start + shift + length))
        shift += length - len(span)
    return moved


def _check_bytes(
    path: str, before: bytes, after: bytes, old: Sequence[Span], new: Sequence[Span]
) -> None:
    ends_old = [0, *(span.end for span in old)]
    ends_new = [0, *(span.end for span in new)]
    starts_old = [*(span.start for span in old), len(before)]
    starts_new = [*(span.start for span in new), len(after)]
    for gap in range(len(ends_old)):
        left = before[ends_old[gap] : starts_old[gap]]
        right = after[ends_new[gap] : starts_new[gap]]
        if left != right or starts_old[gap] < ends_old[gap] or starts_new[gap] < ends_new[gap]:
            same = next(
                (at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b),
                min(len(left), len(right)),
            )
            line = before.count(b"\n", 0, ends_old[gap] + same) + 1
            raise EditRefused(f"`{path}` line {line}: a byte outside the planned edits changes")


def _check_strict(path: str, kind: FileKind, before: bytes, after: bytes) -> None:
    """What a strict reader of the format takes, it takes afterwards: ours is more forgiving."""
    if kind not in (FileKind.JSON, FileKind.TOML):
        return
    if _strict(kind, before) and not _strict(kind, after):
        raise EditRefused(f"`{path}` would not be valid {kind.upper()} any more after the edit")


def _strict(kind: FileKind, raw: bytes) -> bool:
    try:
        if kind is FileKind.JSON:
            json.loads(raw)
        else:
            tomllib.loads(raw.decode())
    except (ValueError, RecursionError):
        return False
    return True


class _Outline:
    """Every leaf of a file, keys included, each node once; aliases tell their node."""

    def __init__(self, parsed: base.ParsedFile, places: Places) -> None:
        self._places = places
        self.entries: list[_Entry] = []
        self._todo: list[tuple[base.Node, tuple[str, ...], str, bool]] = []
        for document in reversed(parsed.documents):
            if document.root is not None:
                index = str(document.index)
                self._todo.append((document.root, (index,), f"/{index}", False))
        self._walk()

    def _walk(self) -> None:
        seen: set[int] = set()
        while self._todo:
            node, path, pointer, is_key = self._todo.pop()
            if id(node) in seen:
                essence = (0, path, f"alias of byte {self._places.before(node.span.start)}", is_key)
                self.entries.append(_Entry(essence, Place.OUT, node, pointer))
                continue
            seen.add(id(node))
            if isinstance(node, base.Scalar):
                span = node.span
                essence = (self._places.before(span.start), path, node.text, is_key)
                place = self._places.place(node, span)
                kept = self._places.kept(node) if place is Place.INSIDE else (None, "")
                end = self._places.before(span.end)
                self.entries.append(_Entry(essence, place, node, pointer, end, *kept))
            else:
                self._children(node, path, pointer)

    def _children(
        self, node: base.Mapping | base.Sequence, path: tuple[str, ...], pointer: str
    ) -> None:
        if isinstance(node, base.Sequence):
            for index in range(len(node.items) - 1, -1, -1):
                self._todo.append((node.items[index], (*path, "*"), f"{pointer}/{index}", False))
            return
        for key, value in reversed(node.pairs):
            name = "*" if self._places.place(key, key.span) is Place.INSIDE else key.text
            spelled = f"{pointer}/{key.text.replace('~', '~0').replace('/', '~1')}"
            self._todo.append((value, (*path, name), spelled, False))
            self._todo.append((key, (*path, name), spelled, True))

    def upto(self, limit: Place) -> list[_Entry]:
        """The entries whose place is at most `limit`."""
        return [entry for entry in self.entries if entry.place.value <= limit.value]


def _check_edited(path: str, old: _Outline, new: _Outline) -> None:
    """An edited text keeps what stands before and after the edit inside it."""
    found = {(entry.essence[0], entry.essence[3]): entry for entry in new.entries}
    for entry in old.entries:
        if entry.head is None:
            continue
        edited = found.get((entry.essence[0], entry.essence[3]))
        text = edited.essence[2] if edited is not None else ""
        if edited is None or edited.end != entry.end or not keeps(text, entry.head, entry.tail):
            raise EditRefused(
                f"`{path}` line {entry.line}: `{entry.pointer}` would lose what stands "
                "beside the edit"
            )


def _check_leaves(path: str, old: _Outline, new: _Outline) -> None:
    """Compare first with the leaves that only touch a change, then without them."""
    if _difference(old.upto(Place.EDGE), new.upto(Place.EDGE)) is None:
        return
    found = _difference(old.upto(Place.OUT), new.upto(Place.OUT)) or _turned(old, new)
    if found is not None:
        raise EditRefused(
            f"`{path}` line {found.line}: `{found.pointer}` would change with the edit, "
            "and is not part of it"
        )


def _turned(old: _Outline, new: _Outline) -> _Entry | None:
    """A leaf beside a change that does not stand where it did, or is a key and was none."""
    there = {(begins, len(path), is_key) for begins, path, _, is_key in _essences(new)}
    for entry in old.entries:
        begins, path, text, is_key = entry.essence
        if entry.place is Place.EDGE and text and (begins, len(path), is_key) not in there:
            return entry
    return None


def _essences(outline: _Outline) -> Iterator[tuple[int, tuple[str, ...], str, bool]]:
    return (entry.essence for entry in outline.entries)


def _difference(old: list[_Entry], new: list[_Entry]) -> _Entry | None:
    for left, right in zip_longest(old, new):
        if left is None or right is None or left.essence != right.essence:
            entry: _Entry = left or right
            return entry
    return None
