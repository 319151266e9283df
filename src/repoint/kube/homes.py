"""Which environment a controller's object, or one outside every overlay, belongs to."""

from __future__ import annotations

from collections.abc import Mapping

from repoint.kube.delivery import Delivery, named_environment
from repoint.kube.effective import text
from repoint.kube.environments import Layout, path_word
from repoint.kube.resource import Resource
from repoint.kube.words import is_word


def word_of(delivery: Delivery) -> str:
    """The environment that a controller's object names by its place or its name."""
    return path_word(delivery.path.rpartition("/")[0]) or named_environment(delivery.name)


def worded(told: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Leave out names that are no environment's: one cluster alone needs no name."""
    names = {word for _, word in told if word}
    if len(names) > 1:
        return told
    return [(directory, word if is_word(word) else "") for directory, word in told]


def delivered_to(
    delivered: tuple[Delivery, ...], layout: Layout
) -> tuple[tuple[Delivery, str], ...]:
    """Each delivery with its environment, empty where nothing tells: then it may be any's.

    Its object's place or name tells, else the overlay that it applies, where one environment
    alone has that; a folder with such objects of one environment is a cluster's.
    """
    taken: dict[str, set[str]] = {}
    for spec in layout.environments:
        for overlay in spec.overlays:
            taken.setdefault(overlay, set()).add(spec.name)
    found = []
    for one in delivered:
        names = taken.get(one.directory, set())
        said = layout.environment_of(one.path) or layout.known(word_of(one))
        found.append(said or (min(names) if len(names) == 1 else ""))
    folders: dict[str, set[str]] = {}
    for one, home in zip(delivered, found, strict=True):
        folders.setdefault(one.path.rpartition("/")[0], set()).update({home} - {""})
    result = []
    for one, home in zip(delivered, found, strict=True):
        around = folders[one.path.rpartition("/")[0]]
        result.append((one, home or (min(around) if len(around) == 1 else "")))
    return tuple(result)


def by_namespace(layout: Layout) -> dict[str, str]:
    """Environments by their namespace, where no two share one."""
    found: dict[str, set[str]] = {}
    for spec in layout.environments:
        found.setdefault(spec.namespace, set()).add(spec.name)
    return {space: min(names) for space, names in found.items() if space and len(names) == 1}


def home_of(resource: Resource, layout: Layout, spaces: Mapping[str, str]) -> str:
    """The environment that an object tells itself: where it goes, or an Application's name."""
    where = resource.namespace
    if resource.kind == "Application":
        where = text(resource.body, "spec", "destination", "namespace")
    elif resource.kind == "HelmRelease":
        where = text(resource.body, "spec", "targetNamespace") or where
    named = named_environment(resource.name) if resource.kind == "Application" else ""
    return spaces.get(where, "") or layout.known(named)
