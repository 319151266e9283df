"""Copies of a ConfigMap for consumers that cannot follow a file which others mount, too (X7).

A connection in a file (`database.yml`, `appsettings.json`) has one host for all who mount the
file. Who goes another way mounts a copy of the ConfigMap, in which that host is another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from repoint.dsn.mask import mask
from repoint.errors import EditRefused
from repoint.formats.base import Scalar
from repoint.kube.effective import Effective, Value, items, mapping, pairs, text
from repoint.kube.resource import Resource
from repoint.model.consumer import Site, Use
from repoint.model.plan import Applicability, PartEdit
from repoint.planning.ground import edit_of
from repoint.planning.overlay_edits import BUILT_IN_LISTS, OverlayEditor
from repoint.planning.overlay_folder import Folder
from repoint.planning.places import (
    PlaceIndex,
    Step,
    at_steps,
    container_steps,
    field_of,
    object_name,
)
from repoint.planning.quoting import anew
from repoint.planning.shared import holds
from repoint.planning.site_edits import Goal, Replacement, applied, part_edits, replacements
from repoint.planning.wishes import Reason
from repoint.planning.yaml_emit import Tree
from repoint.planning.yaml_trees import block_or_text

_HOOKS = ("argocd.argoproj.io/hook", "argocd.argoproj.io/sync-wave", "helm.sh/hook")
"""Annotations that make an object arrive before others."""


@dataclass(frozen=True, slots=True)
class Copied:
    """One value's part in a copy: the ConfigMap, its key, what changes there, and who mounts it."""

    holder: Resource
    home: Folder
    name: str
    key: str
    edits: tuple[Replacement, ...]
    parts: tuple[PartEdit, ...]
    reader: Resource
    volumes: tuple[tuple[Step, ...], ...]


@dataclass(slots=True)
class _Made:
    """A copy with everything that changes in it."""

    holder: Resource
    home: Folder
    name: str
    edits: dict[str, list[Replacement]] = field(default_factory=dict)
    parts: list[PartEdit] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)


