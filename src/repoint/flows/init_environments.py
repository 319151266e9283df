"""The environments that init proposes: their overlays, namespaces and files outside overlays."""

from __future__ import annotations

import posixpath
from collections import abc
from collections.abc import Iterable
from dataclasses import dataclass, replace

from repoint.dsn.hosts import parse_host
from repoint.flows.scanning import Survey
from repoint.formats.base import Mapping
from repoint.kube.builds import EnvironmentBuild
from repoint.kube.resource import Resource

_DELIVERING = frozenset(
    {
        *("Application", "ApplicationSet", "AppProject"),
        *("Kustomization", "GitRepository", "OCIRepository", "Bucket", "HelmRepository"),
    }
)


@dataclass(frozen=True, slots=True)
class ProposedEnvironment:
    """An environment of a proposed `repoint.yaml`; `places` are its `secrets`."""

    name: str
    namespace: str
    overlays: tuple[str, ...]
    places: tuple[str, ...]
    values: tuple[str, ...]
    manifests: tuple[str, ...] = ()


def environments_of(
    found: Survey, source: str, cluster: str, spaces: abc.Mapping[str, str]
) -> tuple[ProposedEnvironment, ...]:
    """The environments of a repository, in promotion order.

    Args:
        found: What a scan without a configuration saw.
        source: The server that most consumers talk to.
        cluster: The Cluster that they move to.
        spaces: The namespace that each environment's own hosts of the source name.
    """
    named = found.resolution.environments
    if named:
        return tuple(
            part
            for build in named
            for part in _apart(_environment(found, build, spaces), build, cluster)
        )
    unnamed = found.resolution.unnamed
    plain = () if unnamed.overlays else (_common_folder(found, unnamed),)
    read = parse_host(source)
    asked = read.namespace if read is not None and read.namespace else ""
    namespace = _namespace(unnamed, asked)
    return (ProposedEnvironment("default", namespace, unnamed.overlays, (), (), plain),)


def _apart(
    one: ProposedEnvironment, build: EnvironmentBuild, cluster: str
) -> tuple[ProposedEnvironment, ...]:
    """An environment for each namespace in which the Cluster is built: consumers move to one.

    They are called by what sets their overlays apart (`orders-dev`, `search-dev`). Files outside
    the overlays go to the one whose word is in their path, else to the first.
    """
    homes = {own.overlay: _home_of(cluster, own.objects) for own in build.builds}
    groups: dict[str, list[str]] = {}
    for overlay in one.overlays:
        groups.setdefault(homes.get(overlay, ""), []).append(overlay)
    if len(groups) < 2 or "" in groups:
        return (one,)
    words = {home: {w for path in own for w in path.split("/")} for home, own in groups.items()}
    common = set[str].intersection(*words.values())
    result = []
    for home, overlays in groups.items():
        apart = [word for word in overlays[0].split("/") if word not in common]
        kept = {
            name: tuple(path for path in paths if _home_by_word(path, words, common) == home)
            for name, paths in (
                *(("places", one.places), ("values", one.values), ("manifests", one.manifests)),
            )
        }
        name = "-".join((*apart, one.name)) if apart else home
        part = replace(one, name=name, namespace=home, overlays=tuple(overlays), **kept)
        result.append(part)
    return tuple(result)


def _home_by_word(path: str, words: dict[str, set[str]], common: set[str]) -> str:
    """The namespace whose own word is in a path, else the first."""
    parts = set(path.split("/")) - common
    return next((home for home, own in words.items() if parts & own), next(iter(words)))


def _home_of(cluster: str, objects: Iterable[Resource]) -> str:
    """The namespace in which the Cluster of a name is built; empty when it is not."""
    clusters = (o for o in objects if o.kind == "Cluster" and o.group == "postgresql.cnpg.io")
    return next((o.namespace for o in clusters if cluster in (o.name, o.original.name)), "")


def _common_folder(found: Survey, unnamed: EnvironmentBuild) -> str:
    """The folder with every manifest and every connection, `.` when there is none.

    What a rollout applies is under it: the controllers' own objects, which stand beside the
    manifests that they bring, do not belong to it.
    """
    paths = {one.path for one in unnamed.plain if one.kind not in _DELIVERING}
    folders = {posixpath.dirname(path) for path in (*paths, *found.sites)}
    return (posixpath.commonpath(folders) if folders and "" not in folders else "") or "."


def _environment(
    found: Survey, build: EnvironmentBuild, spaces: abc.Mapping[str, str]
) -> ProposedEnvironment:
    layout = found.resolution.layout
    inside = {path for one in build.builds for path in one.files}
    outside = [
        path
        for path in found.files
        if path not in inside
        and layout.environment_of(path) == build.name
        and (path in found.sites or found.files[path].sealed)
    ]
    values = tuple(path for path in outside if _is_values(found, path))
    rest = [path for path in outside if path not in values]
    folders = tuple(dict.fromkeys(_folder(path, build.name, inside) for path in rest))
    namespace = _namespace(build, spaces.get(build.name, ""))
    manifests = tuple(one for one in folders if not build.overlays and _deploys(one, build))
    places = tuple(one for one in folders if one not in manifests)
    return ProposedEnvironment(build.name, namespace, build.overlays, places, values, manifests)


def _is_values(found: Survey, path: str) -> bool:
    """Whether a file holds a release's values, by its name or by what names it."""
    if "values" in path.rpartition("/")[2] or "/values" in path:
        return True
    documents = found.files[path].documents
    roots = [one.root for one in documents if isinstance(one.root, Mapping)]
    return path in found.resolution.layers and not any(one.get("kind") for one in roots)


def _deploys(folder: str, build: EnvironmentBuild) -> bool:
    """Whether plain manifests of an environment stand in a folder."""
    return any(one.path.startswith(f"{folder}/") for one in build.plain)


def _folder(path: str, name: str, built: abc.Set[str]) -> str:
    """The directory named for the environment, or the file itself.

    Where an overlay is `built` of files of that directory, it is the first one below without any:
    what an overlay brings is nothing that is applied beside it.
    """
    parts = path.split("/")
    for number in range(parts.index(name) + 1 if name in parts[:-1] else len(parts), len(parts)):
        folder = "/".join(parts[:number])
        if not any(one.startswith(f"{folder}/") for one in built):
            return folder
    return path


def _namespace(build: EnvironmentBuild, asked: str) -> str:
    """Where the Pooler and Cluster are; else where the source is; else where most objects are."""
    for one in build.objects:
        if (
            one.kind in ("Pooler", "Cluster")
            and one.group == "postgresql.cnpg.io"
            and one.namespace
        ):
            return one.namespace
    return asked or build.namespace
