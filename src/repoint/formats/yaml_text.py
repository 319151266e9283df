"""Offsets inside plain and quoted YAML scalars: around escapes and line folds."""

from __future__ import annotations

import re

from repoint.formats.base import Run

_BREAK = r"(?:\r\n|[\n\r\x85\u2028\u2029])"
_FOLD = rf"(?P<fold>[ \t]*{_BREAK}(?:[ \t]*{_BREAK})*[ \t]*)"
_WORD = r"(?P<text>[^\\' \t\n\r\x85\u2028\u2029]+|[ \t]+|[\\'])"
_TOKENS = {
    "plain": re.compile(rf"{_FOLD}|{_WORD}"),
    "single": re.compile(rf"(?P<escape>'')|{_FOLD}|{_WORD}"),
    "double": re.compile(
        rf"(?P<join>\\{_BREAK}[ \t]*)|(?P<escape>\\(?:x..|u....|U........|.))|{_FOLD}|{_WORD}"
    ),
}
_COUNT = re.compile(_BREAK)
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
            breaks = len(_COUNT.findall(piece))
            piece = " " if breaks == 1 else "\n" * (breaks - 1)
        elif match.lastgroup == "join":
            piece = ""
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
