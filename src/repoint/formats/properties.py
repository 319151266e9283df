"""Java `.properties`: `key=value`, `key: value`, `key value`, escapes, continued lines."""

from __future__ import annotations

import re

from repoint.formats.escapes import unescape
from repoint.formats.lines import Sections
from repoint.formats.source import Source

_LINE = re.compile(
    r"[ \t\f]*(?:(?P<comment>[#!][^\n\r]*)"
    r"|(?P<key>(?:\\.|[^\\ \t\f\r\n=:])++)[ \t\f]*[=:]?[ \t\f]*"
    r"(?P<value>(?:\\\r\n|\\[\s\S]|[^\\\n\r])*+))?[^\n\r]*(?:\r\n|[\n\r]|\Z)"
)


def read_properties(source: Source) -> Sections:
    """Read every pair; the text has escapes decoded and continued lines joined."""
    found = Sections(source)
    at = 0
    while at < len(source.text):
        match = _LINE.match(source.text, at)
        if match is None or match.end() == at:
            break
        at = match.end()
        if match["comment"] is not None:
            found.comment(*match.span("comment"))
        elif match["key"] is not None:
            key = source.verbatim(*match.span("key"))
            start, end = match.span("value")
            end = start + len(source.text[start:end].rstrip(" \t"))
            text, runs = unescape(source.text[start:end], start, bare=True)
            found.add(key, source.scalar(start, end, "plain", text, runs if text else ()))
    return found
