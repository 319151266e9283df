"""Quoted strings with backslash escapes: their text, and the runs around the escapes."""

from __future__ import annotations

import re

from repoint.formats.base import Run

SIMPLE = {
    "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "/": "/",
    "'": "'", "e": "\x1b", "$": "$", "`": "`",
}  # fmt: skip
"""Escapes of one letter that JSON, HCL, TOML and env files share."""

_PIECE = re.compile(
    r"(?P<pair>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(?P<code>\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|\\x[0-9a-fA-F]{2})"
    r"|(?P<join>\\[ \t]*\r?\n\s*)|(?P<escape>\\.)|(?P<text>[^\\]+|\\)",
    re.DOTALL,
)


def unescape(raw: str, offset: int, *, bare: bool = False) -> tuple[str, tuple[Run, ...]]:
    """Decode `raw`, which stands at `offset` of the source, without its quotes.

    An unknown escape stays as written, or loses its backslash when `bare` (as in
    `.properties`). Text that needs no decoding is one run.
    """
    if "\\" not in raw:
        return raw, ((0, offset, len(raw)),)
    pieces: list[str] = []
    runs: list[Run] = []
    length = 0
    for match in _PIECE.finditer(raw):
        piece = match.group()
        unknown = match.lastgroup == "escape" and piece[1] not in SIMPLE
        if match.lastgroup == "text" or unknown:
            piece = piece[1:] if unknown and bare else piece
            runs.append((length, offset + match.end() - len(piece), len(piece)))
        else:
            piece = _decode(piece, match.lastgroup or "")
        pieces.append(piece)
        length += len(piece)
    return "".join(pieces), tuple(runs)


def _decode(piece: str, group: str) -> str:
    if group == "escape":
        return SIMPLE[piece[1]]
    if group == "join":
        return ""
    if group == "pair":
        high, low = int(piece[2:6], 16), int(piece[8:12], 16)
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    code = int(piece[2:], 16)
    # A lone surrogate is no character: it could not be encoded again.
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
