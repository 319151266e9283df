"""What an environment's effective objects tell the rules: services, poolers, policies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from repoint.kube.effective import (
    MADE,
    Effective,
    Origin,
    Value,
    child,
    items,
    mapping,
    pairs,
    plain,
    text,
)
from repoint.kube.resource import Resource
from repoint.model.knowledge import KindHabit, SecretMaker, in_force, remembered

_CNPG = "postgresql.cnpg.io"


class ServiceFact(Struct, frozen=True):
    """A Service: its effective name, whom it selects, and where it points instead."""

    name: str
    namespace: str
    selector: tuple[tuple[str, str], ...]
    ports: tuple[str, ...]
    external_name: str
    path: str


class ObjectFact(Struct, frozen=True, eq=False):
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


class ExternalValue(Struct, frozen=True):
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


MAKERS: tuple[KindHabit, ...] = (
    KindHabit(
        "ExternalSecret",
        secret=SecretMaker(
            *("spec.target.name", "spec.data", "secretKey", "remoteRef.key"),
            template="spec.target.template.data",
        ),
    ),
    KindHabit(
        "ClusterExternalSecret",
        secret=SecretMaker(
            *("spec.externalSecretSpec.target.name", "spec.externalSecretSpec.data"),
            *("secretKey", "remoteRef.key"),
        ),
    ),
    KindHabit(
        "SealedSecret",
        secret=SecretMaker(
            "spec.template.metadata.name", "spec.encryptedData", template="spec.template.data"
        ),
    ),
)
"""The kinds that repoint knows by itself of which a Secret is made."""
_SEALED = "sealed"


@remembered(maxsize=8)
def makers() -> dict[str, SecretMaker]:
    """How each kind of which a Secret is made says which one; what was added wins."""
    every = (*in_force().kinds, *MAKERS)
    return {one.kind: one.secret for one in reversed(every) if one.secret is not None}


def external_values(resources: Iterable[Resource]) -> tuple[ExternalValue, ...]:
    """The values of Secrets that are made of other objects, and that come from elsewhere."""
    known = makers()
    return tuple(
        value for one in resources if one.kind in known for value in _external(one, known[one.kind])
    )


def _external(resource: Resource, maker: SecretMaker) -> Iterator[ExternalValue]:
    secret = _named(resource, maker)
    found = child(resource.body, *_steps(maker.keys)) if maker.keys else None
    if isinstance(found, dict):
        for key, leaf in found.items():
            yield _value(resource, secret, key, leaf, _SEALED)
    for entry in found if isinstance(found, list) else ():
        own = child(entry, *_steps(maker.key)) if maker.key else entry
        name = own.text if isinstance(own, Value) else ""
        remote = text(entry, *_steps(maker.remote)) if maker.remote else ""
        inner = text(entry, "remoteRef", "property")
        yield _value(resource, secret, name, own, f"{remote}#{inner}" if inner else remote)
    for spec in (mapping(resource.body, "spec"), mapping(resource.body, *_INNER)):
        for entry in items(spec, "dataFrom"):
            whole = child(entry, "extract", "key") or child(entry, "key")
            remote = whole.text if isinstance(whole, Value) else ""
            yield _value(resource, secret, "", whole, remote)


_INNER = ("spec", "externalSecretSpec")


def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


def _named(resource: Resource, maker: SecretMaker) -> str:
    return (text(resource.body, *_steps(maker.name)) if maker.name else "") or resource.name


def _value(
    resource: Resource, secret: str, key: str, leaf: Effective | None, remote: str
) -> ExternalValue:
    line = leaf.scalar.line if isinstance(leaf, Value) and leaf.scalar else 1
    return ExternalValue(
        resource.kind, secret, resource.namespace, key, remote, resource.path, line
    )


def made_secrets(resources: Iterable[Resource]) -> Iterator[Resource]:
    """The Secrets that are made of other objects, as far as they are spelled.

    Only a template holds values in the repository; they may name a server.
    """
    known = makers()
    for resource in resources:
        maker = known.get(resource.kind)
        if maker is None or not maker.template:
            continue
        steps = _steps(maker.template)
        made = Origin(resource.path, MADE)
        data = {
            **mapping(resource.body, *steps),
            **mapping(resource.body, *steps[:-1], "stringData"),
        }
        metadata: dict[str, Effective] = {
            "name": Value(_named(resource, maker), made),
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
