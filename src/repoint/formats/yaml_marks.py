"""YAML into a tree with byte spans, from libyaml's events.

Events are taken instead of PyYAML's nodes because they keep what the composer drops:
which alias points where, which anchor is declared twice (valid in YAML 1.2, refused by
the composer), and nesting that would otherwise recurse. Four corrections make libyaml's
marks byte spans: marks count code points, the C reader is off by one after a BOM (so the
text comes without), a span begins at `&anchor` or `!tag`, and a block scalar's span holds
its trailing blank lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, cast

import yaml
from msgspec.structs import force_setattr

from repoint.errors import RepointError
from repoint.formats.base import (
    Document,
    Mapping,
    Node,
    PiecedScalar,
    Run,
    Scalar,
    Sequence,
    expanded_size,
)
from repoint.formats.blocks import read_block
from repoint.formats.source import Source
from repoint.formats.yaml_text import flow_runs

try:
    from yaml import CSafeLoader
except ImportError as missing:  # pragma: no cover
    raise RepointError(
        "PyYAML was installed without libyaml, which repoint needs to read YAML",
        hint="install a binary wheel: `pip install --force-reinstall --only-binary :all: PyYAML`",
    ) from missing

MAX_DEPTH = 200
"""Nesting beyond this is refused; real manifests stay below 30."""

MAX_EXPANDED = 1_000_000
"""Values that a document may show through its aliases (the billion laughs have 10^9)."""

_PROPERTIES = re.compile(
    r"(?:(?:&[^\s,\[\]{}]+|!<[^>\s]*>|![^\s,\[\]{}]*)(?:\s+(?:#[^\n\r]*\s*)*|(?=[\[\]{},])|\Z))+"
)
_STYLES = {"": "plain", "'": "single", '"': "double", "|": "literal", ">": "folded"}


class _Mark(Protocol):
    """A place in libyaml's input, in code points, lines and columns from 0."""

    index: int
    line: int
    column: int


class _Event(Protocol):
    """What the handlers read of an event; each asks for what its kind has."""

    start_mark: _Mark
    end_mark: _Mark
    anchor: str | None
    tag: str | None
    value: str
    style: str | None
    flow_style: bool | None


