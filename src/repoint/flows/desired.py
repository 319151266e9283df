"""Desired state: every object of an environment as the tree has it now, sealed values opened.

What is sealed is opened in memory only. The documents may hold passwords, so nothing here shows
one: neither a repr nor an error has more than names of objects, fields and files.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from repoint.errors import FileRefused, SealedFile, ToolFailed, UsageError
from repoint.flows.listed import listed_files
from repoint.flows.planning import require_config
from repoint.flows.scanning import SCAFFOLD_FOLDER
from repoint.flows.workspace import Workspace
from repoint.kube.plain import (
    cluster_scoped,
    flat_objects,
    is_client_side,
    is_object,
    opened,
    plain_documents,
    still_sealed,
)
from repoint.model.cluster import Document, ObjectRef, ref_of
from repoint.planning.config import Environment, as_tuple

_SUFFIXES = (".yaml", ".yml", ".json")
_NO_OBJECTS = (".sops.yaml", "*/.sops.yaml", "repoint.yaml", ".repoint/*", ".git/*")


@dataclass(frozen=True, slots=True)
class DesiredObject:
    """One object, and where it comes from.

    `source` is the overlay whose render has it, or the file. `sealed` is the sops file that a
    rendered object was opened with; empty when nothing in it was sealed.
    """

    ref: ObjectRef
    document: Document = field(repr=False)
    source: str
    sealed: str = ""


@dataclass(frozen=True, slots=True)
class Desired:
    """The objects of an environment, in the order of their sources, each once."""

    environment: str
    namespace: str
    objects: tuple[DesiredObject, ...]

    def __repr__(self) -> str:
        return f"Desired({self.environment!r}, {len(self.objects)} objects)"

    @property
    def documents(self) -> tuple[Document, ...]:
        """The objects alone."""
        return tuple(one.document for one in self.objects)

    def of_kind(self, *kinds: str) -> tuple[DesiredObject, ...]:
        """The objects of these kinds."""
        return tuple(one for one in self.objects if one.ref.kind in kinds)

    def get(self, kind: str, namespace: str, name: str) -> DesiredObject | None:
        """One object by its kind and name, None when the environment has none."""
        wanted = (kind, namespace, name)
        for one in self.objects:
            if (one.ref.kind, one.ref.namespace, one.ref.name) == wanted:
                return one
        return None

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Every namespace that an object is in, the environment's own first."""
        found = [self.namespace] if self.namespace else []
        found += sorted({one.ref.namespace for one in self.objects if one.ref.namespace})
        return tuple(dict.fromkeys(found))


def environment_of(workspace: Workspace, name: str) -> Environment:
    """An environment of repoint.yaml by its name.

    Raises:
        ConfigError: there is no repoint.yaml.
        UsageError: it has no such environment.
    """
    config = require_config(workspace)
    found = config.environments.get(name)
    if found is None:
        raise UsageError(
            f"there is no environment `{name}`",
            hint=f"environments here: {', '.join(config.environments) or 'none'}",
        )
    return found


def desired_state(workspace: Workspace, environment: str) -> Desired:
    """The objects that an environment should have, from the tree as it is now.

    These are the renders of its overlays, the files under `secrets:` (opened by sops), and
    those under `manifests:`. The items of a List stand for themselves. An object that names no
    namespace is in the environment's, as with `kubectl --namespace`. What a kustomization lists
    comes with its overlay alone: a patch that stands beside a Secret is no object.

    Raises:
        UsageError: no such environment, or its objects are made by Helm alone.
        SealedFile: a value is sealed, and no key at hand opens it.
        ToolFailed: an overlay does not build.
        FileRefused: a file holds no object that the API would take, or two sources differ.
    """
    known = environment_of(workspace, environment)
    _require_objects(environment, known)
    overlays, secrets = as_tuple(known.overlay), as_tuple(known.secrets)
    manifests = _manifest_places(environment, known)
    brought = listed_files(workspace.tree, overlays, secrets) if overlays else frozenset()
    found = [
        *_rendered(workspace, overlays),
        *_written(workspace, secrets, brought, strict=True),
        *_written(workspace, manifests, brought, strict=False),
    ]
    placed = _placed(found, known.namespace)
    return Desired(environment, known.namespace, tuple(_once(placed)))


