"""Which charts an Argo CD ApplicationSet makes Applications of, by the path in its template."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from repoint.kube.delivery import elements
from repoint.kube.effective import Effective, Value, items, text
from repoint.kube.environments import Layout
from repoint.kube.files import FileIndex, normal
from repoint.kube.resource import Resource
from repoint.model.globs import fits

_PLACEHOLDER = re.compile(r"\{\{-?\s*\.?(.*?)\s*-?\}\}")
_ASKS_DIRECTORIES = {"path": ".+", "path.path": ".+", "path.basename": "[^/]+"}
"""What a generator of directories gives, and what text it can be."""


def charts_of_set(
    written: str, resource: Resource, directories: Iterable[str]
) -> Iterator[tuple[str, dict[str, str]]]:
    """The directories of charts that a template's `path` stands for.

    A `{{...}}` is what the generators list for it, else any one name of the path.

    Args:
        written: The `path`.
        resource: The ApplicationSet.
        directories: Those of all charts.

    Yields:
        A directory, and the text of each `{{...}}` there; the path as it is where none fits.
    """
    path = normal(written)
    names: list[str] = _PLACEHOLDER.findall(path)
    listed, globs = _listed(resource.body), list(_globs(resource.body))
    gaps = [_gap(name, listed, bool(globs)) for name in names]
    pieces = [re.escape(one) for one in _PLACEHOLDER.split(path)[::2]]
    pattern = "".join(f"{piece}({gap})" for piece, gap in zip(pieces, gaps, strict=False))
    by_glob = any(name in _ASKS_DIRECTORIES and name not in listed for name in names)
    found = False
    for one in directories if names else ():
        match = re.fullmatch(pattern + pieces[-1], one)
        if match and (not by_glob or _is_made(one, globs)):
            found = True
            yield one, dict(zip(names, match.groups(), strict=True))
    if not found:
        yield path, {}


def spelled(written: str, known: dict[str, str]) -> str:
    """A template's text with each `{{...}}` that is known replaced."""
    return _PLACEHOLDER.sub(lambda one: known.get(one[1], one[0]), written)


def layers_of_set(
    index: FileIndex, layout: Layout, given: Iterable[str]
) -> tuple[list[str], dict[str, list[str]]]:
    """The values files of all environments, and those of each, that a template's names find.

    A `{{...}}` that is left in a name is any one name of a path.
    """
    common: list[str] = []
    by_environment: dict[str, list[str]] = {}
    for path in given:
        pattern = "[^/]+".join(re.escape(piece) for piece in _PLACEHOLDER.split(path)[::2])
        # A set may make hundreds of charts: what cannot fit is told without the pattern.
        head, placeholder, _ = path.partition("{{")
        among = [one for one in index.files if one.startswith(head)] if placeholder else [path]
        for found in sorted(among):
            if found not in index.files or not re.fullmatch(pattern, found):
                continue
            place = layout.environment_of(found)
            if place or placeholder:
                by_environment.setdefault(place, []).append(found)
            else:
                common.append(found)
    return common, by_environment


def _gap(name: str, listed: dict[str, dict[str, None]], with_globs: bool) -> str:
    """The pattern of what a `{{...}}` can be."""
    if name in listed:
        return "|".join(re.escape(one) for one in listed[name])
    gap = _ASKS_DIRECTORIES.get(name, "[^/]+")
    # Without a generator of directories it is the folder of some file, seldom a chart's.
    return gap if with_globs or name not in _ASKS_DIRECTORIES else "(?!)"


def _listed(body: dict[str, Effective]) -> dict[str, dict[str, None]]:
    """The values of each key in the elements of the generators' lists."""
    found: dict[str, dict[str, None]] = {}
    for element in elements(body):
        for key, value in element.items():
            if isinstance(value, Value):
                found.setdefault(key, {})[value.text] = None
    return found


def _is_made(directory: str, globs: Iterable[tuple[str, bool]]) -> bool:
    """Whether generators of directories list one: one left out is, whatever finds it."""
    hits = [excluded for glob, excluded in globs if _is_under(directory, glob)]
    return bool(hits) and not any(hits)


def _is_under(directory: str, glob: str) -> bool:
    """Whether a glob finds a directory; a star is one name of it."""
    deep = "**" in glob or directory.count("/") == glob.count("/")
    return deep and fits(directory, glob)


def _globs(tree: Effective) -> Iterator[tuple[str, bool]]:
    """The paths of the generators of directories, and whether each is left out."""
    if isinstance(tree, dict):
        for one in items(tree, "git", "directories"):
            yield normal(text(one, "path")), text(one, "exclude") == "true"
        for value in tree.values():
            yield from _globs(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from _globs(item)
