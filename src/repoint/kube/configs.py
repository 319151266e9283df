"""ConfigMaps and Secrets of one environment, looked up as a pod would, and less strictly."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from msgspec import Struct

from repoint.kube.effective import Value, mapping
from repoint.kube.resource import Resource
from repoint.kube.sealed import SealedSecretView, is_cipher
from repoint.model.consumer import Certainty


class ByName(dict[tuple[str, str], list[Resource]]):
    """ConfigMaps and Secrets by `(kind, name)`."""

    @cached_property
    def _parts(self) -> dict[tuple[str, str], list[str]]:
        """Names by kind and by each beginning and end that a dash sets off."""
        found: dict[tuple[str, str], list[str]] = {}
        for kind, name in self:
            for part in _affixes(name):
                found.setdefault((kind, part), []).append(name)
        return found

    def alike(self, kind: str, name: str) -> Iterator[Resource]:
        """What differs from a name by a dash-separated prefix or suffix alone."""
        if not name:
            return
        longer = self._parts.get((kind, name), [])
        for known in dict.fromkeys((*longer, *_affixes(name))):
            yield from self.get((kind, known), ())


_HIDDEN = ("", "")
"""The key of sealed objects whose kind or name is encrypted."""

_DATA = ("data", "stringData", "binaryData")


class Found(Struct, frozen=True, eq=False):
    """A ConfigMap or Secret that a reference names, and how sure that is."""

    resource: Resource
    certainty: Certainty

    def value(self, key: str) -> Value | None:
        """The value of a key, or None."""
        return self.values().get(key)

    def values(self) -> dict[str, Value]:
        """Every value by key; `stringData` wins over `data`, as in the API server."""
        return config_values(self.resource)


def config_values(resource: Resource) -> dict[str, Value]:
    """The values of a ConfigMap, a Secret, or a SealedSecret's template."""
    result: dict[str, Value] = {}
    for field in _DATA:
        for key, leaf in mapping(resource.body, field).items():
            if isinstance(leaf, Value):
                result[key] = leaf
    return result


class Configs:
    """The ConfigMaps and Secrets that an overlay's workloads can name.

    `layers` are tried in order: the overlay's own, its environment's, the shared ones.
    `sealed` are the sealed files by path.
    """

    def __init__(
        self, layers: Iterable[ByName], sealed: Mapping[str, SealedSecretView] | None = None
    ) -> None:
        self._layers = tuple(layers)
        self._sealed = sealed or {}
        hidden = {id(one): one for layer in self._layers for one in layer.get(_HIDDEN, ())}
        self._hidden = list(hidden.values())

    def find(
        self, kind: str, namespace: str, name: str, keys: Iterable[str] = (), near: str = ""
    ) -> Found | None:
        """The object that a reference from `namespace` means.

        The same namespace wins, then an object that names none, then what stands closest
        to the file `near`. What is left is a likely match: another namespace (the
        object is applied by hand there), or a name that differs by a prefix, a
        suffix or a hash. `keys` are those that the environment reads of it, to tell
        sealed files with hidden names apart.
        """
        if not name:
            return None
        for layer in self._layers:
            found = _choose(layer.get((kind, name), []), namespace, near)
            if found is not None and found.certainty is Certainty.CERTAIN:
                return found
        for layer in self._layers:
            found = _choose(layer.get((kind, name), []), namespace, near)
            if found is not None:
                return found
        for layer in self._layers:
            alike = [
                one
                for one in layer.alike(kind, name)
                if not one.namespace or not namespace or one.namespace == namespace
            ]
            if len(alike) == 1:
                return Found(alike[0], Certainty.LIKELY)
        return self._guess(kind, name, frozenset(keys))

    def _guess(self, kind: str, name: str, keys: frozenset[str]) -> Found | None:
        if kind != "Secret":
            return None
        stems = [one for one in self._hidden if self._stem_fits(one, name)]
        if len(stems) == 1:
            return Found(stems[0], Certainty.LIKELY)
        pool = stems or self._hidden
        holding = [one for one in pool if keys and keys <= config_values(one).keys()]
        return Found(holding[0], Certainty.GUESS) if len(holding) == 1 else None

    def _stem_fits(self, resource: Resource, name: str) -> bool:
        view = self._sealed.get(resource.path)
        if view is None or not view.stem:
            return False
        stem = view.stem
        return stem == name or _bare(stem) == _bare(name) or _alike(stem, name)

    def sealed_view(self, resource: Resource) -> SealedSecretView | None:
        """The sealed file a Secret comes from, or None."""
        return self._sealed.get(resource.path)


def by_name(resources: Iterable[Resource]) -> ByName:
    """The ConfigMaps and Secrets among `resources`, for one layer of a lookup."""
    result = ByName()
    for resource in resources:
        kind = resource.kind
        if kind in ("ConfigMap", "Secret") or is_cipher(kind):
            name = resource.name
            result.setdefault((kind, name), []).append(resource)
            if is_cipher(name) or is_cipher(kind):
                result.setdefault(_HIDDEN, []).append(resource)
    return result


def _choose(found: list[Resource], namespace: str, near: str) -> Found | None:
    same = [one for one in found if one.namespace == namespace]
    if same:
        return Found(_closest(same, near), Certainty.CERTAIN)
    wild = [one for one in found if not one.namespace or not namespace]
    if wild:
        certain = len(wild) == 1 or not namespace
        return Found(_closest(wild, near), Certainty.CERTAIN if certain else Certainty.LIKELY)
    return Found(found[0], Certainty.LIKELY) if len(found) == 1 else None


def _closest(found: list[Resource], near: str) -> Resource:
    """The resource whose file shares the longest path with `near`; the first of equals."""
    if len(found) == 1 or not near:
        return found[0]
    return max(found, key=lambda one: len(posixpath.commonpath([one.path or near, near])))


def _alike(one: str, other: str) -> bool:
    """Whether two names differ by a dash-separated prefix or suffix alone."""
    short, long = sorted((one, other), key=len)
    return bool(short) and (long.startswith(f"{short}-") or long.endswith(f"-{short}"))


def _affixes(name: str) -> Iterator[str]:
    """Every beginning and every end of a name that a dash sets off, itself left out."""
    cuts = [at for at, char in enumerate(name) if char == "-"]
    yield from (name[:at] for at in cuts if at)
    yield from (name[at + 1 :] for at in cuts if at + 1 < len(name))


def _bare(name: str) -> str:
    for word in ("-secrets", "-secret", "-credentials", "-env"):
        name = name.removesuffix(word)
    return name
