"""What every way of delivering an edit stands on: the files, whose they are, and the tasks."""

from __future__ import annotations

import re
from collections import abc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from repoint.errors import EditRefused
from repoint.formats.base import (
    Leaf,
    Mapping,
    Node,
    ParsedFile,
    Scalar,
    Sequence,
    TextMap,
    leaves,
)
from repoint.kube.objects import scalar_at
from repoint.model.consumer import Site
from repoint.model.plan import Edit, Op, PartEdit, Task
from repoint.model.source import Span
from repoint.planning.quoting import with_quotes
from repoint.planning.site_edits import Goal, Replacement, part_edits, replacements, text_offset
from repoint.planning.wishes import Reason


@dataclass(frozen=True, slots=True)
class Errand:
    """One site that shall reach a goal, and why; `only` in these objects, in all where empty."""

    site: Site
    goal: Goal
    reason: Reason
    only: frozenset[str] = frozenset()


@dataclass(slots=True)
class Ground:
    """One environment's view of the repository.

    `read` gives the bytes of a file, `owned` tells whether a file belongs to this
    environment alone, `alone` the same of a site in a file that no overlay reads; `tasks`
    collects what a person must do.
    """

    environment: str
    files: abc.Mapping[str, ParsedFile]
    read: Callable[[str], bytes]
    owned: Callable[[str], bool]
    alone: Callable[[Site], bool] = lambda _: False
    tasks: list[Task] = field(default_factory=list)

    def holder(self, site: Site) -> tuple[Scalar | None, str, TextMap]:
        """The scalar (or the whole text) that holds a site."""
        parsed = self.files[site.location.path]
        scalar = scalar_at(parsed, site.value_pointer) if site.value_pointer else None
        host = site.host.span
        # A key that stands twice has one pointer.
        if scalar is not None and (host is None or _within(host, scalar.span)):
            return scalar, scalar.text, scalar.map
        return None, parsed.text, parsed.map

    def pieces(
        self, site: Site, parts: tuple[PartEdit, ...], text: str, text_map: TextMap
    ) -> list[tuple[Span, str, str]] | None:
        """The bytes that each part takes in place; None where they do not map."""
        try:
            found = replacements(site, parts, text, text_map)
        except EditRefused:
            return _sibling_pieces(site, parts)
        parsed, (scalar, *_) = self.files[site.location.path], self.holder(site)
        quoted = with_quotes(parsed, scalar, site.value_pointer, text_map, found)
        if quoted is None:
            return None
        pieces: list[tuple[Span, str, str]] = []
        for edit in quoted:
            span = text_map.span(edit.start, edit.end)
            if span is None:
                return None
            pieces.append((span, edit.before, edit.after))
        return pieces

    def own_scalars(
        self, site: Site, parts: tuple[PartEdit, ...]
    ) -> list[tuple[Leaf, Replacement, PartEdit]] | None:
        """The scalar that spells each part, with the replacement in it."""
        everything = list(leaves(self.files[site.location.path].documents))
        result: list[tuple[Leaf, Replacement, PartEdit]] = []
        for span, before, after in _sibling_pieces(site, parts) or ():
            leaf = next((one for one in everything if _spells(one, span)), None)
            start = text_offset(leaf.scalar.map, span) if leaf is not None else None
            if leaf is None or start is None:
                return None
            part = next(one for one in parts if one.before == before and one.after == after)
            result.append((leaf, Replacement(start, start + len(before), before, after), part))
        return result or None

    def entry(self, site: Site) -> Span | None:
        """The bytes to repeat for a second key: whole lines, or a pair between braces."""
        raw = self.read(site.location.path)
        scalar, text, text_map = self.holder(site)
        span = text_map.span(0, len(text)) if scalar is not None else site.host.span
        if span is None or b"\n" in raw[span.start : span.end]:
            return None
        start = raw.rfind(b"\n", 0, span.start) + 1
        stop = raw.find(b"\n", span.end)
        end = len(raw) if stop < 0 else stop + 1
        line = raw[start:end].decode("utf-8", "replace")
        alone = re.match(
            rf"\s*(?:-\s+|export\s+)?[\"']?{re.escape(key_of(site))}[\"']?\s*[:=]", line
        )
        return Span(start, end) if alone else self._flow_pair(site, raw, span)

    def _flow_pair(self, site: Site, raw: bytes, inside: Span) -> Span | None:
        """A pair between braces with the comma that parts it from a neighbour."""
        for document in self.files[site.location.path].documents:
            for pairs, number in _flow_pairs(document.root, inside):
                key, value = pairs[number]
                if number + 1 < len(pairs):
                    span = Span(key.span.start, pairs[number + 1][0].span.start)
                elif number:
                    span = Span(pairs[number - 1][1].span.end, value.span.end)
                else:
                    return None
                plain = b"\n" not in raw[span.start : span.end]
                return span if plain and key.text == key_of(site) else None
        return None

    def task(self, errand: Errand, reason: str) -> None:
        """Leave an errand to a person, with what to put."""
        site = errand.site
        put = [f"host {errand.goal.host}"]
        put += [
            f"{p.name or p.part} {p.after}"
            for p in part_edits(site, errand.goal)
            if p.part != "host"
        ]
        self.tasks.append(
            Task(
                path=site.location.path,
                line=site.location.line,
                key=site.key,
                environment=self.environment,
                consumer=", ".join(errand.reason.consumers),
                reason=reason,
                put=", ".join(put),
            )
        )


