"""One environment's changes, delivered the way each value allows.

In place where only this environment reads the file; through the overlay where a base is
shared; by meaning where the value is sealed or encoded; as a task for a person where none
of these is safe.
"""

from __future__ import annotations

from collections.abc import Mapping

from repoint.dsn.mask import mask
from repoint.formats.base import FileKind, Scalar
from repoint.kube.effective import Value
from repoint.kube.objects import scalar_at
from repoint.kube.resource import Resource
from repoint.model.consumer import Site, Style, Use
from repoint.model.plan import Applicability, Op, PartEdit, Task
from repoint.model.source import Span
from repoint.planning.chart_values import ChartValues
from repoint.planning.config_copies import ConfigCopies
from repoint.planning.entries import beside, entry_of, how_to_add
from repoint.planning.ground import Errand, Ground, edit_of, keys_of, sibling, sops_pointer
from repoint.planning.overlay_edits import BUILT_IN_LISTS, OverlayEditor
from repoint.planning.overlay_folder import PlannedEdit
from repoint.planning.places import (
    PlaceIndex,
    Step,
    at_steps,
    container_steps,
    field_of,
    object_name,
)
from repoint.planning.quoting import UNFIT
from repoint.planning.shared import SharedValues, holds
from repoint.planning.site_edits import Goal, by_value, part_edits
from repoint.planning.splice import BASE64
from repoint.planning.wishes import Reason
from repoint.planning.yaml_emit import Tree
from repoint.sites.frame import SHARED


