"""Changes that belong to one environment only, written where that environment reads.

A value in a base shared by several environments is changed by a strategic merge patch in
an overlay of the environment at hand: in the patch that already stands there for the object,
or in a new file laid out and named like its neighbours. Nothing here touches a shared file.
"""

from __future__ import annotations

from collections import abc
from collections.abc import Callable
from dataclasses import replace

from repoint.formats.base import Mapping, ParsedFile
from repoint.kube.files import FileIndex
from repoint.kube.resource import Resource
from repoint.model.plan import Edit, Op
from repoint.planning.copied import MARK
from repoint.planning.new_patches import (
    as_written,
    merge_patch,
    stands_for,
    target_of,
    text_of,
)
from repoint.planning.overlay_folder import Folder, PatchNames, PlannedEdit, behind, inserted
from repoint.planning.overlay_tree import OverlayTree
from repoint.planning.wishes import Wish, edit_of
from repoint.planning.yaml_emit import Tree, YamlStyle, emit, style_of
from repoint.planning.yaml_insert import insertions

BUILT_IN_LISTS = frozenset(
    ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod", "PodTemplate"]
)
"""Kinds whose lists kustomize merges by name; every other kind's lists are replaced."""

Objects = dict[str, frozenset[tuple[str, str, str]]]
"""Overlays with the `(kind, namespace, name)` of the objects that each builds."""


