"""What a receipt needs to know of each edit, read off the file as apply leaves it."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from repoint.dsn.parse import find
from repoint.dsn.retarget import TextEdit, text_edits
from repoint.formats.base import Leaf, Mapping, Node, ParsedFile, Scalar
from repoint.formats.base import Sequence as Items
from repoint.formats.verify import read_lately
from repoint.model.plan import Edit, Op
from repoint.model.receipt import Swap, Undo
from repoint.planning.anchors import anchor_of
from repoint.planning.splice import Patch, decode, patch_of


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an edit is looked for: a scalar's bytes, or the whole file."""

    start: int
    end: int
    text: str


def describe(path: str, raw: bytes, after: bytes, edits: Sequence[Edit]) -> tuple[Undo, ...]:
    """One undo for each of `edits`, in their order.

    Args:
        path: The file's name.
        raw: The file before.
        after: The file with all of `edits` applied.
        edits: The edits, each of them written.
    """
    cuts = [patch_of(path, raw, edit) for edit in edits]
    places = landed(cuts)
    parsed = read_lately(path, after)
    return tuple(
        place(parsed, after, _undo(path, raw, after, edit, cut, at))
        for edit, cut, at in zip(edits, cuts, places, strict=True)
    )


def landed(cuts: Sequence[Patch]) -> tuple[int, ...]:
    """Where each patch's text begins in the result; `cuts` may be in any order."""
    order = sorted(range(len(cuts)), key=lambda number: (cuts[number].start, cuts[number].end))
    places = [0] * len(cuts)
    shift = 0
    for number in order:
        cut = cuts[number]
        places[number] = cut.start + shift
        shift += len(cut.text) - (cut.end - cut.start)
    return tuple(places)


def place(parsed: ParsedFile, after: bytes, undo: Undo) -> Undo:
    """`undo` with what finds it again later, worked out from where it stands now (`at`)."""
    if undo.op is not Op.SPLICE:
        return undo
    leaf = leaf_at(parsed, undo.pointer)
    inside = leaf is not None and (
        leaf.scalar.span.start <= undo.at
        and undo.at + len(undo.after.encode()) <= leaf.scalar.span.end
    )
    if not inside or leaf is None:
        leaf, undo = None, replace(undo, pointer="")
    scope = scope_of(after, leaf)
    if not undo.after:
        head = after[scope.start : undo.at].decode(errors="replace")
        return replace(undo, anchor=anchor_of(scope.text, len(head)))
    offset = undo.at - scope.start
    found = occurrences(after[scope.start : scope.end], undo.after.encode())
    return replace(undo, index=found.index(offset), count=len(found))


def leaf_at(parsed: ParsedFile, pointer: str) -> Leaf | None:
    """The first scalar at a pointer, which begins with the number of its document."""
    _, *path = (name.replace("~1", "/").replace("~0", "~") for name in pointer.split("/"))
    if not path or not pointer.startswith("/"):
        return None
    found = [one.root for one in parsed.documents if str(one.index) == path[0]]
    for name in path[1:]:
        below = [node for one in found for node in _named(one, name)]
        # Aliases lead to one node by many ways, and a key may stand twice.
        found = list({id(node): node for node in below}.values())
    scalars = (node for node in found if isinstance(node, Scalar))
    return next((Leaf(tuple(path), scalar) for scalar in scalars), None)


def _named(node: Node | None, name: str) -> list[Node]:
    """What stands in a collection under a key, or under an index."""
    if isinstance(node, Mapping):
        return [value for key, value in node.pairs if key.text == name]
    if isinstance(node, Items):
        return [item for index, item in enumerate(node.items) if str(index) == name]
    return []


def scope_of(raw: bytes, leaf: Leaf | None) -> Scope:
    """A scalar's range in the file, or the whole file without one."""
    start, end = (leaf.scalar.span.start, leaf.scalar.span.end) if leaf else (0, len(raw))
    return Scope(start, end, raw[start:end].decode(errors="replace"))


def occurrences(text: bytes, token: bytes) -> list[int]:
    """Offsets of `token`, overlapping ones included: an edit may stand at any."""
    found: list[int] = []
    at = text.find(token)
    while at >= 0:
        found.append(at)
        at = text.find(token, at + 1)
    return found


def says(text: str, before: str) -> bool:
    """Whether a value says what it said before an edit.

    A connection string is asked for its hosts, ports and parameters: `postgres` is also how its
    scheme begins, and what a role or a database may be called.
    """
    strings = find(text) if re.fullmatch(r"[\w.\-]+", before) else ()
    if strings:
        tokens = [one for string in strings for one in (*string.hosts, *string.ports)]
        tokens += [param.value for string in strings for param in string.params]
        return any(one is not None and one.text == before for one in tokens)
    return has_word(text, before)


def has_word(text: str, word: str) -> bool:
    """Whether a text has a word by itself: `pg` is no word of `pg-pooler.shop`."""
    return re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w.-])", text) is not None


def _undo(path: str, raw: bytes, after: bytes, edit: Edit, cut: Patch, at: int) -> Undo:
    base = Undo(
        *(edit.op, edit.pointer, edit.line, edit.key, at),
        before=edit.before,
        after=edit.after,
        parts=edit.parts,
        source_pointer=edit.source_pointer,
        size=len(cut.text),
    )
    if edit.op is Op.DUPLICATE:
        return replace(base, lines=cut.text.strip(b"\r\n").count(b"\n") + 1)
    if edit.op is Op.ENCODED:
        old = decode(path, edit.line, raw[cut.start : cut.end])
        new = base64.b64decode(after[at : at + len(cut.text)]).decode()
        return replace(base, before="", after="", swaps=_swaps(old, new, edit))
    return base


def _swaps(old: str, new: str, edit: Edit) -> tuple[Swap, ...]:
    """What changed in a decoded text; `at` counts from the end of `new`."""
    found = find(old)
    changes = list(text_edits(found[0], edit.parts)) if found else _words(old, edit)
    swaps: list[Swap] = []
    shift = 0
    for change in changes:
        at = change.start + shift
        swaps.append(Swap(len(new) - at, old[change.start : change.end], change.text))
        shift += len(change.text) - (change.end - change.start)
    return tuple(swaps)


def _words(old: str, edit: Edit) -> list[TextEdit]:
    """A bare host or port: each part stands once."""
    starts = [(old.index(part.before), part) for part in edit.parts]
    return [
        TextEdit(start, start + len(part.before), part.after)
        for start, part in sorted(starts, key=lambda item: item[0])
    ]