def _require_objects(name: str, environment: Environment) -> None:
    if as_tuple(environment.overlay) or as_tuple(environment.manifests):
        return
    if as_tuple(environment.values):
        raise UsageError(
            f"the consumers of `{name}` come from Helm values, which repoint does not install",
            hint="let Argo CD, Flux or `helm upgrade` bring them, and watch with `--mode gitops`",
        )
    raise UsageError(
        f"environment `{name}` names no objects",
        hint="name its `overlay:` or `manifests:` in repoint.yaml",
    )


def _manifest_places(name: str, environment: Environment) -> tuple[str, ...]:
    """The places of plain manifests; without an overlay also what `scaffold` writes."""
    named = as_tuple(environment.manifests)
    return named if as_tuple(environment.overlay) else (*named, f"{SCAFFOLD_FOLDER}/{name}")


def _rendered(workspace: Workspace, overlays: tuple[str, ...]) -> Iterator[DesiredObject]:
    workspace.progress.step("rendering overlays", len(overlays))
    builds = workspace.renderer.render(overlays, {})
    sealed: _SealedFiles | None = None
    for overlay in overlays:
        build = builds[overlay]
        if build.text is None:
            raise ToolFailed(
                f"`{overlay}` does not build: {build.error}",
                hint=f"run `kubectl kustomize {overlay}` by hand",
            )
        for document in _objects(overlay, build.text):
            source = ""
            if isinstance(document.get("sops"), dict):
                sealed = sealed or _SealedFiles(workspace)
                source, document = sealed.open(document)
            if source or document["kind"] == "Secret":
                _require_open(document, overlay)
            yield DesiredObject(ref_of(document), document, overlay, source)


def _objects(source: str, text: str) -> Iterator[dict[str, Any]]:
    try:
        documents = plain_documents(text)
    except ValueError as error:
        raise FileRefused(f"`{source}`: {error}") from None
    for document in documents:
        for one in flat_objects(document):
            if not is_object(one):
                raise FileRefused(
                    f"`{source}` holds something that is no object of Kubernetes",
                    hint="each needs `apiVersion`, `kind` and `metadata.name`",
                )
            yield one


def _require_open(document: Document, source: str) -> None:
    for where in still_sealed(document):
        raise SealedFile(
            f"`{source}`: `{ref_of(document)}` is still sealed at `{where}`",
            hint="a generator put ciphertext into it; where Flux opens such a file first, "
            "use `--mode gitops`",
        )


class _SealedFiles:
    """The sops files of a tree, found by the MAC that a rendered object carries."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._files: dict[str, str] = {}
        for path in workspace.tree.paths():
            if path.endswith(_SUFFIXES):
                for mac in _macs(workspace, path):
                    self._files.setdefault(mac, path)

    def open(self, document: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The source file of a rendered object, and the object opened with it."""
        ref = ref_of(document)
        path = self._files.get(str(document["sops"].get("mac", "")), "")
        if not path:
            raise SealedFile(
                f"`{ref}` is sealed, and no file of this repository is its source",
                hint="its `sops` block must be the one of a file at hand",
            )
        rest = {key: value for key, value in document.items() if key != "sops"}
        clear = _clear_objects(self._workspace, path)
        same = [one for one in clear if ref_of(one).kind == ref.kind]
        if len(same) > 1:
            same = [one for one in same if ref_of(one).name in ref.name]
        if len(same) != 1:
            raise SealedFile(
                f"`{path}`: it is not certain which of its objects `{ref}` is",
                hint="give each object a file of its own",
            )
        return path, opened(rest, same[0])


