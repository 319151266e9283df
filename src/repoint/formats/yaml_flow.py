"""Flow collections on one line, `[a, "b"]` and `{a: b}`: the plain ones.

As with `yaml_lines`, whatever is not sure to be read as libyaml reads it is left to libyaml.
"""

from __future__ import annotations

import re

from repoint.formats.base import Mapping, Scalar, Sequence
from repoint.formats.opened import OpenCollection
from repoint.formats.source import Source

QUOTED = r"""\"[^"\\\n]*+\"|'[^'\n]*+'"""
"""Quoted scalars on one line that read as they are written."""

MAX_KEY = 1000
"""libyaml knows no key that is longer than 1,024 code points."""

_LETTERS = r"[\w./$@%+=~^;()<-]*+(?::(?=[\w/])[\w./$@%+=~^;()<-]*+)*+"
_PLAIN = rf"(?:[\w./$]|--?\w){_LETTERS}(?: ++[\w./$@%+=~^;()<-]{_LETTERS})*+"
_PART = re.compile(
    rf" *+(?:((?:{_PLAIN})(?=: )|{QUOTED}):[ ]*+)?(?:([\[{{])|({_PLAIN}|{QUOTED}))[ ]*+", re.ASCII
)
_CLOSERS = {"]": False, "}": True}
_MAX_DEPTH = 20
_STYLES = {'"': "double", "'": "single"}


def read_flow(source: Source, text: str, start: int, line: int) -> Mapping | Sequence | None:
    """The collection `text`, which stands at `start` of the source; None where not sure."""
    stack = [OpenCollection(text[0] == "{", start)]
    at = _blanks(text, 1)
    if text[at : at + 1] not in ("]", "}"):
        at = _part(source, text, at, start, stack)
    while 0 < at < len(text):
        mark = text[at]
        if mark == ",":
            at = _part(source, text, at + 1, start, stack)
            continue
        top = stack.pop()
        if _CLOSERS.get(mark) is not top.is_mapping:
            return None
        span = source.span(top.start, start + at + 1)
        node = (
            Mapping(tuple(top.pairs), span, line, True)
            if top.is_mapping
            else Sequence(tuple(top.items), span, line, True)
        )
        if not stack:
            return node if at + 1 == len(text) else None
        stack[-1].add(node)
        at = _blanks(text, at + 1)
    return None


def _part(source: Source, text: str, at: int, start: int, stack: list[OpenCollection]) -> int:
    """Read an item, or a key and its value, at `at`; where the next mark stands, or -1.

    A collection that begins there is put on the stack, with its own first part.
    """
    while True:
        match = _PART.match(text, at)
        top = stack[-1]
        if match is None or (match[1] is not None) is not top.is_mapping:
            return -1
        key, opens, token = match.groups()
        if key is not None:
            if len(key) > MAX_KEY:
                return -1
            top.key = _scalar(source, key, start + match.start(1))
        at = match.end()
        if opens is None:
            top.add(_scalar(source, token, start + match.start(3)))
            return at
        if len(stack) > _MAX_DEPTH:
            return -1
        stack.append(OpenCollection(opens == "{", start + match.start(2)))
        if text[at : at + 1] in ("]", "}"):
            return at


def _scalar(source: Source, token: str, start: int) -> Scalar:
    style = _STYLES.get(token[0])
    if style is None:
        return Scalar(token, "plain", source, start)
    return Scalar(token[1:-1], style, source, start)


def _blanks(text: str, at: int) -> int:
    """Where the blanks at `at` end."""
    while text[at : at + 1] == " ":
        at += 1
    return at
