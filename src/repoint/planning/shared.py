"""Values that several environments share, overridden in the overlays of one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from repoint.dsn.mask import mask
from repoint.errors import EditRefused
from repoint.formats.base import Scalar
from repoint.kube.effective import Effective, Value
from repoint.model.consumer import Site
from repoint.model.plan import Op, PartEdit, Task
from repoint.planning.copied import hole, secret_ranges
from repoint.planning.ground import Errand, Ground, edit_of
from repoint.planning.new_patches import replacing, sources_of
from repoint.planning.overlay_edits import BUILT_IN_LISTS, OverlayEditor
from repoint.planning.places import Place, PlaceIndex, Step, at_steps, field_of, object_name
from repoint.planning.quoting import UNFIT, anew
from repoint.planning.site_edits import Replacement, applied, replacements
from repoint.planning.wishes import Reason
from repoint.planning.yaml_emit import Token, Tree
from repoint.planning.yaml_trees import block_or_text


@dataclass(slots=True)
class Held:
    """A shared scalar with everything that changes in it for this environment."""

    place: Place
    edits: list[Replacement] = field(default_factory=list)
    parts: list[PartEdit] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    site: Site | None = None


class SharedValues:
    """Collects what changes in shared scalars, and turns it into wishes for an overlay."""

    def __init__(self, ground: Ground, index: PlaceIndex, overlay: OverlayEditor) -> None:
        self._ground = ground
        self._index = index
        self._overlay = overlay
        self._held: dict[tuple[str, str, tuple[Step, ...]], Held] = {}

    def take(self, errand: Errand, parts: tuple[PartEdit, ...]) -> bool:
        """Hold an errand's change; False when no built object shows the value."""
        site = errand.site
        found = [
            p for p in self._index.of(site.location.path, site.value_pointer) if holds(p, site)
        ]
        if errand.only:
            found = [p for p in found if object_name(p.resource) in errand.only]
        if not found or site.encoded:
            return False
        for place in found:
            scalar = place.value.scalar
            if scalar is None:
                self._ground.task(errand, "the value is composed from several places")
                continue
            try:
                edits = replacements(site, parts, scalar.text, scalar.map)
            except EditRefused:
                self._apart(errand, parts)
                return True
            quoted = anew(place.value.origin.path, scalar, edits)
            if quoted is None:
                self._ground.task(errand, UNFIT)
                continue
            self._hold(place, list(quoted), errand, parts)
        return True

    def add_key(self, errand: Errand, key: str, parts: tuple[PartEdit, ...]) -> bool:
        """Add a moved copy of a shared value under another key; False when no patch can."""
        site = errand.site
        made: list[tuple[Place, tuple[Step, ...], Tree]] = []
        for place in self._index.of(site.location.path, site.value_pointer):
            scalar = place.value.scalar
            named = isinstance(place.steps[-1], str) and not place.resource.generated
            if scalar is None or not named or place.value.origin.embedded or site.encoded:
                return False
            try:
                edits = replacements(site, parts, scalar.text, scalar.map)
            except EditRefused:
                return False
            value = self._spelled(place.value, list(edits))
            if value is None:
                return False
            made.append((place, (*place.steps[:-1], key), value))
        for place, steps, value in made:
            wish = self._overlay.wish(place.resource)
            wish.put(steps, value)
            wish.over |= sources_of(place.resource, place.steps)
            wish.expects.append(f"{object_name(place.resource)}#{field_of(steps)}")
            wish.reasons.append(errand.reason)
        return bool(made)

    def _apart(self, errand: Errand, parts: tuple[PartEdit, ...]) -> None:
        """Parts that stand in values of their own: each value is overridden by itself."""
        site = errand.site
        pieces = self._ground.own_scalars(site, parts)
        if pieces is None:
            self._ground.task(errand, "the value is spelled with escapes that do not map")
            return
        for leaf, edit, part in pieces:
            for place in self._index.of(site.location.path, leaf.pointer):
                if _same_token(place.value.scalar, leaf.scalar) or not place.value.origin.embedded:
                    self._hold(place, [edit], errand, (part,))

    def _hold(
        self, place: Place, edits: list[Replacement], errand: Errand, parts: tuple[PartEdit, ...]
    ) -> None:
        key = (object_name(place.resource), errand.site.location.path, place.steps)
        held = self._held.setdefault(key, Held(place))
        held.edits += [edit for edit in edits if edit not in held.edits]
        held.parts += parts
        held.reasons.append(errand.reason)
        held.site = errand.site

    def flush(self) -> None:
        """Turn changed scalars into wishes: lists of words as a whole, everything else alone."""
        lists: dict[tuple[str, tuple[Step, ...]], list[Held]] = {}
        for (name, _, steps), held in self._held.items():
            if held.place.resource.generated:
                self._generator(held)
            elif isinstance(steps[-1], int):
                lists.setdefault((name, steps[:-1]), []).append(held)
            else:
                self._wish(held, steps, self._spelled(held.place.value, held.edits), [held])
        for (_, steps), several in lists.items():
            whole = at_steps(several[0].place.resource.body, steps)
            self._wish(several[0], steps, self._words(whole, several), several)

    def _words(self, whole: Effective | None, changed: list[Held]) -> Tree | None:
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
        """A scalar with its edits, spelled as it was on one line; passwords become holes."""
        scalar = value.scalar
        if scalar is None or value.text != scalar.text:
            if not edits:
                return value.text
            literal = scalar is not None and scalar.text.endswith(f"={value.text}")
            return self._replaced(value, edits) if literal else None
        holes = self._holes(value, scalar)
        if holes is None:
            return None
        edits = [*edits, *holes]
        text = applied(scalar.text, tuple(edits))
        if scalar.style in ("plain", "single", "double", "") and "\n" not in scalar.text:
            token = self._token(value, scalar, edits)
            if token is not None:
                return Token(token)
        spelled = block_or_text(text)
        return None if holes and isinstance(spelled, str) else spelled

    def _replaced(self, value: Value, edits: list[Replacement]) -> Tree | None:
        """What a replacement took from a generator's literal `key=value`, with the edits."""
        before = len(value.scalar.text) - len(value.text) if value.scalar is not None else 0
        if any(edit.start < before for edit in edits):
            return None
        moved = [replace(edit, start=edit.start - before, end=edit.end - before) for edit in edits]
        text = applied(value.text, tuple(moved))
        return text if mask(text) == text and "\n" not in text else None

    def _holes(self, value: Value, scalar: Scalar) -> list[Replacement] | None:
        """Marks for the passwords of a scalar; None when their bytes cannot be told."""
        ranges = secret_ranges(scalar.text)
        if ranges is None:
            return None
        holes: list[Replacement] = []
        for start, end in ranges:
            span = scalar.map.span(start, end)
            if span is None:
                return None
            before = scalar.text[start:end]
            holes.append(Replacement(start, end, before, hole(value.origin.path, span)))
        return holes

    def _token(self, value: Value, scalar: Scalar, edits: list[Replacement]) -> str | None:
        """The raw token with the edits made in it, when it stands on one line."""
        raw = self._ground.read(value.origin.path)[scalar.span.start : scalar.span.end]
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
        self, held: Held, steps: tuple[Step, ...], value: Tree | None, several: list[Held]
    ) -> None:
        resource = held.place.resource
        over = sources_of(resource, steps)
        mergeable = resource.kind in BUILT_IN_LISTS or not any(isinstance(s, tuple) for s in steps)
        reached = mergeable and not any(isinstance(step, int) for step in steps)
        wish = self._overlay.wish(resource)
        operations: list[Tree] | None = None
        if value is not None and self._overlay.can_operate(resource):
            operations = replacing(resource, steps, value)
        if value is not None and reached and self._overlay.wins(resource, over):
            wish.put(steps, value)
        elif operations is not None:
            wish.operations += [one for one in operations if one not in wish.operations]
            wish.over |= over
        else:
            for one in several:
                self._shared_task(one)
            return
        self._told(held, several)

    def _told(self, held: Held, several: list[Held]) -> None:
        wish = self._overlay.wish(held.place.resource)
        for one in several:
            wish.parts += one.parts
            wish.reasons += one.reasons

    def _generator(self, held: Held) -> None:
        """Merge a new literal into a generated ConfigMap or Secret."""
        place, scalar = held.place, held.place.value.scalar
        resource = place.resource
        key = place.steps[-1]
        if scalar is None or not isinstance(key, str):
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
        taken = self._overlay.add_generator(
            resource,
            section,
            {**entry, "behavior": "merge", "literals": [literal]},
            edit_of(
                reason,
                op=Op.SPLICE,
                pointer="",
                line=0,
                key=key,
                parts=tuple(held.parts),
            ),
        )
        if taken:
            return
        if resource.kind == "ConfigMap" and self._overlay.can_patch_generated(resource):
            value: Tree = text.removeprefix(f"{key}=")
            self._overlay.wish(resource).put(place.steps, value)
            self._told(held, [held])
        else:
            self._shared_task(held)

    def _why_not(self, held: Held) -> str:
        """Why no overlay of this environment can carry a change."""
        resource = held.place.resource
        if resource.generated:
            return (
                f"a generator that several environments share makes {resource.kind} "
                f"`{resource.original.name}`; merge this value into it in this environment's "
                "overlay, from a sealed file"
            )
        return (
            "shared by several environments, and a patch would have to replace a list of this "
            f"{resource.kind}; override it in this environment's overlay"
        )

    def _shared_task(self, held: Held) -> None:
        site = held.site
        if site is None:
            return
        value, key = held.place.value, held.place.steps[-1]
        # A generator's literal is `KEY=value`: its edits count from the key.
        whole = value.scalar.text if value.scalar is not None else value.text
        text = applied(whole, tuple(held.edits)) if held.edits else ""
        text = text.removeprefix(f"{key}=") if value.text != whole else text
        self._ground.tasks.append(
            Task(
                path=site.location.path,
                line=site.location.line,
                key=site.key,
                environment=self._ground.environment,
                consumer=", ".join(held.reasons[0].consumers),
                reason=self._why_not(held),
                put=mask(text).strip()[:300],
            )
        )


def holds(place: Place, site: Site) -> bool:
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


def _same_token(one: Scalar | None, other: Scalar) -> bool:
    """Whether two scalars are one token of a file, which may have been parsed twice."""
    return one is other or (
        one is not None and one.start == other.start and one.ground.text == other.ground.text
    )
