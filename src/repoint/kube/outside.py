"""What the build of an overlay would fetch from outside the repository.

kustomize takes an address wherever it takes a file or a folder: it asks web servers and clones
git repositories, while it builds. It reads folders anywhere on the disk, too.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator

from repoint.formats.base import Mapping
from repoint.formats.read import read_file
from repoint.kube.effective import Effective, Value, effective, items, leaves_of, text, texts
from repoint.kube.files import KUSTOMIZATION_NAMES, is_fetched, is_remote, join
from repoint.model.told import told

_FOLDERS = ("resources", "bases", "components", "generators", "transformers", "validators")
_FILES = ("configurations", "crds", "openapi", "patchesStrategicMerge", "helmCharts")
_PLUGINS = ("generators", "transformers", "validators")
_WITH_PATHS = ("patches", "patchesJson6902", "replacements")
_NAMES_FILES = frozenset({"files", "envs", "env", "path", "paths"})
_LOADS_NOTHING = frozenset({"annotations", "data", "labels", "literals", "metadata", "patch"})
_WEB = re.compile(r"(?i)https?:")
_VERSION = re.compile(r"&((?:ref|version)=[\w./-]+)")


def reaches_out(tree: dict[str, Effective]) -> bool:
    """Whether a kustomization may name something from outside the repository."""
    return any(map(is_remote, _folders(tree))) or any(map(_WEB.match, _files(tree)))


def first_outside(overlay: str, read: Callable[[str], bytes | None]) -> tuple[str, str] | None:
    """Where the build of `overlay` would leave the repository first.

    Args:
        overlay: A folder of the repository.
        read: A file's bytes; None where none is.

    Returns:
        The file, and the address that it names, without credentials; None for an overlay that
        is made of the repository's own files.
    """
    waiting, seen = [overlay], set[str]()
    while waiting:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        for path in (join(place, name) for name in KUSTOMIZATION_NAMES):
            for tree in _trees(path, read(path)):
                folders, files = _folders(tree), [*_files(tree), *_of_plugins(tree, place, read)]
                found = [*filter(is_fetched, folders), *filter(_WEB.match, files)]
                found += [one for one in (*folders, *files) if _climbs_out(place, one)]
                if found:
                    return path, shown(found[0])
                waiting += [join(place, one) for one in folders]
    return None


def shown(address: str) -> str:
    """An address as it may be told: without what stands before its host, or in its query."""
    head, mark, rest = address.partition("://")
    if not mark:
        head, rest = "", address
    rest, _, query = rest.partition("#")[0].partition("?")
    authority, slash, path = rest.partition("/")
    version = _VERSION.search(f"&{query}")
    bare = f"{head}{mark}{authority.rpartition('@')[2]}{slash}{path}"
    bare += f"?{version[1]}" if version else ""
    return told(bare)


def _climbs_out(place: str, path: str) -> bool:
    """Whether a path leads out of the repository, as the disk would have it."""
    whole = posixpath.normpath(posixpath.join(place, path))
    return whole.startswith(("/", "../")) or whole == ".."


def _folders(tree: dict[str, Effective]) -> list[str]:
    """What a kustomization includes as a file or a folder, each on one line."""
    named = (leaf.text for key in _FOLDERS for leaf in leaves_of(tree.get(key) or []))
    return [one for one in named if one and "\n" not in one]


def _files(tree: dict[str, Effective]) -> list[str]:
    """What a kustomization names as a file."""
    named = [leaf.text for key in _FILES for leaf in leaves_of(tree.get(key) or [])]
    named += [text(entry, "path") for key in _WITH_PATHS for entry in items(tree, key)]
    for generator in (*items(tree, "configMapGenerator"), *items(tree, "secretGenerator")):
        for key in ("files", "envs", "env"):
            named += [source for one in texts(generator, key) for source in _sources(one)]
    return named


def _of_plugins(
    tree: dict[str, Effective], place: str, read: Callable[[str], bytes | None]
) -> Iterator[str]:
    """What the built-in generators and transformers name that are written in files of their own."""
    for one in (name for key in _PLUGINS for name in texts(tree, key)):
        path = join(place, one.partition("\n")[0])
        raw = one.encode(errors="replace") if "\n" in one else read(path)
        for body in _trees("plugin.yaml", raw):
            for key, leaf in _loading(body):
                if key in _NAMES_FILES or _WEB.match(leaf.text):
                    yield from _sources(leaf.text)


def _loading(body: dict[str, Effective]) -> Iterator[tuple[str, Value]]:
    for key, value in body.items():
        if key in _LOADS_NOTHING:
            continue
        if isinstance(value, dict):
            yield from _loading(value)
        else:
            yield from ((key, leaf) for leaf in leaves_of(value))


def _sources(one: str) -> tuple[str, str]:
    """A generator's entry as it is, and without the name of a key before it."""
    return one, one.partition("=")[2]


def _trees(path: str, raw: bytes | None) -> Iterator[dict[str, Effective]]:
    parsed = read_file(path, raw) if raw else None
    for document in parsed.documents if parsed else ():
        root = document.root
        tree = effective(root, path, (document.index,)) if isinstance(root, Mapping) else None
        if isinstance(tree, dict):
            yield tree