def edit_of(reason: Reason, **fields: object) -> Edit:
    """An edit that is made for a reason."""
    base = Edit(
        op=Op.SPLICE,
        pointer="",
        line=0,
        key="",
        rule=reason.rule,
        reason=reason.text,
        applicability=reason.applicability,
        consumers=reason.consumers,
    )
    return replace(base, **fields)  # type: ignore[arg-type]


def _sibling_pieces(site: Site, parts: tuple[PartEdit, ...]) -> list[tuple[Span, str, str]] | None:
    """Parts that stand in values of their own (`DB_HOST`, `DB_PORT`), by their own bytes."""
    holders = {"host": site.host, "port": site.port}
    params = dict(site.params)
    pieces: list[tuple[Span, str, str]] = []
    for part in parts:
        if part.part == "param" and not part.before:
            continue
        holder = holders.get(part.part) if part.part != "param" else params.get(part.name)
        if holder is None or holder.span is None:
            return None
        pieces.append((holder.span, part.before, part.after))
    return pieces


def _flow_pairs(
    node: Node | None, span: Span
) -> Iterator[tuple[tuple[tuple[Scalar, Node], ...], int]]:
    """The pairs between braces, and which of them holds a span."""
    if isinstance(node, Mapping):
        for number, (_, value) in enumerate(node.pairs):
            if isinstance(value, Scalar):
                if node.flow and _within(span, value.span):
                    yield node.pairs, number
            else:
                yield from _flow_pairs(value, span)
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _flow_pairs(item, span)


def _spells(leaf: Leaf, span: Span) -> bool:
    return _within(span, leaf.scalar.span)


def _within(span: Span, outer: Span) -> bool:
    return outer.start <= span.start and span.end <= outer.end


def keys_of(pointer: str) -> list[str]:
    """The keys of a pointer, without the document's index."""
    return [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[2:]]


def key_of(site: Site) -> str:
    """The key under which the file has the value: the last part of its pointer, or the name."""
    keys = keys_of(site.value_pointer)
    return keys[-1] if keys and not keys[-1].isdigit() else site.key


def sibling(pointer: str, key: str) -> str:
    """The pointer of another key beside the one that `pointer` names."""
    return f"{pointer.rpartition('/')[0]}/{key.replace('~', '~0').replace('/', '~1')}"


def sops_pointer(pointer: str) -> str:
    """`/0/stringData/URL` as sops spells it: `["stringData"]["URL"]`."""
    return "".join(f"[{key}]" if key.isdigit() else f'["{key}"]' for key in keys_of(pointer))
