"""YAML and Helm templates: masking, recovery per document, comments."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from repoint.formats import gotmpl
from repoint.formats.base import Document, Mapping, Node, Scalar
from repoint.formats.source import Source
from repoint.formats.yaml_lines import read_lines
from repoint.formats.yaml_marks import Stream, read_stream
from repoint.model.source import Span

_MARKER = re.compile(r"^(?:\ufeff)?---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_BOM = "\ufeff"
_COMMENT = re.compile(r"(?:^|(?<=[ \t\n\r]))#[^\n\r]*")


@dataclass(frozen=True, slots=True)
class Reading:
    """Documents with what could not be read of them."""

    documents: tuple[Document, ...]
    problem: str = ""
    masked: bool = False


def read_yaml(source: Source, *, template: bool = False) -> Reading:
    """Read a YAML stream; a document that does not parse leaves the others readable.

    Template actions are masked when `template` says so, or when the text does not
    read as YAML (or only by accident: `{{ .x }}` is a mapping to YAML) without.
    """
    if source.text.startswith(_BOM):
        source = part(source, len(_BOM), len(source.text))  # libyaml's marks leave it out.
    actions = gotmpl.has_actions(source.text)
    if not actions:
        documents = read_lines(source)
        if documents is not None:
            return Reading(documents)
    stream: Stream | None = None
    if not (template and actions):
        stream = read_stream(source)
        if not stream.problem and not stream.template:
            return _reading(stream, masked=False)
    if actions:
        hidden = gotmpl.mask(source.text)
        with_mask = read_stream(source, hidden)
        if not with_mask.problem:
            return _reading(with_mask, masked=True)
        if stream is None or stream.template or hidden != source.text:
            return _reading(_recover(source, hidden, with_mask), masked=True)
    if stream is None:
        stream = read_stream(source)
    return _reading(_recover(source, None, stream), masked=False)


def _recover(source: Source, hidden: str | None, failed: Stream) -> Stream:
    """Read each document by itself after the whole stream did not parse."""
    text = source.text if hidden is None else hidden
    cuts = [match.start() for match in _MARKER.finditer(text)]
    if not cuts:
        return failed
    bounds = sorted({0, *cuts, len(text)})
    result = Stream(problem=failed.problem, template=failed.template)
    for low, high in pairwise(bounds):
        low += text.startswith(_BOM, low)
        piece = part(source, low, high)
        chunk = read_stream(piece, text[low:high] if hidden is not None else None)
        found = [document.root for document in chunk.documents]
        if chunk.problem:
            found.append(None)
            result.problem = result.problem if result.documents else chunk.problem
        start = len(result.documents)
        result.documents += [Document(start + at, root) for at, root in enumerate(found)]
    return result


def part(source: Source, low: int, high: int) -> Source:
    """`source.text[low:high]` as a source of its own, with the same bytes and lines."""
    origin = source.map(((0, low, high - low),))
    return Source(source.text[low:high], origin, source.line(low))


def _reading(stream: Stream, *, masked: bool) -> Reading:
    return Reading(tuple(stream.documents), stream.problem, masked)


def comments(source: Source, documents: tuple[Document, ...]) -> tuple[Span, ...]:
    """`#` comments: those that no scalar holds."""
    spans = sorted({span for document in documents for span in _scalars(document.root)})
    starts = [span.start for span in spans]
    found: list[Span] = []
    for match in _COMMENT.finditer(source.text):
        span = source.span(*match.span())
        at = bisect_right(starts, span.start) - 1
        if at < 0 or spans[at].end <= span.start:
            found.append(span)
    return tuple(found)


def _scalars(root: Node | None) -> Iterator[Span]:
    todo = [root]
    seen: set[int] = set()
    while todo:
        node = todo.pop()
        if isinstance(node, Scalar):
            yield node.span
        elif node is not None and id(node) not in seen:
            seen.add(id(node))
            if isinstance(node, Mapping):
                for key, value in node.pairs:
                    yield key.span
                    todo.append(value)
            else:
                todo += node.items
