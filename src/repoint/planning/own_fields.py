"""A value of a shared file that each of several objects has in a field of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from repoint.kube.resource import Resource
from repoint.model.consumer import Use, Workload
from repoint.planning.decisions import Way
from repoint.planning.places import object_name


def each_its_own(
    objects: frozenset[str],
    wanted: Iterable[tuple[Use, Way]],
    views: Mapping[Workload, Resource],
) -> Mapping[Way, frozenset[str]]:
    """Which objects go which way; nothing where one of them would have to go two ways.

    A component or a common base puts one text into each of them: a patch can change it in one
    and leave the others.

    Args:
        objects: The names of the objects that have the value.
        wanted: The uses of the value, and where each goes.
        views: The built object of each workload.
    """
    found: dict[Way, set[str]] = {}
    for use, way in wanted:
        resource = views.get(use.workload)
        if resource is not None:
            found.setdefault(way, set()).add(object_name(resource))
    several = [name for names in found.values() for name in names]
    apart = len(several) == len(set(several)) and set(several) == objects
    return {way: frozenset(names) for way, names in found.items()} if apart else {}
