"""Helmfile: releases with the values files they are given."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from repoint.formats.base import Mapping
from repoint.kube.effective import Effective, Origin, Value, effective, items, mapping, text
from repoint.kube.files import FileIndex, join

_NAMED = re.compile(r"\{\{-?\s*\.Environment\.Name\s*-?\}\}")
"""What helmfile puts the environment's name for."""


class HelmfileRelease(Struct, frozen=True, eq=False):
    """A release of a helmfile: `values` are inline layers, `files` the values files named.

    `environments` are the helmfile's own, `default` left out; one where the release spells the
    environment's name, which is filled in.
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
        directory, _, name = path.rpartition("/")
        if not (name.startswith("helmfile") or posixpath.basename(directory) == "helmfile.d"):
            continue
        for document in index.files[path].documents:
            if isinstance(document.root, Mapping):
                tree = effective(document.root, path, (document.index,))
                if isinstance(tree, dict):
                    yield path, tree


def environment_names(index: FileIndex) -> tuple[str, ...]:
    """The environments that helmfiles name, or that the paths have where they spell the name."""
    trees = tuple(helmfiles(index))
    found = [name for _, tree in trees for name in mapping(tree, "environments")]
    if not found:
        files = [
            file
            for path, tree in trees
            for release in items(tree, "releases")
            for file in _files(path, release)
        ]
        # A file that is named by itself is every environment's: `common.yaml` beside the others.
        apart = index.files.keys() - set(files)
        found = [name for file in files for name in _named_by(file, sorted(apart))]
    return tuple(dict.fromkeys(name for name in found if name != "default"))


def helmfile_releases(index: FileIndex) -> Iterator[HelmfileRelease]:
    """Every release of every helmfile."""
    names = environment_names(index)
    for path, tree in helmfiles(index):
        base = posixpath.dirname(path)
        for release in items(tree, "releases"):
            given = [*items(release, "values"), *items(release, "secrets")]
            made = HelmfileRelease(
                name=text(release, "name"),
                namespace=text(release, "namespace"),
                chart=join(base, text(release, "chart")),
                values=tuple(one for one in given if isinstance(one, dict)),
                files=_files(path, release),
                environments=names,
                path=path,
            )
            spelled = (made.name, made.namespace, made.chart, *made.files)
            if not any(map(_NAMED.search, spelled)):
                yield made
                continue
            for name in names:
                yield _filled(made, name)


def _filled(release: HelmfileRelease, name: str) -> HelmfileRelease:
    """The release in one environment."""

    def fill(written: str) -> str:
        return _NAMED.sub(lambda _: name, written)

    return replace(
        release,
        name=fill(release.name),
        namespace=fill(release.namespace),
        chart=fill(release.chart),
        files=tuple(map(fill, release.files)),
        environments=(name,),
    )


def _files(path: str, release: Effective) -> tuple[str, ...]:
    """The values files that a release of the helmfile at `path` names, as written."""
    base = posixpath.dirname(path)
    given = [*items(release, "values"), *items(release, "secrets")]
    return tuple(join(base, one.text) for one in given if isinstance(one, Value))


def _named_by(written: str, paths: Iterable[str]) -> Iterator[str]:
    """What stands for the environment's name in the paths that a written one fits."""
    first, *rest = _NAMED.split(written)
    if rest:
        pattern = re.compile(
            f"{re.escape(first)}([^/]+){'[^/]+'.join(re.escape(piece) for piece in rest)}"
        )
        for path in paths:
            if found := pattern.fullmatch(path):
                yield found[1]


def whole(path: str) -> Value:
    """A leaf that stands for a whole file: templated values have no tree."""
    return Value("", Origin(path, ""))
