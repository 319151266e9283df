"""Where the scalars of shared files end up in the objects of one environment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from repoint.kube.effective import Effective, Value, items
from repoint.kube.resource import Resource

Step = str | int | tuple[str]
"""A key, an index, or `(name,)` for the list item of that name."""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A leaf of an effective object, with the way to it."""

    resource: Resource
    steps: tuple[Step, ...]
    value: Value

    @property
    def field(self) -> str:
        """The field as a proof spells it: `spec.containers[backend].env[DSN].value`."""
        return field_of(self.steps)


def field_of(steps: tuple[Step, ...]) -> str:
    """Spell steps the way `render_diff` names fields."""
    text = ""
    for step in steps:
        if isinstance(step, str):
            text += f".{step}" if text else step
        else:
            text += f"[{step[0] if isinstance(step, tuple) else step}]"
    return text


def rendered(resource: Resource, steps: tuple[Step, ...]) -> tuple[str, ...]:
    """The spellings of a field: kustomize encodes the texts of a Secret that it generates."""
    if resource.generated and resource.kind == "Secret" and steps[0] == "stringData":
        return field_of(steps), field_of(("data", *steps[1:]))
    return (field_of(steps),)


def object_name(resource: Resource) -> str:
    """`Kind/namespace/name` as a build shows it, which is how `render_diff` names objects."""
    parts = (resource.kind, resource.built.namespace, resource.built.name)
    return "/".join(part for part in parts if part)


def places(resource: Resource) -> Iterator[Place]:
    """Every leaf of an object."""
    yield from _walk(resource, resource.body, ())


def _walk(resource: Resource, tree: Effective, steps: tuple[Step, ...]) -> Iterator[Place]:
    if isinstance(tree, Value):
        yield Place(resource, steps, tree)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from _walk(resource, value, (*steps, key))
    else:
        names = [_name(item) for item in tree]
        named = all(names) and len(set(names)) == len(names)
        for index, item in enumerate(tree):
            step: Step = (names[index],) if named else index
            yield from _walk(resource, item, (*steps, step))


def _name(item: Effective) -> str:
    name = item.get("name") if isinstance(item, dict) else None
    return name.text if isinstance(name, Value) else ""


class PlaceIndex:
    """Places of one environment by the scalar that spells them."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._by_origin: dict[tuple[str, str], list[Place]] = {}
        self._by_scalar: dict[tuple[str, int], list[Place]] = {}
        self._objects: dict[tuple[str, str, str], Resource] = {}
        for resource in resources:
            self._objects[resource.kind, resource.namespace, resource.name] = resource
            for place in places(resource):
                origin = place.value.origin
                self._by_origin.setdefault((origin.path, origin.pointer), []).append(place)
                scalar = place.value.scalar
                if scalar is not None and scalar.aliased:
                    spot = (origin.path, scalar.span.start)
                    self._by_scalar.setdefault(spot, []).append(place)

    def object(self, kind: str, namespace: str, name: str) -> Resource | None:
        """The environment's object of that name, None where nothing in the repository makes it."""
        return self._objects.get((kind, namespace, name))

    def of(self, path: str, pointer: str) -> tuple[Place, ...]:
        """Every place that takes its text from a scalar, by an alias of it too."""
        found = self._by_origin.get((path, pointer), [])
        aliases = [
            place
            for one in found
            if one.value.scalar is not None and one.value.scalar.aliased
            for place in self._by_scalar.get((path, one.value.scalar.span.start), ())
        ]
        return tuple(dict.fromkeys((*found, *aliases)))


def at_steps(tree: Effective, steps: tuple[Step, ...]) -> Effective | None:
    """The subtree that steps lead to, or None."""
    for step in steps:
        if isinstance(step, str):
            tree_or_none = tree.get(step) if isinstance(tree, dict) else None
        elif isinstance(step, tuple):
            found = [i for i in tree if _name(i) == step[0]] if isinstance(tree, list) else []
            tree_or_none = found[0] if found else None
        else:
            inside = isinstance(tree, list) and step < len(tree)
            tree_or_none = tree[step] if isinstance(tree, list) and inside else None
        if tree_or_none is None:
            return None
        tree = tree_or_none
    return tree


_CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")


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