class Delivery:
    """Collects the edits and tasks of one environment.

    Args:
        ground: The repository as this environment sees it.
        index: Where shared scalars end up in this environment's objects.
        overlay: Writes what cannot be written in place.
        values: Helm values files of this environment; the first of a chart takes overrides.
        over: By file of defaults, the values files over it, with the keys above its own.
    """

    def __init__(
        self,
        ground: Ground,
        index: PlaceIndex,
        overlay: OverlayEditor,
        values: tuple[str, ...] = (),
        over: Mapping[str, Mapping[str, tuple[str, ...]]] | None = None,
    ) -> None:
        self.overlay = overlay
        self.ground = ground
        self._index = index
        self._shared = SharedValues(ground, index, overlay)
        self.copies = ConfigCopies(index, overlay)
        self._values = ChartValues(ground, values, over or {})
        self._edits: list[PlannedEdit] = []

    @property
    def tasks(self) -> list[Task]:
        """What a person must do; callers add their own."""
        return self.ground.tasks

    def move(self, errand: Errand) -> bool:
        """Deliver an errand; False when there is nothing to change."""
        site = errand.site
        parts = part_edits(site, errand.goal)
        if not parts:
            return False
        own = self.ground.owned(site.location.path) or self.ground.alone(site)
        if site.sealed:
            self._sealed(errand, parts)
        elif site.display_only and (own or site.display_only != SHARED):
            self.ground.task(errand, site.display_only)
        elif own:
            self._in_place(errand, parts)
        elif not self._shared.take(errand, parts) and not self._values.take(errand, parts):
            self.ground.task(errand, self._why_shared(errand.site))
        return True

    def objects_of(self, site: Site) -> frozenset[str]:
        """The objects that have a shared value in a field, of which each can be changed alone."""
        own = self.ground.owned(site.location.path) or self.ground.alone(site)
        if own or site.sealed or site.encoded or site.display_only:
            return frozenset()
        found = self._index.of(site.location.path, site.value_pointer)
        if any(place.resource.generated for place in found):
            return frozenset()
        return frozenset(object_name(place.resource) for place in found if holds(place, site))

    def _why_shared(self, site: Site) -> str:
        """Why a value of a file that this environment does not own cannot be overridden."""
        parsed = self.ground.files.get(site.location.path)
        if parsed is not None and parsed.kind is FileKind.HELM_TEMPLATE:
            return "a chart's template is the same in every environment; read the host from values"
        in_values = "values" in site.location.path.rpartition("/")[2]
        if site.style is Style.HELM_VALUE and in_values:
            return self._values.why_not(site)
        return "the file is shared by several environments"

    def finish(self) -> tuple[PlannedEdit, ...]:
        """All edits, those of the overlay last."""
        self._shared.flush()
        self._edits += self._values.edits()
        self.copies.flush()
        edits, failed = self.overlay.edits()
        for wish in failed:
            self.tasks.append(
                Task(
                    path=wish.resource.path,
                    line=1,
                    key=f"{wish.resource.kind}/{wish.resource.name}",
                    environment=self.ground.environment,
                    consumer=object_name(wish.resource),
                    reason="no overlay of this environment can carry the change",
                    put="; ".join(dict.fromkeys(mask(part.after) for part in wish.parts)),
                )
            )
        return (*self._edits, *edits)

    def add_key(self, site: Site, goal: Goal, key: str, reason: Reason) -> bool:
        """Add a second key beside the site's own, with another goal; False when it cannot be."""
        parts = by_value(site, part_edits(site, goal)).get(site.value_pointer, ())
        errand = Errand(site, goal, reason)
        if not self.ground.owned(site.location.path):
            if not site.sealed and self._shared.add_key(errand, key, parts):
                return True
            why = f"the Secret is shared; add `{key}` to it for this environment"
            self.ground.task(errand, why)
            return False
        if site.sealed:
            pointer = site.value_pointer
            self._add(
                site,
                reason,
                op=Op.SEALED_ADD,
                before=BASE64 if site.encoded else "",
                pointer=sops_pointer(sibling(pointer, key)),
                source_pointer=sops_pointer(pointer),
                key=key,
                parts=parts,
            )
            return True
        return self._repeat(errand, key, parts)

    def _repeat(self, errand: Errand, key: str, parts: tuple[PartEdit, ...]) -> bool:
        """Repeat a value's entry under a second key; False when it is none of its own."""
        site, reason = errand.site, errand.reason
        built = self._index.of(site.location.path, site.value_pointer)
        places = [one for one in built if holds(one, site)]
        entry = entry_of(self.ground, site, places[0] if places else None, key)
        if entry is None:
            self.ground.task(errand, how_to_add(site, places[0] if places else None, key))
            return False
        if entry.comma:
            self._add(site, reason, op=Op.SPLICE, start=entry.end, end=entry.end, after=", ")
        self._add(
            site,
            reason,
            expects=beside(places, key),
            op=Op.DUPLICATE,
            start=entry.start,
            end=entry.end,
            before=BASE64 if site.encoded else "",
            key=key,
            parts=(*entry.renamed, *parts),
        )
        return True

    def source_of(self, use: Use) -> Resource | None:
        """The ConfigMap or Secret that a use takes its value from, where the tree makes it."""
        kind = "Secret" if "secret" in use.source else "ConfigMap"
        return self._index.object(kind, use.workload.namespace, use.source_name)

    def stands_alone(self, leaf: Value) -> bool:
        """Whether one field alone is built of a text: no alias, and no second object, takes it."""
        return len(self._index.of(leaf.origin.path, leaf.origin.pointer)) == 1

    def can_override(self, use: Use, resource: Resource) -> bool:
        """Whether one container's variable can be given another source."""
        steps = container_steps(resource, use.workload.container)
        if steps is None or resource.kind not in BUILT_IN_LISTS:
            return False
        spot = (*steps, "env", (use.variable,), "valueFrom", "secretKeyRef", "key")
        key = at_steps(resource.body, spot)
        own = isinstance(key, Value) and self.ground.owned(key.origin.path)
        return own or self.overlay.can_carry(resource)

    def override(
        self, use: Use, resource: Resource, value: dict[str, Tree], reason: Reason
    ) -> None:
        """Give one container's variable another source."""
        steps = container_steps(resource, use.workload.container)
        if steps is None:
            return
        spot = (*steps, "env", (use.variable,))
        at = f"{object_name(resource)}#{field_of(spot)}"
        key = at_steps(resource.body, (*spot, "valueFrom", "secretKeyRef", "key"))
        wanted = value.get("valueFrom")
        own = isinstance(key, Value) and self.ground.owned(key.origin.path)
        if own and isinstance(key, Value) and isinstance(wanted, dict):
            new = wanted.get("secretKeyRef")
            name = new.get("key") if isinstance(new, dict) else None
            if isinstance(name, str) and self._replace_scalar(key, name, reason, at):
                return
        self.add_variable(resource, steps, use.variable, value, reason)

    def add_variable(
        self,
        resource: Resource,
        steps: tuple[Step, ...],
        name: str,
        value: dict[str, Tree],
        reason: Reason,
    ) -> None:
        """Have a patch give the container at `steps` a variable with this content."""
        wish = self.overlay.wish(resource)
        wish.put((*steps, "env", (name,)), value)
        wish.expects.append(f"{object_name(resource)}#{field_of((*steps, 'env', (name,)))}")
        wish.reasons.append(reason)

    def set_field(
        self, resource: Resource, steps: tuple[Step, ...], value: Tree, reason: Reason
    ) -> None:
        """Make a field of an object hold a value in this environment."""
        at = f"{object_name(resource)}#{field_of(steps)}"
        present = at_steps(resource.body, steps)
        if isinstance(present, Value) and isinstance(value, str):
            if present.text == value:
                return
            if self.ground.owned(present.origin.path) and self._replace_scalar(
                present, value, reason, at
            ):
                return
        wish = self.overlay.wish(resource)
        wish.put(steps, value)
        wish.expects.append(at)
        wish.reasons.append(reason)

    def take(self, edit: PlannedEdit) -> None:
        """Take an edit of this environment's own file that needs no delivery."""
        self._edits.append(edit)

    def _replace_scalar(self, value: Value, text: str, reason: Reason, expects: str) -> bool:
        """Put another text into a scalar of this environment's own; False when it has no bytes."""
        scalar = value.scalar
        span = scalar.map.span(0, len(scalar.text)) if scalar is not None else None
        if scalar is None or span is None or scalar.aliased or value.text != scalar.text:
            return False
        self._edits.append(
            PlannedEdit(
                value.origin.path,
                edit_of(
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
        self._edits.append(PlannedEdit(site.location.path, edit_of(reason, **values)))

    def _sealed(self, errand: Errand, parts: tuple[PartEdit, ...]) -> None:
        site = errand.site
        if not self.ground.owned(site.location.path):
            self.ground.task(errand, "this sealed file serves several environments")
            return
        for pointer, mine in by_value(site, parts).items():
            self._add(
                site,
                errand.reason,
                op=Op.SEALED,
                before=BASE64 if site.encoded else "",
                pointer=sops_pointer(pointer),
                key=site.key if pointer == site.value_pointer else keys_of(pointer)[-1],
                parts=mine,
            )

    def _encoded(self, errand: Errand, parts: tuple[PartEdit, ...]) -> None:
        """Change base64 values by meaning, each by the parts that it spells."""
        site = errand.site
        found: list[tuple[str, Scalar, Span, tuple[PartEdit, ...]]] = []
        for pointer, mine in by_value(site, parts).items():
            scalar = scalar_at(self.ground.files[site.location.path], pointer)
            span = scalar.map.span(0, len(scalar.text)) if scalar is not None else None
            if scalar is None or span is None:
                self.ground.task(errand, "the base64 value is not one piece of the file")
                return
            found.append((pointer, scalar, span, mine))
        for pointer, scalar, span, mine in found:
            own = pointer == site.value_pointer
            self._add(
                site,
                errand.reason,
                op=Op.ENCODED,
                pointer=pointer,
                line=scalar.line,
                key=site.key if own else keys_of(pointer)[-1],
                start=span.start,
                end=span.end,
                parts=mine,
            )

    def _in_place(self, errand: Errand, parts: tuple[PartEdit, ...]) -> None:
        site = errand.site
        _, text, text_map = self.ground.holder(site)
        if site.encoded:
            self._encoded(errand, parts)
            return
        pieces = self.ground.pieces(site, parts, text, text_map)
        if pieces is None:
            self.ground.task(errand, UNFIT)
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


def weaker(*found: Applicability) -> Applicability:
    """The least sure of several."""
    order = (Applicability.SAFE, Applicability.REVIEW, Applicability.DISPLAY)
    return max(found, key=order.index, default=Applicability.SAFE)
