"""Bytes to `ParsedFile`: the one way into this package. Never raises, never writes."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial

from repoint.formats.base import Document, FileKind, Mapping, ParsedFile, TextMap
from repoint.formats.kinds import kind_of
from repoint.formats.source import Source
from repoint.formats.text import comment_spans
from repoint.model.source import Span

MAX_BYTES = 20 * 1024 * 1024
"""Larger files are reported, not read: no manifest is that big."""

_LARGE = 256 * 1024
_BOM = b"\xef\xbb\xbf"
_WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
_YAML_GOTMPL = (".yaml.gotmpl", ".yml.gotmpl")
_NO_MAP = TextMap(())
_Comments = Callable[[], tuple[Span, ...]]


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


def plain_text(raw: bytes) -> str | None:
    """The text of a file that `read_file` would read; None where it would tell a problem."""
    if len(raw) > MAX_BYTES or raw.startswith(_WIDE_BOMS) or b"\0" in raw:
        return None
    try:
        return raw.removeprefix(_BOM).decode()
    except UnicodeDecodeError:
        return None


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
    """Read the tree, and hold the garbage collector while a large one grows.

    It would walk it again and again: a tree has no cycles, so nothing is lost.
    """
    hold = len(source.text) > _LARGE and gc.isenabled()
    if hold:
        gc.disable()
    try:
        return _with_tree(path, source, kind)
    finally:
        if hold:
            gc.enable()


def _with_tree(path: str, source: Source, kind: FileKind) -> ParsedFile:
    text = source.text
    whole = source.whole_map()
    if kind in (FileKind.YAML, FileKind.HELM_TEMPLATE):
        if path.endswith((".tpl", ".gotmpl")) and not path.endswith(_YAML_GOTMPL):
            # Named templates: pieces of YAML at best, so there is no tree to find.
            return ParsedFile(path, kind, text, whole, masked="{{" in text)
        from repoint.formats.yaml_file import comments, read_yaml

        yaml = read_yaml(source, template=kind is FileKind.HELM_TEMPLATE)
        silent = yaml.problem or "#" not in text
        return ParsedFile(
            path, kind, text, whole, yaml.documents, yaml.problem, yaml.masked,
            _sealed_tree(yaml.documents),
            None if silent else partial(comments, source, yaml.documents),
        )  # fmt: skip
    if kind is FileKind.JSON:
        from repoint.formats.json_text import read_json

        json = read_json(source)
        return ParsedFile(
            path, kind, text, whole, json.documents, json.problem, False,
            _sealed_tree(json.documents), _known(source, json.comments),
        )  # fmt: skip
    if kind is FileKind.HCL:
        from repoint.formats.hcl import read_hcl

        hcl = read_hcl(source)
        return ParsedFile(
            path, kind, text, whole, hcl.documents, hcl.problem,
            find_comments=_known(source, hcl.comments),
        )  # fmt: skip
    return _with_lines(path, source, kind)


def _with_lines(path: str, source: Source, kind: FileKind) -> ParsedFile:
    """Formats that are read line by line, and those without a tree."""
    text, whole = source.text, source.whole_map()
    if kind is FileKind.DOTENV:
        from repoint.formats.dotenv import read_dotenv as read
    elif kind is FileKind.INI:
        from repoint.formats.ini import read_ini as read
    elif kind is FileKind.TOML:
        from repoint.formats.toml_text import read_toml as read
    elif kind is FileKind.PROPERTIES:
        from repoint.formats.properties import read_properties as read
    else:
        found = partial(comment_spans, source, kind)
        return ParsedFile(path, kind, text, whole, find_comments=found)
    lines = read(source)
    return ParsedFile(
        path, kind, text, whole, lines.document(), lines.problem, False, lines.sealed,
        _known(source, lines.comments),
    )  # fmt: skip


def _known(source: Source, places: list[tuple[int, int]]) -> _Comments | None:
    """The comments that a reader noted as it went by."""
    return partial(_spans, source, tuple(places)) if places else None


def _spans(source: Source, places: tuple[tuple[int, int], ...]) -> tuple[Span, ...]:
    return tuple(source.span(*place) for place in places)


def _sealed_tree(documents: tuple[Document, ...]) -> bool:
    """Whether sops sealed the file: a top-level `sops` mapping with its own marks."""
    for document in documents:
        root = document.root
        sops = root.get("sops") if isinstance(root, Mapping) else None
        if isinstance(sops, Mapping) and (sops.get("mac") or sops.get("lastmodified")):
            return True
    return False
