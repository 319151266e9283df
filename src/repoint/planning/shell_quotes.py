"""Quotes around a word of a shell script that an edit would cut in two.

`psql postgres://h/db?a=b` with `&sslmode=require` behind it would run `psql` aside. Whether the
quotes do is asked of the shell's reader: the same words are there, and one says more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from repoint.formats.base import FileKind
from repoint.formats.shell import commands
from repoint.formats.shell_words import Word
from repoint.planning.site_edits import Replacement, applied
from repoint.sites.scripts import looks_like_script

_CUTS = re.compile(r"[\s&;|<>()]")
_ASSIGNS = re.compile(r"^\s*export\s", re.MULTILINE)
_LINE_KINDS = {FileKind.MAKEFILE: re.compile(r"\t[@+-]*"), FileKind.DOCKERFILE: re.compile(r"RUN ")}


def is_script(kind: FileKind | None, text: str, edits: Sequence[Replacement]) -> bool:
    """Whether a shell reads the text, and an edit brings in what ends a word there.

    Args:
        kind: The kind of a file without values; None for the text of a value.
        text: The whole file, or the value.
        edits: Replacements in it.
    """
    if not any(_CUTS.search(edit.after) for edit in edits):
        return False
    if kind is None:
        return bool(re.search(r"\s", text)) and (
            looks_like_script(text) or bool(_ASSIGNS.search(text))
        )
    return kind is FileKind.SHELL or kind in _LINE_KINDS


def quoted_word(
    kind: FileKind, style: str, text: str, edits: Sequence[Replacement]
) -> tuple[Replacement, ...] | None:
    """`edits` with quotes around the word they are in, where it needs them; None: none fit.

    Args:
        kind: What is read: of a Makefile's lines, only recipes are for a shell.
        style: How the value itself is quoted, which its words then cannot be.
        text: The whole text.
        edits: Replacements in it, of one connection string.
    """
    start, script = _script(kind, text, min(edit.start for edit in edits))
    moved = [replace(edit, start=edit.start - start, end=edit.end - start) for edit in edits]
    word = _word_of(script, moved)
    if word is None:
        return tuple(edits)
    own = {"double": "'", "single": '"'}.get(style, "\"'")
    for quote in ("", *own):
        tried = moved if not quote else _around(word, moved, quote)
        if (quote != "'" or not re.search(r"[$`]", word.raw)) and _fits(script, word, moved, tried):
            return tuple(replace(e, start=e.start + start, end=e.end + start) for e in tried)
    return None


def _script(kind: FileKind, text: str, at: int) -> tuple[int, str]:
    """Where the script around a place begins, and the script: a line of a Makefile, or all."""
    begins = _LINE_KINDS.get(kind)
    if begins is None:
        return 0, text
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    head = begins.match(text, start)
    # Any other line is read by no shell, or by one that begins further up.
    return (head.end(), text[head.end() : len(text) if end < 0 else end]) if head else (start, "")


def _words(script: str) -> list[Word]:
    found = [word for command in commands(script) for word in command.words]
    return found + [one.value for command in commands(script) for one in command.assignments]


def _word_of(script: str, edits: Sequence[Replacement]) -> Word | None:
    """The innermost word that all edits are in."""
    holding = [word for word in _words(script) if _holds(word, edits) and not word.heredoc]
    return min(holding, key=lambda word: word.end - word.start, default=None)


def _holds(word: Word, edits: Sequence[Replacement]) -> bool:
    return all(word.start <= edit.start and edit.end <= word.end for edit in edits)


def _around(word: Word, edits: Sequence[Replacement], quote: str) -> list[Replacement]:
    ordered = sorted(edits, key=lambda edit: edit.start)
    opening = Replacement(word.start, word.start, "", quote)
    closing = Replacement(word.end, word.end, "", quote)
    if ordered[-1].end == word.end:
        last = ordered.pop()
        closing = replace(last, after=last.after + quote)
    return [opening, *ordered, closing]


def _fits(
    script: str, word: Word, wanted: Sequence[Replacement], tried: Sequence[Replacement]
) -> bool:
    """Whether the script reads back with the same words, and that one changed as wanted."""
    if not word.verbatim:
        return False
    at = word.text_start
    inside = [replace(edit, start=edit.start - at, end=edit.end - at) for edit in wanted]
    if any(not 0 <= edit.start <= edit.end <= len(word.text) for edit in inside):
        return False
    old = _words(script)
    around = [other for other in old if _holds(other, wanted)]
    expected = [other.text for other in old if other not in around]
    new = [other.text for other in _words(applied(script, tuple(tried)))]
    for text in (*expected, applied(word.text, tuple(inside))):
        if text not in new:
            return False
        new.remove(text)
    return len(new) == len(around) - 1
