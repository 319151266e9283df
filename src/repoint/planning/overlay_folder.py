"""One kustomization directory of an environment, and what is added to its lists.

A new patch is named, laid out and listed like its neighbours there.
"""

from __future__ import annotations

import posixpath
import re
from collections import abc
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from repoint.formats.base import Mapping, ParsedFile, Scalar, Sequence
from repoint.kube.files import FileIndex, join
from repoint.kube.resource import Resource
from repoint.model.plan import Applicability, Edit, Op, PartEdit
from repoint.planning.overlay_tree import ListedPatch, listed_patches
from repoint.planning.yaml_emit import Tree, YamlStyle, style_of
from repoint.planning.yaml_insert import insertions
from repoint.planning.yaml_trees import merge_trees

_NAME, _ENV = "\0name", "\0env"
"""Stand for an object and an environment in the pattern of a file's name."""


@dataclass(frozen=True, slots=True)
class PlannedEdit:
    """An edit and the file it belongs to."""

    path: str
    edit: Edit


class PatchNames:
    """How the patches that stand already are called, read once for all folders.

    A shape is a path below an overlay, with marks for the object and the environment.
    `neighbours` are `(environment, overlay)` of all environments.
    """

    def __init__(self, index: FileIndex, neighbours: tuple[tuple[str, str], ...]) -> None:
        self._index = index
        self._neighbours = neighbours
        self._shapes: dict[tuple[str, str], dict[str, str]] = {}

    def shape(self, name: str, environment: str, directory: str) -> str:
        """Like the first patch of an object of that name, or of any; empty without patches.

        The patches of `directory` itself come before the neighbours'.
        """
        own = self._of(environment, directory)
        found = own.get(name) or self._beside.get(name)
        return found or next(iter((*own.values(), *self._beside.values())), "")

    @cached_property
    def _beside(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for environment, overlay in self._neighbours:
            for name, shape in self._of(environment, overlay).items():
                found.setdefault(name, shape)
        return found

    def _of(self, environment: str, overlay: str) -> dict[str, str]:
        """The shape of the first patch for each name in one overlay, in their order."""
        known = self._shapes.get((environment, overlay))
        if known is not None:
            return known
        found: dict[str, str] = {}
        word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(environment)}(?![A-Za-z0-9])")
        for path in _listed_patches(_root(self._index, overlay)):
            target = _patched_name(self._index.get(join(overlay, path)))
            if not target or target not in posixpath.basename(path) or path.startswith(".."):
                continue
            directory, base = posixpath.split(path)
            head, _, tail = base.partition(target)
            around = [word.sub(_ENV, one) for one in (head, tail)]
            found.setdefault(target, posixpath.join(directory, _NAME.join(around)))
        self._shapes[environment, overlay] = found
        return found


