"""Edits applied to bytes: every byte outside an edit is kept.

An edit becomes patches (a range of the original, and the bytes that take its place). All
patches of a file are cut into it in one walk, so that no edit sees another's result.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from repoint.dsn.parse import find
from repoint.dsn.retarget import retarget
from repoint.errors import EditRefused, OverlappingEdits, StalePlan
from repoint.formats.verify import check_splice
from repoint.formats.yaml_plain import outgrows_plain, quote_for
from repoint.model.plan import Applicability, Edit, Op, PartEdit
from repoint.model.source import Span
from repoint.planning.copied import filled

BASE64 = "base64"
"""`Edit.before` of a DUPLICATE whose value is base64: it is decoded, retargeted, encoded."""

_WORD = r"A-Za-z0-9_.\-"
_PLAIN_PAIR = re.compile(
    r"(?P<joint>[\"']?[ \t]*:[ \t]+)(?P<text>[^\s\"'].*?)(?P<rest>[ \t]*,?[ \t]*)\Z"
)


@dataclass(frozen=True, slots=True)
class Patch:
    """Bytes `[start, end)` of the original give way to `text`."""

    start: int
    end: int
    text: bytes


def apply_edits(
    path: str,
    raw: bytes | None,
    edits: Sequence[Edit],
    read: Callable[[str], bytes] | None = None,
) -> bytes:
    """Return `raw` (None: no such file) with `edits` applied and checked (law 1).

    `read` gives the files that a new one takes passwords over from.
    Edits that are for display only are left out; sealed ones are not for this function.

    Raises:
        StalePlan: the bytes under an edit are not the ones it was planned on.
        OverlappingEdits: two edits claim the same byte.
        EditRefused: the result would not read back as planned.
    """
    written = to_write(edits)
    if any(edit.op is Op.CREATE for edit in written):
        return _create(path, raw, written, read)
    if raw is None:
        raise StalePlan(f"`{path}` is not there any more")
    cuts = patches(path, raw, written)
    after = splice(path, raw, cuts)
    changed = [(Span(cut.start, cut.end), len(cut.text)) for cut in cuts]
    check_splice(path, raw, after, changed)
    return after


def spliced(path: str, raw: bytes, edits: Sequence[Edit]) -> bytes:
    """`raw` with `edits` in it, and not read back: for a result whose digest is known.

    Raises:
        StalePlan: the bytes under an edit are not the ones it was planned on.
        OverlappingEdits: two edits claim the same byte.
        EditRefused: an edit is none of a clear file.
    """
    return splice(path, raw, patches(path, raw, to_write(edits)))


def to_write(edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """The edits that apply writes: all but those for display."""
    return tuple(edit for edit in edits if edit.applicability is not Applicability.DISPLAY)


def splice(path: str, raw: bytes, cuts: Sequence[Patch]) -> bytes:
    """Return `raw` with every patch in place; they are in ascending order.

    Raises:
        OverlappingEdits: two patches claim the same byte.
    """
    pieces: list[bytes] = []
    cursor = 0
    for cut in cuts:
        if cut.start < cursor or cut.end < cut.start or cut.end > len(raw):
            raise OverlappingEdits(f"`{path}` line {line_of(raw, cut.start)}: two edits overlap")
        pieces += raw[cursor : cut.start], cut.text
        cursor = cut.end
    return b"".join((*pieces, raw[cursor:]))


def patches(path: str, raw: bytes, edits: Sequence[Edit]) -> tuple[Patch, ...]:
    """What each edit does to the bytes of `raw`, in file order.

    Insertions at one place keep the order of the edits, and stand before a replacement
    that begins there.
    """
    made = [patch_of(path, raw, edit) for edit in edits]
    return tuple(sorted(made, key=lambda cut: (cut.start, cut.end)))


def patch_of(path: str, raw: bytes, edit: Edit) -> Patch:
    """The one patch of an edit of a clear file."""
    if not 0 <= edit.start <= edit.end <= len(raw):
        raise _stale(path, raw, edit.start)
    token = raw[edit.start : edit.end]
    if edit.op is Op.SPLICE:
        if token != edit.before.encode():
            raise _stale(path, raw, edit.start)
        return Patch(edit.start, edit.end, edit.after.encode())
    if edit.op is Op.ENCODED:
        return Patch(edit.start, edit.end, recode(path, edit.line, token, edit.parts))
    if edit.op is Op.DUPLICATE:
        return Patch(edit.end, edit.end, _repeat(path, raw, edit))
    raise EditRefused(f"`{path}` line {edit.line}: `{edit.op}` is not an edit of a clear file")


def line_of(raw: bytes, offset: int) -> int:
    """The line that a byte stands in, counted from 1."""
    return raw.count(b"\n", 0, offset) + 1


def recode(path: str, line: int, token: bytes, parts: Sequence[PartEdit]) -> bytes:
    """Base64 whose connection string has `parts`; the rest of its text is kept.

    Raises:
        EditRefused: the token is not base64 as an encoder writes it, so that the way back
            could not give its bytes.
    """
    text = decode(path, line, token)
    return base64.b64encode(repart(path, line, text, parts).encode())


def decode(path: str, line: int, token: bytes) -> str:
    """The text of a base64 token that encodes back to the same bytes."""
    try:
        data = base64.b64decode(token, validate=True)
        text = data.decode()
    except (binascii.Error, UnicodeDecodeError):
        raise StalePlan(f"`{path}` line {line} is not the base64 this plan was made on") from None
    if base64.b64encode(data) != token:
        raise EditRefused(f"`{path}` line {line}: this base64 is not in its usual spelling")
    return text


def repart(path: str, line: int, text: str, parts: Sequence[PartEdit]) -> str:
    """`text` with `parts` changed in its connection string, or in a bare host or port."""
    if find(text):
        return retarget(text, parts)
    for part in parts:
        text = _replace_word(path, line, text, part)
    return text


def _replace_word(path: str, line: int, text: str, part: PartEdit) -> str:
    found = [match.start() for match in _word(part.before).finditer(text)] if part.before else []
    if len(found) != 1:
        raise StalePlan(f"`{path}` line {line}: its {part.part} is not the one planned on")
    return text[: found[0]] + part.after + text[found[0] + len(part.before) :]


def _word(token: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![{_WORD}]){re.escape(token)}(?![{_WORD}])")


def _create(
    path: str,
    raw: bytes | None,
    edits: Sequence[Edit],
    read: Callable[[str], bytes] | None,
) -> bytes:
    if len(edits) != 1:
        raise EditRefused(f"`{path}` is created, so it can have no other edit")
    if raw is not None:
        raise StalePlan(f"`{path}` exists, but this plan creates it")
    return filled(edits[0], read)


def _stale(path: str, raw: bytes, offset: int) -> StalePlan:
    line = line_of(raw, offset)
    return StalePlan(f"`{path}` line {line} is not what this plan was made on")


def _repeat(path: str, raw: bytes, edit: Edit) -> bytes:
    """The bytes to insert right after the entry, line breaks included."""
    try:
        entry = raw[edit.start : edit.end].decode()
    except UnicodeDecodeError:
        raise _stale(path, raw, edit.start) from None
    copy = repeat_entry(path, edit.line, entry, edit.parts, encoded=edit.before == BASE64)
    if entry.endswith("\n"):
        return copy.encode()
    if edit.end != len(raw):
        return copy.encode()
    # The last line of a file without a final newline: the copy goes on a line of its own,
    # and the file stays without one.
    return line_break(raw[: edit.start]) + copy.encode()


def line_break(raw: bytes) -> bytes:
    """The line break that the file uses, judged by its last one."""
    at = raw.rfind(b"\n")
    return b"\r\n" if at > 0 and raw[at - 1 : at] == b"\r" else b"\n"


def repeat_entry(
    path: str, line: int, entry: str, parts: Sequence[PartEdit], *, encoded: bool
) -> str:
    """A copy of a whole entry (key and value) with its key and value changed.

    The key is its first occurrence in the entry; the other parts are looked for behind it.
    """
    head = ""
    rest = entry
    for part in parts:
        if part.part != "key":
            continue
        match = _word(part.before).search(rest)
        if match is None:
            raise StalePlan(f"`{path}` line {line}: key `{part.before}` is not there any more")
        head += rest[: match.start()] + part.after
        rest = rest[match.end() :]
    others = tuple(part for part in parts if part.part != "key")
    if not others:
        return head + rest
    if encoded:
        return head + _recode_within(path, line, rest, others)
    return head + _quoted_pair(rest, repart(path, line, rest, others))


def _quoted_pair(before: str, after: str) -> str:
    """`: value, ` of a pair between braces, in quotes where its new text needs them."""
    old, new = _PLAIN_PAIR.match(before), _PLAIN_PAIR.match(after)
    if old is None or new is None or not outgrows_plain(old["text"], new["text"], flow=True):
        return after
    quote = quote_for(new["text"])
    return f"{new['joint']}{quote}{new['text']}{quote}{new['rest']}"


def _recode_within(path: str, line: int, text: str, parts: Sequence[PartEdit]) -> str:
    for match in re.finditer(r"[A-Za-z0-9+/]{8,}={0,2}", text):
        token = match[0].encode()
        try:
            value = base64.b64decode(token, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
        if find(value) or any(part.before and part.before in value for part in parts):
            return (
                text[: match.start()]
                + recode(path, line, token, parts).decode()
                + text[match.end() :]
            )
    raise StalePlan(f"`{path}` line {line}: no base64 connection string in this entry")
