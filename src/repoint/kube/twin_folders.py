"""Environments of plain manifests: sibling folders with the same objects in other namespaces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from repoint.kube.files import FileIndex
from repoint.kube.objects import objects

_LEAST = 2
"""How many objects two folders have in common at least."""


class _Held(Struct):
    """What a folder deploys: its objects by kind and name, and the namespaces they name."""

    objects: set[tuple[str, str]] = field(default_factory=set)
    namespaces: set[str] = field(default_factory=set)

    def twin_of(self, other: _Held) -> bool:
        """Whether most objects of both are the same, and no namespace is."""
        common = len(self.objects & other.objects)
        alike = common >= _LEAST and 2 * common >= max(len(self.objects), len(other.objects))
        apart = self.namespaces and other.namespaces and not self.namespaces & other.namespaces
        return alike and bool(apart)


def twin_folders(index: FileIndex) -> dict[str, str]:
    """Folders that are an environment each, with its name: the folder's own.

    The topmost siblings count; folders of kustomizations and charts are left out.
    """
    held = _held(index)
    siblings: dict[str, list[str]] = {}
    for folder in sorted(held):
        siblings.setdefault(folder.rpartition("/")[0], []).append(folder)
    found: dict[str, str] = {}
    for parent, folders in siblings.items():
        if any(parent == one or parent.startswith(f"{one}/") for one in found):
            continue
        for folder in folders:
            if any(held[folder].twin_of(held[other]) for other in folders if other != folder):
                found[folder] = folder.rpartition("/")[2]
    names = list(found.values())
    return found if len(set(names)) == len(names) else {}


def _held(index: FileIndex) -> Mapping[str, _Held]:
    held: dict[str, _Held] = {}
    for path in index.holding("kind"):
        folders = list(_above(path))
        made = any(index.kustomization_in(one) for one in folders)
        if made or any(index.exists(f"{one}/Chart.yaml".lstrip("/")) for one in folders):
            continue
        for one in objects(index.files[path]):
            for folder in folders:
                mine = held.setdefault(folder, _Held())
                mine.objects.add((one.kind, one.name))
                mine.namespaces |= {one.namespace} - {""}
    return held


def _above(path: str) -> Iterator[str]:
    folder = path.rpartition("/")[0]
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
