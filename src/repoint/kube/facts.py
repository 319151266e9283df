"""What an environment's effective objects tell the rules: services, poolers, policies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from repoint.kube.effective import (
    MADE,
    Effective,
    Origin,
    Value,
    items,
    mapping,
    pairs,
    plain,
    text,
)
from repoint.kube.resource import Resource

_CNPG = "postgresql.cnpg.io"


@dataclass(frozen=True, slots=True)
class ServiceFact:
    """A Service: its effective name, whom it selects, and where it points instead."""

    name: str
    namespace: str
    selector: tuple[tuple[str, str], ...]
    ports: tuple[str, ...]
    external_name: str
    path: str


@dataclass(frozen=True, slots=True, eq=False)
class ObjectFact:
    """An effective object as plain dicts, lists and texts.

    `body` is what a cluster would get; `tree` the same with provenance; `original` the
    name the object had before kustomize renamed it.
    """

    kind: str
    name: str
    namespace: str
    original: str
    path: str
    body: dict[str, object]
    tree: dict[str, Effective]


@dataclass(frozen=True, slots=True)
class ExternalValue:
    """A key of a Secret whose value is not in the repository.

    `secret` is the Secret that will be made, `kind` what makes it (`ExternalSecret`,
    `SealedSecret`), `remote` where the value lives. An empty `key` means that every key of
    `remote` is taken.
    """

    kind: str
    secret: str
    namespace: str
    key: str
    remote: str
    path: str
    line: int


def services(resources: Iterable[Resource]) -> tuple[ServiceFact, ...]:
    """The Services, by their effective names."""
    return tuple(
        ServiceFact(
            name=one.name,
            namespace=one.namespace,
            selector=pairs(one.body, "spec", "selector"),
            ports=tuple(text(port, "port") for port in items(one.body, "spec", "ports")),
            external_name=text(one.body, "spec", "externalName"),
            path=one.path,
        )
        for one in resources
        if one.kind == "Service" and one.group == ""
    )


def poolers(resources: Iterable[Resource]) -> tuple[ObjectFact, ...]:
    """The CloudNativePG Poolers."""
    return tuple(_fact(one) for one in resources if _is(one, "Pooler", _CNPG))


def clusters(resources: Iterable[Resource]) -> tuple[ObjectFact, ...]:
    """The CloudNativePG Clusters."""
    return tuple(_fact(one) for one in resources if _is(one, "Cluster", _CNPG))


def network_policies(resources: Iterable[Resource]) -> tuple[ObjectFact, ...]:
    """The NetworkPolicies."""
    return tuple(_fact(one) for one in resources if one.kind == "NetworkPolicy")


def namespaces(resources: Iterable[Resource]) -> tuple[ObjectFact, ...]:
    """The Namespaces, whose labels NetworkPolicies select on."""
    return tuple(_fact(one) for one in resources if one.kind == "Namespace")


def _is(resource: Resource, kind: str, group: str) -> bool:
    return resource.kind == kind and resource.group == group


def _fact(resource: Resource) -> ObjectFact:
    body = plain(resource.body)
    return ObjectFact(
        kind=resource.kind,
        name=resource.name,
        namespace=resource.namespace,
        original=resource.original.name,
        path=resource.path,
        body=body if isinstance(body, dict) else {},
        tree=resource.body,
    )


def external_values(resources: Iterable[Resource]) -> tuple[ExternalValue, ...]:
    """The values that ExternalSecrets and SealedSecrets bring from elsewhere."""
    return tuple(value for one in resources for value in _external(one))


def _external(resource: Resource) -> Iterator[ExternalValue]:
    if resource.kind in ("ExternalSecret", "ClusterExternalSecret"):
        spec = mapping(resource.body, "spec", "externalSecretSpec") or mapping(
            resource.body, "spec"
        )
        secret = text(spec, "target", "name") or resource.name
        for entry in items(spec, "data"):
            remote = text(entry, "remoteRef", "key")
            inner = text(entry, "remoteRef", "property")
            where = f"{remote}#{inner}" if inner else remote
            yield _value(resource, secret, mapping(entry).get("secretKey"), where)
        for entry in items(spec, "dataFrom"):
            remote = text(entry, "extract", "key") or text(entry, "key")
            found = mapping(entry, "extract").get("key") or mapping(entry).get("key")
            line = found.scalar.line if isinstance(found, Value) and found.scalar else 1
            yield ExternalValue(
                resource.kind, secret, resource.namespace, "", remote, resource.path, line
            )
    elif resource.kind == "SealedSecret":
        secret = text(resource.body, "spec", "template", "metadata", "name") or resource.name
        for key, leaf in mapping(resource.body, "spec", "encryptedData").items():
            line = leaf.scalar.line if isinstance(leaf, Value) and leaf.scalar else 1
            yield ExternalValue(
                "SealedSecret", secret, resource.namespace, key, "sealed", resource.path, line
            )


def _value(resource: Resource, secret: str, key: Effective | None, remote: str) -> ExternalValue:
    name = key.text if isinstance(key, Value) else ""
    line = key.scalar.line if isinstance(key, Value) and key.scalar else 1
    return ExternalValue(
        resource.kind, secret, resource.namespace, name, remote, resource.path, line
    )


def made_secrets(resources: Iterable[Resource]) -> Iterator[Resource]:
    """The Secrets that ExternalSecrets and SealedSecrets make, as far as they are spelled.

    Only `template.data` holds values in the repository; they may name a server.
    """
    for resource in resources:
        if resource.kind == "ExternalSecret":
            template = mapping(resource.body, "spec", "target", "template")
            name = text(resource.body, "spec", "target", "name") or resource.name
        elif resource.kind == "SealedSecret":
            template = mapping(resource.body, "spec", "template")
            name = text(template, "metadata", "name") or resource.name
        else:
            continue
        made = Origin(resource.path, MADE)
        data = {**mapping(template, "data"), **mapping(template, "stringData")}
        metadata: dict[str, Effective] = {
            "name": Value(name, made),
            "namespace": Value(resource.namespace, made),
        }
        body: dict[str, Effective] = {
            "apiVersion": Value("v1", made),
            "kind": Value("Secret", made),
            "metadata": metadata,
            "stringData": data,
        }
        if data:
            yield Resource(body, resource.path)
