"""Text for YAML that did not exist before, in the style of its neighbours.

Nothing that stands in a file is ever emitted again: this is only for new files and
for pairs and items that are inserted. A tree is made of `dict`, `list`, `str`,
`Token` and `Block`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TypeAlias, Union

from repoint.formats.base import Mapping, Node, ParsedFile, Scalar, Sequence


@dataclass(frozen=True, slots=True)
class Token:
    """A scalar whose YAML spelling is already known, such as one copied from a base."""

    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """A block scalar: its header (`|`, `|-`, `>` ...) and its lines without indentation."""

    header: str
    lines: tuple[str, ...]


Tree: TypeAlias = Union[str, Token, Block, "dict[str, Tree]", "list[Tree]"]


@dataclass(frozen=True, slots=True)
class YamlStyle:
    """How a team writes YAML: indentation of mappings and of sequences, line ends."""

    indent: int = 2
    sequence_indent: int = 2
    newline: str = "\n"
    document_start: bool = False


_PLAIN = re.compile(r"-{0,2}[A-Za-z0-9/][A-Za-z0-9_./%+@=-]*(:[A-Za-z0-9_./%+@=-]+)*\Z")
_RESOLVED = re.compile(
    r"(?i:true|false|yes|no|on|off|null|y|n|~)\Z|[-+.0-9][0-9_.:eExXa-fA-F+-]*\Z|\d{4}-\d\d?-"
)


def scalar_text(value: str) -> str:
    """`value` as a plain scalar where that reads back as the same string, else quoted."""
    if _PLAIN.match(value) and not _RESOLVED.match(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def emit(tree: Tree, style: YamlStyle, column: int = 0) -> list[str]:
    """Lines of `tree`, each indented by `column` spaces, without line ends."""
    if isinstance(tree, dict):
        return [line for key, value in tree.items() for line in _pair(key, value, style, column)]
    if isinstance(tree, list):
        return [line for item in tree for line in emit_item(item, style, column)]
    return [" " * column + line for line in _inline(tree, style)]


def emit_item(item: Tree, style: YamlStyle, column: int) -> list[str]:
    """Lines of one sequence item whose dash stands at `column`."""
    pad = " " * column
    if isinstance(item, Block):
        body = [" " * (column + 2) + line if line else "" for line in item.lines]
        return [f"{pad}- {item.header}", *body]
    lines = emit(item, style, column + 2)
    return [f"{pad}- {lines[0][column + 2 :]}", *lines[1:]]


def flow_text(tree: Tree) -> str:
    """`tree` on one line, as it stands between brackets."""
    if isinstance(tree, dict):
        pairs = (f"{scalar_text(key)}: {flow_text(value)}" for key, value in tree.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(flow_text(item) for item in tree) + "]"
    if isinstance(tree, Block):
        text = "\n".join(tree.lines) + ("" if "-" in tree.header else "\n")
        return json.dumps(text, ensure_ascii=False)
    if isinstance(tree, Token):
        quoted = tree.text[:1] in ("'", '"')
        safe = quoted or not any(mark in tree.text for mark in ",?[]{}")
        return tree.text if safe else json.dumps(tree.text, ensure_ascii=False)
    return scalar_text(tree)


def _pair(key: str, value: Tree, style: YamlStyle, column: int) -> list[str]:
    head = " " * column + scalar_text(key) + ":"
    if isinstance(value, Block):
        pad = " " * (column + style.indent)
        return [f"{head} {value.header}", *(pad + line if line else "" for line in value.lines)]
    if isinstance(value, dict):
        return [head, *emit(value, style, column + style.indent)] if value else [f"{head} {{}}"]
    if isinstance(value, list):
        return [head, *emit(value, style, column + style.sequence_indent)]
    return [f"{head} {_inline(value, style)[0]}"]


def _inline(value: Tree, style: YamlStyle) -> list[str]:
    if isinstance(value, Token):
        return [value.text]
    if isinstance(value, str):
        return [scalar_text(value)]
    raise TypeError(f"not a scalar: {type(value).__name__} ({style.indent})")


def style_of(parsed: ParsedFile, raw: bytes, like: YamlStyle | None = None) -> YamlStyle:
    """The style that `parsed` shows; that of `like` where it shows nothing."""
    other = like or YamlStyle()
    sequence_indent: int | None = None
    indent: int | None = None
    for value, column in _pairs(parsed, raw):
        if isinstance(value, Sequence) and not value.flow and sequence_indent is None:
            sequence_indent = _column(raw, value.span.start) - column
        if isinstance(value, Mapping) and not value.flow and indent is None and value.pairs:
            indent = _column(raw, value.span.start) - column
        if indent is not None and sequence_indent is not None:
            break
    return YamlStyle(
        indent=indent if indent and indent > 0 else other.indent,
        sequence_indent=sequence_indent if sequence_indent in (0, 2, 4) else other.sequence_indent,
        newline=newline_of(raw),
        document_start=raw.startswith((b"---\n", b"---\r\n")),
    )


def newline_of(raw: bytes) -> str:
    """The line end that `raw` uses, by its first line."""
    first = raw.find(b"\n")
    return "\r\n" if first > 0 and raw[first - 1 : first] == b"\r" else "\n"


def _column(raw: bytes, offset: int) -> int:
    """Column of `offset`, counted from 0, in characters of an indentation (all ASCII)."""
    return offset - (raw.rfind(b"\n", 0, offset) + 1)


def _pairs(parsed: ParsedFile, raw: bytes) -> list[tuple[Node, int]]:
    """The values of every block mapping, with the column of their key."""
    found: list[tuple[Node, int]] = []
    todo: list[Node] = [d.root for d in parsed.documents if d.root is not None]
    while todo:
        node = todo.pop(0)
        if isinstance(node, Mapping) and not node.flow:
            for key, value in node.pairs:
                found.append((value, _column(raw, key.span.start)))
                if not isinstance(value, Scalar):
                    todo.append(value)
        elif isinstance(node, Sequence) and not node.flow:
            todo.extend(item for item in node.items if not isinstance(item, Scalar))
    return found
