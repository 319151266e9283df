"""What still names the source although no site was found for it: nothing is left in silence.

A host may reach a container by ways that the reading of files does not see, such as a
kustomize replacement from a field with a neutral name. The built objects show it. So may a
custom resource have it in a field that nobody knows to be a connection.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from repoint.dsn.parse import find
from repoint.kube.builds import EnvironmentBuild
from repoint.kube.effective import MADE, Value, mapping
from repoint.kube.release_uses import LooseValue
from repoint.kube.resource import Resource
from repoint.kube.siteindex import SiteIndex
from repoint.kube.workloads import containers
from repoint.model.plan import Severity
from repoint.model.source import Location
from repoint.planning.places import Place, places
from repoint.planning.sources import SourceHosts
from repoint.sites.context import Scope, is_skipped
from repoint.sites.encoded import plain_text
from repoint.sites.frame import Role
from repoint.sites.hosts import address
from repoint.sites.keys import Evidence, host_key

_QUALIFIED = re.compile(r"(?<![\w.-])[A-Za-z0-9](?:[\w-]*\.)+[\w-]*[A-Za-z0-9](?![\w-])")
"""A name with a dot in it: a bare word may be anything."""

_MOST_READINGS = 3


@dataclass(frozen=True, slots=True)
class Leftover:
    """A value of a built object that names the source: its owner, its key, its origin.

    `severity` is that of the rule; less where nothing tells that anybody connects by the value.
    `origin` is the one field, with its object, that a value is put together from and that a file
    spells; `sited` tells that it is a site by itself.
    """

    owner: str
    key: str
    location: Location | None
    severity: Severity = Severity.ERROR
    origin: str = ""
    sited: bool = False


def leftovers(
    environment: EnvironmentBuild, sites: SiteIndex, source: SourceHosts
) -> Iterator[Leftover]:
    """Values of variables, configuration and custom resources that name the source.

    Those alone that are no known site.
    """
    for resource in environment.objects:
        for owner, key, value in _values(resource):
            if sites.of(value):
                continue
            texts = _readings(resource, value)
            if not any(_names_source(key, one, source, resource.namespace) for one in texts):
                if any(is_source_alone(one, source) for one in texts):
                    where = _location(resource, value)
                    yield Leftover(owner, key, where, severity=Severity.WARNING)
                continue
            place = _spelled(value, environment, source) if value.scalar is None else None
            if place is None:
                yield Leftover(owner, key, _location(resource, value))
                continue
            sited = bool(sites.of(place.value))
            yield Leftover(
                *(owner, key, _location(place.resource, place.value)),
                severity=Severity.WARNING if sited else Severity.ERROR,
                origin=f"`{place.field}` of {place.resource.kind} `{place.resource.name}`",
                sited=sited,
            )
        if is_custom(resource):
            yield from _fields(resource, sites, source)


def in_values(
    loose: Iterable[LooseValue], environment: str, source: SourceHosts
) -> Iterator[Leftover]:
    """Helm values of an environment that are the source's name, under a key that tells nothing."""
    for one in loose:
        if one.environment == environment and is_source_alone(one.value.text, source):
            origin, scalar = one.value.origin, one.value.scalar
            place = Location(origin.path, scalar.line if scalar else 1, 1, origin.pointer)
            yield Leftover(origin.path, one.key, place, severity=Severity.WARNING)


def is_source_alone(text: str, source: SourceHosts) -> bool:
    """Whether a text is the source's host, with a port or without, and nothing else.

    A bare word may be anything.
    """
    read = address(text)
    return read is not None and "." in read.host.text and source.matches(read.host.text)


def is_custom(resource: Resource) -> bool:
    """Whether an object is of a kind that Kubernetes itself does not have."""
    return "." in resource.group and not resource.group.endswith("k8s.io")


def _fields(resource: Resource, sites: SiteIndex, source: SourceHosts) -> Iterator[Leftover]:
    """Fields of a custom resource, each with the source's host and where that stands."""
    owner = "/".join((resource.kind, resource.namespace, resource.name))
    scope = Scope(Role.MANIFEST, resource.kind, resource.api_version)
    # The way to a server names it by its nature, and connects to nothing.
    severity = Severity.NOTE if is_skipped(scope) else Severity.WARNING
    told = {value for _, _, value in _values(resource)}
    for place in places(resource):
        value = place.value
        hosts = _QUALIFIED.findall(value.text) if "." in value.text else ()
        if not any(source.matches(host, resource.namespace) for host in hosts):
            continue
        if value not in told and not sites.of(value):
            yield Leftover(owner, place.field, _location(resource, value), severity)


def _spelled(value: Value, environment: EnvironmentBuild, source: SourceHosts) -> Place | None:
    """The configuration from which kustomize takes the host that it puts into a value.

    None where no field is that host alone, or several are.
    """
    found: dict[tuple[str, str], Place] = {}
    for resource in environment.objects:
        if resource.kind not in ("ConfigMap", "Secret"):
            continue
        for place in places(resource):
            own = place.value
            read = address(own.text) if own.scalar is not None and own is not value else None
            if read is None or own.text not in value.text:
                continue
            if source.matches(read.host.text, resource.namespace):
                found[own.origin.path, own.origin.pointer] = place
    return next(iter(found.values())) if len(found) == 1 else None


def _location(resource: Resource, value: Value) -> Location | None:
    line = value.scalar.line if value.scalar is not None else 1
    origin = value.origin
    # What kustomize makes stands nowhere: its object does.
    path = resource.path if origin.pointer == MADE else origin.path
    return Location(path, line, 1, origin.pointer) if path else None


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


def _readings(resource: Resource, value: Value) -> list[str]:
    """A value's text and, in a Secret, what it is once and twice decoded."""
    texts = [value.text]
    while resource.kind == "Secret" and len(texts) < _MOST_READINGS:
        inner = plain_text(texts[-1])
        if inner is None:
            break
        texts.append(inner)
    return texts


def _names_source(key: str, text: str, source: SourceHosts, namespace: str) -> bool:
    strings = find(text)
    if strings:
        return any(source.matches(host.text, namespace) for one in strings for host in one.hosts)
    named = host_key(key)
    if named is None or named.evidence < Evidence.GENERIC:
        return False
    read = address(text)
    return read is not None and source.matches(read.host.text, namespace)
