"""Containers of any object that runs pods, with what they are given to read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from repoint.kube.effective import (
    Effective,
    Origin,
    Value,
    child,
    items,
    mapping,
    pairs,
    text,
    texts,
)
from repoint.kube.resource import Resource
from repoint.model.consumer import Workload

_NOT_WORKLOADS = frozenset({"CustomResourceDefinition", "ConfigMap", "Secret", "List"})
_SINGLE = ("container", "script")
_STEPS = ("steps", "sidecars")
_MAX_DEPTH = 12
_NOWHERE = Origin("", "")


class EnvEntry(Struct, frozen=True, eq=False):
    """An entry of a container's `env`: a literal, or a key of a Secret or ConfigMap.

    `value` is None where the value comes from somewhere else; `kind` is then `Secret`
    or `ConfigMap`, or empty (a field of the pod).
    """

    name: str
    value: Value | None
    kind: str = ""
    source: str = ""
    key: str = ""


class EnvFrom(Struct, frozen=True):
    """An entry of `envFrom`: every key of a Secret or ConfigMap, behind a prefix."""

    kind: str
    source: str
    prefix: str = ""


class Mount(Struct, frozen=True):
    """A Secret or ConfigMap that a container sees as files.

    `keys` are the keys that are mounted; empty means all of them. `path` is where.
    """

    kind: str
    source: str
    path: str
    keys: tuple[str, ...] = ()


class ContainerView(Struct, frozen=True, eq=False):
    """One container (or the nearest thing to one) with everything it may read from.

    `words` are the leaves of `command`, `args`, `script`, probes and hooks with the field
    they stand in. `resource` is the effective object, None for compose services.
    `others` are the remaining leaves of an object without containers (a HelmRelease's
    values, a custom resource's fields), with their field paths.
    """

    workload: Workload
    init: bool
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: tuple[EnvEntry, ...]
    env_from: tuple[EnvFrom, ...]
    mounts: tuple[Mount, ...]
    annotations: tuple[tuple[str, str], ...]
    labels: tuple[tuple[str, str], ...]
    schedule: str
    restart_policy: str
    replicas: int | None
    words: tuple[tuple[str, Value], ...] = ()
    others: tuple[tuple[str, Value], ...] = ()
    path: str = ""
    resource: Resource | None = None

    @property
    def env_names(self) -> tuple[str, ...]:
        """The names of the explicit environment entries, in order."""
        return tuple(entry.name for entry in self.env)


def containers(resource: Resource) -> Iterator[ContainerView]:
    """Every container of an object, init containers first as they run.

    Pod specs are found wherever they stand (`spec.template.spec`, a CronJob's, a Rollout's, a
    custom resource's), and so are Tekton steps and Argo Workflow templates.
    """
    if resource.kind in _NOT_WORKLOADS:
        return
    for pod, metadata in _pods(resource.body, mapping(resource.body, "metadata"), 0):
        for init, container in _containers(pod):
            yield _view(resource, pod, metadata, init, container)


def _pods(
    tree: Effective, metadata: dict[str, Effective], depth: int
) -> Iterator[tuple[dict[str, Effective], dict[str, Effective]]]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(tree, list):
        for item in tree:
            yield from _pods(item, metadata, depth + 1)
        return
    if not isinstance(tree, dict):
        return
    own = mapping(tree, "metadata") or metadata
    if not _HOLDERS.isdisjoint(tree) and any(_is_container(one) for _, one in _containers(tree)):
        yield tree, metadata
        return
    for key, value in tree.items():
        if key not in ("metadata", "status"):
            yield from _pods(value, own, depth + 1)


_LISTS = ("initContainers", "containers", "ephemeralContainers", *_STEPS)
_HOLDERS = frozenset({*_LISTS, *_SINGLE})


def _containers(pod: dict[str, Effective]) -> Iterator[tuple[bool, dict[str, Effective]]]:
    for key in _LISTS:
        for one in items(pod, key):
            if isinstance(one, dict):
                yield key == "initContainers", one
    for key in _SINGLE:
        single = pod.get(key)
        if isinstance(single, dict):
            yield False, single


def _is_container(tree: dict[str, Effective]) -> bool:
    return bool({"image", "command", "args", "env", "envFrom", "script"} & tree.keys()) and (
        "name" in tree or "image" in tree
    )


def _view(
    resource: Resource,
    pod: dict[str, Effective],
    metadata: dict[str, Effective],
    init: bool,
    container: dict[str, Effective],
) -> ContainerView:
    own = mapping(resource.body, "metadata")
    spec = mapping(resource.body, "spec")
    replicas = text(spec, "replicas")
    annotations = {**dict(pairs(own, "annotations")), **dict(pairs(metadata, "annotations"))}
    labels = {**dict(pairs(own, "labels")), **dict(pairs(metadata, "labels"))}
    name = text(container, "name") or text(pod, "name")
    return ContainerView(
        workload=Workload(resource.kind, resource.namespace, resource.name, name),
        init=init,
        image=text(container, "image"),
        command=texts(container, "command"),
        args=texts(container, "args") + texts(container, "script") + texts(container, "source"),
        env=tuple(env_entries(items(container, "env"))),
        env_from=tuple(env_sources(items(container, "envFrom"))),
        mounts=tuple(_mounts(pod, container)),
        annotations=tuple(annotations.items()),
        labels=tuple(labels.items()),
        schedule=text(spec, "schedule") or text(spec, "schedules"),
        restart_policy=text(pod, "restartPolicy"),
        replicas=int(replicas) if replicas.isdigit() else None,
        words=tuple(_words(container)),
        path=resource.path,
        resource=resource,
    )


def env_entries(entries: list[Effective]) -> Iterator[EnvEntry]:
    """Read the items of an `env` list."""
    for entry in entries:
        name, value = text(entry, "name"), child(entry, "value")
        if not name:
            continue
        if isinstance(value, Value):
            yield EnvEntry(name, value)
            continue
        source = mapping(entry, "valueFrom")
        for field, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
            if field in source:
                yield EnvEntry(
                    name, None, kind, text(source, field, "name"), text(source, field, "key")
                )
                break
        else:
            yield EnvEntry(name, None)


def env_sources(entries: list[Effective]) -> Iterator[EnvFrom]:
    """Read the items of an `envFrom` list."""
    for entry in entries:
        for field, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
            name = text(entry, field, "name")
            if name:
                yield EnvFrom(kind, name, text(entry, "prefix"))


def _mounts(pod: dict[str, Effective], container: dict[str, Effective]) -> Iterator[Mount]:
    volumes = {text(volume, "name"): volume for volume in items(pod, "volumes")}
    for mount in items(container, "volumeMounts"):
        volume = volumes.get(text(mount, "name"))
        path, sub = text(mount, "mountPath"), text(mount, "subPath")
        for kind, source, listed in _volume_sources(volume):
            keys = {text(one, "path"): text(one, "key") for one in listed}
            if sub:
                yield Mount(kind, source, path, (keys.get(sub, sub.partition("/")[0]),))
            else:
                yield Mount(kind, source, path, tuple(keys.values()))


def _volume_sources(
    volume: Effective | None,
) -> Iterator[tuple[str, str, list[Effective]]]:
    for one in (volume, *items(volume, "projected", "sources")):
        for field, kind, key in (
            ("configMap", "ConfigMap", "name"),
            ("secret", "Secret", "secretName"),
            ("secret", "Secret", "name"),
        ):
            source = text(one, field, key)
            if source:
                yield kind, source, items(one, field, "items")


_WORD_FIELDS = (
    "command",
    "args",
    "script",
    "source",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
)


def _words(container: dict[str, Effective]) -> Iterator[tuple[str, Value]]:
    for field in _WORD_FIELDS:
        if field in container:
            yield from ((field, leaf) for _, leaf in leaves(container[field]))


def leaves(tree: Effective, at: str = "") -> Iterator[tuple[str, Value]]:
    """Every leaf of a tree with the dotted path of its field."""
    if isinstance(tree, Value):
        yield at, tree
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from leaves(value, f"{at}.{key}" if at else key)
    else:
        for index, item in enumerate(tree):
            yield from leaves(item, f"{at}[{index}]")


def object_view(resource: Resource, kind: str = "", name: str = "") -> ContainerView:
    """An object without containers as something that reads its own fields.

    `env` lists and `envFrom` lists anywhere in it are read as a container's would be: charts
    and operators hand them through.
    """
    env: list[EnvEntry] = []
    sources: list[EnvFrom] = []
    _collect(resource.body, env, sources)
    # Helm parameters (`db.host`) look like environment entries, but no program sees them.
    env = [entry for entry in env if "." not in entry.name]
    in_env = {id(entry.value) for entry in env if entry.value is not None}
    others = tuple(
        (path, leaf)
        for path, leaf in leaves({k: v for k, v in resource.body.items() if k != "status"})
        if id(leaf) not in in_env
    )
    return ContainerView(
        workload=Workload(kind or resource.kind, resource.namespace, name or resource.name),
        init=False,
        image="",
        command=(),
        args=(),
        env=tuple(env),
        env_from=tuple(sources),
        mounts=tuple(_handed_through(resource)),
        annotations=pairs(resource.body, "metadata", "annotations"),
        labels=pairs(resource.body, "metadata", "labels"),
        schedule=text(resource.body, "spec", "schedule"),
        restart_policy="",
        replicas=None,
        others=others,
        path=resource.path,
        resource=resource,
    )


_NAMED_SECRET = re.compile(r"(existing|secret|credentials).*(secret|name|ref)$", re.IGNORECASE)


def _handed_through(resource: Resource) -> Iterator[Mount]:
    """The ConfigMaps and Secrets that a release takes its values from, or names in them."""
    spec = mapping(resource.body, "spec")
    for entry in items(spec, "valuesFrom"):
        key = text(entry, "valuesKey") or "values.yaml"
        yield Mount(text(entry, "kind"), text(entry, "name"), "values", (key,))
    if resource.kind in ("HelmRelease", "Application"):
        for path, leaf in leaves(spec):
            if _NAMED_SECRET.search(path.rpartition(".")[2]) and _OBJECT_NAME.match(leaf.text):
                yield Mount("Secret", leaf.text, path)


_OBJECT_NAME = re.compile(r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")


def _collect(tree: Effective, env: list[EnvEntry], sources: list[EnvFrom]) -> None:
    if isinstance(tree, list):
        if any("valueFrom" in one or "value" in one for one in tree if isinstance(one, dict)):
            env += env_entries(tree)
        sources += env_sources(tree)
        for item in tree:
            _collect(item, env, sources)
    elif isinstance(tree, dict):
        for name, value in tree.items():
            # Charts also take `env` as a mapping: {NAME: {valueFrom: ...}}.
            if isinstance(value, dict) and ("valueFrom" in value or "secretKeyRef" in value):
                source = value.get("valueFrom", value)
                held: Effective = {"name": Value(name, _NOWHERE), "valueFrom": source}
                env += env_entries([held])
            else:
                _collect(value, env, sources)