class OverlayEditor:
    """Collects wishes for one environment and writes them as edits of its overlays.

    `overlays` are the environment's own, with the `(kind, namespace, name)` of the objects
    that each builds. `read` gives the bytes of a file, `owned` tells whether only this
    environment reads a file.
    `neighbours` are `(environment, overlay)` of all environments, for style and names.
    """

    def __init__(
        self,
        environment: str,
        overlays: Objects,
        index: FileIndex,
        read: Callable[[str], bytes],
        owned: Callable[[str], bool],
        neighbours: tuple[tuple[str, str], ...],
    ) -> None:
        self._index = index
        self._read = read
        self._owned = owned
        self._wishes: dict[tuple[str, str, str], Wish] = {}
        self._files: list[tuple[Folder, PlannedEdit]] = []
        self._tree = OverlayTree(index)
        self._builds = overlays
        self._within = {
            overlay: frozenset((overlay, *filter(self._is_own, self._tree.directories(overlay))))
            for overlay in overlays
        }
        directories = [
            one
            for overlay in overlays
            for one in (overlay, *self._tree.directories(overlay))
            if one in self._within[overlay]
        ]
        names = PatchNames(index, neighbours)
        self._folders = {
            one: Folder(one, environment, index, read, names, self._tree.patched_by_components(one))
            for one in dict.fromkeys(directories)
        }
        tops = (self._folders[one] for one in dict.fromkeys(overlays))
        self._tops = [one for one in tops if one.kustomization is not None]

    @property
    def can_add(self) -> bool:
        """Whether there is a kustomization file to list something in."""
        return bool(self._tops)

    def home(self, namespace: str, name: str = "") -> Folder | None:
        """The overlay for a new object: one that gives its namespace, else one that gives none.

        With `name`, one that can give it that name. None where each would put it elsewhere.
        """
        able = [one for one in self._tops if not name or one.spelled(name, namespace) is not None]
        given = {one.namespace: one for one in reversed(able)}
        return given.get(namespace) or given.get("")

    def can_carry(self, resource: Resource) -> bool:
        """Whether an overlay, or the object's own file, can take a change of an object."""
        if self._existing(resource, None):
            return True
        return self.can_operate(resource)

    def can_operate(self, resource: Resource) -> bool:
        """Whether a new JSON patch of this environment reaches an object."""
        return bool(self._chain(resource)) and not resource.generated and _has_name(resource)

    def wins(self, resource: Resource, over: abc.Set[str]) -> bool:
        """Whether a strategic merge patch has the last word on what `over` spells."""
        return not over or not any(one.puts_last(over) for one in self._chain(resource))

    def wish(self, resource: Resource) -> Wish:
        """The wish for an object, to be filled."""
        return self._wishes.setdefault(_key(resource), Wish(resource))

    def add_generator(self, resource: Resource, section: str, entry: Tree, edit: Edit) -> bool:
        """Merge an entry into a generated object; False when no kustomization can.

        kustomize runs a kustomization's generators before it takes in its components: what
        those generate can be merged into above it alone.
        """
        chain = [
            one
            for one in self._chain(resource)
            if not self._tree.by_component(one.directory, resource.path)
        ]
        if not chain:
            return False
        name = resource.original.name
        folder = next((one for one in chain if one.generates(section, name)), chain[0])
        folder.add_entry(section, entry, edit)
        return True

    def can_patch_generated(self, resource: Resource) -> bool:
        """Whether a patch reaches an object that a component of the overlay generates."""
        chain = self._chain(resource)
        if not chain or not _has_name(resource):
            return False
        return self._tree.by_component(chain[0].directory, resource.path)

    def add_file(
        self, folder: Folder, name: str, tree: list[dict[str, Tree]], comment: str, edit: Edit
    ) -> None:
        """Add a new manifest beside an overlay's kustomization (`home`) and list it."""
        name = folder.free_name(name)
        style = folder.style()
        texts = [style.newline.join(emit(document, style)) for document in tree]
        head = "".join(f"# {line}{style.newline}" for line in comment.splitlines())
        text = head + f"{style.newline}---{style.newline}".join(texts) + style.newline
        created = _create(edit, text)
        self._files.append((folder, PlannedEdit(folder.take(name), created)))
        folder.add_entry("resources", name, created)

    def edits(self) -> tuple[tuple[PlannedEdit, ...], tuple[Wish, ...]]:
        """All edits in the order they were asked for, and the wishes that no edit can grant."""
        result: list[PlannedEdit] = []
        failed: list[Wish] = []
        created: list[tuple[Folder, Wish, PlannedEdit]] = []
        for wish in self._wishes.values():
            if wish.operations:
                created.append(self._operating(wish))
            if not wish.tree:
                continue
            found = self._patched(wish)
            new = None if found else self._created(wish)
            result += found
            if new is not None:
                created.append((new[0], wish, new[1]))
            elif not found:
                failed.append(wish)
        listed = {one.directory: one.listed() for one in self._folders.values()}
        for folder, wish, planned in created:
            # A patch that no kustomization lists would be dead: better none at all.
            if listed[folder.directory] is None:
                failed.append(wish)
            else:
                result.append(planned)
        result += [one for folder, one in self._files if listed[folder.directory] is not None]
        result += [one for several in listed.values() for one in several or ()]
        return tuple(result), tuple(failed)

    def _patched(self, wish: Wish) -> list[PlannedEdit]:
        """Insertions into a document of this environment that stands for the object."""
        if any(MARK in line for line in emit(wish.tree, YamlStyle())):
            # Only a file of its own can take a password over.
            return []
        chain: list[Folder | None] = [*behind(self._chain(wish.resource), wish.over)]
        for folder in chain or [None]:
            for path, parsed, number in self._existing(wish.resource, folder, wish.over):
                raw, document = self._read(path), parsed.documents[number]
                like = folder.style(wish.resource) if folder is not None else None
                found = insertions(
                    raw,
                    document.root,
                    as_written(wish.tree),
                    style_of(parsed, raw, like=like),
                    document=document.index,
                )
                if found is not None:
                    edit = edit_of(wish)
                    return [
                        PlannedEdit(path, inserted(edit, raw, one.offset, one.text, one.pointer))
                        for one in found
                    ]
        return []

    def _created(self, wish: Wish) -> tuple[Folder, PlannedEdit] | None:
        """A new patch file for the object, where its kustomization is this environment's."""
        resource = wish.resource
        chain = behind(self._chain(wish.resource), wish.over)
        merged = resource.generated and not self.can_patch_generated(resource)
        if not chain or merged or not _has_name(resource):
            return None
        folder = next((one for one in chain if one.patch_files()), chain[0])
        return self._new(wish, folder, merge_patch(resource, wish.tree))

    def _operating(self, wish: Wish) -> tuple[Folder, Wish, PlannedEdit]:
        """A new JSON patch for the object, behind everything that gives it the old value."""
        folder = behind(self._chain(wish.resource), wish.over)[0]
        section = "patchesJson6902" if folder.puts_last(wish.over) else "patches"
        made = self._new(wish, folder, wish.operations, section, target_of(wish.resource))
        return made[0], wish, made[1]

    def _new(
        self,
        wish: Wish,
        folder: Folder,
        tree: Tree,
        section: str = "patches",
        target: dict[str, Tree] | None = None,
    ) -> tuple[Folder, PlannedEdit]:
        name, style = folder.file_name(wish.resource), folder.style(wish.resource)
        text, copies = text_of(tree, style)
        edit = replace(_create(edit_of(wish), text), copies=copies)
        entry: dict[str, Tree] = {"path": name}
        folder.add_entry(section, {**entry, "target": target} if target else entry, edit)
        return folder, PlannedEdit(folder.take(name), edit)

    def _existing(
        self, resource: Resource, folder: Folder | None, over: abc.Set[str] = frozenset()
    ) -> list[tuple[str, ParsedFile, int]]:
        """Documents of this environment for one object: its patches, then its own file.

        None that kustomize takes before a patch among `over`, which would win.
        """
        found: list[tuple[str, ParsedFile, int]] = []
        patches = folder.patch_files(over) if folder is not None else []
        late = bool(over) and any(one.imposes(over) for one in self._chain(resource))
        for path in dict.fromkeys((*patches, *(() if late else (resource.path,)))):
            parsed = self._index.get(path)
            if parsed is None or parsed.problem or not self._owned(path):
                continue
            for number, document in enumerate(parsed.documents):
                root = document.root
                own = path == resource.path
                if isinstance(root, Mapping) and stands_for(root, resource, own=own):
                    found.append((path, parsed, number))
        return found

    def _chain(self, resource: Resource) -> list[Folder]:
        """This environment's kustomizations that build an object, the nearest one first."""
        able = self._able(resource)
        found = [
            folder
            for folder in self._folders.values()
            if folder.directory in able
            and folder.kustomization is not None
            and resource.path in self._tree.reads(folder.directory)
        ]
        if len(found) > 1:
            found = [one for one in found if self._makes(one, resource)] or found
        return sorted(found, key=lambda folder: len(self._tree.reads(folder.directory)))

    def _makes(self, folder: Folder, resource: Resource) -> bool:
        """Whether an object ever was what a kustomization makes of it."""
        own = resource.original
        made = self._tree.makes(folder.directory, resource.path, (own.name, own.namespace))
        ids = (*resource.previous, resource.id, resource.built)
        return any((one.name, one.namespace) in made for one in ids)

    def _able(self, resource: Resource) -> frozenset[str]:
        """Directories of the overlays that build an object, and of no others where that can be.

        One file that two overlays read, each in its own namespace, is two objects.
        """
        name = _key(resource)
        builders = [one for one, objects in self._builds.items() if name in objects]
        mine = frozenset[str]().union(*(self._within[one] for one in builders or self._builds))
        others = [self._within[one] for one in self._builds if builders and one not in builders]
        return mine.difference(*others) or mine

    def _is_own(self, directory: str) -> bool:
        """Whether only this environment reads a kustomization that can hold patches."""
        path = self._index.kustomization_in(directory)
        parsed = self._index.get(path) if path else None
        root = parsed.documents[0].root if parsed and parsed.documents else None
        plain = isinstance(root, Mapping) and root.text("kind") != "Component"
        return path is not None and plain and self._owned(path)


def _key(resource: Resource) -> tuple[str, str, str]:
    return (resource.kind, resource.namespace, resource.name)


def _has_name(resource: Resource) -> bool:
    """Whether a patch can name the object: one with `generateName` alone has no name."""
    metadata = resource.body.get("metadata")
    return isinstance(metadata, dict) and "name" in metadata


def _create(edit: Edit, text: str) -> Edit:
    return replace(edit, op=Op.CREATE, after=text, line=1)
