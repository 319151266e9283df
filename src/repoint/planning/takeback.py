"""Edits taken back: the exact bytes while the file is as apply left it, else by meaning.

After later edits by others each edit is found again: by its pointer, then by the number of its
token within that value. What cannot be found for sure is a conflict, never a guess.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from repoint.dsn.mask import mask
from repoint.errors import Conflict, EditRefused, OverlappingEdits
from repoint.formats.base import Leaf, ParsedFile, leaves
from repoint.formats.read import read_file
from repoint.formats.verify import check_splice
from repoint.model.plan import Op
from repoint.model.receipt import ReceiptFile, Swap, Undo
from repoint.model.source import Span
from repoint.planning.anchors import place_of
from repoint.planning.copies import find_copy
from repoint.planning.inserted_entries import missing_lines, without_entries
from repoint.planning.meaning import meaning, still_says
from repoint.planning.splice import Patch, splice
from repoint.planning.undo import leaf_at, occurrences, place, says, scope_of

_SHOWN = 3
"""Lines that an error names, of a text of many."""


LineEnds = tuple[bytes, bytes] | tuple[()]
"""The line end that gives way and the one that takes its place; empty where they stay."""


@dataclass(frozen=True, slots=True)
class Gone:
    """An edit that was not there any more, and a note on it; without `undo` the whole file."""

    undo: Undo | None
    note: str


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A file without one receipt's edits; `content` is None when the file goes.

    `exact` tells that the bytes are those before apply; `notes` tell a person what was met,
    and `gone` what was to be taken back, and was not there.
    """

    content: bytes | None
    patches: tuple[Patch, ...]
    exact: bool
    notes: tuple[str, ...] = ()
    gone: tuple[Gone, ...] = ()


def as_applied(raw: bytes | None, entry: ReceiptFile) -> tuple[bytes | None, LineEnds]:
    """A file with the line ends that it had when apply left it, and how to give it its own again.

    That is told by its digest: git may have changed nothing else (`core.autocrlf`).
    """
    if raw is None or sha256(raw).hexdigest() == entry.after_sha256:
        return raw, ()
    for here, there in ((b"\r\n", b"\n"), (b"\n", b"\r\n")):
        other = raw.replace(here, there)
        if sha256(other).hexdigest() == entry.after_sha256:
            return other, (there, here)
    return raw, ()


def take_back(raw: bytes | None, entry: ReceiptFile) -> TakenBack:
    """A clear file (None: it is gone) without the edits of `entry`.

    Raises:
        Conflict: a value was changed since, or a created file was.
    """
    if raw is None:
        return file_is_gone(entry)
    as_left = sha256(raw).hexdigest() == entry.after_sha256
    if any(undo.op is Op.CREATE for undo in entry.undos):
        if as_left:
            return TakenBack(None, (), True)
        if not still_says(entry.meaning, entry.path, raw):
            raise Conflict(
                f"`{entry.path}` was created by apply and changed since",
                hint=(
                    "keep elsewhere what others put into it, delete it, "
                    "and run `repoint rollback` again"
                ),
            )
        note = f"`{entry.path}` was written in another layout since apply; it is taken away"
        return TakenBack(None, (), False, (note,))
    if not as_left:
        return _by_meaning(raw, entry)
    cuts = tuple(sorted((_exact(raw, entry, undo) for undo in entry.undos), key=_order))
    content = splice(entry.path, raw, cuts)
    _require(entry, content)
    return TakenBack(content, cuts, True)


def file_is_gone(entry: ReceiptFile) -> TakenBack:
    """What is taken back of a file that somebody removed: nothing."""
    return TakenBack(None, (), False, (), (Gone(None, f"`{entry.path}` is gone already"),))


def edit_is_gone(entry: ReceiptFile, undo: Undo) -> Gone:
    """What is told of an edit that somebody took back by hand."""
    return Gone(undo, f"`{entry.path}`: the edit of `{undo.key}` is gone already")


def restore_sealed(raw: bytes, entry: ReceiptFile) -> bytes:
    """A sealed file that is as apply left it, with its old ciphertext back."""
    cuts = [
        Patch(swap.at, swap.at + len(swap.after.encode()), swap.before.encode())
        for swap in entry.swaps
    ]
    content = splice(entry.path, raw, cuts)
    _require(entry, content)
    return content


