"""HCL (Terraform, Atlas, Nomad) into a tree: blocks are mappings by type and labels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from repoint.formats.base import Document, Mapping, Node, Run, Scalar, Sequence
from repoint.formats.escapes import unescape
from repoint.formats.offsets import CodePoints
from repoint.formats.source import Source

if TYPE_CHECKING:
    from tree_sitter import Node as Syntax
    from tree_sitter import Parser

_MAX_DEPTH = 200
_WRAPPERS = frozenset({"expression", "literal_value", "template_expr", "collection_value"})

_LABELS = frozenset({"identifier", "string_lit"})
_LITERALS = frozenset({"numeric_lit", "bool_lit", "null_lit"})


@dataclass(slots=True)
class HclReading:
    """The one document of a file, and its comments."""

    documents: tuple[Document, ...] = ()
    problem: str = ""
    comments: list[tuple[int, int]] = field(default_factory=list)
    """Where they start and end in the text."""


class _TooDeep(Exception):
    """Nesting passed _MAX_DEPTH."""


# The parser's own scanner takes time squared for them.
_MOST_BLANKS = 1000
_MOST_COMMENTS = 5000
_BLANKS = re.compile(rf"(?<!\s)\s{{{_MOST_BLANKS + 1}}}")


@cache
def _parser() -> Parser:
    import tree_sitter
    import tree_sitter_hcl

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_hcl.language()))


def read_hcl(source: Source) -> HclReading:
    """Read attributes and blocks; what stands around a syntax error is still read.

    A block `env "local" {}` is the pair `env` whose mapping has the pair `local`. Several blocks of
    one type and the same labels are the items of a list, in the place of the first.
    A quoted template keeps `${...}` as written. An expression that is no literal is a
    scalar of style `expression` with its source as text.
    """
    reader = _Reader(source)
    reading = HclReading(comments=reader.comments)
    if (blanks := _BLANKS.search(source.text)) is not None:
        line = source.line(blanks.start())
        reading.problem = f"line {line}: more than {_MOST_BLANKS} blanks in a row"
        return reading
    if source.text.count("/*") > _MOST_COMMENTS:
        reading.problem = f"line {source.first_line}: more than {_MOST_COMMENTS} comments open"
        return reading
    root = _parser().parse(source.text.encode()).root_node
    try:
        pairs = reader.pairs(_bodies(root), 0)
    except _TooDeep:
        reading.problem = f"line {source.first_line}: nested deeper than {_MAX_DEPTH} levels"
        return reading
    if root.has_error:
        line = source.line(reader.points[_first_error(root).start_byte])
        reading.problem = f"line {line}: not valid HCL"
    reader.note_comments(root)
    whole = Mapping(pairs, source.span(0, len(source.text)), source.first_line)
    reading.documents = (Document(0, whole),)
    return reading


def _bodies(root: Syntax) -> Iterator[Syntax]:
    """The bodies at the top: one, or what is left of it around an error."""
    for child in root.children:
        if child.type in ("body", "ERROR", "object"):
            yield child


def _first_error(root: Syntax) -> Syntax:
    node = root
    while True:
        bad = next((child for child in node.children if child.has_error or child.is_missing), None)
        if bad is None or node.is_error:
            return node
        node = bad


_Name = tuple[str, ...]
"""A block's type and labels."""


def _labels(block: Syntax) -> list[Syntax]:
    return [child for child in block.named_children if child.type in _LABELS]


