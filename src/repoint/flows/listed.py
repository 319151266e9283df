"""Files that kustomizations list: an overlay brings them, or they are patches and no objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from repoint.kube.files import KUSTOMIZATION_NAMES, join, normal
from repoint.kube.plain import plain_documents
from repoint.ports.repository import Tree

_OBJECTS = frozenset({"resources", "bases", "components"})
"""What a kustomization lists as objects."""


def listed_files(tree: Tree, overlays: Iterable[str], beside: Iterable[str]) -> frozenset[str]:
    """The kustomizations that `overlays` read, and every path that one of them names.

    Those in or below the places `beside` may be somebody else's, who applies them by themselves:
    of them, the patches alone count.
    """
    own = {path.rpartition("/")[0]: path for path in tree.paths() if _is_kustomization(path)}
    found: set[str] = set()
    todo = [normal(one) for one in overlays]
    while todo:
        folder = todo.pop()
        path = own.get(folder, "")
        if not path or path in found:
            continue
        found.add(path)
        names = list(_named(tree, path, frozenset()))
        found.update(names)
        todo += names
    folders = tuple(f"{one}/" if one else "" for one in map(normal, beside))
    for folder, path in own.items():
        if path not in found and f"{folder}/".startswith(folders):
            found.add(path)
            found.update(_named(tree, path, _OBJECTS))
    return frozenset(found)


def _is_kustomization(path: str) -> bool:
    return path.rpartition("/")[2] in KUSTOMIZATION_NAMES


def _named(tree: Tree, path: str, but: frozenset[str]) -> Iterator[str]:
    """What a kustomization spells, but not under the keys `but`, as paths of the repository."""
    try:
        documents = plain_documents(tree.read(path).decode())
    except ValueError:
        return  # kubectl tells what is wrong with it.
    folder = path.rpartition("/")[0]
    for document in documents:
        parts = document.items() if isinstance(document, dict) else ()
        for text in _texts([value for key, value in parts if key not in but]):
            yield join(folder, text)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _texts(one)
