"""Offsets in a text and in its bytes, converted either way in logarithmic time."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from functools import lru_cache

_NON_ASCII = re.compile(r"[^\x00-\x7f]+")
_LONG = 512


def byte_offsets(text: str) -> ByteOffsets:
    """What maps offsets of `text` to bytes; that of a long text is kept for the next question.

    A file is asked for each of its places: to count its bytes from the start every time
    would take the square of its length.
    """
    if text.isascii():
        return _ASCII
    return _kept(text) if len(text) > _LONG else ByteOffsets(text)


class ByteOffsets:
    """Code point offsets of one text to byte offsets; constant time for ASCII."""

    __slots__ = ("_after", "_ends", "_extra", "_starts", "_text")

    def __init__(self, text: str) -> None:
        self._text = "" if text.isascii() else text
        self._starts = array("I")
        self._ends = array("I")
        self._extra = array("I")
        self._after = array("I")
        extra = 0
        for match in _NON_ASCII.finditer(self._text):
            self._starts.append(match.start())
            self._ends.append(match.end())
            self._extra.append(extra)
            extra += len(match.group().encode()) - len(match.group())
            self._after.append(extra)

    def __getitem__(self, offset: int) -> int:
        at = bisect_right(self._starts, offset) - 1
        if at < 0:
            return offset
        if offset >= self._ends[at]:
            return offset + self._after[at]
        start = self._starts[at]
        return start + self._extra[at] + len(self._text[start:offset].encode())


_ASCII = ByteOffsets("")


@lru_cache(maxsize=2)
def _kept(text: str) -> ByteOffsets:
    return ByteOffsets(text)


class CodePoints:
    """Byte offsets of an encoded text back to code point offsets (tree-sitter counts bytes)."""

    __slots__ = ("_data", "_extra", "_starts")

    def __init__(self, text: str) -> None:
        self._data = b"" if text.isascii() else text.encode()
        self._starts: list[int] = []
        self._extra: list[int] = []
        extra = 0
        for match in _NON_ASCII.finditer("" if text.isascii() else text):
            self._starts.append(match.start() + extra)
            self._extra.append(extra)
            extra += len(match.group().encode()) - len(match.group())

    def __getitem__(self, byte: int) -> int:
        at = bisect_right(self._starts, byte) - 1
        if at < 0:
            return byte
        start = self._starts[at]
        return start - self._extra[at] + len(self._data[start:byte].decode(errors="ignore"))