class _BadAlias(Exception):
    """An alias that names no finished node."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(reason)
        self.offset = offset
        self.reason = reason


@dataclass(slots=True)
class Stream:
    """What one reading of a stream gave; `problem` names a line, never content."""

    documents: list[Document] = field(default_factory=list)
    problem: str = ""
    template: bool = False
    """A flow mapping begins with `{{`: a template action that happens to parse."""


@dataclass(slots=True)
class _Open:
    """A collection whose end was not seen yet."""

    is_mapping: bool
    start: int
    line: int
    flow: bool
    anchor: str
    pairs: list[tuple[Scalar, Node]] = field(default_factory=list)
    items: list[Node] = field(default_factory=list)
    key: Scalar | None = None
    last: int = 0


class _TooDeep(Exception):
    """Nesting passed MAX_DEPTH."""


class _IsTemplate(Exception):
    """A template action was read as a mapping: no use to go on without a mask."""


def read_stream(source: Source, masked: str | None = None) -> Stream:
    """Read every document of `source`, as far as the first error.

    `masked` is the text with template actions masked, of the same length; scalars
    show the text as written.
    """
    stream = Stream()
    text = source.text if masked is None else masked
    builder = _Builder(source, text, stream, masked is not None)
    loader = CSafeLoader(builder.text)
    try:
        while (event := loader.get_event()) is not None:
            handle = _HANDLERS.get(type(event))
            if handle is not None:
                # The stubs know no fields of the event kinds.
                handle(builder, cast(_Event, event))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = source.line(min(mark.index, len(source.text))) if mark else source.first_line
        stream.problem = f"line {line}: {error.problem or error.context or 'not valid YAML'}"
    except yaml.reader.ReaderError as error:
        line = source.line(builder.offset_of(error))
        stream.problem = f"line {line}: a control character is not allowed in YAML"
    except _BadAlias as error:
        stream.problem = f"line {source.line(error.offset)}: {error.reason}"
    except _IsTemplate:
        stream.problem = f"line {builder.line}: a template action"
    except _TooDeep:
        stream.problem = f"line {builder.line}: nested deeper than {MAX_DEPTH} levels"
    finally:
        loader.dispose()
    return stream


class _Builder:
    """Turns events into nodes; keeps its own stack, so depth costs no recursion."""

    def __init__(self, source: Source, text: str, stream: Stream, masked: bool) -> None:
        self.source = source
        self.text = text
        self.stream = stream
        self.line = source.first_line
        self._index = 0
        self._stack: list[_Open] = []
        self._root: Node | None = None
        self._anchors: dict[str, Node | None] = {}
        self._marked: set[int] = set()
        self._aliases = False
        self._masked = masked
        self._anchored = 0
        """How many of the open collections carry an anchor: an alias may mark their scalars."""

    def offset_of(self, error: yaml.reader.ReaderError) -> int:
        """The code point that the reader stopped at; libyaml counts bytes."""
        head = self.text.encode()[: error.position or 0]
        return len(head.decode(errors="ignore"))

    def scalar(self, event: _Event) -> None:
        """Add a scalar with its runs."""
        start, end, value = event.start_mark.index, event.end_mark.index, event.value
        anchor, tag = event.anchor or "", event.tag or ""
        if anchor or tag:
            start = self._skip_properties(start, end)
        style = _STYLES[event.style or ""]
        shown = self.source.text
        if self._masked and self.text[start - 1 : start] == " " and shown[start - 1] == "{":
            # `key:{{ .x }}`: the mask had to begin with the blank that the colon needs.
            start, value = start - 1, " " + value
        text, end, runs = self._mapped(start, end, value, style)
        node = self.source.scalar(start, end, style, text, runs)
        if anchor or tag or self._anchored:
            node = PiecedScalar(text, style, self.source, start, end, runs, anchor, False, tag)
        if anchor:
            self._anchors[anchor] = node
        self._add(node, end)

    def _mapped(
        self, start: int, end: int, value: str, style: str
    ) -> tuple[str, int, tuple[Run, ...]]:
        """The scalar's text as written, its end without blank lines, and its runs."""
        source = self.source
        if style in ("literal", "folded"):
            block = read_block(self.text, source.text, start, end, value)
            return block.text, block.end, block.runs
        raw = self.text[start:end]
        runs = flow_runs(raw, value, style)
        if not runs:
            written = source.text[start:end]
            return (value if written == raw else written), end, ()
        moved = tuple([(at, place + start, length) for at, place, length in runs])
        if self.text is source.text:
            return value, end, moved
        pieces: list[str] = []
        cursor = 0
        for at, place, length in moved:
            pieces += value[cursor:at], source.text[place : place + length]
            cursor = at + length
        return "".join((*pieces, value[cursor:])), end, moved

    def _skip_properties(self, start: int, end: int) -> int:
        match = _PROPERTIES.match(self.text, start, end)
        return min(match.end(), end) if match else start

    def open_mapping(self, event: _Event) -> None:
        """Begin a mapping."""
        self._open(event, True)

    def open_sequence(self, event: _Event) -> None:
        """Begin a sequence."""
        self._open(event, False)

    def _open(self, event: _Event, is_mapping: bool) -> None:
        start = event.start_mark.index
        if event.anchor or event.tag:
            match = _PROPERTIES.match(self.text, start)
            start = match.end() if match else start
        self.line = self.source.line(start)
        if len(self._stack) >= MAX_DEPTH:
            raise _TooDeep
        flow = bool(event.flow_style)
        if flow and is_mapping and self.text.startswith("{{", start):
            self.stream.template = True
            if not self._masked:
                raise _IsTemplate
        if event.anchor:
            self._anchors[event.anchor] = None
            self._anchored += 1
        self._stack.append(
            _Open(is_mapping, start, self.line, flow, event.anchor or "", last=event.end_mark.index)
        )

    def close(self, event: _Event) -> None:
        """End the innermost collection."""
        top = self._stack.pop()
        end = event.end_mark.index if top.flow else top.last
        span = self.source.span(top.start, max(top.start, end))
        node: Node
        if top.is_mapping:
            node = Mapping(tuple(top.pairs), span, top.line, top.flow)
        else:
            node = Sequence(tuple(top.items), span, top.line, top.flow)
        if top.anchor:
            self._anchors[top.anchor] = node
            self._anchored -= 1
        self._add(node, end, top.start)

    def alias(self, event: _Event) -> None:
        """Add the very node that the anchor names, and mark its scalars as aliased."""
        start = event.start_mark.index
        name = event.anchor
        if name is None or name not in self._anchors:
            raise _BadAlias(start, "an alias without its anchor")
        node = self._anchors[name]
        if node is None:
            raise _BadAlias(start, "an alias inside its own anchor")
        self._aliases = True
        self._mark(node)
        self._add(node, event.end_mark.index, start)

    def _mark(self, root: Node) -> None:
        todo = [root]
        while todo:
            node = todo.pop()
            if id(node) in self._marked:
                continue
            self._marked.add(id(node))
            if isinstance(node, Scalar):
                # The node was not handed out yet: an alias is known only after its anchor.
                force_setattr(node, "aliased", True)
            elif isinstance(node, Mapping):
                todo += [part for pair in node.pairs for part in pair]
            else:
                todo += node.items

    def _add(self, node: Node, end: int, start: int = 0) -> None:
        if not self._stack:
            self._root = node
            return
        top = self._stack[-1]
        top.last = end
        if not top.is_mapping:
            top.items.append(node)
        elif top.key is None:
            top.key = node if isinstance(node, Scalar) else self._complex_key(node, start, end)
        else:
            top.pairs.append((top.key, node))
            top.key = None

    def _complex_key(self, node: Node, start: int, end: int) -> Scalar:
        """A collection used as a key, shown as it is written; it cannot be edited."""
        return PiecedScalar(self.source.text[start:end], "complex", self.source, start, end, ())

    def open_document(self, event: _Event) -> None:
        """Begin a document; anchors end with the one before."""
        self._anchors = {}
        self._marked = set()
        self._aliases = False
        self._root = None

    def close_document(self, event: _Event) -> None:
        """End a document: an empty one has no root, nor has an alias bomb."""
        root = self._root
        if isinstance(root, Scalar) and not root.text and root.style == "plain":
            root = None
        if root is not None and self._aliases and expanded_size(root) > MAX_EXPANDED:
            line = self.source.first_line
            self.stream.problem = (
                f"line {line}: document {self._index} shows more than {MAX_EXPANDED} values "
                "through its aliases"
            )
            root = None
        self.stream.documents.append(Document(self._index, root))
        self._index += 1


_HANDLERS: dict[type[yaml.Event], Callable[[_Builder, _Event], None]] = {
    yaml.ScalarEvent: _Builder.scalar,
    yaml.MappingStartEvent: _Builder.open_mapping,
    yaml.SequenceStartEvent: _Builder.open_sequence,
    yaml.MappingEndEvent: _Builder.close,
    yaml.SequenceEndEvent: _Builder.close,
    yaml.AliasEvent: _Builder.alias,
    yaml.DocumentStartEvent: _Builder.open_document,
    yaml.DocumentEndEvent: _Builder.close_document,
}
"""Beside the builder, not in it: that would be a cycle, and keep each file's trees for ever."""
