"""Takes out what apply inserted into a YAML file that others edited since, entry by entry.

A list that apply began may hold somebody else's entries by now, stand in another order, or be
indented anew. So it is not looked for as text: each entry is found by what it says. What is
not there as it was written is never guessed at.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import replace

from repoint.formats.base import FileKind, Mapping, Node, ParsedFile, Scalar, Sequence
from repoint.formats.read import read_file
from repoint.planning.splice import Patch
from repoint.planning.yaml_insert import line_after


def without_entries(raw: bytes, parsed: ParsedFile, inserted: str) -> tuple[Patch, ...] | None:
    """What takes each entry of an inserted text out of `raw`; None when not all stand as written.

    Others' entries stay, and with them the key that holds them. None, too, where the entries
    stand more than once, or somebody's comment stands among them.
    """
    if parsed.kind is not FileKind.YAML or parsed.problem:
        return None
    comments = [text for text in _comments(raw, parsed) if text not in inserted]
    cuts: list[Patch] = []
    for text in _groups(inserted):
        block = read_file("inserted.yaml", text.encode())
        wanted = block.documents[0].root if len(block.documents) == 1 else None
        if block.problem or wanted is None or isinstance(wanted, Scalar):
            return None
        found = [one for node in _nodes(parsed) if (one := _Cutter(raw).within(node, wanted))]
        if len(found) != 1:
            return None
        cuts += found[0]
    gone = [raw[cut.start : cut.end].decode(errors="replace") for cut in cuts]
    if any(comment in text for comment in comments for text in gone):
        return None
    cuts.sort(key=lambda cut: cut.start)
    if cuts and not inserted.splitlines()[0].strip() and _stands_apart(raw, cuts[0].start):
        cuts[0] = replace(cuts[0], start=raw[: cuts[0].start - 1].rfind(b"\n") + 1)
    return tuple(cuts)


def missing_lines(raw: bytes, inserted: str) -> tuple[str, ...]:
    """The lines of an inserted text that are nowhere in `raw`, as they were written."""
    there = {line.strip() for line in raw.decode(errors="replace").splitlines()}
    wanted = (line.strip() for line in inserted.splitlines())
    return tuple(line for line in wanted if line and line not in there)


class _Cutter:
    """Finds the lines of wanted entries below one node."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def within(self, node: Node, wanted: Node) -> list[Patch] | None:
        """The lines of what `wanted` holds, in a collection that may hold more."""
        if isinstance(node, Mapping) and isinstance(wanted, Mapping):
            return self._pairs(node, wanted)
        if isinstance(node, Sequence) and isinstance(wanted, Sequence):
            return self._items(node, wanted)
        return None

    def _pairs(self, node: Mapping, wanted: Mapping) -> list[Patch] | None:
        cuts: list[Patch] = []
        for key, value in wanted.pairs:
            pair = next((one for one in node.pairs if one[0].text == key.text), None)
            if pair is None:
                return None
            whole = _same(pair[1], value) or _same_in_other_order(pair[1], value)
            found = self._lines(*pair, b"") if whole else self.within(pair[1], value)
            if found is None:
                return None
            cuts += found
        return cuts

    def _items(self, node: Sequence, wanted: Sequence) -> list[Patch] | None:
        cuts: list[Patch] = []
        left = list(node.items)
        for item in wanted.items:
            twin = next((one for one in left if _same(one, item)), None)
            found = self._lines(twin, twin, b"-") if twin is not None else None
            if twin is None:
                twin = _namesake(left, item)
                if isinstance(twin, Mapping) and isinstance(item, Mapping):
                    found = self._grown(twin, item)
            if twin is None or found is None:
                return None
            left.remove(twin)
            cuts += found
        return cuts

    def _grown(self, node: Mapping, wanted: Mapping) -> list[Patch] | None:
        """An entry that others added to: its name stays, and what it held goes."""
        held = tuple(pair for pair in wanted.pairs if not isinstance(pair[1], Scalar))
        known = [(node.get(key.text), value) for key, value in wanted.pairs]
        changed = any(
            isinstance(value, Scalar) and (present is None or not _same(present, value))
            for present, value in known
        )
        if not held or changed:
            return None
        return self._pairs(node, Mapping(held, wanted.span, wanted.line))

    def _lines(self, first: Node, last: Node, mark: bytes) -> list[Patch] | None:
        """The lines from one node to another, where nothing else stands on them."""
        begin = self._raw.rfind(b"\n", 0, first.span.start) + 1
        end = line_after(self._raw, last)
        if self._raw[begin : first.span.start].strip(b" ") != mark:
            return None
        return [Patch(begin, end, b"")]


def _same(one: Node, other: Node) -> bool:
    """Whether two nodes say the same, however they are written."""
    if isinstance(one, Scalar) or isinstance(other, Scalar):
        return isinstance(one, Scalar) and isinstance(other, Scalar) and one.text == other.text
    if isinstance(one, Sequence) or isinstance(other, Sequence):
        return (
            isinstance(one, Sequence)
            and isinstance(other, Sequence)
            and len(one.items) == len(other.items)
            and all(map(_same, one.items, other.items))
        )
    mine, theirs = (sorted(node.pairs, key=lambda p: p[0].text) for node in (one, other))
    return len(mine) == len(theirs) and all(
        a[0].text == b[0].text and _same(a[1], b[1]) for a, b in zip(mine, theirs, strict=True)
    )


def _same_in_other_order(one: Node, other: Node) -> bool:
    if not (isinstance(one, Sequence) and isinstance(other, Sequence)):
        return False
    left = list(one.items)
    for item in other.items:
        twin = next((mine for mine in left if _same(mine, item)), None)
        if twin is None:
            return False
        left.remove(twin)
    return not left


def _namesake(items: list[Node], wanted: Node) -> Node | None:
    """The entry of the same `name`."""
    name = wanted.text("name") if isinstance(wanted, Mapping) else ""
    mappings = [one for one in items if isinstance(one, Mapping)]
    return next((one for one in mappings if name and one.text("name") == name), None)


def _nodes(parsed: ParsedFile) -> Iterator[Node]:
    """Every collection of a file, once."""
    todo: list[Node] = [one.root for one in parsed.documents if one.root is not None]
    seen: set[int] = set()
    while todo:
        node = todo.pop()
        if isinstance(node, Scalar) or id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        todo += node.items if isinstance(node, Sequence) else [value for _, value in node.pairs]


def _groups(inserted: str) -> Iterator[str]:
    """The text by what it was put into: it starts anew where a line stands further left."""
    group: list[str] = []
    for line in inserted.splitlines():
        if not line.strip():
            group += [line] if group else []
            continue
        if group and _indent(line) < _indent(group[0]):
            yield textwrap.dedent("\n".join(group)) + "\n"
            group = []
        group.append(line)
    if group:
        yield textwrap.dedent("\n".join(group)) + "\n"


def _stands_apart(raw: bytes, start: int) -> bool:
    """Whether a blank line stands above the line that begins at `start`."""
    above = raw[:start].removesuffix(b"\n").removesuffix(b"\r")
    return start > 0 and above.endswith(b"\n")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _comments(raw: bytes, parsed: ParsedFile) -> Iterator[str]:
    return (raw[one.start : one.end].decode(errors="replace") for one in parsed.comments)
