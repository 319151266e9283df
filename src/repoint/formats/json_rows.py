"""Strict JSON, a value at a time: what nearly every JSON file is.

Comments, single quotes, bare keys and trailing commas are not sure to be meant, and need
their places told: `json_text` reads them, and whatever else this reader does not know.
"""

from __future__ import annotations

import re
from sys import intern

from repoint.formats.base import Document, Mapping, Scalar, Sequence
from repoint.formats.escapes import unescape
from repoint.formats.opened import OpenCollection
from repoint.formats.source import Source

_MAX_LENGTH = 1024 * 1024
_MAX_DEPTH = 100
_BLANKS = r"[ \t\r\n]*+"
_STRING = r'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"'
_BEFORE = re.compile(_BLANKS)
_ROW = re.compile(
    rf"(?:({_STRING})({_BLANKS}:{_BLANKS}))?"  # key, `:`
    rf"(?:([\[{{])|({_STRING}|[^\s\ufeff{{}}\[\],:\"'/#]++))"  # a bracket or a scalar
    rf"({_BLANKS}(?:[\]}}]{_BLANKS})*+(?:,{_BLANKS})?)"  # closing brackets, a comma
    r"|[\s\S]++"  # anything else ends it: no second look at what does not fit
)


class _Unsure(Exception):
    """Something that the other reader should read."""


def read_rows(source: Source) -> tuple[Document, ...] | None:
    """The collections of a text that is strict JSON; None where it is not, or not surely."""
    if len(source.text) > _MAX_LENGTH:
        return None
    try:
        return _Rows(source).read(source.text)
    except _Unsure:
        return None


class _Rows:
    """The rows of one text, put together."""

    __slots__ = ("documents", "source", "stack")

    def __init__(self, source: Source) -> None:
        self.source = source
        self.documents: list[Document] = []
        self.stack: list[OpenCollection] = []

    def read(self, text: str) -> tuple[Document, ...]:
        """Read the values; the rows must leave out nothing of the text."""
        source, stack, top = self.source, self.stack, None
        escapes = "\\" in text
        before = _BEFORE.match(text)
        place = before.end() if before is not None else 0
        for key, colon, bracket, token, rest in _ROW.findall(text, place):
            if top is not None and top.is_mapping is not (key != ""):
                raise _Unsure
            if key:
                if escapes and "\\" in key:
                    name = self._escaped(key, place)
                else:
                    name = Scalar(intern(key[1:-1]), "double", source, place)
                place += len(key) + len(colon)
            if token:
                if token[0] != '"':
                    node = Scalar(token, "plain", source, place)
                elif escapes and "\\" in token:
                    node = self._escaped(token, place)
                else:
                    node = Scalar(token[1:-1], "double", source, place)
                place += len(token)
                if top is None:
                    raise _Unsure
                if key:
                    top.pairs.append((name, node))
                else:
                    top.items.append(node)
            elif bracket:
                self._open(bracket == "{", place, name if key else None)
                top = stack[-1]
                place += 1
            else:
                raise _Unsure
            if rest[:1] != ",":
                self._close(rest, place, opened=bracket != "")
                top = stack[-1] if stack else None
            elif bracket:
                raise _Unsure
            place += len(rest)
        if stack or place != len(text):
            raise _Unsure
        return tuple(self.documents)

    def _open(self, is_mapping: bool, start: int, key: Scalar | None) -> None:
        if (key is not None and not self.stack) or len(self.stack) > _MAX_DEPTH:
            raise _Unsure
        if self.stack:
            self.stack[-1].key = key
        self.stack.append(OpenCollection(is_mapping, start))

    def _close(self, rest: str, place: int, *, opened: bool) -> None:
        """Close what `rest`, which stands at `place`, closes; then a comma or an end."""
        source, stack = self.source, self.stack
        bare = rest.rstrip(" \t\r\n")
        if opened and bare.lstrip(" \t\r\n")[:1] == ",":
            raise _Unsure
        for at, mark in enumerate(bare, place + 1):
            if mark != "}" and mark != "]":
                continue
            if not stack or stack[-1].is_mapping is not (mark == "}"):
                raise _Unsure
            top = stack.pop()
            span, line = source.span(top.start, at), source.line(top.start)
            node: Mapping | Sequence
            if top.is_mapping:
                node = Mapping(tuple(top.pairs), span, line, True)
            else:
                node = Sequence(tuple(top.items), span, line, True)
            if stack:
                stack[-1].add(node)
            else:
                self.documents.append(Document(len(self.documents), node))
        if bool(stack) is not (bare[-1:] == ",") and not (opened and not bare):
            raise _Unsure

    def _escaped(self, token: str, start: int) -> Scalar:
        text, runs = unescape(token[1:-1], start + 1)
        return self.source.scalar(start, start + len(token), "double", text, runs)
