"""What a kustomization takes in, by the paths that it names."""

from __future__ import annotations

from repoint.formats.base import Mapping, Scalar
from repoint.kube.files import FileIndex, join

_EVERYTHING = ("resources", "bases", "components")


class OverlayTree:
    """Follows the `resources`, `bases` and `components` of kustomizations."""

    def __init__(self, index: FileIndex) -> None:
        self._index = index
        self._below: dict[str, tuple[str, ...]] = {}

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

    def by_component(self, directory: str, path: str) -> bool:
        """Whether a kustomization reads a file through one of its own components."""
        return any(path in self.reads(one) for one in self._references(directory, ("components",)))

    def _references(self, directory: str, lists: tuple[str, ...]) -> list[str]:
        path = self._index.kustomization_in(directory)
        parsed = self._index.get(path) if path else None
        root = parsed.documents[0].root if parsed and parsed.documents else None
        if not isinstance(root, Mapping):
            return []
        return [
            join(directory, item.text)
            for key in lists
            for item in root.items(key)
            if isinstance(item, Scalar)
        ]