def carry(entry: ReceiptFile, raw: bytes, new: bytes, cuts: Sequence[Patch]) -> ReceiptFile:
    """`entry` for a file that repoint itself changed from `raw` to `new` by `cuts`.

    So the exact way back stays open whatever the order. An entry of another state, of a sealed
    file, or one that the cuts run into, is returned as it is: it will be found by meaning.
    """
    if entry.sealed:
        return entry
    if still_says(entry.meaning, entry.path, raw):
        after = sha256(new).hexdigest()
        return replace(entry, after_sha256=after, meaning=meaning(entry.path, new))
    if sha256(raw).hexdigest() != entry.after_sha256:
        return entry
    parsed = read_file(entry.path, new)
    moved: list[Undo] = []
    for undo in entry.undos:
        size = undo.size if undo.op is not Op.SPLICE else len(undo.after.encode())
        at = _moved(undo.at, size, cuts)
        if at is None:
            return entry
        moved.append(place(parsed, new, replace(undo, at=at)))
    shifted = replace(
        entry, undos=tuple(moved), after_sha256=sha256(new).hexdigest(), before_sha256=""
    )
    back = take_back(new, shifted).content
    return replace(shifted, before_sha256="" if back is None else sha256(back).hexdigest())


def conflict(path: str, undo: Undo, now: str) -> Conflict:
    """The three versions of a value that somebody changed, passwords masked."""
    before = mask(undo.before) or _told(undo, "before")
    after = mask(undo.after) or _told(undo, "after")
    return _changed(
        path, undo, f"before apply: {before}", f"apply wrote: {after}",
        f"now: {mask(now) or '(nothing)'}",
    )  # fmt: skip


def _changed_entries(path: str, raw: bytes, undo: Undo) -> Conflict:
    """The refusal of a text of several lines: which of them are not there any more."""
    missing = missing_lines(raw, undo.after)
    lines = [mask(line) for line in missing[:_SHOWN]]
    more = f", and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    told = ", ".join(f"`{line}`" for line in lines) + more
    what = f"apply wrote, and it is nowhere now: {told}" if missing else (
        "every line that apply wrote is there, but not as one"
    )  # fmt: skip
    return _changed(path, undo, what)


def _changed(path: str, undo: Undo, *hints: str) -> Conflict:
    return Conflict(
        f"`{path}`: `{undo.key}` (line {undo.line} when it was changed) was changed since",
        hint=(*hints, Conflict.default_hint),
    )


def _told(undo: Undo, side: str) -> str:
    values = (f"{part.part} {mask(str(getattr(part, side))) or '(none)'}" for part in undo.parts)
    return ", ".join(values) or "(nothing)"


def _order(cut: Patch) -> tuple[int, int]:
    return cut.start, cut.end


def _require(entry: ReceiptFile, content: bytes) -> None:
    if entry.before_sha256 and sha256(content).hexdigest() != entry.before_sha256:
        raise EditRefused(
            f"`{entry.path}`: the receipt does not give the bytes before apply",
            hint="restore the file from git",
        )


def _exact(raw: bytes, entry: ReceiptFile, undo: Undo) -> Patch:
    if undo.op is Op.DUPLICATE:
        return Patch(undo.at, undo.at + undo.size, b"")
    if undo.op is Op.ENCODED:
        end = undo.at + undo.size
        return Patch(undo.at, end, _recoded(entry.path, undo, raw[undo.at : end]))
    return Patch(undo.at, undo.at + len(undo.after.encode()), undo.before.encode())


def _moved(at: int, size: int, cuts: Sequence[Patch]) -> int | None:
    shift = 0
    for cut in cuts:
        if cut.end <= at:
            shift += len(cut.text) - (cut.end - cut.start)
        elif cut.start < at + size:
            return None
    return at + shift


def _by_meaning(raw: bytes, entry: ReceiptFile) -> TakenBack:
    parsed = read_file(entry.path, raw)
    cuts: list[Patch] = []
    note = f"`{entry.path}` was changed since apply; only repoint's edits were taken back"
    gone: list[Gone] = []
    for undo in entry.undos:
        found = _find(raw, parsed, entry.path, undo)
        cuts += found
        if not found:
            gone.append(edit_is_gone(entry, undo))
    cuts.sort(key=_order)
    try:
        content = splice(entry.path, raw, cuts)
    except OverlappingEdits:
        raise Conflict(f"`{entry.path}`: its edits cannot be told apart any more") from None
    try:
        spans = [(Span(cut.start, cut.end), len(cut.text)) for cut in cuts]
        check_splice(entry.path, raw, content, spans)
    except EditRefused as error:
        raise Conflict(f"what others wrote needs what apply wrote: {error.message}") from None
    return TakenBack(content, tuple(cuts), False, (note,), tuple(gone))


