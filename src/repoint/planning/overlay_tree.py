"""What a kustomization takes in, by the paths that it names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from repoint.formats.base import Mapping, Scalar
from repoint.kube.files import FileIndex, join

_EVERYTHING = ("resources", "bases", "components")

Name = tuple[str, str]
"""What an object is called, and its namespace."""


@dataclass(frozen=True, slots=True)
class ListedPatch:
    """A patch file that a kustomization lists.

    `merges` tells that it names its object itself, `last` that it is applied behind `patches`.
    """

    path: str
    merges: bool
    last: bool = False


def listed_patches(index: FileIndex, directory: str) -> Iterator[ListedPatch]:
    """The patch files of a kustomization in the order in which kustomize applies them."""
    path = index.kustomization_in(directory)
    parsed = index.get(path) if path else None
    root = parsed.documents[0].root if parsed and parsed.documents else None
    if not isinstance(root, Mapping):
        return
    for item in root.items("patchesStrategicMerge"):
        if isinstance(item, Scalar) and item.text and "\n" not in item.text:
            yield ListedPatch(join(directory, item.text), merges=True)
    for section in ("patches", "patchesJson6902"):
        for item in root.items(section):
            name = item.text("path") if isinstance(item, Mapping) else ""
            if isinstance(item, Mapping) and name:
                merges = section == "patches" and item.mapping("target") is None
                last = section == "patchesJson6902"
                yield ListedPatch(join(directory, name), merges=merges, last=last)


class OverlayTree:
    """Follows the `resources`, `bases` and `components` of kustomizations."""

    def __init__(self, index: FileIndex) -> None:
        self._index = index
        self._below: dict[str, tuple[str, ...]] = {}
        self._by_components: dict[str, frozenset[str]] = {}
        self._made: dict[tuple[str, str, Name], frozenset[Name]] = {}

    def reads(self, directory: str) -> tuple[str, ...]:
        """Kustomization and resource files under a kustomization, itself included."""
        known = self._below.get(directory)
        if known is None:
            self._below[directory] = ()
            found = [self._index.kustomization_in(directory) or ""]
            for target in self._references(directory, _EVERYTHING):
                if self._index.kustomization_in(target) is not None:
                    found += self.reads(target)
                else:
                    found.append(target)
            known = self._below[directory] = tuple(dict.fromkeys(found))
        return known

    def directories(self, directory: str) -> list[str]:
        """Kustomization directories under one, without itself."""
        own = self._index.kustomization_in(directory)
        return [
            path.rpartition("/")[0]
            for path in self.reads(directory)
            if path != own and self._index.kustomization_in(path.rpartition("/")[0]) == path
        ]

    def makes(self, directory: str, path: str, own: Name) -> frozenset[Name]:
        """What a kustomization calls an object that a file calls `own`, on each way to the file.

        Of two kustomizations beside each other that read one base, each makes its own object.
        """
        asked = (directory, path, own)
        known = self._made.get(asked)
        if known is None:
            self._made[asked] = frozenset()
            found = {own} if self._index.kustomization_in(directory) == path else set[Name]()
            for target in self._references(directory, _EVERYTHING):
                if self._index.kustomization_in(target) is not None:
                    found |= self.makes(target, path, own)
                elif target == path:
                    found.add(own)
            known = self._made[asked] = frozenset(self._renamed(directory, found))
        return known

    def _renamed(self, directory: str, names: Iterable[Name]) -> Iterator[Name]:
        """Names behind a kustomization's own prefix, suffix and namespace."""
        root = self._root(directory)
        if root is None:
            yield from names
            return
        prefix, suffix = root.text("namePrefix"), root.text("nameSuffix")
        for name, namespace in names:
            yield f"{prefix}{name}{suffix}", root.text("namespace") or namespace

    def by_component(self, directory: str, path: str) -> bool:
        """Whether a kustomization reads a file through one of its own components."""
        return any(path in self.reads(one) for one in self._references(directory, ("components",)))

    def patched_by_components(self, directory: str) -> frozenset[str]:
        """The patch files, and the files with inline patches, of a kustomization's components."""
        known = self._by_components.get(directory)
        if known is None:
            self._by_components[directory] = frozenset()
            found: set[str] = set()
            for one in self._references(directory, ("components",)):
                found.add(self._index.kustomization_in(one) or "")
                found |= {patch.path for patch in listed_patches(self._index, one)}
                found |= self.patched_by_components(one)
            known = self._by_components[directory] = frozenset(found)
        return known

    def _root(self, directory: str) -> Mapping | None:
        path = self._index.kustomization_in(directory)
        parsed = self._index.get(path) if path else None
        root = parsed.documents[0].root if parsed and parsed.documents else None
        return root if isinstance(root, Mapping) else None

    def _references(self, directory: str, lists: tuple[str, ...]) -> list[str]:
        root = self._root(directory)
        if root is None:
            return []
        return [
            join(directory, item.text)
            for key in lists
            for item in root.items(key)
            if isinstance(item, Scalar)
        ]
