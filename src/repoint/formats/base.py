"""The tree that every format is read into, and how its text maps to bytes.

A repository is hundreds of thousands of nodes, so they are lean: no garbage collector
header (a tree has no cycles), and a scalar computes its place and its map when asked.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from operator import itemgetter
from typing import Protocol

from msgspec import Struct

from repoint.formats.offsets import byte_offsets
from repoint.model.source import Span


class FileKind(StrEnum):
    """How a file is read."""

    YAML = "yaml"
    JSON = "json"
    HCL = "hcl"
    DOTENV = "dotenv"
    INI = "ini"
    TOML = "toml"
    PROPERTIES = "properties"
    MAKEFILE = "makefile"
    SHELL = "shell"
    HELM_TEMPLATE = "helm-template"
    DOCKERFILE = "dockerfile"
    XML = "xml"
    TEXT = "text"


_FIRST = itemgetter(0)
_QUOTED = frozenset({"single", "double"})

MAX_REPEATS = 100_000
"""How many nodes `leaves` shows again through aliases before it shows each only once."""


class TextMap(Struct, frozen=True, gc=False):
    """Maps offsets in a decoded text to bytes of the file.

    `runs` are `(text_start, byte_start, length_in_text, bytes)` pieces in text order
    within which the text stands in the file as it is, UTF-8 encoded; whatever lies
    between two runs (an escape, a line fold, an indentation) has no bytes of its own.
    """

    runs: tuple[tuple[int, int, str], ...]
    """`(text offset, byte offset, the piece of text)` in ascending order."""

    def span(self, start: int, end: int) -> Span | None:
        """Bytes of `text[start:end]`, or None when they are not one verbatim run.

        An empty range maps to the byte position where text could be inserted.
        """
        after = bisect_right(self.runs, start, key=_FIRST)
        for text_start, byte_start, piece in self.runs[max(0, after - 2) : after]:
            if end <= text_start + len(piece):
                low, high = start - text_start, end - text_start
                offsets = byte_offsets(piece)
                return Span(byte_start + offsets[low], byte_start + offsets[high])
        return None

    def window(self, start: int, end: int) -> TextMap:
        """The map of `text[start:end]`, with offsets counted from `start`."""
        pieces: list[tuple[int, int, str]] = []
        first = max(0, bisect_right(self.runs, start, key=_FIRST) - 1)
        for at in range(first, len(self.runs)):
            text_start, byte_start, piece = self.runs[at]
            if text_start >= end:
                break
            low, high = max(start, text_start), min(end, text_start + len(piece))
            if low < high:
                skipped = byte_offsets(piece)[low - text_start]
                cut = piece[low - text_start : high - text_start]
                pieces.append((low - start, byte_start + skipped, cut))
        return TextMap(tuple(pieces))


Run = tuple[int, int, int]
"""`(offset in the scalar's text, offset in the source's text, length)`: verbatim code points."""


class Ground(Protocol):
    """The text that a scalar stands in; `Source` is the one that the readers use."""

    text: str

    def span(self, start: int, end: int) -> Span:
        """Bytes from `start` to `end`, both offsets in the text."""

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both from 1."""

    def map(self, runs: Iterable[Run]) -> TextMap:
        """The map of a scalar whose text stands verbatim in `runs`."""


class Scalar(Struct, frozen=True, eq=False, gc=False):
    """A leaf value, or a mapping's key; this class itself: one that reads as it is written.

    `text` is the decoded value as a program would see it. `span` is the raw token
    in the file, quotes included, anchor and tag excluded; a block scalar's span
    starts at its header. `line` and `column` are where the token starts. `style` is
    `plain`, `single`, `double`, `literal`, `folded`, or the format's own word.
    `anchor` names the anchor it carries; `aliased` tells that an alias points to it, so
    that an edit would move every user of the alias. `tag` is an explicit tag.
    """

    text: str
    style: str
    ground: Ground
    start: int
    """Where the token starts in the ground's text."""

    @property
    def span(self) -> Span:
        """Bytes of the token."""
        return self.ground.span(self.start, self.start + len(self.text) + 2 * self._quote)

    @property
    def line(self) -> int:
        """The line that the token starts in, from 1."""
        return self.ground.position(self.start)[0]

    @property
    def column(self) -> int:
        """The column that the token starts at, from 1."""
        return self.ground.position(self.start)[1]

    @property
    def map(self) -> TextMap:
        """Where the text stands, byte for byte."""
        quote, length = self._quote, len(self.text)
        return self.ground.map(((0, self.start + quote, length),) if length or quote else ())

    @property
    def _quote(self) -> int:
        return 1 if self.style in _QUOTED else 0

    @property
    def anchor(self) -> str:
        """The anchor it carries, or nothing."""
        return ""

    @property
    def aliased(self) -> bool:
        """Whether an alias points to it."""
        return False

    @property
    def tag(self) -> str:
        """Its explicit tag, or nothing."""
        return ""


class PiecedScalar(Scalar, frozen=True, eq=False, gc=False):
    """A scalar of several pieces (escapes, folds, block lines), or with an anchor or a tag."""

    end: int
    """Where the token ends in the ground's text."""
    runs: tuple[Run, ...]
    """Which parts of the text stand verbatim in the ground; none: it cannot be edited."""
    anchor: str = ""
    aliased: bool = False
    tag: str = ""

    @property
    def span(self) -> Span:
        """Bytes of the token."""
        return self.ground.span(self.start, self.end)

    @property
    def map(self) -> TextMap:
        """Where the pieces of the text stand."""
        return self.ground.map(self.runs)


