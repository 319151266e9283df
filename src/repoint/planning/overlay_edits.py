"""Changes that belong to one environment only, written where that environment reads.

A value in a base shared by several environments is changed by a strategic merge patch in
the overlay at hand: in the patch that already stands there for the object, or in a new
file laid out and named like its neighbours. Nothing here touches a shared file.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from repoint.formats.base import Mapping, ParsedFile, Scalar, Sequence
from repoint.kube.files import FileIndex, join
from repoint.kube.resource import Resource
from repoint.model.plan import Applicability, Edit, Op, PartEdit
from repoint.planning.yaml_emit import Block, Tree, YamlStyle, emit, style_of
from repoint.planning.yaml_insert import insertions

BUILT_IN_LISTS = frozenset(
    ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod", "PodTemplate"]
)
"""Kinds whose lists kustomize merges by name; every other kind's lists are replaced."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an edit is made: the rule, the sentence, and who asked for it."""

    rule: str
    text: str
    consumers: tuple[str, ...] = ()
    applicability: Applicability = Applicability.SAFE


@dataclass(slots=True)
class Wish:
    """What one object of the environment shall hold.

    `tree` is the patch's body without its head; `parts` are the token replacements in
    it, for the proof; `expects` the fields that appear.
    """

    resource: Resource
    tree: dict[str, Tree] = field(default_factory=dict)
    parts: list[PartEdit] = field(default_factory=list)
    expects: list[str] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PlannedEdit:
    """An edit and the file it belongs to."""

    path: str
    edit: Edit


