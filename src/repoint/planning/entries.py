"""The bytes of a value's entry, which are repeated to give it a second key.

An entry is `KEY: value` on lines of its own or between braces. In a kustomize patch it may stand
in the patch's text, and as an operation of a JSON patch: then the whole operation is repeated,
to add another path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from repoint.formats.base import FileKind, Mapping, Node, ParsedFile, Scalar
from repoint.formats.base import Sequence as Items
from repoint.formats.read import read_embedded
from repoint.kube.objects import scalar_at
from repoint.model.consumer import Site
from repoint.model.plan import PartEdit
from repoint.model.source import Span
from repoint.planning.ground import Ground, key_of
from repoint.planning.places import Place, object_name, rendered
from repoint.planning.undo import has_word

_OPERATION = frozenset({"op", "path", "value"})


@dataclass(frozen=True, slots=True)
class Entry:
    """Bytes `[start, end)` of a file that are repeated, and what is another word in the copy.

    `comma` tells that the copy has to be set off by one.
    """

    start: int
    end: int
    renamed: tuple[PartEdit, ...]
    comma: bool = False


def entry_of(ground: Ground, site: Site, place: Place | None, key: str) -> Entry | None:
    """What to repeat for a second key; None when it is no entry of its own.

    Args:
        ground: The files.
        site: The value.
        place: Where it is built to, None where no build shows it.
        key: The second key.
    """
    if place is None or not _in_patch(site, place):
        span = ground.entry(site)
        return Entry(span.start, span.end, (_key(key_of(site), key),)) if span else None
    host = site.host.span
    parsed = _patch(ground, site, place)
    if host is None or parsed is None:
        return None
    raw = ground.read(site.location.path)
    for document in parsed.documents:
        for holder, inside in _holders(document.root, host):
            if isinstance(inside, Items):
                return _operation(raw, holder, str(place.steps[-1]), key)
            return _pair(raw, holder, host, key)
    return None


def _in_patch(site: Site, place: Place) -> bool:
    """Whether a value reaches its object by a patch's text, or by an operation of a JSON patch."""
    last = place.steps[-1]
    return place.value.origin.embedded or (isinstance(last, str) and last != key_of(site))


def _patch(ground: Ground, site: Site, place: Place) -> ParsedFile | None:
    """The patch as a tree: the file, or the text that one of its scalars holds."""
    parsed = ground.files.get(site.location.path)
    if parsed is None or not place.value.origin.embedded:
        return parsed
    outer = scalar_at(parsed, site.value_pointer)
    if outer is None:
        return None
    path = site.location.path
    return read_embedded(path, outer.text, outer.map, FileKind.YAML, first_line=outer.line)


def _holders(node: Node | None, span: Span) -> Iterator[tuple[Mapping, Node | None]]:
    """The mapping with the scalar that holds a span, and what it is an item of."""
    todo: list[tuple[Node | None, Node | None]] = [(node, None)]
    while todo:
        one, around = todo.pop()
        if isinstance(one, Items):
            todo += [(item, one) for item in one.items]
        elif isinstance(one, Mapping):
            if any(isinstance(value, Scalar) and _within(span, value) for _, value in one.pairs):
                yield one, around
            todo += [(value, None) for _, value in one.pairs if not isinstance(value, Scalar)]


def _within(span: Span, scalar: Scalar) -> bool:
    return scalar.span.start <= span.start and span.end <= scalar.span.end


def _pair(raw: bytes, holder: Mapping, host: Span, key: str) -> Entry | None:
    """A pair on a line of its own."""
    name, value = next(
        (name, value)
        for name, value in holder.pairs
        if isinstance(value, Scalar) and _within(host, value)
    )
    lines = _lines(raw, name.span.start, value.span.end)
    head = raw[lines.start : name.span.start].strip() if lines is not None else b"-"
    if lines is None or head or b"\n" in raw[lines.start : value.span.end]:
        return None
    return Entry(lines.start, lines.end, (_key(name.text, key),))


def _operation(raw: bytes, holder: Mapping, old: str, key: str) -> Entry | None:
    """An operation of a JSON patch that puts one value in its place."""
    known = {name.text: value for name, value in holder.pairs}
    path = known.get("path")
    scalars = [one for one in known.values() if isinstance(one, Scalar)]
    if known.keys() != _OPERATION or not isinstance(path, Scalar) or len(scalars) != len(known):
        return None
    if any(b"\n" in raw[one.span.start : one.span.end] for one in scalars):
        return None
    if holder.flow:
        span: Span | None = holder.span
    else:
        span = _lines(raw, holder.span.start, max(one.span.end for one in scalars))
        if span is None or raw[span.start : holder.pairs[0][0].span.start].strip() != b"-":
            return None
    renamed = _renamed(raw, span, holder, old, key) if span is not None else None
    if span is None or renamed is None:
        return None
    return Entry(span.start, span.end, renamed, comma=holder.flow)


def _renamed(
    raw: bytes, span: Span, holder: Mapping, old: str, key: str
) -> tuple[PartEdit, ...] | None:
    """`add` at the second key's path, in the order in which the words stand; None if unsure."""
    spelled, new = (one.replace("~", "~0").replace("/", "~1") for one in (old, key))
    found: list[tuple[int, PartEdit]] = []
    for name, value in holder.pairs:
        text = value.text if isinstance(value, Scalar) else ""
        if name.text == "path":
            if text.rpartition("/")[2] != spelled:
                return None
            found.append((value.span.start, _key(spelled, new)))
        elif name.text == "op" and text != "add":
            if text != "replace":
                return None
            found.append((value.span.start, _key(text, "add")))
    found.sort(key=lambda one: one[0])
    if (
        next(value for name, value in holder.pairs if name.text == "value").span.start
        < found[-1][0]
    ):
        # What changes in a copy's value is looked for behind its keys.
        return None
    at = span.start
    for start, part in found:
        # The first of these words in the copy is the one that is replaced.
        if has_word(raw[at:start].decode(), part.before):
            return None
        at = start + len(part.before)
    return tuple(part for _, part in found)


def _lines(raw: bytes, start: int, end: int) -> Span | None:
    """The whole lines from one byte to another; None where more stands behind it."""
    begin = raw.rfind(b"\n", 0, start) + 1
    stop = raw.find(b"\n", end)
    stop = len(raw) if stop < 0 else stop + 1
    return Span(begin, stop) if not raw[end:stop].strip() else None


def _key(before: str, after: str) -> PartEdit:
    return PartEdit("key", before, after)


def beside(places: Iterable[Place], key: str) -> tuple[str, ...]:
    """Where a render shows a second key: next to the first one."""
    return tuple(
        f"{object_name(place.resource)}#{name}"
        for place in places
        for name in rendered(place.resource, (*place.steps[:-1], key))
    )


def how_to_add(site: Site, place: Place | None, key: str) -> str:
    """What a person has to write where no entry can be repeated."""
    if place is None or not _in_patch(site, place):
        return f"add `{key}` beside `{site.key}`: its entry is not a line of its own"
    steps = "/".join(
        str(step).replace("~", "~0").replace("/", "~1") for step in (*place.steps[:-1], key)
    )
    return (
        f"add to the patch an operation `add` of the path `/{steps}`, with the value that "
        f"`{place.steps[-1]}` gets there and another host"
    )
