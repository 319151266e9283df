"""kustomize from the sources: what an overlay builds to, and which bytes each value is.

It goes on where kustomize stops: what is missing or not supported is named in
`Build.problems` and left out.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from msgspec import Struct, field

from repoint.formats.base import Mapping
from repoint.kube.effective import (
    Effective,
    Value,
    effective,
    items,
    mapping,
    text,
    texts,
)
from repoint.kube.files import FileIndex, is_remote, join
from repoint.kube.generators import absorb, generate
from repoint.kube.kustomization import (
    kindless,
    other_files,
    refusals,
    stays_here,
    unknown_features,
)
from repoint.kube.names import mend_references
from repoint.kube.objects import objects
from repoint.kube.outside import reaches_out, shown
from repoint.kube.patches import apply_patches, read_patches
from repoint.kube.replacements import replace_fields
from repoint.kube.resource import Resource
from repoint.kube.transforms import set_images, set_replicas, transform

_MAX_DEPTH = 40

Rename = Callable[[Resource], None]


class Build(Struct, frozen=True, eq=False):
    """An overlay as it would be applied.

    `files` is everything the build reads: kustomization files, resources, patches,
    generator inputs. `problems` says what is missing or does not fit, for which kustomize
    itself may refuse to build; `unsupported` names features whose effect is not shown.
    """

    overlay: str
    objects: tuple[Resource, ...]
    files: frozenset[str]
    problems: tuple[str, ...]
    unsupported: tuple[str, ...]
    renderable: bool = True
    """Whether kubectl may be asked: no file is missing, and nothing is remote."""
    untraced: tuple[str, ...] = ()
    """Connections of a build by kubectl that no file is known to spell."""

    @property
    def doubtful(self) -> bool:
        """Whether the build may differ from what kustomize would make."""
        return bool(self.problems or self.unsupported)


_Key = tuple[str, str, str, str]


class _Stage(Struct, eq=False):
    resources: list[Resource] = field(default_factory=list)
    files: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)
    renderable: bool = True
    keys: set[_Key] | None = None
    """Those of `resources`, while objects are only added; there may be thousands."""

    def take(self, other: _Stage) -> None:
        known = {resource.key for resource in self.resources} if self.keys is None else self.keys
        for resource in other.resources:
            if resource.key in known:
                self.problems.append(f"several objects are {resource.kind} `{resource.name}`")
            self.resources.append(resource.copy())
        if self.keys is not None:
            self.keys.update(resource.key for resource in other.resources)
        self.files |= other.files
        self.renderable = self.renderable and other.renderable
        self.problems += [one for one in other.problems if one not in self.problems]
        self.unsupported += [one for one in other.unsupported if one not in self.unsupported]


class Kustomizer:
    """Builds overlays of one repository; bases are read once.

    `rename` may give a resource read from a file another name before anything else
    happens to it: the decrypted one, where the file hides it.
    """

    def __init__(self, index: FileIndex, rename: Rename | None = None) -> None:
        self.index = index
        self._rename = rename
        self._bases: dict[str, _Stage] = {}
        self._files: dict[str, _Stage] = {}
        self._trees: dict[str, dict[str, Effective]] = {}

    def build(self, overlay: str) -> Build:
        """Build the kustomization in a directory."""
        stage = _Stage()
        known = self._bases.get(overlay)
        if known is not None:
            stage.take(known)
        else:
            # What nothing includes is not kept: the build is all that is wanted of it.
            self._run(overlay, stage, ())
        stage.problems += mend_references(stage.resources)
        return Build(
            overlay=overlay,
            objects=tuple(one for one in stage.resources if not stays_here(one)),
            files=frozenset(stage.files),
            problems=tuple(stage.problems),
            unsupported=tuple(stage.unsupported),
            renderable=stage.renderable and all(map(self._is_there, stage.files)),
        )

    def _is_there(self, path: str) -> bool:
        return self.index.exists(path) or self.index.is_dir(path)

    def tree(self, directory: str) -> dict[str, Effective]:
        """The kustomization file of a directory as a tree; empty when there is none."""
        known = self._trees.get(directory)
        if known is None:
            path = self.index.kustomization_in(directory)
            parsed = self.index.get(path) if path else None
            roots = [(one.root, one.index) for one in parsed.documents] if parsed else []
            made = (
                effective(root, path or "", (number,))
                for root, number in roots
                if isinstance(root, Mapping)
            )
            found = next(made, None)
            known = self._trees[directory] = found if isinstance(found, dict) else {}
        return known

    def load(self, path: str) -> tuple[Resource, ...]:
        """The objects of a plain manifest file."""
        return tuple(self._file(path).resources)

    def _base(self, directory: str, stack: tuple[str, ...]) -> _Stage:
        known = self._bases.get(directory)
        if known is None:
            known = _Stage()
            self._run(directory, known, stack)
            self._bases[directory] = known
        return known

    def _run(self, directory: str, stage: _Stage, stack: tuple[str, ...]) -> None:
        """Run one kustomization over what `stage` holds; components start with objects."""
        path = self.index.kustomization_in(directory)
        if path is None:
            stage.problems.append(f"`{directory}` holds no kustomization file")
            stage.renderable = False
            return
        if directory in stack or len(stack) > _MAX_DEPTH:
            stage.problems.append(f"`{path}` includes itself")
            stage.renderable = False
            return
        stage.files.add(path)
        if self.index.problem(path):
            stage.problems.append(f"`{path}` does not parse")
        tree, inside = self.tree(directory), (*stack, directory)
        stage.problems += refusals(tree, path, directory, self.index)
        stage.renderable = stage.renderable and not reaches_out(tree)
        stage.keys = {resource.key for resource in stage.resources}
        for key in ("resources", "bases"):
            for reference in texts(tree, key):
                self._resource(directory, path, reference, stage, inside)
        stage.keys = None
        self._generators(tree, path, stage)
        for reference in texts(tree, "components"):
            self._component(directory, path, reference, stage, inside)
        self._transform(tree, path, stage)
        self._report(tree, path, stage)

    def _resource(
        self, directory: str, path: str, reference: str, stage: _Stage, stack: tuple[str, ...]
    ) -> None:
        target = join(directory, reference)
        if self.index.kustomization_in(target) is not None:
            if text(self.tree(target), "kind") == "Component":
                stage.problems.append(f"`{path}`: `{target}` is a component")
            stage.take(self._base(target, stack))
        elif self.index.exists(target):
            stage.take(self._file(target))
        elif is_remote(reference):
            stage.problems.append(f"`{path}`: remote base `{shown(reference)}` is not seen")
        elif self.index.is_dir(target):
            stage.problems.append(f"`{path}`: `{target}` holds no kustomization file")
            stage.renderable = False
        else:
            stage.problems.append(f"`{path}`: `{target}` is missing")
            stage.renderable = False

    def _file(self, path: str) -> _Stage:
        known = self._files.get(path)
        if known is None:
            known = self._files[path] = _Stage(files={path})
            parsed = self.index.get(path)
            if parsed is None or parsed.problem:
                known.problems.append(f"`{path}` does not parse")
            if parsed is not None and kindless(parsed):
                known.problems.append(f"`{path}`: an object has no kind or no apiVersion")
            for found in objects(parsed) if parsed else ():
                body = effective(found.root, path, found.at)
                if not text(body, "metadata", "name"):
                    known.problems.append(f"`{path}`: an object of kind {found.kind} has no name")
                if isinstance(body, dict):
                    resource = Resource(body, path)
                    if self._rename is not None:
                        self._rename(resource)
                    known.resources.append(resource)
        return known

    def _component(
        self, directory: str, path: str, reference: str, stage: _Stage, stack: tuple[str, ...]
    ) -> None:
        target = join(directory, reference)
        if self.index.kustomization_in(target) is not None:
            if text(self.tree(target), "kind") != "Component":
                stage.problems.append(f"`{path}`: `{target}` is no component")
            self._run(target, stage, stack)
        elif is_remote(reference):
            stage.problems.append(f"`{path}`: remote component `{shown(reference)}` is not seen")
        else:
            stage.problems.append(f"`{path}`: component `{target}` is missing")
            stage.renderable = False

    def _generators(self, tree: dict[str, Effective], path: str, stage: _Stage) -> None:
        made = generate(tree, path, self.index)
        stage.files |= made.files
        stage.resources, problems = absorb(stage.resources, made, path)
        stage.problems += problems
        stage.unsupported += made.unsupported
        for reference in items(tree, "generators"):
            if isinstance(reference, Value):
                self._plugin(reference, path, stage)

    def _plugin(self, reference: Value, path: str, stage: _Stage) -> None:
        """Read a KSOPS generator: the sealed files it names are resources."""
        base = posixpath.dirname(path)
        target = join(base, reference.text)
        if "\n" in reference.text and reference.scalar is not None:
            parsed = self.index.embedded(path, reference.scalar)
        elif self.index.kustomization_in(target) is not None:
            stage.take(self._base(target, (base,)))
            return
        else:
            stage.files.add(target)
            found = self.index.get(target)
            if found is None:
                stage.problems.append(f"`{path}`: generator `{target}` is missing")
                return
            parsed, base = found, posixpath.dirname(target)
        for document in parsed.documents:
            root = document.root
            if not isinstance(root, Mapping):
                continue
            body = effective(root, parsed.path, (document.index,))
            if root.text("kind").lower() != "ksops":
                stage.unsupported.append(f"generator `{root.text('kind')}` in `{parsed.path}`")
                continue
            for name in texts(body, "files"):
                self._resource(base, parsed.path, name, stage, ())
            for entry in items(body, "secretFrom"):
                sealed = [*texts(entry, "files"), *texts(entry, "envs")]
                stage.files |= {join(base, one.rpartition("=")[2]) for one in sealed}
                self._secret_from(entry, parsed.path, stage)

    def _secret_from(self, entry: Effective, path: str, stage: _Stage) -> None:
        if isinstance(entry, dict):
            flat = {**entry, **mapping(entry, "metadata")}
            made = generate({"secretGenerator": [flat]}, path, self.index)
            stage.problems += made.problems
            stage.unsupported += made.unsupported
            stage.resources += [resource for resource, _ in made.resources]

    def _transform(self, tree: dict[str, Effective], path: str, stage: _Stage) -> None:
        for keys in (("patchesStrategicMerge",), ("patches",)):
            self._patch(tree, path, stage, keys)
        transform(tree, path, stage.resources)
        self._patch(tree, path, stage, ("patchesJson6902",))
        stage.problems += [f"`{path}`: {one}" for one in set_replicas(tree, stage.resources)]
        set_images(tree, stage.resources)
        stage.unsupported += replace_fields(tree, path, stage.resources, self.index)

    def _patch(
        self, tree: dict[str, Effective], path: str, stage: _Stage, keys: tuple[str, ...]
    ) -> None:
        found = read_patches(tree, path, self.index, keys)
        stage.files |= found.files
        stage.resources, problems = apply_patches(stage.resources, found)
        stage.problems += problems
        stage.unsupported += found.unsupported

    def _report(self, tree: dict[str, Effective], path: str, stage: _Stage) -> None:
        stage.unsupported += unknown_features(tree, path)
        stage.files |= other_files(tree, posixpath.dirname(path))


def build(overlay: str, index: FileIndex) -> Build:
    """Build one overlay; use a `Kustomizer` for several of one repository."""
    return Kustomizer(index).build(overlay)
