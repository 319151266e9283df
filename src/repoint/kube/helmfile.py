"""Helmfile: releases with the values files they are given."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from repoint.formats.base import Mapping
from repoint.kube.effective import Effective, Origin, Value, effective, items, mapping, text
from repoint.kube.files import FileIndex, join


@dataclass(frozen=True, slots=True, eq=False)
class HelmfileRelease:
    """A release of a helmfile: `values` are inline layers, `files` the values files named.

    `environments` are the helmfile's own, `default` left out.
    """

    name: str
    namespace: str
    chart: str
    values: tuple[dict[str, Effective], ...]
    files: tuple[str, ...]
    environments: tuple[str, ...]
    path: str


def helmfiles(index: FileIndex) -> Iterator[tuple[str, dict[str, Effective]]]:
    """Every helmfile's path and tree."""
    for path in sorted(index.files):
        if not posixpath.basename(path).startswith("helmfile"):
            continue
        for document in index.files[path].documents:
            if isinstance(document.root, Mapping):
                tree = effective(document.root, path, (document.index,))
                if isinstance(tree, dict):
                    yield path, tree


def environment_names(index: FileIndex) -> tuple[str, ...]:
    """The environments that helmfiles name."""
    found = (name for _, tree in helmfiles(index) for name in mapping(tree, "environments"))
    return tuple(dict.fromkeys(name for name in found if name != "default"))


def helmfile_releases(index: FileIndex) -> Iterator[HelmfileRelease]:
    """Every release of every helmfile."""
    names = environment_names(index)
    for path, tree in helmfiles(index):
        base = posixpath.dirname(path)
        for release in items(tree, "releases"):
            given = [*items(release, "values"), *items(release, "secrets")]
            yield HelmfileRelease(
                name=text(release, "name"),
                namespace=text(release, "namespace"),
                chart=join(base, text(release, "chart")),
                values=tuple(one for one in given if isinstance(one, dict)),
                files=tuple(join(base, one.text) for one in given if isinstance(one, Value)),
                environments=names,
                path=path,
            )


def whole(path: str) -> Value:
    """A leaf that stands for a whole file: templated values have no tree."""
    return Value("", Origin(path, ""))