def _macs(workspace: Workspace, path: str) -> Iterator[str]:
    try:
        raw = workspace.tree.read(path)
    except FileRefused:
        return
    if b"sops" not in raw or b"mac" not in raw:
        return
    try:
        documents = plain_documents(raw.decode())
    except ValueError:
        return
    for document in documents:
        block = document.get("sops") if isinstance(document, dict) else None
        if isinstance(block, dict) and block.get("mac"):
            yield str(block["mac"])


def _clear_objects(workspace: Workspace, path: str) -> list[dict[str, Any]]:
    text = workspace.secrets.decrypt(path).decode(errors="replace")
    return [one for one in _objects(path, text) if not is_client_side(one)]


def _written(
    workspace: Workspace, places: Iterable[str], brought: frozenset[str], *, strict: bool
) -> Iterator[DesiredObject]:
    """The objects of files and folders, less those that an overlay has `brought`.

    With `strict` a file without an object is an error.
    """
    paths = dict.fromkeys(path for place in places for path in _files(workspace, place))
    for path in (one for one in paths if one not in brought):
        if any(_macs(workspace, path)):
            objects = _clear_objects(workspace, path)
        else:
            objects = list(_clear_file(workspace, path, strict=strict))
        for document in objects:
            rest = {key: value for key, value in document.items() if key != "sops"}
            if rest["kind"] == "Secret":
                _require_open(rest, path)
            yield DesiredObject(ref_of(rest), rest, path)


def _files(workspace: Workspace, place: str) -> list[str]:
    config = require_config(workspace)
    left_out = (*_NO_OBJECTS, *config.exclude)
    found = [
        path
        for path in workspace.tree.paths()
        if (place in (path, ".") or path.startswith(f"{place}/"))
        and path.endswith(_SUFFIXES)
        and not any(fnmatch.fnmatchcase(path, glob) for glob in left_out)
    ]
    if not found and not place.startswith(f"{SCAFFOLD_FOLDER}/"):
        raise FileRefused(
            f"`{place}` holds no manifest", hint="it is named under `environments:` in repoint.yaml"
        )
    return found


def _clear_file(workspace: Workspace, path: str, *, strict: bool) -> Iterator[dict[str, Any]]:
    """The objects of a file that is not sealed; what is none is left out unless `strict`."""
    try:
        text = workspace.tree.read(path).decode()
        documents = plain_documents(text)
    except (UnicodeDecodeError, ValueError) as error:
        if not strict:  # Helm templates and the like stand among plain manifests
            return
        reason = "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise FileRefused(f"`{path}`: {reason}") from None
    for document in documents:
        for one in flat_objects(document):
            if is_object(one) and not is_client_side(one):
                yield one
            elif strict and not is_client_side(one):
                raise FileRefused(
                    f"`{path}` holds something that is no object of Kubernetes",
                    hint="each needs `apiVersion`, `kind` and `metadata.name`",
                )


def _placed(found: list[DesiredObject], namespace: str) -> Iterator[DesiredObject]:
    definitions = tuple(one.document for one in found if one.ref.kind == "CustomResourceDefinition")
    for one in found:
        wide = cluster_scoped(one.document, definitions)
        if wide == (not one.ref.namespace):
            yield one
            continue
        if not wide and not namespace:
            raise FileRefused(
                f"`{one.source}`: `{one.ref}` names no namespace, and the environment has none",
                hint="give the environment a `namespace:` in repoint.yaml",
            )
        metadata = {**one.document["metadata"], "namespace": namespace}
        if wide:
            metadata.pop("namespace")
        document = {**one.document, "metadata": metadata}
        yield DesiredObject(ref_of(document), document, one.source, one.sealed)


def _once(found: Iterable[DesiredObject]) -> Iterator[DesiredObject]:
    seen: dict[ObjectRef, DesiredObject] = {}
    for one in found:
        other = seen.setdefault(one.ref, one) if one.ref.name else one  # a `generateName`
        if other is one:
            yield one
        elif other.document != one.document:
            raise FileRefused(
                f"`{one.ref}` is not the same in `{other.source}` and `{one.source}`",
                hint="leave it in one of them",
            )