class Mapping(Struct, frozen=True, eq=False, gc=False):
    """Key and value pairs in file order; duplicate keys are all kept."""

    pairs: tuple[tuple[Scalar, Node], ...]
    span: Span
    line: int
    flow: bool = False

    def get(self, key: str) -> Node | None:
        """The first value of `key` (kustomize's rule), or None."""
        for name, value in self.pairs:
            if name.text == key:
                return value
        return None

    def text(self, *keys: str) -> str:
        """The text of the scalar at a path of keys, or an empty string."""
        node: Node | None = self
        for key in keys:
            node = node.get(key) if isinstance(node, Mapping) else None
        return node.text if isinstance(node, Scalar) else ""

    def mapping(self, *keys: str) -> Mapping | None:
        """The mapping at a path of keys, or None."""
        node: Node | None = self
        for key in keys:
            node = node.get(key) if isinstance(node, Mapping) else None
        return node if isinstance(node, Mapping) else None

    def items(self, *keys: str) -> tuple[Node, ...]:
        """The items of the sequence at a path of keys, or nothing."""
        node: Node | None = self
        for key in keys:
            node = node.get(key) if isinstance(node, Mapping) else None
        return node.items if isinstance(node, Sequence) else ()


class Sequence(Struct, frozen=True, eq=False, gc=False):
    """Items in file order."""

    items: tuple[Node, ...]
    span: Span
    line: int
    flow: bool = False


Node = Scalar | Mapping | Sequence


class Document(Struct, frozen=True, eq=False, gc=False):
    """One document of a file; `root` is None when it is empty."""

    index: int
    root: Node | None


class ParsedFile(Struct, frozen=True, eq=False, gc=False):
    """A file read once: its kind, its documents, and what could not be read.

    `text` is the decoded text (BOM removed, line ends kept) and `map` maps it to bytes;
    for formats without a tree the detectors work on it. `problem` says why the tree is
    missing or partial, with the line, never with content. `masked` tells that
    Go template actions were masked for reading. `sealed` tells a sops file.
    """

    path: str
    kind: FileKind
    text: str
    map: TextMap
    documents: tuple[Document, ...] = ()
    problem: str = ""
    masked: bool = False
    sealed: bool = False
    find_comments: Callable[[], tuple[Span, ...]] | None = None

    @property
    def comments(self) -> tuple[Span, ...]:
        """The comments in file order, looked for when asked."""
        return self.find_comments() if self.find_comments is not None else ()


class Leaf(Struct, frozen=True, eq=False, gc=False):
    """A scalar with its place in the tree: keys and indexes from the root."""

    path: tuple[str | int, ...]
    scalar: Scalar
    is_key: bool = False

    @property
    def pointer(self) -> str:
        """JSON-pointer like spelling of `path`."""
        return "/" + "/".join(str(p).replace("~", "~0").replace("/", "~1") for p in self.path)


def leaves(documents: tuple[Document, ...], *, keys: bool = False) -> Iterator[Leaf]:
    """Every scalar value of `documents` in file order; keys too when asked for.

    The path starts with the document's index. A node that aliases share is shown at
    each of its paths, until `MAX_REPEATS` nodes were shown again: from then on a
    collection that was seen before is left out, so that an alias bomb ends soon and
    every scalar is still shown at least once.
    """
    seen: set[int] = set()
    repeats = 0
    for document in documents:
        if document.root is None:
            continue
        todo: list[tuple[Node, tuple[str | int, ...], bool]]
        todo = [(document.root, (document.index,), False)]
        while todo:
            node, path, is_key = todo.pop()
            if isinstance(node, Scalar):
                yield Leaf(path, node, is_key)
                continue
            if id(node) in seen:
                repeats += 1 + len(_children(node))
                if repeats > MAX_REPEATS:
                    continue
            seen.add(id(node))
            if isinstance(node, Mapping):
                for key, value in reversed(node.pairs):
                    below = (*path, key.text)
                    todo.append((value, below, False))
                    if keys:
                        todo.append((key, below, True))
            else:
                for index in range(len(node.items) - 1, -1, -1):
                    todo.append((node.items[index], (*path, index), False))


def expanded_size(root: Node) -> int:
    """How many scalars `root` shows when every alias is followed; linear in the nodes."""
    sizes: dict[int, int] = {}
    todo: list[tuple[Node, bool]] = [(root, False)]
    while todo:
        node, ready = todo.pop()
        if id(node) in sizes:
            continue
        if isinstance(node, Scalar):
            sizes[id(node)] = 1
            continue
        if isinstance(node, Mapping):
            children: list[Node] = [value for _, value in node.pairs]
        else:
            children = list(node.items)
        if ready:
            sizes[id(node)] = sum(sizes[id(child)] for child in children) + 1
        else:
            todo.append((node, True))
            todo += [(child, False) for child in children]
    return sizes[id(root)]


def _children(node: Mapping | Sequence) -> tuple[object, ...]:
    return node.pairs if isinstance(node, Mapping) else node.items
