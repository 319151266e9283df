"""The commands of a shell script: words, assignments, here-documents.

Read by tree-sitter-bash; the lines that it reports errors on are split by a plain
tokenizer, so that one odd construct hides nothing.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from repoint.formats import gotmpl
from repoint.formats.base import Run
from repoint.formats.offsets import CodePoints
from repoint.formats.shell_words import Assignment, Word, read_word

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

__all__ = ["Assignment", "Command", "Word", "commands", "comments"]

MAX_NESTING = 8
"""Scripts inside `sh -c` inside `sh -c` are followed this deep."""
MAX_DEPTH = 100
"""Commands inside commands (`$(a $(b))`) are read this deep: each holds the text of all below."""

_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh"})
_COMMAND_FLAG = re.compile(r"-[A-Za-z]*c")
_ASSIGNS = re.compile(r"([A-Za-z_]\w*)\+?=")
_WORD = re.compile(
    r"(?:'[^']*'|\"(?:\\.|[^\"\\])*\"|\\.|\$\([^)\n]{0,500}\)|\$\{[^}\n]{0,500}\}"
    r"|[^\s;|&<>()'\"\\])+",
    re.DOTALL,
)
_BOUNDARY = re.compile(r"&&|\|\|?|;;?|&|\n|[()]")
_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_COMMENT = re.compile(r"(?:^|(?<=\s))#[^\n]*")
_REDIRECT = re.compile(r"\d*(?:<<?|>>?)&?-?")
_KEYWORDS = frozenset(
    {"if", "then", "elif", "else", "fi", "until", "while", "do", "done", "!", "{", "}", "time"}
)
_EXPORTS = frozenset({"export", "readonly", "local", "declare", "typeset"})
_PARTS = frozenset({"variable_assignment", "heredoc_redirect", "herestring_redirect"})
_HOLDERS = frozenset({"command", "declaration_command", "variable_assignment"})
_RUN = re.compile(r"([<>|&;({$`])\1{999}")
_MOST_OPENED = 5000
_NOT_WORDS = frozenset({"file_redirect", "comment", "variable_name", "subscript"})


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command; `line` counts from 1 in the text that was read.

    `words[0]` is its name (`export` for exports); a command without words is a bare
    assignment. Words and assignments are in the order of the text.
    """

    words: tuple[Word, ...]
    assignments: tuple[Assignment, ...]
    line: int

    @property
    def start(self) -> int:
        """Offset of the first word or assignment value."""
        starts = [word.start for word in self.words[:1]]
        starts += [given.value.start for given in self.assignments[:1]]
        return min(starts, default=0)


def commands(text: str) -> tuple[Command, ...]:
    """Every command of a script, in the order they are written.

    Those inside pipelines, conditions, loops, functions, `$(...)`, backticks and
    `sh -c '...'` are commands of their own, after the one that holds them.
    """
    return tuple(sorted(_commands(text, 0), key=lambda command: command.start))


def comments(text: str) -> tuple[tuple[int, int], ...]:
    """Offsets of the comments of a script."""
    masked = gotmpl.mask(text)
    if _is_endless(masked):
        return ()
    points = CodePoints(masked)
    found: list[tuple[int, int]] = []
    todo = [_parser().parse(masked.encode()).root_node]
    while todo:
        node = todo.pop()
        if node.type == "comment":
            found.append((points[node.start_byte], points[node.end_byte]))
        todo += node.children
    return tuple(sorted(span for span in found if "{{" not in text[span[0] : span[0] + 2]))


@cache
def _parser() -> Parser:
    import tree_sitter
    import tree_sitter_bash

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


def _is_endless(text: str) -> bool:
    """Whether the parser would take time squared: nobody writes such scripts by hand."""
    return bool(_RUN.search(text)) or any(text.count(one) > _MOST_OPENED for one in ("<<", "=("))


def _commands(text: str, nesting: int) -> list[Command]:
    masked = gotmpl.mask(text) if gotmpl.has_actions(text) else text
    reader = _Reader(text, masked)
    found = reader.read()
    if nesting < MAX_NESTING:
        for command in tuple(found):
            for script in _scripts(command):
                found += _nested(text, script, nesting)
    return found