class OverlayEditor:
    """Collects wishes for one environment and writes them as edits of its overlay.

    `read` gives the bytes of a file, `owned` tells whether only this environment reads a
    file. `neighbours` are the overlays of all environments, for style and names.
    """

    def __init__(
        self,
        environment: str,
        overlay: str,
        index: FileIndex,
        read: Callable[[str], bytes],
        owned: Callable[[str], bool],
        neighbours: tuple[tuple[str, str], ...],
    ) -> None:
        self.environment = environment
        self.overlay = overlay
        self._index = index
        self._read = read
        self._owned = owned
        self._neighbours = neighbours
        self._wishes: dict[tuple[str, str, str], Wish] = {}
        self._entries: dict[str, list[tuple[Tree, Edit]]] = {}
        self._files: list[PlannedEdit] = []

    @property
    def kustomization(self) -> str | None:
        """Path of the overlay's kustomization file."""
        return self._index.kustomization_in(self.overlay)

    def affixes(self) -> tuple[str, str]:
        """`namePrefix` and `nameSuffix` of the overlay, which new objects get too."""
        root = self._root()
        return (root.text("namePrefix"), root.text("nameSuffix")) if root is not None else ("", "")

    def wish(self, resource: Resource) -> Wish:
        """The wish for an object, to be filled."""
        key = (resource.kind, resource.namespace, resource.name)
        return self._wishes.setdefault(key, Wish(resource))

    def add_entry(self, section: str, entry: Tree, edit: Edit) -> None:
        """Add an item to a list of the kustomization file (`resources`, a generator ...)."""
        self._entries.setdefault(section, []).append((entry, edit))

    def add_file(self, name: str, tree: list[dict[str, Tree]], comment: str, edit: Edit) -> str:
        """Add a new manifest beside the kustomization and list it; returns its path."""
        path = join(self.overlay, name)
        style = self._style()
        texts = [style.newline.join(emit(document, style)) for document in tree]
        head = "".join(f"# {line}{style.newline}" for line in comment.splitlines())
        text = head + f"{style.newline}---{style.newline}".join(texts) + style.newline
        self._files.append(PlannedEdit(path, _create(edit, text)))
        self.add_entry("resources", name, edit)
        return path

    def edits(self) -> tuple[tuple[PlannedEdit, ...], tuple[Wish, ...]]:
        """All edits in the order they were asked for, and the wishes that no edit can grant."""
        result: list[PlannedEdit] = []
        failed: list[Wish] = []
        for wish in self._wishes.values():
            if wish.tree:
                found = self._patched(wish)
                result += found
                if not found:
                    failed.append(wish)
        result += self._files
        result += self._listed()
        return tuple(result), tuple(failed)

    def _patched(self, wish: Wish) -> list[PlannedEdit]:
        edit = _edit(wish)
        for path, parsed, document in self._existing(wish.resource):
            raw = self._read(path)
            root = parsed.documents[document].root
            found = insertions(
                raw,
                root,
                _as_written(wish.tree),
                style_of(parsed, raw),
                document=parsed.documents[document].index,
            )
            if found is not None:
                return [
                    PlannedEdit(path, _inserted(edit, raw, one.offset, one.text, one.pointer))
                    for one in found
                ]
        if self.kustomization is None or wish.resource.generated:
            return []
        name = self._file_name(wish.resource)
        style = self._style()
        head: dict[str, Tree] = {
            "apiVersion": wish.resource.api_version,
            "kind": wish.resource.kind,
            "metadata": self._metadata(wish.resource),
        }
        lines = emit({**head, **_as_written(wish.tree)}, style)
        start = ["---"] if style.document_start else []
        text = style.newline.join([*start, *lines]) + style.newline
        self.add_entry("patches", {"path": name}, edit)
        return [PlannedEdit(join(self.overlay, name), _create(edit, text))]

    def _metadata(self, resource: Resource) -> dict[str, Tree]:
        """Name and namespace as the object's own file gives them: kustomize knows both."""
        original = resource.original
        metadata: dict[str, Tree] = {"name": original.name}
        if original.namespace:
            metadata["namespace"] = original.namespace
        return metadata

    def _existing(self, resource: Resource) -> list[tuple[str, ParsedFile, int]]:
        """Documents of this environment for one object: its patches, then its own file."""
        found: list[tuple[str, ParsedFile, int]] = []
        for path in dict.fromkeys((*self._patch_files(), resource.path)):
            parsed = self._index.get(path)
            if parsed is None or parsed.problem or not self._owned(path):
                continue
            for number, document in enumerate(parsed.documents):
                root = document.root
                if isinstance(root, Mapping) and _names(root, resource):
                    found.append((path, parsed, number))
        return found

    def _patch_files(self) -> list[str]:
        """Strategic merge patch files that the overlay's kustomization lists."""
        root = self._root()
        if root is None:
            return []
        names = [i.text for i in root.items("patchesStrategicMerge") if isinstance(i, Scalar)]
        for item in root.items("patches"):
            if isinstance(item, Mapping) and item.mapping("target") is None:
                names.append(item.text("path"))
        return [join(self.overlay, name) for name in names if name and "\n" not in name]

    def _root(self, overlay: str | None = None) -> Mapping | None:
        path = self._index.kustomization_in(self.overlay if overlay is None else overlay)
        parsed = self._index.get(path) if path else None
        root = parsed.documents[0].root if parsed and parsed.documents else None
        return root if isinstance(root, Mapping) else None

    def _style(self) -> YamlStyle:
        """The style of the overlay's patches, of the next overlay's, of its kustomization."""
        paths = self._patch_files()
        paths += [path for path in (self.kustomization,) if path]
        for path in paths:
            parsed = self._index.get(path)
            if parsed is not None and parsed.documents:
                return style_of(parsed, self._read(path))
        return YamlStyle()

    def _file_name(self, resource: Resource) -> str:
        """A name like the neighbours' for the same object, or for any object."""
        base = resource.original.name
        taken = set(self._names_in_use())
        pattern = self._pattern(base)
        candidates = [
            pattern.format(name=base, env=self.environment),
            pattern.format(name=f"{base}-{resource.kind.lower()}", env=self.environment),
            f"{base}-{resource.kind.lower()}-{self.environment}-cnpg-patch.yaml",
        ]
        return next(name for name in candidates if name not in taken)

    def _names_in_use(self) -> list[str]:
        files = self._index.under(self.overlay)
        mine = [posixpath.relpath(planned.path, self.overlay) for planned in self._files]
        listed = [
            entry["path"]
            for entry, _ in self._entries.get("patches", [])
            if isinstance(entry, dict) and isinstance(entry["path"], str)
        ]
        return [posixpath.relpath(path, self.overlay or ".") for path in files] + mine + listed

    def _pattern(self, name: str) -> str:
        """`{name}-{env}-patch.yaml` in the spelling of the patches that stand already."""
        general = ""
        for environment, overlay in self._neighbours:
            root = self._root(overlay)
            for item in root.items("patches") if root is not None else ():
                path = item.text("path") if isinstance(item, Mapping) else ""
                parsed = self._index.get(join(overlay, path)) if path else None
                target = _patched_name(parsed)
                if not target or target not in posixpath.basename(path) or path.startswith(".."):
                    continue
                directory, base = posixpath.split(path)
                shape = base.replace("{", "").replace("}", "")
                shape = shape.replace(target, "{name}", 1).replace(environment, "{env}")
                shape = posixpath.join(directory, shape)
                if target == name:
                    return shape
                general = general or shape
        return general or "{name}-{env}-patch.yaml"

    def _listed(self) -> list[PlannedEdit]:
        """Insertions into the kustomization file, one per place."""
        path = self.kustomization
        if path is None or not self._entries:
            return []
        raw = self._read(path)
        parsed = self._index.files[path]
        root = self._root()
        tree: dict[str, Tree] = {}
        for section, entries in self._entries.items():
            name, items = self._section(root, section, [entry for entry, _ in entries])
            merge_trees(tree, {name: items})
        found = insertions(raw, root, tree, style_of(parsed, raw))
        if found is None:
            found = ()
        first = next(iter(self._entries.values()))[0][1]
        asked = [edit for entries in self._entries.values() for _, edit in entries]
        merged = Edit(
            op=Op.SPLICE,
            pointer="",
            line=0,
            key="patches",
            rule=first.rule,
            reason="lists the new files of this environment",
            applicability=Applicability.SAFE,
            parts=tuple(dict.fromkeys(p for edit in asked for p in edit.parts)),
            consumers=tuple(dict.fromkeys(c for edit in asked for c in edit.consumers)),
            expects=tuple(dict.fromkeys(e for edit in asked for e in edit.expects)),
        )
        return [
            PlannedEdit(path, _inserted(merged, raw, one.offset, one.text, one.pointer))
            for one in found
        ]

    def _section(
        self, root: Mapping | None, section: str, entries: list[Tree]
    ) -> tuple[str, list[Tree]]:
        """Use the older `patchesStrategicMerge` where that is what the file has."""
        if section == "patches" and root is not None and root.get("patches") is None:
            if isinstance(root.get("patchesStrategicMerge"), Sequence):
                paths: list[Tree] = [e["path"] for e in entries if isinstance(e, dict)]
                return "patchesStrategicMerge", paths
        return section, entries


