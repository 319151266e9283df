"""kustomize's built-in transformers, other than patches."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from repoint.kube.effective import (
    MADE,
    Effective,
    Origin,
    Value,
    child,
    edited,
    items,
    mapping,
    pairs,
    text,
)
from repoint.kube.fieldspecs import FieldSpec, selectors_of, templates_of
from repoint.kube.objects import CLUSTER_SCOPED
from repoint.kube.resource import Resource

_NO_AFFIX = frozenset({"Namespace", "CustomResourceDefinition", "APIService"})
_SCALABLE = frozenset({"Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"})
_NAMESPACED_FIELDS = {
    "APIService": ("spec", "service", "namespace"),
    "CustomResourceDefinition": (
        *("spec", "conversion", "webhook", "clientConfig", "service", "namespace"),
    ),
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
        _add(resource, _metadata("annotations"), extra)
        _add(resource, templates_of(resource.kind, resource.group, "annotations"), extra)


def set_namespace(resources: list[Resource], namespace: str, origin: Origin) -> None:
    """Move every namespaced object, and rename Namespace objects, as kustomize does."""
    for resource in resources:
        kind = resource.kind
        if kind == "Namespace":
            resource.remember()
            resource.set_metadata("name", namespace, origin)
        elif kind not in CLUSTER_SCOPED:
            resource.remember()
            resource.set_metadata("namespace", namespace, origin)
        if kind in ("RoleBinding", "ClusterRoleBinding"):
            resource.edit(("subjects",), _default_account(namespace, origin), create=False)
        elif kind in _NAMESPACED_FIELDS:
            where = _NAMESPACED_FIELDS[kind]
            resource.edit(where, lambda _: Value(namespace, origin), create=False)


def _default_account(namespace: str, origin: Origin) -> Callable[[Effective], Effective]:
    """kustomize moves the subjects that are a namespace's own account, and no others."""

    def moved(subject: Effective) -> Effective:
        account = text(subject, "kind") == "ServiceAccount" and text(subject, "name") == "default"
        if isinstance(subject, dict) and account:
            return {**subject, "namespace": Value(namespace, origin)}
        return subject

    return moved


def set_affixes(resources: list[Resource], prefix: str, suffix: str, origin: Origin) -> None:
    """Add a prefix and a suffix to every name that kustomize renames."""
    for resource in resources:
        if resource.kind in _NO_AFFIX or not text(resource.body, "metadata", "name"):
            continue
        resource.remember()
        resource.set_metadata("name", f"{prefix}{resource.name}{suffix}", origin)
        resource.prefixes += (prefix,) if prefix else ()
        resource.suffixes += (suffix,) if suffix else ()


def _entries(tree: Effective, *keys: str) -> dict[str, Effective]:
    return {key: value for key, value in mapping(tree, *keys).items() if isinstance(value, Value)}


def _metadata(field: str) -> tuple[FieldSpec, ...]:
    return (FieldSpec("", ("metadata", field), create=True),)


def _labels(kustomization: dict[str, Effective], resources: list[Resource]) -> None:
    common = _entries(kustomization, "commonLabels")
    rules = [(common, True, True)] if common else []
    for entry in items(kustomization, "labels"):
        selectors = text(entry, "includeSelectors") == "true"
        templates = selectors or text(entry, "includeTemplates") == "true"
        rules.append((_entries(entry, "pairs"), selectors, templates))
    for labels, selectors, templates in rules:
        for resource in resources:
            kind, group = resource.kind, resource.group
            _add(resource, _metadata("labels"), labels)
            if templates:
                _add(resource, templates_of(kind, group, "labels"), labels)
            if selectors:
                _add(resource, selectors_of(kind, group), labels)


def _add(resource: Resource, specs: Iterable[FieldSpec], extra: dict[str, Effective]) -> None:
    for spec in specs:
        resource.edit(
            spec.path,
            lambda held: {**held, **extra} if isinstance(held, dict) else held,
            create=spec.create,
        )


def set_replicas(kustomization: dict[str, Effective], resources: list[Resource]) -> list[str]:
    """Apply `replicas:` by an object's original or current name; return what fits no object."""
    missing: list[str] = []
    for entry in items(kustomization, "replicas"):
        name, count = text(entry, "name"), child(entry, "count")
        found = [
            one
            for one in resources
            if one.kind in _SCALABLE and name in {one.name, *(old.name for old in one.previous)}
        ]
        if not found:
            missing.append(f"no object that scales is named `{name}`")
        for resource in found:
            if isinstance(count, Value):
                resource.put(("spec", "replicas"), count)
    return missing


def set_images(kustomization: dict[str, Effective], resources: list[Resource]) -> None:
    """Apply `images:` to every container, found anywhere as kustomize does."""
    listed = [*items(kustomization, "images"), *items(kustomization, "imageTags")]
    entries = [dict(pairs(entry)) for entry in listed]
    for resource in resources if entries else ():
        body = _images_in(resource.body, entries)
        assert isinstance(body, dict)
        resource.body = body


def _images_in(tree: Effective, entries: list[dict[str, str]]) -> Effective:
    if isinstance(tree, list):
        changed = [_images_in(item, entries) for item in tree]
        same = all(old is new for old, new in zip(tree, changed, strict=True))
        return tree if same else changed
    if not isinstance(tree, dict):
        return tree
    for key in ("containers", "initContainers"):
        if isinstance(tree.get(key), list):
            found = edited(tree, (key, "image"), lambda image: _image(image, entries))
            tree = found if isinstance(found, dict) else tree
    result = {
        key: value if isinstance(value, Value) else _images_in(value, entries)
        for key, value in tree.items()
    }
    return tree if all(result[key] is value for key, value in tree.items()) else result


def _image(image: Effective, entries: list[dict[str, str]]) -> Effective:
    for entry in entries:
        if not isinstance(image, Value) or not _is_image(image.text, entry.get("name", "")):
            continue
        name, rest = split_image(image.text)
        tag = f":{entry['newTag']}" if entry.get("newTag") else ""
        digest = f"@{entry['digest']}" if entry.get("digest") else ""
        written = (entry.get("newName") or name) + ((tag + digest) or rest)
        image = Value(written, image.origin, image.scalar)
    return image


def _is_image(image: str, name: str) -> bool:
    """Whether an image is of a name, which kustomize takes for a pattern."""
    try:
        return bool(
            re.fullmatch(rf"{name}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?", image)
        )
    except re.error:
        return False


def split_image(image: str) -> tuple[str, str]:
    """An image's name, and its tag and digest as written."""
    name, at, digest = image.partition("@")
    head, slash, last = name.rpartition("/")
    base, colon, tag = last.partition(":")
    return f"{head}{slash}{base}", f"{colon}{tag}{at}{digest}"