def _scripts(command: Command) -> Iterable[Word]:
    """The words of a command that are scripts: after `sh -c`, `su -c`, `eval`."""
    words = command.words
    for at, word in enumerate(words[:-1]):
        name = word.text.rpartition("/")[2]
        if name == "eval" and at == 0:
            yield from words[1:]
        elif name in _SHELLS or (name == "su" and at == 0):
            for flag in range(at + 1, len(words) - 1):
                if _COMMAND_FLAG.fullmatch(words[flag].text):
                    yield words[flag + 1]
                    return
                if name != "su" and not words[flag].text.startswith(("-", "+")):
                    return


def _nested(text: str, script: Word, nesting: int) -> list[Command]:
    """The commands of a script word, with offsets and lines of the outer text."""
    base = text.count("\n", 0, script.text_start)
    inner = _commands(script.text, nesting + 1)
    return [
        Command(
            tuple(_shift(word, script, text) for word in command.words),
            tuple(
                replace(given, value=_shift(given.value, script, text))
                for given in command.assignments
            ),
            command.line + base,
        )
        for command in inner
    ]


def _shift(word: Word, script: Word, text: str) -> Word:
    """A word of a nested script as a word of the outer text."""
    start = script.locate(word.start, word.start)
    end = script.locate(word.end, word.end)
    low = start[0] if start else script.start
    high = end[0] if end else script.end
    runs: list[Run] = []
    for at, place, length in word.runs:
        found = script.locate(place, place + length)
        if found is not None:
            runs.append((at, found[0], length))
    verbatim = word.verbatim and len(runs) == 1
    first = runs[0][1] if runs else low
    return replace(
        word, start=low, end=high, raw=text[low:high], verbatim=verbatim, text_start=first,
        runs=tuple(runs),
    )  # fmt: skip


