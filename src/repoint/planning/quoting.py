"""Quotes around a value whose new text cannot stand without them.

`{name: DATABASE_URL, value: postgres://u@h/db}` takes no `?sslmode=require` as it is, and a word
of a shell script no `&`. The quotes are edits at the two ends of the value, or of the word: what
stands between them keeps its bytes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from repoint.formats.base import FileKind, ParsedFile, Scalar, TextMap
from repoint.formats.read import read_embedded
from repoint.formats.yaml_plain import in_flow, outgrows_plain, plain_scalars, quote_for
from repoint.model.source import Span
from repoint.planning.shell_quotes import is_script, quoted_word
from repoint.planning.site_edits import Replacement, applied, text_offset

UNFIT = "the edit does not fit the quotes or escapes that the value is spelled with"
"""Why a value is left to a person."""

_BLOCKS = ("literal", "folded")
_BARE_AMPERSAND = re.compile(r"&(?!#?\w+;)")
# A name or a scheme at the head of a value: it tells the edit apart, and is no password.
_HEAD = re.compile(r"[A-Za-z][\w.+-]*(?:=|:/*)")


def with_quotes(
    parsed: ParsedFile,
    scalar: Scalar | None,
    pointer: str,
    text_map: TextMap,
    edits: Sequence[Replacement],
) -> tuple[Replacement, ...] | None:
    """`edits`, and the quotes that the value needs with them; None where none would do.

    Args:
        parsed: The file.
        scalar: The value that the edits are in; None for a file without values.
        pointer: Its pointer, which begins with the number of its document.
        text_map: Where its text stands.
        edits: Replacements in its text.
    """
    text = scalar.text if scalar is not None else parsed.text
    if not edits:
        return ()
    if parsed.kind is FileKind.XML or (scalar is not None and text.lstrip().startswith("<?xml")):
        return tuple(_as_xml(text, edit) for edit in edits)
    if is_script(parsed.kind if scalar is None else None, text, edits):
        return quoted_word(parsed.kind, scalar.style if scalar is not None else "", text, edits)
    if scalar is None or parsed.kind is not FileKind.YAML:
        return tuple(edits)
    if scalar.style == "plain":
        _, number, *path = (one.replace("~1", "/").replace("~0", "~") for one in pointer.split("/"))
        own = next((one for one in parsed.documents if str(one.index) == number), None)
        flow = own is not None and in_flow(own, tuple(path))
        return _quoted(text, edits, flow=flow)
    if scalar.style in _BLOCKS:
        return _in_block(parsed.path, scalar, text_map, edits)
    return tuple(edits)


def anew(path: str, scalar: Scalar, edits: Sequence[Replacement]) -> tuple[Replacement, ...] | None:
    """`edits` with the quotes that a value needs inside which is written anew; None: none do.

    Its own quotes come with it: those are of the shell, or of the YAML, that reads its text.
    """
    if not edits:
        return ()
    if is_script(None, scalar.text, edits):
        return quoted_word(FileKind.YAML, scalar.style, scalar.text, edits)
    if scalar.style in _BLOCKS:
        return _in_block(path, scalar, scalar.map, edits)
    return tuple(edits)


def _as_xml(text: str, edit: Replacement) -> Replacement:
    """An edit whose `&` is spelled as XML spells it, but for what stands as CDATA."""
    if text.rfind("<![CDATA[", 0, edit.start) > text.rfind("]]>", 0, edit.start):
        return edit
    return replace(edit, after=_BARE_AMPERSAND.sub("&amp;", edit.after))


def _in_block(
    path: str, scalar: Scalar, text_map: TextMap, edits: Sequence[Replacement]
) -> tuple[Replacement, ...]:
    """The same for a value in the YAML text that a block scalar holds: a file, or a patch."""
    first = min(edit.start for edit in edits)
    line = scalar.text[scalar.text.rfind("\n", 0, first) + 1 : first]
    where = text_map.span(first, first)
    if not re.search(r"[\[{]", line) or where is None:
        return tuple(edits)
    inner = read_embedded(path, scalar.text, text_map, FileKind.YAML, first_line=scalar.line)
    if inner.problem:
        return tuple(edits)
    for value, flow in plain_scalars(inner.documents):
        start = text_offset(text_map, value.span) if _holds(value.span, where) else None
        if start is None or scalar.text[start : start + len(value.text)] != value.text:
            continue
        moved = [replace(e, start=e.start - start, end=e.end - start) for e in edits]
        if all(0 <= edit.start <= edit.end <= len(value.text) for edit in moved):
            quoted = _quoted(value.text, moved, flow=flow)
            return tuple(replace(e, start=e.start + start, end=e.end + start) for e in quoted)
    return tuple(edits)


def _quoted(text: str, edits: Sequence[Replacement], *, flow: bool) -> tuple[Replacement, ...]:
    """The edits with a quote before and behind the text, where it needs them."""
    wanted = applied(text, tuple(edits))
    quote = quote_for(wanted) if outgrows_plain(text, wanted, flow=flow) else ""
    if not quote:
        return tuple(edits)
    ordered = sorted(edits, key=lambda edit: edit.start)
    first, last = ordered[0], ordered[-1]
    head = _HEAD.match(text)
    if first.start == 0:
        ordered[0] = replace(first, after=quote + first.after)
        last = ordered[-1]
    else:
        named = head[0] if head is not None and head.end() <= first.start else ""
        ordered.insert(0, Replacement(0, len(named), named, quote + named))
    if last.end == len(text):
        ordered[-1] = replace(last, after=last.after + quote)
    else:
        ordered.append(Replacement(len(text), len(text), "", quote))
    return tuple(ordered)


def _holds(outer: Span, inner: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end
