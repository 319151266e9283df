"""Shell words: what is left when the quotes are removed, and where it stood."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from repoint.formats.base import Run

_PLAIN = re.compile(r"[^'\"\\$`]+")
_IN_DOUBLE = re.compile(r"[^\"\\$`]+")
_ANSI = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "a": "\a", "e": "\x1b"}


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a command; `[start, end)` is all of it, quotes included.

    `text` has the quotes removed, `$VAR`, `${VAR}` and `$(...)` kept as written.
    `verbatim` tells that `text` stands in one piece at `text_start`; otherwise `runs`
    holds the pieces that do. `heredoc` marks a here-document's body or a here-string.
    """

    text: str
    start: int
    end: int
    raw: str
    verbatim: bool
    text_start: int
    heredoc: bool = False
    runs: tuple[Run, ...] = ()

    def locate(self, start: int, end: int) -> tuple[int, int] | None:
        """Offsets of `text[start:end]` in the script, or None when it is in pieces."""
        at = bisect_right(self.runs, start, key=lambda run: run[0]) - 1
        for at_text, place, length in self.runs[max(0, at - 1) : at + 1]:
            if at_text <= start and end <= at_text + length:
                return place + start - at_text, place + end - at_text
        return None


@dataclass(frozen=True, slots=True)
class Assignment:
    """`NAME=value` before a command, alone, or after `export` and its kin."""

    name: str
    value: Word


def read_word(shown: str, masked: str, start: int, end: int, *, heredoc: bool = False) -> Word:
    """The word at `[start, end)`; quotes are found in `masked`, text is taken from `shown`.

    Both have the same length: `masked` is the script with template actions masked.
    """
    runs = [(0, start, end - start)] if heredoc else _unquote(masked, start, end)
    pieces: list[str] = []
    merged: list[Run] = []
    length = 0
    for decoded, place, count in runs:
        if decoded:
            pieces.append(str(decoded))
            length += len(str(decoded))
            continue
        if merged and merged[-1][0] + merged[-1][2] == length:
            at, before, so_far = merged[-1]
            if before + so_far == place:
                merged[-1] = (at, before, so_far + count)
                pieces.append(shown[place : place + count])
                length += count
                continue
        merged.append((length, place, count))
        pieces.append(shown[place : place + count])
        length += count
    text = "".join(pieces)
    verbatim = len(merged) == 1 and merged[0][2] == len(text)
    first = merged[0][1] if merged else start
    return Word(text, start, end, shown[start:end], verbatim, first, heredoc, tuple(merged))


def _unquote(script: str, start: int, end: int) -> list[tuple[str | int, int, int]]:
    """Pieces `(decoded text or 0, place, length)`: verbatim where nothing was decoded."""
    pieces: list[tuple[str | int, int, int]] = []
    at = start
    double = False
    while at < end:
        char = script[at]
        if char == '"':
            double = not double
            at += 1
            if not double and script[at - 2 : at] == '""':
                pieces.append((0, at - 1, 0))
        elif char == "'" and not double:
            stop = script.find("'", at + 1, end)
            stop = stop if stop >= 0 else end
            pieces.append((0, at + 1, stop - at - 1))
            at = stop + 1
        elif char == "\\":
            at = _backslash(script, at, end, double, pieces)
        elif char == "$" and script[at + 1 : at + 2] == "'" and not double:
            at = _ansi(script, at, end, pieces)
        elif char in "$`":
            stop = skip_expansion(script, at, end)
            pieces.append((0, at, stop - at))
            at = stop
        else:
            match = (_IN_DOUBLE if double else _PLAIN).match(script, at, end)
            stop = match.end() if match else at + 1
            pieces.append((0, at, stop - at))
            at = stop
    return pieces


def _backslash(
    script: str, at: int, end: int, double: bool, pieces: list[tuple[str | int, int, int]]
) -> int:
    following = script[at + 1 : at + 2]
    if at + 1 >= end or (double and following not in '"\\$`\n'):
        pieces.append((0, at, 1))
        return at + 1
    if following == "\n":
        return at + 2
    # The escaped character stands as it is one place on: a run of its own.
    pieces.append((0, at + 1, 1))
    return at + 2


def _ansi(script: str, at: int, end: int, pieces: list[tuple[str | int, int, int]]) -> int:
    """`$'...'` at `at`: escapes are decoded, the rest is verbatim."""
    at += 2
    while at < end and script[at] != "'":
        if script[at] == "\\" and at + 1 < end:
            known = _ANSI.get(script[at + 1])
            if known is None:
                pieces.append((0, at, 2))
            else:
                pieces.append((known, at, 2))
            at += 2
        else:
            pieces.append((0, at, 1))
            at += 1
    return at + 1


def skip_expansion(script: str, at: int, end: int) -> int:
    """Where the expansion that begins at `script[at]` (`$` or a backtick) ends."""
    if script[at] == "`":
        stop = script.find("`", at + 1, end)
        return stop + 1 if stop >= 0 else end
    opener = script[at + 1 : at + 2]
    if opener not in ("(", "{") or at + 1 >= end:
        return at + 1
    closer = ")" if opener == "(" else "}"
    depth = 0
    quote = ""
    place = at + 1
    while place < end:
        char = script[place]
        if char == "\\":
            place += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"" and opener == "(":
            quote = char
        elif char == opener:
            depth += 1
        elif char == closer:
            depth -= 1
            if depth == 0:
                return place + 1
        place += 1
    return end