class _Reader:
    """Turns syntax nodes into values with spans."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.points = CodePoints(source.text)
        self.comments: list[tuple[int, int]] = []

    def note_comments(self, root: Syntax) -> None:
        """Gather the comments of the whole tree."""
        todo = [root]
        while todo:
            node = todo.pop()
            if node.type == "comment":
                self.comments.append(self._range(node))
            todo += reversed(node.children)

    def pairs(self, bodies: Iterable[Syntax], depth: int) -> tuple[tuple[Scalar, Node], ...]:
        """The attributes and blocks of bodies, in file order."""
        found: list[tuple[Scalar, Node] | _Name] = []
        blocks: dict[_Name, list[Syntax]] = {}
        for child in (one for body in bodies for one in self._statements(body, depth)):
            if child.type == "attribute":
                key, value = child.named_children[0], child.named_children[-1]
                if value.type == "expression":
                    found.append((self._label(key), self.value(value, depth + 1)))
                continue
            name = tuple(self._label(label).text for label in _labels(child))
            if name not in blocks:
                found.append(name)
            blocks.setdefault(name, []).append(child)
        pairs: list[tuple[Scalar, Node]] = []
        for one in found:
            # No comprehension: each has a frame of its own, and blocks nest deep.
            if isinstance(one[0], str):
                pairs.append(self._blocks(blocks[one], depth + 1))
            else:
                pairs.append(one)
        return tuple(pairs)

    def _statements(self, node: Syntax, depth: int) -> Iterator[Syntax]:
        """The attributes and blocks of a body, around what does not parse."""
        if depth > _MAX_DEPTH:
            raise _TooDeep
        for child in node.named_children:
            if child.type in ("attribute", "block"):
                yield child
            elif child.type in ("body", "ERROR"):
                yield from self._statements(child, depth + 1)

    def _blocks(self, nodes: list[Syntax], depth: int) -> tuple[Scalar, Node]:
        """Blocks of one type and the same labels, as the pair of the first."""
        items: list[Mapping] = []
        for node in nodes:
            items.append(self._block(node, depth))
        labels = _labels(nodes[0])
        end, line = self._range(nodes[-1])[1], items[0].line
        value: Node = items[0]
        if len(items) > 1:
            value = Sequence(tuple(items), self.source.span(self._range(nodes[0])[0], end), line)
        for label in reversed(labels[1:]):
            span = self.source.span(self._range(label)[0], end)
            value = Mapping(((self._label(label), value),), span, line)
        return self._label(labels[0]), value

    def _block(self, node: Syntax, depth: int) -> Mapping:
        start, end = self._range(node)
        bodies = (child for child in node.named_children if child.type == "body")
        pairs = self.pairs(bodies, depth)
        return Mapping(pairs, self.source.span(start, end), self.source.line(start))

    def _label(self, node: Syntax) -> Scalar:
        start, end = self._range(node)
        if self.source.text[start : start + 1] == '"':
            text, runs = unescape(self.source.text[start + 1 : end - 1], start + 1)
            return self.source.scalar(start, end, "double", text, runs)
        return self.source.verbatim(start, end)

    def value(self, node: Syntax, depth: int) -> Node:
        """The value of an expression."""
        if depth > _MAX_DEPTH:
            raise _TooDeep
        while node.type in _WRAPPERS and node.named_child_count == 1:
            node = node.named_children[0]
        start, end = self._range(node)
        if node.type in ("string_lit", "quoted_template"):
            return self._label(node)
        if node.type == "heredoc_template":
            return self._heredoc(start, end)
        if node.type == "object":
            return self._object(node, depth)
        if node.type == "tuple":
            items = [
                self.value(child, depth + 1)
                for child in node.named_children
                if child.type == "expression"
            ]
            span = self.source.span(start, end)
            return Sequence(tuple(items), span, self.source.line(start), True)
        style = "plain" if node.type in _LITERALS else "expression"
        return self.source.verbatim(start, end, style)

    def _object(self, node: Syntax, depth: int) -> Node:
        pairs: list[tuple[Scalar, Node]] = []
        for child in node.named_children:
            parts = [part for part in child.named_children if part.type == "expression"]
            if child.type == "object_elem" and len(parts) == 2:
                pairs.append((self._label(parts[0]), self.value(parts[1], depth + 1)))
        start, end = self._range(node)
        return Mapping(tuple(pairs), self.source.span(start, end), self.source.line(start), True)

    def _heredoc(self, start: int, end: int) -> Scalar:
        """A here-document: `<<-` takes the smallest indentation off every line."""
        raw = self.source.text[start:end]
        lines = raw.splitlines(keepends=True)
        indents = [len(line) - len(line.lstrip(" \t")) for line in lines[1:-1] if line.strip()]
        cut = min(indents, default=0) if raw.startswith("<<-") else 0
        runs: list[Run] = []
        pieces: list[str] = []
        length, at = 0, start + len(lines[0])
        for line in lines[1:-1]:
            piece = line[min(cut, len(line) - len(line.lstrip(" \t"))) :]
            runs.append((length, at + len(line) - len(piece), len(piece)))
            pieces.append(piece)
            length += len(piece)
            at += len(line)
        return self.source.scalar(start, end, "heredoc", "".join(pieces), runs)

    def _range(self, node: Syntax) -> tuple[int, int]:
        return self.points[node.start_byte], self.points[node.end_byte]
