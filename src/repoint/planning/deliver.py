"""One environment's changes, delivered the way each value allows.

In place where only this environment reads the file; through the overlay where a base is
shared; by meaning where the value is sealed or encoded; as a task for a person where none
of these is safe.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from repoint.dsn.mask import mask
from repoint.errors import EditRefused
from repoint.formats.base import Leaf, ParsedFile, Scalar, TextMap, leaves
from repoint.kube.effective import Effective, Value, items
from repoint.kube.objects import scalar_at
from repoint.kube.resource import Resource
from repoint.model.consumer import Site, Style, Use
from repoint.model.plan import Applicability, Edit, Op, PartEdit, Task
from repoint.model.source import Span
from repoint.planning.overlay_edits import (
    BUILT_IN_LISTS,
    OverlayEditor,
    PlannedEdit,
    Reason,
    block_or_text,
    merge_trees,
)
from repoint.planning.places import Place, PlaceIndex, Step, at_steps, field_of, object_name
from repoint.planning.site_edits import (
    Goal,
    Replacement,
    applied,
    part_edits,
    replacements,
    text_offset,
)
from repoint.planning.splice import BASE64
from repoint.planning.yaml_emit import Token, Tree, style_of
from repoint.planning.yaml_insert import insertions

_CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")


@dataclass(frozen=True, slots=True)
class Errand:
    """One site that shall reach a goal, and why."""

    site: Site
    goal: Goal
    reason: Reason


@dataclass(slots=True)
class _Scalar:
    """A shared scalar with everything that changes in it for this environment."""

    place: Place
    edits: list[Replacement] = field(default_factory=list)
    parts: list[PartEdit] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    site: Site | None = None


class Delivery:
    """Collects the edits and tasks of one environment.

    Args:
        environment: Its name, for tasks.
        files: The repository's parsed files.
        read: Bytes of a file.
        owned: Whether a file belongs to this environment alone.
        index: Where shared scalars end up in this environment's objects.
        overlay: Writes what cannot be written in place.
        values: Helm values files of this environment, the first of which takes overrides.
    """

    def __init__(
        self,
        environment: str,
        files: dict[str, ParsedFile],
        read: Callable[[str], bytes],
        owned: Callable[[str], bool],
        index: PlaceIndex,
        overlay: OverlayEditor,
        values: tuple[str, ...] = (),
    ) -> None:
        self.environment = environment
        self.overlay = overlay
        self._values = tuple(path for path in values if path in files)
        self._defaults: dict[str, list[tuple[dict[str, Tree], Errand, tuple[PartEdit, ...]]]] = {}
        self.tasks: list[Task] = []
        self._files = files
        self._read = read
        self._owned = owned
        self._index = index
        self._edits: list[PlannedEdit] = []
        self._shared: dict[tuple[str, str, tuple[Step, ...]], _Scalar] = {}

    def move(self, errand: Errand) -> bool:
        """Deliver an errand; False when there is nothing to change."""
        site = errand.site
        parts = part_edits(site, errand.goal)
        if not parts:
            return False
        if site.display_only and not site.sealed:
            self._task(errand, site.display_only)
        elif site.sealed:
            self._sealed(errand, parts)
        elif self._owned(site.location.path):
            self._in_place(errand, parts)
        else:
            self._through_overlay(errand, parts)
        return True

    def finish(self) -> tuple[PlannedEdit, ...]:
        """All edits, those of the overlay last."""
        self._flush()
        self._values_edits()
        edits, failed = self.overlay.edits()
        for wish in failed:
            self.tasks.append(
                Task(
                    path=wish.resource.path,
                    line=1,
                    key=f"{wish.resource.kind}/{wish.resource.name}",
                    environment=self.environment,
                    consumer=object_name(wish.resource),
                    reason="no overlay of this environment can carry the change",
                    put="; ".join(dict.fromkeys(mask(part.after) for part in wish.parts)),
                )
            )
        return (*self._edits, *edits)

    def add_key(self, site: Site, goal: Goal, key: str, reason: Reason) -> bool:
        """Add a second key beside the site's own, with another goal; False when it cannot be."""
        parts = part_edits(site, goal)
        errand = Errand(site, goal, reason)
        if not self._owned(site.location.path):
            self._task(errand, f"the Secret is shared; add `{key}` to it for this environment")
            return False
        if site.sealed:
            pointer = site.value_pointer
            self._add(
                site,
                reason,
                op=Op.SEALED_ADD,
                pointer=_sops_pointer(_sibling(pointer, key)),
                source_pointer=_sops_pointer(pointer),
                key=key,
                parts=parts,
            )
            return True
        span = self._entry(site)
        if span is None:
            self._task(
                errand, f"add `{key}` beside `{site.key}`: its entry is not a line of its own"
            )
            return False
        self._add(
            site,
            reason,
            expects=self._beside(site, key),
            op=Op.DUPLICATE,
            start=span.start,
            end=span.end,
            before=BASE64 if site.encoded else "",
            key=key,
            parts=(PartEdit("key", _key_of(site), key), *parts),
        )
        return True

    def _beside(self, site: Site, key: str) -> tuple[str, ...]:
        """Where a render shows a second key: next to the first one."""
        return tuple(
            f"{object_name(place.resource)}#{field_of((*place.steps[:-1], key))}"
            for place in self._index.of(site.location.path, site.value_pointer)
        )

    def override(
        self, use: Use, resource: Resource, value: dict[str, Tree], reason: Reason
    ) -> bool:
        """Give one container's variable another source; False when the object cannot take it."""
        steps = container_steps(resource, use.workload.container)
        if steps is None or resource.kind not in BUILT_IN_LISTS:
            return False
        spot = (*steps, "env", (use.variable,))
        at = f"{object_name(resource)}#{field_of(spot)}"
        key = at_steps(resource.body, (*spot, "valueFrom", "secretKeyRef", "key"))
        wanted = value.get("valueFrom")
        if isinstance(key, Value) and isinstance(wanted, dict) and self._owned(key.origin.path):
            new = wanted.get("secretKeyRef")
            name = new.get("key") if isinstance(new, dict) else None
            if isinstance(name, str) and self._replace_scalar(key, name, reason, at):
                return True
        item: dict[str, Tree] = {"name": use.variable, **value}
        wish = self.overlay.wish(resource)
        merge_trees(wish.tree, tree_at(steps, {"env": [item]}))
        wish.expects.append(at)
        wish.reasons.append(reason)
        return True

    def set_field(
        self, resource: Resource, steps: tuple[Step, ...], value: Tree, reason: Reason
    ) -> None:
        """Make a field of an object hold a value in this environment."""
        at = f"{object_name(resource)}#{field_of(steps)}"
        present = at_steps(resource.body, steps)
        if isinstance(present, Value) and isinstance(value, str):
            if present.text == value:
                return
            if self._owned(present.origin.path) and self._replace_scalar(
                present, value, reason, at
            ):
                return
        wish = self.overlay.wish(resource)
        merge_trees(wish.tree, tree_at(steps, value))
        wish.expects.append(at)
        wish.reasons.append(reason)

    def _replace_scalar(self, value: Value, text: str, reason: Reason, expects: str) -> bool:
        """Put another text into a scalar of this environment's own; False when it has no bytes."""
        scalar = value.scalar
        span = scalar.map.span(0, len(scalar.text)) if scalar is not None else None
        if scalar is None or span is None or scalar.aliased or value.text != scalar.text:
            return False
        self._edits.append(
            PlannedEdit(
                value.origin.path,
                _edit(
                    reason,
                    op=Op.SPLICE,
                    pointer=value.origin.pointer,
                    line=scalar.line,
                    key=expects.rpartition("#")[2],
                    start=span.start,
                    end=span.end,
                    before=scalar.text,
                    after=text,
                    expects=(expects,),
                ),
            )
        )
        return True

    def _add(self, site: Site, reason: Reason, **fields: object) -> None:
        values: dict[str, object] = {
            "pointer": site.location.pointer,
            "line": site.location.line,
            "key": site.key,
            **fields,
        }
        self._edits.append(PlannedEdit(site.location.path, _edit(reason, **values)))

    def _sealed(self, errand: Errand, parts: tuple[PartEdit, ...]) -> None:
        site = errand.site
        if not self._owned(site.location.path):
            self._task(errand, "this sealed file serves several environments")
            return
        pointer = _sops_pointer(site.value_pointer)
        self._add(site, errand.reason, op=Op.SEALED, pointer=pointer, parts=parts)

    def _holder(self, site: Site) -> tuple[Scalar | None, str, TextMap]:
        """The scalar (or the whole text) that holds a site."""
        parsed = self._files[site.location.path]
        scalar = scalar_at(parsed, site.value_pointer) if site.value_pointer else None
        if scalar is not None:
            return scalar, scalar.text, scalar.map
        return None, parsed.text, parsed.map

    def _in_place(self, errand: Errand, parts: tuple[PartEdit, ...]) -> None:
        site = errand.site
        scalar, text, text_map = self._holder(site)
        if site.encoded:
            span = text_map.span(0, len(text)) if scalar is not None else None
            if span is None:
                self._task(errand, "the base64 value is not one piece of the file")
                return
            self._add(
                site, errand.reason, op=Op.ENCODED, start=span.start, end=span.end, parts=parts
            )
            return
        pieces = self._pieces(site, parts, text, text_map)
        if pieces is None:
            self._task(errand, "the value is spelled with escapes that do not map to its bytes")
            return
        for span, before, after in pieces:
            self._add(
                site,
                errand.reason,
                op=Op.SPLICE,
                start=span.start,
                end=span.end,
                before=before,
                after=after,
            )

    def _pieces(
        self, site: Site, parts: tuple[PartEdit, ...], text: str, text_map: TextMap
    ) -> list[tuple[Span, str, str]] | None:
        try:
            found = replacements(site, parts, text, text_map)
        except EditRefused:
            return _sibling_pieces(site, parts)
        pieces: list[tuple[Span, str, str]] = []
        for edit in found:
            span = text_map.span(edit.start, edit.end)
            if span is None:
                return None
            pieces.append((span, edit.before, edit.after))
        return pieces

    def _through_overlay(self, errand: Errand, parts: tuple[PartEdit, ...]) -> None:
        site = errand.site
        found = [
            p for p in self._index.of(site.location.path, site.value_pointer) if _holds(p, site)
        ]
        if not found or site.encoded:
            if not self._into_values(errand, parts):
                self._task(errand, "the file is shared by several environments")
            return
        for place in found:
            scalar = place.value.scalar
            if scalar is None:
                self._task(errand, "the value is composed from several places")
                continue
            try:
                edits = replacements(site, parts, scalar.text, scalar.map)
            except EditRefused:
                self._apart(errand, parts)
                return
            self._hold(place, list(edits), errand, parts)

    def _apart(self, errand: Errand, parts: tuple[PartEdit, ...]) -> None:
        """Parts that stand in values of their own: each value is overridden by itself."""
        site = errand.site
        pieces = self._own_scalars(site, parts)
        if pieces is None:
            self._task(errand, "the value is spelled with escapes that do not map")
            return
        for leaf, edit, part in pieces:
            for place in self._index.of(site.location.path, leaf.pointer):
                if place.value.scalar is leaf.scalar or not place.value.origin.embedded:
                    self._hold(place, [edit], errand, (part,))

    def _hold(
        self, place: Place, edits: list[Replacement], errand: Errand, parts: tuple[PartEdit, ...]
    ) -> None:
        key = (object_name(place.resource), errand.site.location.path, place.steps)
        held = self._shared.setdefault(key, _Scalar(place))
        held.edits += [edit for edit in edits if edit not in held.edits]
        held.parts += parts
        held.reasons.append(errand.reason)
        held.site = errand.site

    def _own_scalars(
        self, site: Site, parts: tuple[PartEdit, ...]
    ) -> list[tuple[Leaf, Replacement, PartEdit]] | None:
        """The scalar that spells each part, with the replacement in it."""
        everything = list(leaves(self._files[site.location.path].documents))
        result: list[tuple[Leaf, Replacement, PartEdit]] = []
        for span, before, after in _sibling_pieces(site, parts) or ():
            leaf = next((one for one in everything if _spells(one, span)), None)
            start = text_offset(leaf.scalar.map, span) if leaf is not None else None
            if leaf is None or start is None:
                return None
            part = next(one for one in parts if one.before == before and one.after == after)
            result.append((leaf, Replacement(start, start + len(before), before, after), part))
        return result or None

    def _into_values(self, errand: Errand, parts: tuple[PartEdit, ...]) -> bool:
        """Override a chart's default in the environment's own values file."""
        site = errand.site
        scalar, text, text_map = self._holder(site)
        if not self._values or scalar is None or site.style is not Style.HELM_VALUE or site.encoded:
            return False
        try:
            whole = applied(text, replacements(site, parts, text, text_map))
            values = [(site.value_pointer, whole, parts)]
        except EditRefused:
            values = [
                (leaf.pointer, applied(leaf.scalar.text, (edit,)), (part,))
                for leaf, edit, part in self._own_scalars(site, parts) or ()
            ]
        made = [(_keys(pointer), value, mine) for pointer, value, mine in values]
        if not made or not all(_overridable(keys, value) for keys, value, _ in made):
            return False
        held = self._defaults.setdefault(self._values[0], [])
        held += [(tree_at(tuple(keys), value), errand, mine) for keys, value, mine in made]
        return True

    def _values_edits(self) -> None:
        for path, several in self._defaults.items():
            raw, parsed = self._read(path), self._files[path]
            tree: dict[str, Tree] = {}
            for piece, _, _ in several:
                merge_trees(tree, piece)
            root = parsed.documents[0].root if parsed.documents else None
            found = insertions(raw, root, tree, style_of(parsed, raw))
            if found is None:
                for _, errand, _ in several:
                    self._task(errand, f"`{path}` cannot take the override in its present shape")
                continue
            reason = several[0][1].reason
            told = tuple(dict.fromkeys(part for _, _, parts in several for part in parts))
            for one in found:
                edit = _edit(
                    reason,
                    op=Op.SPLICE,
                    pointer=one.pointer,
                    line=raw.count(b"\n", 0, one.offset) + 1,
                    key=several[0][1].site.key,
                    start=one.offset,
                    end=one.offset,
                    after=one.text,
                    parts=told,
                )
                self._edits.append(PlannedEdit(path, edit))

    def _flush(self) -> None:
        """Turn changed scalars into wishes: lists of words as a whole, everything else alone."""
        lists: dict[tuple[str, tuple[Step, ...]], list[_Scalar]] = {}
        for (name, _, steps), held in self._shared.items():
            if held.place.resource.generated:
                self._generator(held)
            elif isinstance(steps[-1], int):
                lists.setdefault((name, steps[:-1]), []).append(held)
            else:
                self._wish(held, steps, self._spelled(held.place.value, held.edits), [held])
        for (_, steps), several in lists.items():
            whole = at_steps(several[0].place.resource.body, steps)
            self._wish(several[0], steps, self._words(whole, several), several)

    def _words(self, whole: Effective | None, changed: list[_Scalar]) -> Tree | None:
        """A list of words with the changed ones in it; None when it is not one."""
        words: list[Tree] = []
        for item in whole if isinstance(whole, list) else ():
            if not isinstance(item, Value):
                return None
            held = next((one for one in changed if one.place.value is item), None)
            word = self._spelled(item, held.edits if held is not None else [])
            if word is None:
                return None
            words.append(word)
        return words or None

    def _spelled(self, value: Value, edits: list[Replacement]) -> Tree | None:
        """A scalar with its edits, spelled as it was where that is one line; None with a password."""
        scalar = value.scalar
        if scalar is None or value.text != scalar.text:
            return None if edits else value.text
        text = applied(scalar.text, tuple(edits))
        if mask(text) != text:
            return None
        if scalar.style in ("plain", "single", "double", "") and "\n" not in scalar.text:
            token = self._token(value, scalar, edits)
            if token is not None:
                return Token(token)
        return block_or_text(text)

    def _token(self, value: Value, scalar: Scalar, edits: list[Replacement]) -> str | None:
        """The raw token with the edits made in it, when it stands on one line."""
        raw = self._read(value.origin.path)[scalar.span.start : scalar.span.end]
        if b"\n" in raw or not raw:
            return None
        for edit in sorted(edits, key=lambda e: -e.start):
            span = scalar.map.span(edit.start, edit.end)
            if span is None:
                return None
            low, high = span.start - scalar.span.start, span.end - scalar.span.start
            raw = raw[:low] + edit.after.encode() + raw[high:]
        return raw.decode()

    def _wish(
        self, held: _Scalar, steps: tuple[Step, ...], value: Tree | None, several: list[_Scalar]
    ) -> None:
        resource = held.place.resource
        mergeable = resource.kind in BUILT_IN_LISTS or not any(isinstance(s, tuple) for s in steps)
        if value is None or not mergeable or any(isinstance(step, int) for step in steps):
            for one in several:
                self._shared_task(one)
            return
        wish = self.overlay.wish(resource)
        merge_trees(wish.tree, tree_at(steps, value))
        for one in several:
            wish.parts += one.parts
            wish.reasons += one.reasons

    def _generator(self, held: _Scalar) -> None:
        """Merge a new literal into a generated ConfigMap or Secret."""
        place, scalar = held.place, held.place.value.scalar
        resource = place.resource
        key = place.steps[-1]
        if scalar is None or not isinstance(key, str) or self.overlay.kustomization is None:
            self._shared_task(held)
            return
        text = applied(scalar.text, tuple(held.edits))
        literal = text if text.startswith(f"{key}=") else f"{key}={text}"
        if mask(literal) != literal or "\n" in literal:
            self._shared_task(held)
            return
        entry: dict[str, Tree] = {"name": resource.original.name}
        if resource.original.namespace:
            entry["namespace"] = resource.original.namespace
        section = "configMapGenerator" if resource.kind == "ConfigMap" else "secretGenerator"
        reason = held.reasons[0]
        self.overlay.add_entry(
            section,
            {**entry, "behavior": "merge", "literals": [literal]},
            _edit(
                reason,
                op=Op.SPLICE,
                pointer="",
                line=0,
                key=key,
                parts=tuple(held.parts),
            ),
        )

    def _shared_task(self, held: _Scalar) -> None:
        site = held.site
        if site is None:
            return
        text = applied(held.place.value.text, tuple(held.edits)) if held.edits else ""
        self.tasks.append(
            Task(
                path=site.location.path,
                line=site.location.line,
                key=site.key,
                environment=self.environment,
                consumer=", ".join(held.reasons[0].consumers),
                reason="shared by several environments; a patch would have to repeat a password "
                "or replace a list of this object",
                put=mask(text).strip()[:300],
            )
        )

    def _entry(self, site: Site) -> Span | None:
        """The whole lines of a site's entry, when it has them to itself."""
        raw = self._read(site.location.path)
        scalar, text, text_map = self._holder(site)
        span = text_map.span(0, len(text)) if scalar is not None else site.host.span
        if span is None:
            return None
        start = raw.rfind(b"\n", 0, span.start) + 1
        stop = raw.find(b"\n", span.end)
        end = len(raw) if stop < 0 else stop + 1
        line = raw[start:end].decode("utf-8", "replace")
        alone = re.match(
            rf"\s*(?:-\s+|export\s+)?[\"']?{re.escape(_key_of(site))}[\"']?\s*[:=]", line
        )
        return Span(start, end) if alone and b"\n" not in raw[span.start : span.end] else None

    def _task(self, errand: Errand, reason: str) -> None:
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


