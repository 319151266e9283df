"""Bytes to `ParsedFile`: the one way into this package. Never raises, never writes."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from repoint.formats.base import Document, FileKind, Mapping, ParsedFile, TextMap
from repoint.formats.kinds import kind_of
from repoint.formats.source import Source
from repoint.formats.text import comment_spans

MAX_BYTES = 20 * 1024 * 1024
"""Larger files are reported, not read: no manifest is that big."""

_LARGE = 256 * 1024
_BOM = b"\xef\xbb\xbf"
_WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
_YAML_GOTMPL = (".yaml.gotmpl", ".yml.gotmpl")
_NO_MAP = TextMap(())


def read_file(path: str, raw: bytes) -> ParsedFile:
    """Read a file as its name says (`FileKind.TEXT` where the name says nothing).

    What cannot be read is told in `problem`, with the line and without content.
    """
    kind = kind_of(path, raw[:1024]) or FileKind.TEXT
    if len(raw) > MAX_BYTES:
        return ParsedFile(path, kind, "", _NO_MAP, problem="larger than 20 MB")
    if raw.startswith(_WIDE_BOMS):
        return ParsedFile(path, kind, "", _NO_MAP, problem="line 1: UTF-16, not UTF-8")
    if b"\0" in raw:
        line = raw.count(b"\n", 0, raw.index(b"\0")) + 1
        return ParsedFile(path, kind, "", _NO_MAP, problem=f"line {line}: a NUL byte, not text")
    skip = len(_BOM) if raw.startswith(_BOM) else 0
    try:
        text = raw[skip:].decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, skip + error.start) + 1
        return ParsedFile(path, kind, "", _NO_MAP, problem=f"line {line}: not UTF-8")
    return _read(path, Source(text, TextMap(((0, skip, text),))), kind)


def read_embedded(
    path: str, text: str, text_map: TextMap, kind: FileKind, *, first_line: int = 1
) -> ParsedFile:
    """Read a text that is itself inside a scalar; every span is of the outer file.

    `text_map` is the scalar's own map (empty for decoded text: then spans are `Span(0, 0)`
    and nothing maps). `first_line` is the outer line that `text` begins in; a literal
    block's lines then come out as the file's.
    """
    return _read(path, Source(text, text_map, first_line), kind)


def _read(path: str, source: Source, kind: FileKind) -> ParsedFile:
    whole = source.map(((0, 0, len(source.text)),))
    parsed = ParsedFile(path, kind, source.text, whole)
    with _no_collection(len(source.text)):
        return _with_tree(parsed, source)


@contextmanager
def _no_collection(length: int) -> Iterator[None]:
    """Hold the garbage collector while a large tree grows: it would walk it again and again.

    A tree has no cycles, so nothing is lost; a 5 MB manifest reads twice as fast.
    """
    hold = length > _LARGE and gc.isenabled()
    if hold:
        gc.disable()
    try:
        yield
    finally:
        if hold:
            gc.enable()


def _with_tree(parsed: ParsedFile, source: Source) -> ParsedFile:
    kind = parsed.kind
    if kind in (FileKind.YAML, FileKind.HELM_TEMPLATE):
        if parsed.path.endswith((".tpl", ".gotmpl")) and not parsed.path.endswith(_YAML_GOTMPL):
            # Named templates: pieces of YAML at best, so there is no tree to find.
            return replace(parsed, masked="{{" in source.text)
        from repoint.formats.yaml_file import read_yaml

        reading = read_yaml(source, template=kind is FileKind.HELM_TEMPLATE)
        return replace(
            parsed,
            documents=reading.documents,
            problem=reading.problem,
            masked=reading.masked,
            comments=reading.comments,
            sealed=_sealed_tree(reading.documents),
        )
    if kind is FileKind.JSON:
        from repoint.formats.json_text import read_json

        json = read_json(source)
        return replace(
            parsed,
            documents=json.documents,
            problem=json.problem,
            comments=tuple(json.comments),
            sealed=_sealed_tree(json.documents),
        )
    if kind is FileKind.HCL:
        from repoint.formats.hcl import read_hcl

        hcl = read_hcl(source)
        return replace(
            parsed, documents=hcl.documents, problem=hcl.problem, comments=tuple(hcl.comments)
        )
    return _with_lines(parsed, source)


def _with_lines(parsed: ParsedFile, source: Source) -> ParsedFile:
    """Formats that are read line by line, and those without a tree."""
    if parsed.kind is FileKind.DOTENV:
        from repoint.formats.dotenv import read_dotenv as read
    elif parsed.kind is FileKind.INI:
        from repoint.formats.ini import read_ini as read
    elif parsed.kind is FileKind.TOML:
        from repoint.formats.toml_text import read_toml as read
    elif parsed.kind is FileKind.PROPERTIES:
        from repoint.formats.properties import read_properties as read
    else:
        return replace(parsed, comments=comment_spans(source, parsed.kind))
    found = read(source)
    return replace(
        parsed,
        documents=found.document(),
        problem=found.problem,
        comments=tuple(found.comments),
        sealed=found.sealed,
    )


def _sealed_tree(documents: tuple[Document, ...]) -> bool:
    """Whether sops sealed the file: a top-level `sops` mapping with its own marks."""
    for document in documents:
        root = document.root
        sops = root.get("sops") if isinstance(root, Mapping) else None
        if isinstance(sops, Mapping) and (sops.get("mac") or sops.get("lastmodified")):
            return True
    return False
