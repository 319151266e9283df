"""Name references, mended after prefixes and suffixes as kustomize mends them."""

from __future__ import annotations

from collections.abc import Iterator

from repoint.kube.effective import Effective, Value, child, items, text
from repoint.kube.resource import Resource

# Where a pod's spec stands in the kinds whose references kustomize knows.
POD_SPECS: dict[str, tuple[str, ...]] = {
    "Pod": ("spec",),
    "Deployment": ("spec", "template", "spec"),
    "ReplicaSet": ("spec", "template", "spec"),
    "DaemonSet": ("spec", "template", "spec"),
    "StatefulSet": ("spec", "template", "spec"),
    "ReplicationController": ("spec", "template", "spec"),
    "Job": ("spec", "template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}

Reference = tuple[str, dict[str, Effective], str]
"""The kind referred to, the mapping that holds the name, and the key it stands under."""


def references(resource: Resource) -> Iterator[Reference]:
    """Every ConfigMap, Secret and Service name that a built-in object refers to."""
    where = POD_SPECS.get(resource.kind)
    if where is not None:
        yield from pod_references(child(resource.body, *where))
    if resource.kind == "StatefulSet":
        spec = resource.body.get("spec")
        if isinstance(spec, dict) and text(spec, "serviceName"):
            yield "Service", spec, "serviceName"


def pod_references(pod: Effective | None) -> Iterator[Reference]:
    """The references of one pod spec."""
    for key in ("initContainers", "containers"):
        for container in items(pod, key):
            for entry in items(container, "env"):
                yield from _reference("ConfigMap", entry, "valueFrom", "configMapKeyRef")
                yield from _reference("Secret", entry, "valueFrom", "secretKeyRef")
            for entry in items(container, "envFrom"):
                yield from _reference("ConfigMap", entry, "configMapRef")
                yield from _reference("Secret", entry, "secretRef")
    for volume in items(pod, "volumes"):
        yield from _reference("ConfigMap", volume, "configMap")
        yield from _reference("Secret", volume, "secret", name="secretName")
        for source in items(volume, "projected", "sources"):
            yield from _reference("ConfigMap", source, "configMap")
            yield from _reference("Secret", source, "secret")


def _reference(kind: str, tree: Effective, *keys: str, name: str = "name") -> Iterator[Reference]:
    holder = child(tree, *keys)
    if isinstance(holder, dict) and isinstance(holder.get(name), Value):
        yield kind, holder, name


def mend_references(resources: list[Resource]) -> None:
    """Give references the names that their objects ended up with."""
    by_name: dict[tuple[str, str], list[Resource]] = {}
    for resource in resources:
        names = {resource.name, *(old.name for old in resource.previous)}
        for name in names:
            by_name.setdefault((resource.kind, name), []).append(resource)
    for referrer in resources:
        for kind, holder, key in references(referrer):
            leaf = holder[key]
            assert isinstance(leaf, Value)
            found = _candidate(referrer, by_name.get((kind, leaf.text), []))
            if found is not None and found.name != leaf.text:
                holder[key] = Value(found.name, leaf.origin, leaf.scalar)


def _candidate(referrer: Resource, found: list[Resource]) -> Resource | None:
    """The object meant by a name: the one that came the same way as the referrer."""
    scopes = [(one.original.scope, one.id.scope, one) for one in found]
    origin, scope = referrer.original.scope, referrer.id.scope
    for near in (
        [one for first, last, one in scopes if (first, last) == (origin, scope)],
        [one for _, last, one in scopes if last == scope],
        [one for first, _, one in scopes if first == origin],
    ):
        if near:
            alike = [one for one in near if one.affixes == referrer.affixes]
            return (alike or near)[0]
    return None