def _edit(reason: Reason, **fields: object) -> Edit:
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


def _spells(leaf: Leaf, span: Span) -> bool:
    return leaf.scalar.span.start <= span.start and span.end <= leaf.scalar.span.end


def _keys(pointer: str) -> list[str]:
    """The keys of a pointer, without the document's index."""
    return [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[2:]]


def _overridable(keys: list[str], value: str) -> bool:
    """Whether a chart's value can be overridden: no list on the way, one line, no password."""
    return mask(value) == value and "\n" not in value and not any(key.isdigit() for key in keys)


def _holds(place: Place, site: Site) -> bool:
    """Whether a place is the site's own: an inline patch has many under one pointer."""
    if not place.value.origin.embedded:
        return True
    scalar, span = place.value.scalar, site.host.span
    return (
        scalar is not None
        and span is not None
        and scalar.span.start <= span.start
        and span.end <= scalar.span.end
    )


def _key_of(site: Site) -> str:
    """The key under which the file has the value: the last part of its pointer, or the name."""
    keys = _keys(site.value_pointer)
    return keys[-1] if keys and not keys[-1].isdigit() else site.key


def _sibling(pointer: str, key: str) -> str:
    return f"{pointer.rpartition('/')[0]}/{key.replace('~', '~0').replace('/', '~1')}"