def _as_written(tree: dict[str, Tree]) -> dict[str, Tree]:
    """The tree with init containers first, as people write them."""
    ordered = sorted(tree.items(), key=lambda pair: pair[0] != "initContainers")
    pairs = ordered if "containers" in tree else list(tree.items())
    return {k: _as_written(v) if isinstance(v, dict) else v for k, v in pairs}


def merge_trees(into: dict[str, Tree], more: dict[str, Tree]) -> None:
    """Lay one patch body over another; list items of one name become one."""
    for key, value in more.items():
        present = into.get(key)
        if isinstance(present, dict) and isinstance(value, dict):
            merge_trees(present, value)
        elif isinstance(present, list) and isinstance(value, list):
            _merge_lists(present, value)
        else:
            into[key] = value


def _merge_lists(into: list[Tree], more: list[Tree]) -> None:
    """Named mappings become one, equal scalars stay one, the rest is appended."""
    for item in more:
        if item in into:
            continue
        name = item.get("name") if isinstance(item, dict) else None
        twin = next(
            (o for o in into if name is not None and isinstance(o, dict) and o.get("name") == name),
            None,
        )
        if isinstance(twin, dict) and isinstance(item, dict):
            merge_trees(twin, item)
        else:
            into.append(item)


def block_or_text(text: str) -> Tree:
    """A script as a block scalar, a line as text; exact for every text it accepts."""
    lines = text.split("\n")
    safe = not any(line[:1].isspace() for line in lines[:1]) and "\r" not in text
    printable = all(ch.isprintable() or ch in "\n\t" for ch in text)
    if len(lines) < 2 or not safe or not printable or not lines[0]:
        return text
    if text.endswith("\n") and not text.endswith("\n\n"):
        return Block("|", tuple(lines[:-1]))
    if not text.endswith("\n"):
        return Block("|-", tuple(lines))
    return text


def _names(root: Mapping, resource: Resource) -> bool:
    """Whether a patch document is for an object, by an id the object has or had."""
    if root.text("kind") != resource.kind or root.text("$patch"):
        return False
    spelled = (root.text("metadata", "namespace"), root.text("metadata", "name"))
    ids = [(resource.namespace, resource.name)]
    ids += [(old.namespace, old.name) for old in resource.previous]
    return spelled in ids


def _patched_name(parsed: ParsedFile | None) -> str:
    root = parsed.documents[0].root if parsed and parsed.documents else None
    return root.text("metadata", "name") if isinstance(root, Mapping) else ""


def _edit(wish: Wish) -> Edit:
    reasons = wish.reasons or [Reason("RP110", "moves to the new server")]
    weakest = (
        Applicability.REVIEW
        if any(r.applicability is Applicability.REVIEW for r in reasons)
        else Applicability.SAFE
    )
    return Edit(
        op=Op.SPLICE,
        pointer="",
        line=0,
        key=f"{wish.resource.kind}/{wish.resource.name}",
        rule=reasons[0].rule,
        reason="; ".join(dict.fromkeys(reason.text for reason in reasons)),
        applicability=weakest,
        parts=tuple(dict.fromkeys(wish.parts)),
        consumers=tuple(dict.fromkeys(c for reason in reasons for c in reason.consumers)),
        expects=tuple(dict.fromkeys(wish.expects)),
    )


def _create(edit: Edit, text: str) -> Edit:
    return replace(edit, op=Op.CREATE, after=text, line=1)


def _inserted(edit: Edit, raw: bytes, offset: int, text: str, pointer: str) -> Edit:
    line = raw.count(b"\n", 0, offset) + 1
    return replace(edit, start=offset, end=offset, after=text, pointer=pointer, line=line)
