"""Files without a tree: Makefile, shell, Dockerfile, XML and plain text; their comments."""

from __future__ import annotations

import re

from repoint.formats.base import FileKind
from repoint.formats.source import Source
from repoint.model.source import Span

_LINE_COMMENT = re.compile(r"^[ \t]*(#[^\n\r]*)", re.MULTILINE)
_XML_COMMENT = re.compile(r"(<!--.*?(?:-->|\Z))", re.DOTALL)
_PATTERNS = {
    FileKind.MAKEFILE: _LINE_COMMENT,
    FileKind.DOCKERFILE: _LINE_COMMENT,
    FileKind.XML: _XML_COMMENT,
}


def comment_spans(source: Source, kind: FileKind) -> tuple[Span, ...]:
    """The comments of a file that has no tree; none are known of plain text."""
    if kind is FileKind.SHELL:
        from repoint.formats.shell import comments

        return tuple(source.span(*place) for place in comments(source.text))
    pattern = _PATTERNS.get(kind)
    if pattern is None:
        return ()
    return tuple(source.span(*match.span(1)) for match in pattern.finditer(source.text))