class ConfigCopies:
    """Collects what consumers need of their own in a ConfigMap, and writes one copy of each."""

    def __init__(self, index: PlaceIndex, overlay: OverlayEditor) -> None:
        self._index = index
        self._overlay = overlay
        self._made: dict[tuple[str, str], _Made] = {}

    def able(
        self,
        site: Site,
        goal: Goal,
        use: Use,
        reader: Resource,
        leaving: Collection[str],
        word: str,
    ) -> Copied | None:
        """What a copy for one use takes; None where it is not sure that nothing else changes.

        Args:
            site: The value in the ConfigMap's file.
            goal: Where the use goes.
            use: Who leaves, by a file that it mounts.
            reader: The object that it belongs to.
            leaving: The containers of that object that leave.
            word: What tells the copy from the first.
        """
        holder = self._index.object("ConfigMap", use.workload.namespace, use.source_name)
        volumes = _volumes(reader, use, leaving)
        if holder is None or not volumes or not _is_plain(holder) or _hooks(reader, holder):
            return None
        name = f"{holder.name}-{word}"
        home = self._overlay.home(holder.namespace, name)
        known = (holder.namespace, name)
        taken = self._index.object("ConfigMap", *known) is not None and known not in self._made
        if home is None or home.affixes() != ("", "") or home.patches_any("ConfigMap", name):
            return None
        found = self._edits(site, goal, holder) if not taken else None
        if found is None or not self._overlay.can_carry(reader):
            return None
        key, edits, parts = found
        return Copied(holder, home, name, key, edits, parts, reader, volumes)

    def take(self, copied: Copied, reason: Reason) -> None:
        """Plan a value's part in a copy, and have its reader mount the copy."""
        known = (copied.holder.namespace, copied.name)
        made = self._made.setdefault(known, _Made(copied.holder, copied.home, copied.name))
        edits = made.edits.setdefault(copied.key, [])
        edits += [one for one in copied.edits if one not in edits]
        made.parts += copied.parts
        made.reasons.append(reason)
        wish = self._overlay.wish(copied.reader)
        for steps in copied.volumes:
            wish.put(steps, copied.name)
            wish.expects.append(f"{object_name(copied.reader)}#{field_of(steps)}")
        wish.reasons.append(reason)

    def flush(self) -> None:
        """Write the copies as new manifests of the overlay."""
        for made in self._made.values():
            data: dict[str, Tree] = {}
            for key, value in mapping(made.holder.body, "data").items():
                if isinstance(value, Value):
                    data[key] = block_or_text(applied(value.text, tuple(made.edits.get(key, ()))))
            metadata: dict[str, Tree] = {"name": made.name}
            if made.holder.namespace:
                metadata["namespace"] = made.holder.namespace
            annotations: dict[str, Tree] = dict(_annotations(made.holder))
            if annotations:
                metadata["annotations"] = annotations
            document: dict[str, Tree] = {"apiVersion": "v1", "kind": "ConfigMap"}
            document |= {"metadata": metadata, "data": data}
            who = tuple(dict.fromkeys(one for reason in made.reasons for one in reason.consumers))
            shown = "/".join(p for p in ("ConfigMap", made.holder.namespace, made.name) if p)
            comment = (
                f"A copy of {made.holder.name}, with another host, for\n{', '.join(who)}.\n"
                "What is changed there has to be changed here, too."
            )
            reason = made.reasons[0]
            edit = edit_of(
                reason,
                line=1,
                key="ConfigMap",
                applicability=Applicability.REVIEW,
                parts=tuple(dict.fromkeys(made.parts)),
                consumers=who,
                expects=(shown,),
            )
            self._overlay.add_file(made.home, f"{made.name}.yaml", [document], comment, edit)

    def _edits(
        self, site: Site, goal: Goal, holder: Resource
    ) -> tuple[str, tuple[Replacement, ...], tuple[PartEdit, ...]] | None:
        """The key of the ConfigMap that spells a site, and what changes in its text."""
        found = [
            place
            for place in self._index.of(site.location.path, site.value_pointer)
            if holds(place, site) and place.resource is holder
        ]
        if len(found) != 1 or site.encoded or site.sealed or len(found[0].steps) != 2:
            return None
        scalar, key = found[0].value.scalar, found[0].steps[1]
        parts = part_edits(site, goal)
        if not isinstance(scalar, Scalar) or scalar.text != found[0].value.text:
            return None
        try:
            edits = anew(
                site.location.path, scalar, replacements(site, parts, scalar.text, scalar.map)
            )
        except EditRefused:
            return None
        return (key, edits, parts) if isinstance(key, str) and edits else None


def _volumes(reader: Resource, use: Use, leaving: Collection[str]) -> tuple[tuple[Step, ...], ...]:
    """Where a pod's volumes name the ConfigMap; none where one that stays mounts them, too."""
    own = container_steps(reader, use.workload.container)
    if own is None or reader.kind not in BUILT_IN_LISTS:
        return ()
    pod, steps = at_steps(reader.body, own[:-2]), own[:-2]
    names = [
        text(one, "name")
        for one in items(pod, "volumes")
        if text(one, "configMap", "name") == use.source_name
    ]
    mounting = {
        text(one, "name")
        for one in _containers(pod)
        if any(text(mount, "name") in names for mount in items(one, "volumeMounts"))
    }
    if not names or not mounting <= set(leaving):
        return ()
    return tuple((*steps, "volumes", (name,), "configMap", "name") for name in names)


def _containers(pod: Effective | None) -> Iterator[Effective]:
    for field_ in ("containers", "initContainers", "ephemeralContainers"):
        yield from items(pod, field_)


def _is_plain(holder: Resource) -> bool:
    """Whether a ConfigMap is texts alone, without a password, and keeps its name."""
    known = {"apiVersion", "kind", "metadata", "data"}
    data = mapping(holder.body, "data").values()
    return (
        not (holder.generated or holder.hashed)
        and known >= holder.body.keys()
        and all(isinstance(one, Value) and mask(one.text) == one.text for one in data)
    )


def _annotations(resource: Resource) -> dict[str, str]:
    found = dict(pairs(resource.body, "metadata", "annotations"))
    return {key: value for key, value in found.items() if key.startswith(_HOOKS)}


def _hooks(reader: Resource, holder: Resource) -> bool:
    """Whether the reader arrives before a copy of the ConfigMap would."""
    return bool(_annotations(reader)) and _annotations(reader) != _annotations(holder)