def _sops_pointer(pointer: str) -> str:
    """`/0/stringData/URL` as sops spells it: `["stringData"]["URL"]`."""
    return "".join(f"[{key}]" if key.isdigit() else f'["{key}"]' for key in _keys(pointer))


def container_steps(resource: Resource, container: str) -> tuple[Step, ...] | None:
    """The way to a container of an object, init containers included."""

    def search(tree: Effective, steps: tuple[Step, ...]) -> tuple[Step, ...] | None:
        if not isinstance(tree, dict):
            return None
        for name in _CONTAINER_LISTS:
            for item in items(tree, name):
                label = item.get("name") if isinstance(item, dict) else None
                if isinstance(label, Value) and label.text == container:
                    return (*steps, name, (container,))
        for key, value in tree.items():
            found = search(value, (*steps, key))
            if found is not None:
                return found
        return None

    return search(resource.body, ())


def tree_at(steps: tuple[Step, ...], value: Tree) -> dict[str, Tree]:
    """A patch body that holds `value` where `steps` lead."""
    tree: Tree = value
    for step in reversed(steps):
        if isinstance(step, str):
            tree = {step: tree}
        elif isinstance(step, tuple):
            named: dict[str, Tree] = {"name": step[0]}
            tree = [{**named, **tree}] if isinstance(tree, dict) else [named]
        else:
            tree = [tree]
    if not isinstance(tree, dict):
        raise TypeError("steps must begin with a key")
    return tree


def weaker(*found: Applicability) -> Applicability:
    """The least sure of several."""
    order = (Applicability.SAFE, Applicability.REVIEW, Applicability.DISPLAY)
    return max(found, key=order.index, default=Applicability.SAFE)
