"""Finds an entry that apply duplicated, in a file that was edited since.

A copy still is one when, key and routing (host, port, parameters) left aside, its text equals
that of the entry above it: then nobody changed it, and it can go.
"""

from __future__ import annotations

import base64
import binascii
import re

from repoint.dsn.parse import find
from repoint.model.receipt import Undo
from repoint.planning.splice import BASE64

_BLANK = "\0"
_TOKEN = re.compile(r"[A-Za-z0-9+/]{8,}={0,2}")


def find_copy(raw: bytes, undo: Undo) -> tuple[int, int] | None:
    """The bytes of the copy's lines.

    Returns:
        None when its key is nowhere (it is gone already); `(0, 0)` when the key is there,
        but no entry is surely the copy.
    """
    keys = [part.after for part in undo.parts if part.part == "key"]
    lines = raw.splitlines(keepends=True)
    named = [
        number for number, line in enumerate(lines) if keys and _word(keys[0]).search(_text(line))
    ]
    if not named:
        return None
    starts = {number - above for number in named for above in range(undo.lines)}
    copies = [
        start for start in sorted(starts) if start >= undo.lines and _is_copy(lines, start, undo)
    ]
    if len(copies) != 1:
        return 0, 0
    start = sum(map(len, lines[: copies[0]]))
    return start, start + sum(map(len, lines[copies[0] : copies[0] + undo.lines]))


def _is_copy(lines: list[bytes], first: int, undo: Undo) -> bool:
    source = _text(b"".join(lines[first - undo.lines : first])).rstrip("\r\n")
    copy = _text(b"".join(lines[first : first + undo.lines])).rstrip("\r\n")
    keys = [part for part in undo.parts if part.part == "key"]
    if any(_word(part.before).search(source) is None for part in keys):
        return False
    if any(_word(part.after).search(copy) is None for part in keys):
        return False
    if undo.before == BASE64:
        source, copy = _decoded(source), _decoded(copy)
    others = [part for part in undo.parts if part.part != "key"]
    if any(part.after not in copy for part in others):
        return False
    for part in keys:
        source = _word(part.before).sub(_BLANK, source, count=1)
        copy = _word(part.after).sub(_BLANK, copy, count=1)
    if not find(copy):
        for part in others:
            source = source.replace(part.before, _BLANK)
            copy = copy.replace(part.after, _BLANK)
    return _unrouted(source) == _unrouted(copy)


def _unrouted(text: str) -> str:
    """`text` without the hosts, ports and parameters of its connection strings."""
    spans: list[tuple[int, int]] = []
    for dsn in find(text):
        spans += [(host.start, host.end) for host in dsn.hosts]
        spans += [(port.start, port.end) for port in dsn.ports if port is not None]
        spans += [(param.span_start, param.span_end) for param in dsn.params]
    for start, end in sorted(set(spans), reverse=True):
        text = text[:start] + text[end:]
    return text


def _decoded(text: str) -> str:
    """`text` with its first base64 connection string in clear."""
    for match in _TOKEN.finditer(text):
        try:
            value = base64.b64decode(match[0], validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
        if find(value):
            return text[: match.start()] + value + text[match.end() :]
    return text


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")


def _word(token: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9_.\-]){re.escape(token)}(?![A-Za-z0-9_.\-])")
