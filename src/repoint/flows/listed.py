"""Files that kustomizations list: an overlay brings them, or they are patches and no objects."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator

from repoint.kube.files import KUSTOMIZATION_NAMES
from repoint.kube.plain import plain_documents
from repoint.ports import Tree


def listed_files(tree: Tree, places: Iterable[str]) -> frozenset[str]:
    """The kustomizations in or below `places`, and every path that one of them names."""
    folders = tuple(f"{place}/" for place in places)
    found: set[str] = set()
    for path in tree.paths():
        folder, _, name = path.rpartition("/")
        if name not in KUSTOMIZATION_NAMES or not f"{folder}/".startswith(folders):
            continue
        found.add(path)
        try:
            documents = plain_documents(tree.read(path).decode())
        except ValueError:
            continue  # kubectl tells what is wrong with it.
        for text in _texts(documents):
            found.add(posixpath.normpath(posixpath.join(folder, text)))
    return frozenset(found)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _texts(one)