class Folder:
    """A kustomization directory that belongs to one environment.

    `names` tells how the patches of all environments are called, `components` the files from
    which its components patch.
    """

    def __init__(
        self,
        directory: str,
        environment: str,
        index: FileIndex,
        read: Callable[[str], bytes],
        names: PatchNames,
        components: frozenset[str] = frozenset(),
    ) -> None:
        self.directory = directory
        self._environment = environment
        self._index = index
        self._read = read
        self._names = names
        self._components = components
        self._entries: dict[str, list[tuple[Tree, Edit]]] = {}
        self._new: list[str] = []

    @property
    def kustomization(self) -> str | None:
        """Path of the kustomization file."""
        return self._index.kustomization_in(self.directory)

    def affixes(self) -> tuple[str, str]:
        """`namePrefix` and `nameSuffix`, which new objects get too."""
        root = self.root()
        return (root.text("namePrefix"), root.text("nameSuffix")) if root is not None else ("", "")

    @property
    def namespace(self) -> str:
        """The namespace that every object gets here; empty where each keeps its own."""
        root = self.root()
        return root.text("namespace") if root is not None else ""

    def spelled(self, name: str, namespace: str) -> str | None:
        """How a new file here calls an object whose rendered name and namespace are given.

        None when this kustomization would make something else of every name.
        """
        prefix, suffix = self.affixes()
        own = name.removeprefix(prefix).removesuffix(suffix)
        stays = self.namespace in ("", namespace)
        return own if f"{prefix}{own}{suffix}" == name and stays else None

    def patches_any(self, kind: str, name: str) -> bool:
        """Whether a patch here selects objects of a kind by something else than a name."""
        root = self.root()
        for item in root.items("patches") if root is not None else ():
            target = item.mapping("target") if isinstance(item, Mapping) else None
            if target is None or not _selects(target.text("kind"), kind):
                continue
            if _selects(target.text("name"), name):
                return True
        return False

    def free_name(self, name: str) -> str:
        """`name`, with a number before its ending where a file of that name is there."""
        stem, dot, ending = name.rpartition(".")
        taken = set(self._names_in_use())
        numbered = (f"{stem}-{number}{dot}{ending}" for number in range(2, len(taken) + 3))
        return next(one for one in (name, *numbered) if one not in taken)

    def root(self) -> Mapping | None:
        """The kustomization's tree."""
        return _root(self._index, self.directory)

    def add_entry(self, section: str, entry: Tree, edit: Edit) -> None:
        """Add an item to a list of the kustomization file (`resources`, a generator ...)."""
        self._entries.setdefault(section, []).append((entry, edit))

    def take(self, name: str) -> str:
        """Reserve the name of a new file; returns its path."""
        path = join(self.directory, name)
        self._new.append(path)
        return path

    def patch_files(self, over: abc.Set[str] = frozenset()) -> list[str]:
        """Strategic merge patch files that the kustomization lists, as they are applied.

        Those alone that come behind the last one of `over`.
        """
        order = self._patches
        last = max((n for n, one in enumerate(order) if one.path in over), default=-1)
        return [one.path for one in order[last + 1 :] if one.merges]

    def imposes(self, files: abc.Set[str]) -> bool:
        """Whether one of some files is a patch here, or of a component."""
        listed = any(one.path in files for one in self._patches)
        return listed or not self._components.isdisjoint(files)

    def puts_last(self, over: abc.Set[str]) -> bool:
        """Whether one of some files is a patch of `patchesJson6902`, applied behind `patches`."""
        return any(one.last and one.path in over for one in self._patches)

    @cached_property
    def _patches(self) -> tuple[ListedPatch, ...]:
        return tuple(listed_patches(self._index, self.directory))

    def generates(self, section: str, name: str) -> bool:
        """Whether a generator of the kustomization has an entry of that name."""
        root = self.root()
        return root is not None and any(
            isinstance(item, Mapping) and item.text("name") == name for item in root.items(section)
        )

    def style(self, resource: Resource | None = None) -> YamlStyle:
        """The style of the patches here; what they do not show, the object's own file does."""
        found = YamlStyle()
        own = resource.path if resource is not None else None
        for path in (own, self.kustomization, *reversed(self.patch_files())):
            parsed = self._index.get(path) if path else None
            if parsed is not None and parsed.documents and path:
                found = style_of(parsed, self._read(path), like=found)
        return found

    def file_name(self, resource: Resource) -> str:
        """A name like the neighbours' for the same object, or for any object."""
        base = resource.original.name
        taken = set(self._names_in_use())
        pattern = self._pattern(base)
        kind = resource.kind.lower()
        candidates = [
            pattern.replace(_ENV, self._environment).replace(_NAME, name)
            for name in (base, f"{base}-{kind}")
        ]
        candidates.append(f"{base}-{kind}-{self._environment}-cnpg-patch.yaml")
        return next(name for name in candidates if name not in taken)

    def _names_in_use(self) -> list[str]:
        files = [*self._index.under(self.directory), *self._new]
        return [posixpath.relpath(path, self.directory or ".") for path in files]

    def _pattern(self, name: str) -> str:
        """The spelling of the patches that stand already: name, `-`, environment, `-patch.yaml`."""
        found = self._names.shape(name, self._environment, self.directory)
        return found or posixpath.join(self._patch_directory(), f"{_NAME}-{_ENV}-patch.yaml")

    def _patch_directory(self) -> str:
        """The directory in which all patches stand that the kustomization lists already."""
        found = {posixpath.dirname(path) for path in _listed_patches(self.root())}
        only = found.pop() if len(found) == 1 else ""
        return "" if only.startswith("..") else only

    def listed(self) -> tuple[PlannedEdit, ...] | None:
        """Insertions into the kustomization file; None when it cannot take them."""
        path = self.kustomization
        if not self._entries:
            return ()
        if path is None:
            return None
        raw, parsed, root = self._read(path), self._index.files[path], self.root()
        tree: dict[str, Tree] = {}
        for section, entries in self._entries.items():
            name, items = self._section(root, section, [entry for entry, _ in entries])
            merge_trees(tree, {name: []})
            merge_trees(tree, {name: items})
        found = insertions(raw, root, tree, style_of(parsed, raw, like=self.style()))
        if found is None:
            return None
        return tuple(
            PlannedEdit(path, inserted(listing, raw, one.offset, one.text, one.pointer))
            for one in found
            for listing in (self._listing(one.pointer.split("/")[2]),)
        )

    def _listing(self, section: str) -> Edit:
        """The edit of one insertion; it proves for all, since insertions at one place are one."""
        asked = [edit for entries in self._entries.values() for _, edit in entries]
        here = [edit for _, edit in self._entries.get(section, ())] or asked
        new_files = any(edit.op is Op.CREATE for edit in here)
        texts = ["lists the new files of this environment"] if new_files else []
        texts += [edit.reason for edit in here if edit.op is not Op.CREATE]
        return Edit(
            op=Op.SPLICE,
            pointer="",
            line=0,
            key=section,
            rule=here[0].rule,
            reason="; ".join(dict.fromkeys(texts)),
            applicability=Applicability.SAFE,
            parts=_unique_parts(asked),
            consumers=tuple(dict.fromkeys(c for edit in asked for c in edit.consumers)),
            expects=tuple(dict.fromkeys(e for edit in asked for e in edit.expects)),
            touches=tuple(dict.fromkeys(e for edit in asked for e in edit.touches)),
        )

    def _section(
        self, root: Mapping | None, section: str, entries: list[Tree]
    ) -> tuple[str, list[Tree]]:
        """Use the older `patchesStrategicMerge` where that is what the file has."""
        if section != "patches" or root is None or root.get("patches") is not None:
            return section, entries
        if not isinstance(root.get("patchesStrategicMerge"), Sequence):
            return section, entries
        paths: list[Tree] = [entry["path"] for entry in entries if isinstance(entry, dict)]
        return "patchesStrategicMerge", paths