def _find(raw: bytes, parsed: ParsedFile, path: str, undo: Undo) -> tuple[Patch, ...]:
    """What takes an edit back; nothing when it is gone already."""
    several = undo.op is Op.SPLICE and not undo.before and "\n" in undo.after
    if several and not undo.pointer and undo.count == 1:
        entries = without_entries(raw, parsed, undo.after)
        if entries is not None:
            return entries
    found = _find_one(raw, parsed, path, undo)
    return () if found is None else (found,)


def _find_one(raw: bytes, parsed: ParsedFile, path: str, undo: Undo) -> Patch | None:
    if undo.op is Op.DUPLICATE:
        return _drop_copy(raw, path, undo)
    if undo.op is Op.ENCODED:
        return _find_encoded(raw, parsed, path, undo)
    leaf = _leaf(raw, parsed, undo)
    if undo.pointer and leaf is None:
        return None
    scope = scope_of(raw, leaf)
    body = raw[scope.start : scope.end]
    if not undo.after:
        return _find_removed(path, undo, scope.start, scope.text)
    found = occurrences(body, undo.after.encode())
    if found and len(found) == undo.count:
        start = scope.start + found[undo.index]
        return Patch(start, start + len(undo.after.encode()), undo.before.encode())
    if not found and _is_gone(undo, body):
        return None
    if leaf is None and "\n" in undo.after:
        raise _changed_entries(path, raw, undo)
    raise conflict(path, undo, leaf.scalar.text if leaf else "")


def _is_gone(undo: Undo, body: bytes) -> bool:
    """Nothing of the edit is left: the old text is back, or the whole place is no more."""
    if undo.before:
        no_place = not undo.pointer and undo.key.encode() not in body
        return no_place or says(body.decode(errors="replace"), undo.before)
    first = next((line for line in undo.after.splitlines() if line.strip()), "")
    return first.encode() not in body


def _find_removed(path: str, undo: Undo, start: int, text: str) -> Patch | None:
    if undo.before in text:
        return None
    at = place_of(text, undo.anchor)
    if at is None:
        raise conflict(path, undo, text if undo.pointer else "")
    offset = start + len(text[:at].encode())
    return Patch(offset, offset, undo.before.encode())


def _leaf(raw: bytes, parsed: ParsedFile, undo: Undo) -> Leaf | None:
    """The scalar of an edit; where an item was put in before it, the one that moved."""
    if not undo.pointer:
        return None
    leaf = leaf_at(parsed, undo.pointer)
    wanted = undo.after or undo.before
    if leaf is not None and (undo.op is Op.ENCODED or wanted in scope_of(raw, leaf).text):
        return leaf
    shape = re.sub(r"/\d+(?=/|$)", "/*", undo.pointer)
    moved = [
        other
        for other in leaves(parsed.documents)
        if undo.after
        and re.sub(r"/\d+(?=/|$)", "/*", other.pointer) == shape
        and undo.after in scope_of(raw, other).text
    ]
    return moved[0] if len(moved) == 1 else leaf


def _find_encoded(raw: bytes, parsed: ParsedFile, path: str, undo: Undo) -> Patch | None:
    leaf = _leaf(raw, parsed, undo)
    if leaf is None:
        return None
    span = leaf.scalar.map.span(0, len(leaf.scalar.text))
    if span is None:
        raise conflict(path, undo, "(not plain base64)")
    return Patch(span.start, span.end, _recoded(path, undo, raw[span.start : span.end]))


def _recoded(path: str, undo: Undo, token: bytes) -> bytes:
    """The base64 token with its swaps taken back, last one first."""
    try:
        text = base64.b64decode(token, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise conflict(path, undo, "(not base64)") from None
    if all(_swap_is_back(text, swap) for swap in undo.swaps):
        return token
    end = len(text)
    places = [(end - swap.at, swap) for swap in undo.swaps]
    for at, swap in sorted(places, key=lambda item: -item[0]):
        if at < 0 or text[at : at + len(swap.after)] != swap.after:
            raise conflict(path, undo, text)
        text = text[:at] + swap.before + text[at + len(swap.after) :]
    return base64.b64encode(text.encode())


def _swap_is_back(text: str, swap: Swap) -> bool:
    removed = not swap.after or swap.after not in text
    return bool(swap.before) and swap.before in text and removed


def _drop_copy(raw: bytes, path: str, undo: Undo) -> Patch | None:
    found = find_copy(raw, undo)
    if found is None:
        return None
    if found == (0, 0):
        raise conflict(path, undo, "")
    start, end = found
    if not raw[start:end].endswith(b"\n") and start:
        # The last line of a file without a final newline: the one before becomes it.
        start -= 2 if raw[:start].endswith(b"\r\n") else 1
    return Patch(start, end, b"")
