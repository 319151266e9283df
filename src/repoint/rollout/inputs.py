"""What a workload's pods read of Secrets and ConfigMaps, key by key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from repoint.model.cluster import Document, ObjectRef, ref_of
from repoint.rollout.objects import at, items_at, mapping_at, template_of
from repoint.rollout.values import Tokens

WHOLE = ""
"""The key of an input that is read as a whole."""


@dataclass(frozen=True, slots=True, order=True)
class Input:
    """One key (or, as `WHOLE`, every key) of a Secret or ConfigMap that pods read.

    `mounted` tells that it is a file, which the kubelet refreshes in a running pod, all but
    for a `subPath`. Programs read such a file at their start; few look again.
    """

    kind: str
    namespace: str
    name: str
    key: str
    mounted: bool = False
    optional: bool = False

    @property
    def ref(self) -> ObjectRef:
        """The object that holds it."""
        return ObjectRef("v1", self.kind, self.namespace, self.name)


def inputs_of(document: Document) -> tuple[Input, ...]:
    """Every input of a workload's pods, sorted, each once."""
    spec = mapping_at(template_of(document), "spec")
    namespace = ref_of(document).namespace
    found: list[Input] = []
    for group in ("initContainers", "containers", "ephemeralContainers"):
        for container in items_at(spec, group):
            found += _of_container(container, namespace)
    for volume in items_at(spec, "volumes"):
        found += _of_volume(volume, namespace)
    return tuple(sorted(set(found)))


def inputs_digest(
    inputs: tuple[Input, ...], tokens: Callable[[Input], Tokens], salt: str = ""
) -> str:
    """SHA-256 over the tokens of what is read; empty when repoint never changed any of it.

    `tokens` gives those of the whole Secret or ConfigMap of an input. `salt` is hashed, too.
    """
    lines = []
    for one in inputs:
        known = tokens(one)
        keys = sorted(known) if one.key == WHOLE else [one.key]
        lines += [
            [f"{one.kind}/{one.namespace}/{one.name}", key, known[key]]
            for key in keys
            if key in known
        ]
    unique = sorted(map(list, {tuple(line) for line in lines}))
    if not unique and not salt:
        return ""
    return hashlib.sha256(json.dumps([salt, unique]).encode()).hexdigest()


def job_digest(document: Document, tokens: Callable[[Input], Tokens]) -> str:
    """What a Job is made from: its rendered spec, and the tokens of what it reads."""
    spec = json.dumps(document.get("spec"), sort_keys=True)
    return inputs_digest(inputs_of(document), tokens, spec)


def _of_container(container: object, namespace: str) -> Iterator[Input]:
    for variable in items_at(container, "env"):
        for kind, key in (("Secret", "secretKeyRef"), ("ConfigMap", "configMapKeyRef")):
            ref = mapping_at(variable, "valueFrom", key)
            if ref.get("name"):
                yield _input(kind, namespace, ref["name"], ref.get("key", ""), ref)
    for source in items_at(container, "envFrom"):
        for kind, key in (("Secret", "secretRef"), ("ConfigMap", "configMapRef")):
            ref = mapping_at(source, key)
            if ref.get("name"):
                yield _input(kind, namespace, ref["name"], WHOLE, ref)


def _of_volume(volume: object, namespace: str) -> Iterator[Input]:
    secret = mapping_at(volume, "secret")
    if secret.get("secretName"):
        yield from _files("Secret", namespace, secret["secretName"], secret)
    config = mapping_at(volume, "configMap")
    if config.get("name"):
        yield from _files("ConfigMap", namespace, config["name"], config)
    for source in items_at(volume, "projected", "sources"):
        for kind, key in (("Secret", "secret"), ("ConfigMap", "configMap")):
            ref = mapping_at(source, key)
            if ref.get("name"):
                yield from _files(kind, namespace, ref["name"], ref)
    for key in ("csi", "flexVolume"):
        name = at(volume, key, "nodePublishSecretRef", "name") or at(
            volume, key, "secretRef", "name"
        )
        if name:
            yield _input("Secret", namespace, name, WHOLE, {}, mounted=True)


def _files(kind: str, namespace: str, name: str, ref: Mapping[str, Any]) -> Iterator[Input]:
    keys = [str(item["key"]) for item in items_at(ref, "items") if at(item, "key")] or [WHOLE]
    for key in keys:
        yield _input(kind, namespace, name, key, ref, mounted=True)


def _input(
    kind: str,
    namespace: str,
    name: object,
    key: object,
    ref: Mapping[str, Any],
    *,
    mounted: bool = False,
) -> Input:
    return Input(kind, namespace, str(name), str(key), mounted, bool(ref.get("optional")))
