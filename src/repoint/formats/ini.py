"""`[section]` files: pgbouncer.ini, alembic.ini, pg_service.conf, my.cnf and the like."""

from __future__ import annotations

import re

from repoint.formats.base import Run, Scalar
from repoint.formats.lines import Sections, each_line, trim, value_scalar
from repoint.formats.source import Source

_SECTION = re.compile(r"[ \t]*\[(?P<name>[^\]\n\r]*)\]")
_PAIR = re.compile(r"[ \t]*(?P<key>[^\s=:;#\[][^=:\n\r]*+)(?P<sign>[=:])")
_COMMENT = re.compile(r"[ \t][;#]")
_FIRST_VALUE = re.compile(r"[ \t]+\S")


def read_ini(source: Source) -> Sections:
    """Read pairs under their sections; indented lines go on with the value above.

    A key stands left of `=`, or of `:` where no `=` comes first. Other lines (nginx or
    HAProxy syntax in a `.conf`) are no pairs and stay in the text alone.
    """
    found = Sections(source)
    text = source.text
    lines = list(each_line(text))
    at = 0
    while at < len(lines):
        start, end, _ = lines[at]
        at += 1
        low, high = trim(text, start, end)
        if text[low : low + 1] in (";", "#"):
            found.comment(low, high)
            continue
        section = _SECTION.match(text, start, end)
        if section is not None:
            name = source.verbatim(*section.span("name"))
            found.sealed = found.sealed or name.text == "sops"
            found.begin(name, low)
            continue
        pair = _PAIR.match(text, start, end)
        if pair is None:
            continue
        parts = [_part(found, pair.end(), end)]
        while at < len(lines) and low == start and _goes_on(text, lines[at]):
            parts.append(_part(found, lines[at][0], lines[at][1]))
            at += 1
        first, last = pair.span("key")
        key = source.verbatim(first, first + len(text[first:last].rstrip(" \t")))
        found.add(key, _joined(source, parts))
    return found


def _goes_on(text: str, line: tuple[int, int, int]) -> bool:
    start, end, _ = line
    return (
        bool(_FIRST_VALUE.match(text, start, end))
        and text[trim(text, start, end)[0]] not in ";#["
        and _PAIR.match(text, start, end) is None
    )


def _part(found: Sections, start: int, end: int) -> tuple[int, int]:
    """The value on one line, without a comment that a blank sets off."""
    text = found.source.text
    low, high = trim(text, start, end)
    if text[low : low + 1] in ("'", '"') and text.find(text[low], low + 1, high) == high - 1:
        return low, high
    comment = _COMMENT.search(text, start, high)
    if comment is not None:
        found.comment(comment.end() - 1, high)
        return trim(text, start, max(start, comment.start()))
    return low, high


def _joined(source: Source, parts: list[tuple[int, int]]) -> Scalar:
    if len(parts) == 1:
        return value_scalar(source, *parts[0])
    runs: list[Run] = []
    pieces: list[str] = []
    length = 0
    for low, high in parts:
        runs.append((length, low, high - low))
        pieces.append(source.text[low:high])
        length += high - low + 1
    return source.scalar(parts[0][0], parts[-1][1], "lines", "\n".join(pieces), runs)
