"""Offsets inside plain and quoted YAML scalars: around escapes and line folds."""

from __future__ import annotations

import re

from repoint.formats.base import Run

_BREAK = r"(?:\r\n|[\n\r\x85\u2028\u2029])"
_MORE = rf"(?:[ \t]*{_BREAK})*[ \t]*"
_FOLD = rf"(?P<fold>[ \t]*{_BREAK}{_MORE})"
_WORD = r"(?P<text>[^\\' \t\n\r\x85\u2028\u2029]+|[ \t]+|[\\'])"
_TOKENS = {
    "plain": re.compile(rf"{_FOLD}|{_WORD}"),
    "single": re.compile(rf"(?P<escape>'')|{_FOLD}|{_WORD}"),
    "double": re.compile(
        rf"(?P<join>\\{_BREAK}{_MORE})|(?P<escape>\\(?:x..|u....|U........|.))|{_FOLD}|{_WORD}"
    ),
}
_BREAKS = re.compile(_BREAK)
_SEPARATORS = ("\u2028", "\u2029")
_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f",
    "r": "\r", "e": "\x1b", " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85",
    "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip


def flow_runs(raw: str, value: str, style: str) -> tuple[Run, ...]:
    """Verbatim runs of a plain or quoted scalar, offsets counted in `raw` (quotes included).

    Empty when the token, read again here, does not give `value`: then it cannot be
    edited in place.
    """
    quote = 0 if style == "plain" else 1
    inner = raw[quote : len(raw) - quote]
    if inner == value:
        return ((0, quote, len(value)),) if value or quote else ()
    runs: list[Run] = []
    built: list[str] = []
    length = 0
    for match in _TOKENS[style].finditer(inner):
        piece = match.group()
        if match.lastgroup == "text":
            _extend(runs, length, match.start() + quote, len(piece))
        elif match.lastgroup == "fold":
            piece = _folded(piece, escaped=False)
        elif match.lastgroup == "join":
            piece = _folded(piece, escaped=True)
        else:
            piece = _decode(piece)
        built.append(piece)
        length += len(piece)
    return tuple(runs) if "".join(built) == value else ()


def _extend(runs: list[Run], at: int, place: int, length: int) -> None:
    """Append a run, or lengthen the last one when it goes on there."""
    if runs:
        last_at, last_place, last_length = runs[-1]
        if last_at + last_length == at and last_place + last_length == place:
            runs[-1] = (last_at, last_place, last_length + length)
            return
    runs.append((at, place, length))


def _folded(blanks: str, *, escaped: bool) -> str:
    """What line breaks, with the blanks around them, read as.

    The first one folds, or is gone where a backslash stands before it; each further one stands
    for itself, as do the two separators of Unicode.
    """
    first, *more = _BREAKS.findall(blanks)
    kept = "".join([one if one in _SEPARATORS else "\n" for one in more])
    if escaped:
        return kept
    return first + kept if first in _SEPARATORS else kept or " "


def _decode(escape: str) -> str:
    if escape == "''":
        return "'"
    letter = escape[1:2]
    if letter in ("x", "u", "U") and len(escape) > 2:
        try:
            return chr(int(escape[2:], 16))
        except (ValueError, OverflowError):
            return escape
    return _ESCAPES.get(letter, escape)