class _Reader:
    """Reads one script: first its tree, then the lines where the tree has errors."""

    def __init__(self, text: str, masked: str) -> None:
        self.text = text
        self.masked = masked
        self.points = CodePoints(masked)
        self.found: list[Command] = []
        self.covered: list[tuple[int, int]] = []
        self.comments: list[int] = []

    def read(self) -> list[Command]:
        if _is_endless(self.masked):
            self._split_uncovered()
            return self.found
        root = _parser().parse(self.masked.encode()).root_node
        todo: list[tuple[Node, Node | None, int]] = [(root, None, 0)]
        while todo:
            node, redirects, depth = todo.pop()
            if node.type == "redirected_statement":
                todo += [(child, owned, depth) for child, owned in self._redirected(node)]
                continue
            if node.type == "comment":
                self.comments.append(self.points[node.start_byte])
            elif node.type == "heredoc_end":
                self._cover(node)
            elif not node.has_error or not root.has_error:
                self._simple(node, redirects)
            depth += node.type in _HOLDERS
            if depth <= MAX_DEPTH:
                todo += [(child, None, depth) for child in node.children]
        if root.has_error:
            self._split_uncovered()
        return self.found

    def _redirected(self, node: Node) -> list[tuple[Node, Node | None]]:
        """The statement's children; its here-documents go to its last command."""
        body = node.child_by_field_name("body")
        while body is not None and body.type in ("pipeline", "list", "negated_command"):
            # `mark | psql <<EOF`: the redirect is parsed around the pipeline.
            node_children = body.named_children
            body = node_children[-1] if node_children else None
        owner = body if body is not None and body.type == "command" else None
        if owner is not None:
            self._simple(owner, node)
        result: list[tuple[Node, Node | None]] = []
        for child in node.children:
            if owner is None or child.id != owner.id:
                result.append((child, None))
            else:
                result += [(grandchild, None) for grandchild in child.children]
        return result

    def _simple(self, node: Node, redirects: Node | None) -> None:
        if node.type == "command":
            self._add_command(node, redirects)
        elif node.type == "declaration_command":
            self._add_command(node, None)
        elif node.type == "variable_assignment":
            parent = node.parent
            if parent is None or parent.type not in ("command", "declaration_command"):
                self._add(node, [], [self._assignment(node)])

    def _add_command(self, node: Node, redirects: Node | None) -> None:
        if any(known[0] == self.points[node.start_byte] for known in self.covered[-8:]):
            return
        words: list[Word] = []
        given: list[Assignment] = []
        for child in node.children:
            if child.type == "variable_assignment":
                given.append(self._assignment(child))
            elif child.type in ("herestring_redirect", "heredoc_redirect"):
                words += self._heredoc(child)
            elif child.type == "variable_name" or (
                child.type not in _NOT_WORDS and child.type not in _PARTS
            ):
                words.append(self._word(child))
        if redirects is not None:
            for child in redirects.children_by_field_name("redirect"):
                words += self._heredoc(child)
        self._add(node, words, given)

    def _add(self, node: Node, words: list[Word], given: list[Assignment]) -> None:
        self._cover(node)
        for word in words:
            self.covered.append((word.start, word.end))
        self.found.append(Command(tuple(words), tuple(given), node.start_point[0] + 1))

    def _cover(self, node: Node) -> None:
        self.covered.append((self.points[node.start_byte], self.points[node.end_byte]))

    def _word(self, node: Node, *, heredoc: bool = False) -> Word:
        start, end = self.points[node.start_byte], self.points[node.end_byte]
        return read_word(self.text, self.masked, start, end, heredoc=heredoc)

    def _assignment(self, node: Node) -> Assignment:
        start, end = self.points[node.start_byte], self.points[node.end_byte]
        match = _ASSIGNS.match(self.masked, start, end)
        value = match.end() if match else end
        name = match.group(1) if match else self.text[start:end].partition("=")[0]
        return Assignment(name, read_word(self.text, self.masked, value, end))

    def _heredoc(self, node: Node) -> list[Word]:
        if node.type == "herestring_redirect":
            inner = [self._word(child) for child in node.named_children]
            return [replace(word, heredoc=True) for word in inner]
        if node.type != "heredoc_redirect":
            return []
        words: list[Word] = []
        for child in node.named_children:
            if child.type == "heredoc_body":
                words.append(self._word(child, heredoc=True))
            elif child.type in ("word", "string", "raw_string", "concatenation", "number"):
                words.append(self._word(child))
        return words

    def _split_uncovered(self) -> None:
        """Split, by plain rules, the lines that no command of the tree covers."""
        taken = bytearray(len(self.masked) + 1)
        for start, end in self.covered:
            taken[start:end] = b"\1" * (end - start)
        self.comments.sort()
        at = 0
        for number, line in enumerate(_LINES.findall(self.masked), 1):
            first = at + len(line) - len(line.lstrip())
            last = at + len(line.rstrip())
            comment = bisect_left(self.comments, first)
            if comment < len(self.comments):
                last = min(last, self.comments[comment])
            if first < last and not any(taken[first:last]):
                self._split_line(first, last, number)
            at += len(line)

    def _split_line(self, start: int, end: int, number: int) -> None:
        words: list[Word] = []
        given: list[Assignment] = []
        at = start

        def flush() -> None:
            if words or given:
                self.found.append(Command(tuple(words), tuple(given), number))
            words.clear()
            given.clear()

        while at < end:
            comment = _COMMENT.match(self.masked, at, end)
            boundary = _BOUNDARY.match(self.masked, at, end)
            redirect = _REDIRECT.match(self.masked, at, end)
            match = _WORD.match(self.masked, at, end)
            if comment:
                break
            if redirect:
                target = _WORD.match(self.masked, redirect.end(), end)
                at = target.end() if target else redirect.end()
            elif boundary:
                flush()
                at = boundary.end()
            elif match:
                self._sort(match, words, given)
                at = match.end()
            else:
                at += 1
        flush()

    def _sort(self, match: re.Match[str], words: list[Word], given: list[Assignment]) -> None:
        start, end = match.span()
        assigns = _ASSIGNS.match(self.masked, start, end)
        if assigns and (not words or words[0].text in _EXPORTS):
            value = read_word(self.text, self.masked, assigns.end(), end)
            given.append(Assignment(assigns.group(1), value))
        elif words or match.group() not in _KEYWORDS:
            words.append(read_word(self.text, self.masked, start, end))