def behind(chain: list[Folder], files: abc.Set[str]) -> list[Folder]:
    """The part of an object's chain, nearest first, that comes behind the patches `files`."""
    last = [number for number, one in enumerate(chain) if one.imposes(files)] if files else []
    return chain[max(last, default=0) :]


def _unique_parts(edits: list[Edit]) -> tuple[PartEdit, ...]:
    return tuple(dict.fromkeys(part for edit in edits for part in edit.parts))


def _selects(pattern: str, text: str) -> bool:
    """Whether kustomize's selector, a whole regular expression, takes a text."""
    try:
        return not pattern or re.fullmatch(pattern, text) is not None
    except re.error:
        return True


def _root(index: FileIndex, directory: str) -> Mapping | None:
    """The tree of a directory's kustomization."""
    path = index.kustomization_in(directory)
    parsed = index.get(path) if path else None
    root = parsed.documents[0].root if parsed and parsed.documents else None
    return root if isinstance(root, Mapping) else None


def _listed_patches(root: Mapping | None) -> list[str]:
    if root is None:
        return []
    named = [i.text("path") for i in root.items("patches") if isinstance(i, Mapping)]
    named += [i.text for i in root.items("patchesStrategicMerge") if isinstance(i, Scalar)]
    return [path for path in named if path and "\n" not in path]


def _patched_name(parsed: ParsedFile | None) -> str:
    root = parsed.documents[0].root if parsed and parsed.documents else None
    return root.text("metadata", "name") if isinstance(root, Mapping) else ""


def inserted(edit: Edit, raw: bytes, offset: int, text: str, pointer: str) -> Edit:
    """`edit` as an insertion of `text` at a byte of `raw`."""
    line = raw.count(b"\n", 0, offset) + 1
    return replace(edit, start=offset, end=offset, after=text, pointer=pointer, line=line)
