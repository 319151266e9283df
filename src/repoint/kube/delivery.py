"""Flux Kustomizations and Argo CD Applications: what delivers which directory, and how."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile

from msgspec import Struct

from repoint.kube.configs import config_values
from repoint.kube.effective import Effective, Value, child, items, mapping, text, texts
from repoint.kube.files import normal
from repoint.kube.resource import Resource
from repoint.kube.words import is_word
from repoint.kube.workloads import leaves

_ENV_KEYS = ("env", "environment", "stage", "cluster", "name", "tier")
_SPLIT = re.compile(r"[-_.]")
_ELEMENT_KEY = re.compile(r"\{\{-?\s*\.?(?:values\.)?(\w+)\s*-?\}\}")
_SUBSTITUTED = re.compile(r"\$\{([A-Za-z_]\w*)(?::?[-=]([^}]*))?\}")


class Delivery(Struct, frozen=True, eq=False):
    """A directory that a controller applies.

    `name` and `path` are those of the object that says so; `directory` is what it
    applies, `namespace` where to (empty: as written). `variables` are what it substitutes
    for `${NAME}`; `patches` are laid over what it builds.

    `tool` is `flux` or `argocd`, `home` the object's own namespace and `line` its line. `after`
    are the `namespace/name` of those that it waits for; `waits` tells that it is ready only when
    what it applied is, `prune` that it deletes what leaves its directory, `force` that it makes
    anew what cannot be changed.
    """

    name: str
    path: str
    directory: str
    namespace: str
    variables: dict[str, Value]
    patches: dict[str, Effective]
    tool: str = ""
    home: str = ""
    line: int = 1
    force: bool = False
    prune: bool = False
    waits: bool = False
    suspended: bool = False
    after: tuple[str, ...] = ()


def deliveries(resources: Iterable[Resource]) -> tuple[Delivery, ...]:
    """What the Flux Kustomizations and Argo CD Applications among `resources` deliver."""
    known = list(resources)
    return tuple(one for resource in known for one in _deliveries(resource, known))


def _deliveries(resource: Resource, known: list[Resource]) -> Iterator[Delivery]:
    spec = mapping(resource.body, "spec")
    if resource.kind == "Kustomization" and "toolkit.fluxcd.io" in resource.group:
        yield _of_flux(resource, spec, known)
    elif resource.kind == "Application":
        yield from _of_argocd(resource, spec)
    elif resource.kind == "ApplicationSet":
        yield from _of_argocd(resource, mapping(spec, "template", "spec"))


def _of_flux(resource: Resource, spec: dict[str, Effective], known: list[Resource]) -> Delivery:
    patches: dict[str, Effective] = {"patches": items(spec, "patches")}
    return Delivery(
        name=resource.name,
        path=resource.path,
        directory=normal(text(spec, "path")),
        namespace=text(spec, "targetNamespace"),
        variables=dict(_variables(resource.path, spec, known)),
        patches=patches if items(spec, "patches") else {},
        tool="flux",
        home=resource.namespace,
        line=_line(resource),
        force=text(spec, "force") == "true",
        prune=text(spec, "prune") == "true",
        waits=text(spec, "wait") == "true" or bool(items(spec, "healthChecks")),
        suspended=text(spec, "suspend") == "true",
        after=tuple(
            _joined(text(one, "namespace") or resource.namespace, text(one, "name"))
            for one in items(spec, "dependsOn")
        ),
    )


def _of_argocd(resource: Resource, spec: dict[str, Effective]) -> Iterator[Delivery]:
    options = texts(spec, "syncPolicy", "syncOptions")
    for source in (child(spec, "source"), *items(spec, "sources")):
        if text(source, "path"):
            yield Delivery(
                name=resource.name,
                path=resource.path,
                directory=normal(text(source, "path")),
                namespace=_literal(text(spec, "destination", "namespace")),
                variables={},
                patches={},
                tool="argocd",
                home=resource.namespace,
                line=_line(resource),
                force={"Force=true", "Replace=true"} <= set(options),
                prune=text(spec, "syncPolicy", "automated", "prune") == "true",
            )


def _line(resource: Resource) -> int:
    kind = resource.body.get("kind")
    return kind.scalar.line if isinstance(kind, Value) and kind.scalar is not None else 1


def _joined(namespace: str, name: str) -> str:
    return f"{namespace}/{name}" if namespace else name


def _literal(written: str) -> str:
    return "" if "{{" in written else written


def _variables(
    path: str, spec: dict[str, Effective], known: list[Resource]
) -> Iterator[tuple[str, Value]]:
    """`substituteFrom` first: `substitute` wins over it."""
    for source in items(spec, "postBuild", "substituteFrom"):
        wanted = (text(source, "kind"), text(source, "name"))
        called = [one for one in known if (one.kind, one.name) == wanted]
        # Every cluster's folder has one of this name: a Kustomization reads its own cluster's.
        nearest = max((_shared(path, one.path) for one in called), default=0)
        for one in called:
            if _shared(path, one.path) == nearest:
                yield from config_values(one).items()
    for key, leaf in mapping(spec, "postBuild", "substitute").items():
        if isinstance(leaf, Value):
            yield key, leaf


def _shared(one: str, other: str) -> int:
    """How many folders two paths have in common."""
    folders = zip(one.split("/")[:-1], other.split("/")[:-1], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], folders))


def substituted(written: str, variables: Mapping[str, tuple[Value, ...]]) -> str:
    """A text with Flux's `${NAME}` replaced; as written where a name has not one value."""

    def value(found: re.Match[str]) -> str:
        texts_ = {leaf.text for leaf in variables.get(found[1], ())}
        default = found[2] if not texts_ and found[2] else found[0]
        return texts_.pop() if len(texts_) == 1 else default

    return _SUBSTITUTED.sub(value, written)


def named_environment(name: str) -> str:
    """The environment word in an object's name (`apps-staging`), or empty."""
    if is_word(name):
        return name
    pieces = _SPLIT.split(name)
    return next((one for one in (pieces[-1], pieces[0]) if is_word(one)), "")


def element_environments(resource: Resource) -> Iterator[tuple[Value, str]]:
    """Leaves of an ApplicationSet's list elements, with the environment the element names."""
    if resource.kind != "ApplicationSet":
        return
    for element in elements(resource.body):
        word = next((text(element, key) for key in _ENV_KEYS if is_word(text(element, key))), "")
        if word:
            for leaf in element.values():
                if isinstance(leaf, Value):
                    yield leaf, word


def element_readers(resource: Resource) -> dict[str, tuple[str, ...]]:
    """What an ApplicationSet's template makes of each key of its elements.

    By key: the names of Helm parameters, else the dotted paths of the fields, that it feeds.
    """
    found: dict[str, dict[str, None]] = {}
    template = mapping(resource.body, "spec", "template")
    parameters = {
        id(child(one, "value")): text(one, "name")
        for source in (child(template, "spec", "source"), *items(template, "spec", "sources"))
        if isinstance(source, dict)
        for one in items(source, "helm", "parameters")
    }
    for path, leaf in leaves(template):
        for key in _ELEMENT_KEY.findall(leaf.text):
            found.setdefault(key, {})[parameters.get(id(leaf), path)] = None
    return {key: tuple(names) for key, names in found.items()}


def elements(tree: Effective) -> Iterator[dict[str, Effective]]:
    """The elements of the lists of an ApplicationSet's generators."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key == "elements" and isinstance(value, list):
                yield from (one for one in value if isinstance(one, dict))
            else:
                yield from elements(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from elements(item)
