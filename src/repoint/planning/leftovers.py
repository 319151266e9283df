"""What still names the source although no site was found for it: nothing is left in silence.

A host may reach a container by ways that the reading of files does not see, such as a
kustomize replacement from a field with a neutral name. The built objects show it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from repoint.dsn.parse import find
from repoint.kube.builds import EnvironmentBuild
from repoint.kube.effective import MADE, Value, mapping
from repoint.kube.resource import Resource
from repoint.kube.siteindex import SiteIndex
from repoint.kube.workloads import containers
from repoint.model.source import Location
from repoint.planning.sources import SourceHosts
from repoint.sites.hosts import address
from repoint.sites.keys import Evidence, host_key


@dataclass(frozen=True, slots=True)
class Leftover:
    """A value of a built object that names the source: its owner, its key, its origin."""

    owner: str
    key: str
    location: Location | None


def leftovers(
    environment: EnvironmentBuild, sites: SiteIndex, source: SourceHosts
) -> Iterator[Leftover]:
    """Values of variables and configuration keys that name the source and are no known site."""
    for resource in environment.objects:
        for owner, key, value in _values(resource):
            if sites.of(value) or not _names_source(key, value.text, source, resource.namespace):
                continue
            line = value.scalar.line if value.scalar is not None else 1
            origin = value.origin
            # What kustomize makes stands nowhere: its object does.
            path = resource.path if origin.pointer == MADE else origin.path
            place = Location(path, line, 1, origin.pointer) if path else None
            yield Leftover(owner, key, place)


def _values(resource: Resource) -> Iterator[tuple[str, str, Value]]:
    for view in containers(resource):
        for entry in view.env:
            if entry.value is not None:
                yield view.workload.id, entry.name, entry.value
    if resource.kind in ("ConfigMap", "Secret"):
        name = "/".join((resource.kind, resource.namespace, resource.name))
        for field in ("data", "stringData"):
            for key, value in mapping(resource.body, field).items():
                if isinstance(value, Value):
                    yield name, key, value


def _names_source(key: str, text: str, source: SourceHosts, namespace: str) -> bool:
    strings = find(text)
    if strings:
        return any(source.matches(host.text, namespace) for one in strings for host in one.hosts)
    named = host_key(key)
    if named is None or named.evidence < Evidence.GENERIC:
        return False
    read = address(text)
    return read is not None and source.matches(read.host.text, namespace)
