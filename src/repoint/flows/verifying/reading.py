"""Objects of a cluster read with the eyes that read a repository.

Live objects are laid out as files of a tree in memory, so that the same reader finds their
connections, in URLs, split variables, arguments and mounted files alike. What it holds may be
passwords: the tree exists in memory only, and shows nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from repoint.errors import FileRefused, SealedFile
from repoint.flows.evidence import Evidence
from repoint.flows.rehearsing.casting import Casting, Scene, Stranger
from repoint.flows.rehearsing.planned import PlannedSecrets, PlannedState
from repoint.flows.scanning import Survey, survey
from repoint.flows.workspace import Workspace
from repoint.model.cluster import Document, ref_of
from repoint.planning.config import Config, Environment
from repoint.rehearsal.cast import Client

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class ObjectTree:
    """Objects as JSON files; implements `ports.Tree`."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._files = {_path(one): json.dumps(_bare(one)).encode() for one in documents}

    def __repr__(self) -> str:
        return f"ObjectTree({len(self._files)} objects)"

    def paths(self) -> tuple[str, ...]:
        """A path for each object."""
        return tuple(sorted(self._files))

    def read(self, path: str) -> bytes:
        """The object at a path as JSON."""
        try:
            return self._files[path]
        except KeyError:
            raise FileRefused(f"`{path}` is not there") from None

    def glance(self, path: str) -> bytes:
        """The object at a path as JSON."""
        return self.read(path)

    def keep(self, path: str, raw: bytes) -> None:
        """Nothing to do: all are in memory."""

    def exists(self, path: str) -> bool:
        """Whether an object has that path."""
        return path in self._files


class _NothingSealed:
    """Opens nothing, because what comes from a cluster is not sealed; `ports.SealedEditor`."""

    def decrypt(self, path: str) -> bytes:
        raise SealedFile(f"`{path}` is not sealed")

    def prefetch(self, paths: Sequence[str]) -> None:
        """Nothing to open."""

    def open(self, path: str, raw: bytes) -> bytes:
        raise SealedFile(f"`{path}` is not sealed")

    def open_ahead(self, raws: Mapping[str, bytes]) -> None:
        """Nothing to open."""

    def set_value(self, path: str, raw: bytes, pointer: str, value: str) -> bytes:
        raise SealedFile(f"`{path}` is not sealed")

    def remove_value(self, path: str, raw: bytes, pointer: str) -> bytes:
        raise SealedFile(f"`{path}` is not sealed")


@dataclass(frozen=True, slots=True, eq=False)
class Cast:
    """Who asks which server, as some objects tell it.

    `strangers` are containers whose connection cannot be read, `survey` is everything found.
    """

    scenes: tuple[Scene, ...]
    strangers: tuple[Stranger, ...]
    survey: Survey

    @property
    def clients(self) -> tuple[Client, ...]:
        """Every connection, scene by scene."""
        return tuple(client for scene in self.scenes for client in scene.clients)


def cast_of(
    workspace: Workspace,
    config: Config,
    environment: str,
    documents: Sequence[Document],
    evidence: Evidence,
) -> Cast:
    """Find the connections that objects tell, beside what the repository's source text tells."""
    tree = ObjectTree(documents)
    named = config.environments[environment]
    alone = Environment(namespace=named.namespace, manifests=["."], new_cluster=named.new_cluster)
    here = replace_environments(config, {environment: alone})
    sealed = _NothingSealed()
    objects = replace(workspace, tree=tree, config=here, secrets=sealed)
    found = survey(objects)
    state = PlannedState((environment,), found, found, PlannedSecrets(tree, sealed), {}, {})
    casting = Casting(state, here, (), environment, evidence)
    return Cast(casting.scenes(), tuple(casting.strangers), found)


def replace_environments(config: Config, environments: Mapping[str, Environment]) -> Config:
    """The configuration with other environments, and nothing excluded."""
    return msgspec.structs.replace(config, environments=dict(environments), exclude=[])


def _path(document: Document) -> str:
    ref = ref_of(document)
    group = ref.group or "core"
    return f"live/{group}/{ref.kind}/{ref.namespace or '-'}/{ref.name}.json"


def _bare(document: Document) -> dict[str, Any]:
    """The object without its state and without copies of older texts."""
    metadata = dict(document.get("metadata") or {})
    metadata.pop("managedFields", None)
    annotations = dict(metadata.get("annotations") or {})
    annotations.pop(_LAST_APPLIED, None)
    metadata["annotations"] = annotations
    rest = {key: value for key, value in document.items() if key not in ("status", "metadata")}
    return {**rest, "metadata": metadata}
