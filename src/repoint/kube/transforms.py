"""kustomize's built-in transformers, other than patches."""

from __future__ import annotations

from collections.abc import Iterator

from repoint.kube.effective import (
    MADE,
    Effective,
    Origin,
    Value,
    child,
    items,
    mapping,
    pairs,
    text,
)
from repoint.kube.objects import CLUSTER_SCOPED
from repoint.kube.resource import Resource

_NO_AFFIX = frozenset({"Namespace", "CustomResourceDefinition", "APIService"})
_TEMPLATES = (
    ("spec", "template"),
    ("spec", "jobTemplate"),
    ("spec", "jobTemplate", "spec", "template"),
)
_SELECTORS = {
    "Service": ("spec", "selector"),
    "ReplicationController": ("spec", "selector"),
    "Deployment": ("spec", "selector", "matchLabels"),
    "ReplicaSet": ("spec", "selector", "matchLabels"),
    "DaemonSet": ("spec", "selector", "matchLabels"),
    "StatefulSet": ("spec", "selector", "matchLabels"),
    "NetworkPolicy": ("spec", "podSelector", "matchLabels"),
    "PodDisruptionBudget": ("spec", "selector", "matchLabels"),
}


def transform(kustomization: dict[str, Effective], path: str, resources: list[Resource]) -> None:
    """Apply namespace, prefix, suffix, labels and annotations in kustomize's order."""
    origin = Origin(path, MADE)
    namespace = text(kustomization, "namespace")
    if namespace:
        set_namespace(resources, namespace, origin)
    prefix, suffix = text(kustomization, "namePrefix"), text(kustomization, "nameSuffix")
    if prefix or suffix:
        set_affixes(resources, prefix, suffix, origin)
    _labels(kustomization, resources)
    extra = _entries(kustomization, "commonAnnotations")
    for resource in resources if extra else ():
        _add(resource.body, ("metadata", "annotations"), extra)
        for template in _templates(resource):
            _add(template, ("metadata", "annotations"), extra)


def set_namespace(resources: list[Resource], namespace: str, origin: Origin) -> None:
    """Move every namespaced object, and rename Namespace objects, as kustomize does."""
    for resource in resources:
        if resource.kind == "Namespace":
            resource.remember()
            resource.set_metadata("name", namespace, origin)
        elif resource.kind not in CLUSTER_SCOPED:
            resource.remember()
            resource.set_metadata("namespace", namespace, origin)


def set_affixes(resources: list[Resource], prefix: str, suffix: str, origin: Origin) -> None:
    """Add a prefix and a suffix to every name that kustomize renames."""
    for resource in resources:
        if resource.kind in _NO_AFFIX or not text(resource.body, "metadata", "name"):
            continue
        resource.remember()
        resource.set_metadata("name", f"{prefix}{resource.name}{suffix}", origin)
        resource.affixes = (*resource.affixes, f"{prefix}|{suffix}")


def _entries(tree: Effective, *keys: str) -> dict[str, Effective]:
    return {key: value for key, value in mapping(tree, *keys).items() if isinstance(value, Value)}


def _labels(kustomization: dict[str, Effective], resources: list[Resource]) -> None:
    common = _entries(kustomization, "commonLabels")
    rules = [(common, True, True)] if common else []
    for entry in items(kustomization, "labels"):
        selectors = text(entry, "includeSelectors") == "true"
        templates = selectors or text(entry, "includeTemplates") == "true"
        rules.append((_entries(entry, "pairs"), selectors, templates))
    for labels, selectors, templates in rules:
        for resource in resources:
            _add(resource.body, ("metadata", "labels"), labels)
            for template in _templates(resource) if templates else ():
                _add(template, ("metadata", "labels"), labels)
            where = _SELECTORS.get(resource.kind)
            if selectors and where and _may_select(resource):
                _add(resource.body, where, labels)


def _may_select(resource: Resource) -> bool:
    """Whether kustomize adds labels here: an empty podSelector selects all and stays so."""
    if resource.kind == "NetworkPolicy":
        return bool(mapping(resource.body, "spec", "podSelector", "matchLabels"))
    if resource.kind == "Service":
        return text(resource.body, "spec", "type") != "ExternalName"
    return True


def _templates(resource: Resource) -> Iterator[dict[str, Effective]]:
    for keys in _TEMPLATES:
        found = child(resource.body, *keys)
        if isinstance(found, dict):
            yield found


def _add(tree: dict[str, Effective], keys: tuple[str, ...], extra: dict[str, Effective]) -> None:
    node = tree
    for key in keys:
        inner = node.get(key)
        if not isinstance(inner, dict):
            inner = node[key] = {}
        node = inner
    node.update(extra)


def set_replicas(kustomization: dict[str, Effective], resources: list[Resource]) -> None:
    """Apply `replicas:` by an object's original or current name."""
    for entry in items(kustomization, "replicas"):
        name, count = text(entry, "name"), child(entry, "count")
        for resource in resources:
            spec = resource.body.get("spec")
            known = {resource.name, *(old.name for old in resource.previous)}
            scalable = resource.kind in (
                "Deployment",
                "StatefulSet",
                "ReplicaSet",
                "ReplicationController",
            )
            if scalable and name in known and isinstance(spec, dict) and isinstance(count, Value):
                spec["replicas"] = count


def set_images(kustomization: dict[str, Effective], resources: list[Resource]) -> None:
    """Apply `images:` to every container, found anywhere as kustomize does."""
    entries = [dict(pairs(entry)) for entry in items(kustomization, "images")]
    if entries:
        for resource in resources:
            _images_in(resource.body, entries)


def _images_in(tree: Effective, entries: list[dict[str, str]]) -> None:
    if isinstance(tree, list):
        for item in tree:
            _images_in(item, entries)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            if key in ("containers", "initContainers") and isinstance(value, list):
                for container in value:
                    image = child(container, "image")
                    if isinstance(container, dict) and isinstance(image, Value):
                        container["image"] = _image(image, entries)
            if not isinstance(value, Value):
                _images_in(value, entries)


def _image(image: Value, entries: list[dict[str, str]]) -> Value:
    name, rest = _split_image(image.text)
    for entry in entries:
        if entry.get("name") == name:
            tag = f":{entry['newTag']}" if entry.get("newTag") else ""
            digest = f"@{entry['digest']}" if entry.get("digest") else ""
            written = (entry.get("newName") or name) + ((tag + digest) or rest)
            image = Value(written, image.origin, image.scalar)
            name, rest = _split_image(written)
    return image


def _split_image(image: str) -> tuple[str, str]:
    name, at, digest = image.partition("@")
    head, slash, last = name.rpartition("/")
    base, colon, tag = last.partition(":")
    return f"{head}{slash}{base}", f"{colon}{tag}{at}{digest}"
