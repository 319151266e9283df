"""Helm charts in the repository: which template workload reads which values key."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from repoint.formats.base import FileKind, Mapping, ParsedFile
from repoint.formats.kinds import kind_of
from repoint.formats.shelf import text_of
from repoint.kube.effective import Effective, Origin, Value, child, effective, leaves_of, text
from repoint.kube.files import FileIndex, join
from repoint.kube.merge import strategic_merge
from repoint.kube.named_templates import whole_objects
from repoint.kube.objects import objects
from repoint.kube.resource import Resource

_ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_VALUE = re.compile(r"\.Values((?:\.\w+)+)")
_INCLUDE = re.compile(r"(?:include|template)\s+\"([^\"]+)\"")
_DEFINE = re.compile(r"\{\{-?\s*define\s+\"([^\"]+)\"\s*-?\}\}")
_VALUES_FILE = re.compile(r"(^|[./_-])values([./_-]|$)")
_MAX_INCLUDES = 8


class Chart(Struct, frozen=True, eq=False):
    """A chart: its directory, name, templates and its own values.

    `helpers` maps each named template to its text, `helper_lines` to its file, first and
    last line; those of the charts above, beside and inside it are among them, since Helm knows
    one set. `values` is `values.yaml`. `subcharts` are those inside it, by the key under
    which its values hold theirs; `partial` tells that not all of those are in the repository.
    """

    directory: str
    name: str
    templates: tuple[ParsedFile, ...]
    helpers: dict[str, str]
    helper_lines: dict[str, tuple[str, int, int]]
    values: dict[str, Effective]
    subcharts: tuple[tuple[str, Chart], ...] = ()
    partial: bool = False

    def expressions(self, written: str) -> tuple[str, ...]:
        """The values keys that a template text reads, through its includes too."""
        parts = [written, *(self.helpers[name] for name in self.includes(written))]
        keys = (one[1:] for part in parts for one in _VALUE.findall(part))
        return tuple(dict.fromkeys(keys))

    def includes(self, written: str) -> tuple[str, ...]:
        """The named templates of the chart that a template text includes, directly or not."""
        found: dict[str, None] = {}
        queue = [written]
        while queue and len(found) <= _MAX_INCLUDES:
            for name in _INCLUDE.findall(queue.pop()):
                if name not in found and name in self.helpers:
                    found[name] = None
                    queue.append(self.helpers[name])
        return tuple(found)

    def helper_leaves(self, written: str) -> Iterator[tuple[str, Value]]:
        """The lines of the named templates that a template text includes."""
        for name in self.includes(written):
            path, first, last = self.helper_lines[name]
            for line in range(first, last + 1):
                yield f"include {name}", Value("", Origin(path, f"line/{line}"))

    def resources(self, release: str, values: dict[str, Effective]) -> tuple[Resource, ...]:
        """The templates as objects of a release, names spelled out where they can be."""
        found = []
        for parsed in self.templates:
            for one in objects(parsed):
                body = self._spell(effective(one.root, one.path, one.at), release, values)
                if isinstance(body, dict):
                    found.append(Resource(body, one.path))
        return tuple(found)

    def _spell(self, tree: Effective, release: str, values: dict[str, Effective]) -> Effective:
        if isinstance(tree, dict):
            return {key: self._spell(value, release, values) for key, value in tree.items()}
        if isinstance(tree, list):
            return [self._spell(item, release, values) for item in tree]
        if "{{" not in tree.text:
            return tree
        spelled = _ACTION.sub(lambda one: self._action(one, release, values), tree.text)
        return Value(spelled, tree.origin, tree.scalar)

    def _action(self, found: re.Match[str], release: str, values: dict[str, Effective]) -> str:
        inside = found[1].partition("|")[0].strip()
        if inside in (".Release.Name", "$.Release.Name"):
            return release
        if inside in (".Chart.Name", "$.Chart.Name"):
            return self.name
        include = _INCLUDE.match(inside)
        if include and include[1].endswith((".fullname", ".name")):
            named = text(values, "fullnameOverride")
            return named or (release if self.name in release else f"{release}-{self.name}")
        value = _VALUE.fullmatch(inside.lstrip("$"))
        if value:
            leaf = child(values, *value[1][1:].split("."))
            if isinstance(leaf, Value) and leaf.text:
                return leaf.text
        return found[0]


def find_charts(index: FileIndex) -> tuple[Chart, ...]:
    """Every chart whose Chart.yaml is in the repository, each with the charts inside it.

    Those are in its `charts/`, or wherever a dependency's `file://` address leads.
    """
    found: dict[str, Chart] = {}
    dependencies: dict[str, tuple[_Dependency, ...]] = {}
    for path in index.files:
        directory, _, name = path.rpartition("/")
        if name != "Chart.yaml" or not index.files[path].documents:
            continue
        root = index.files[path].documents[0].root
        if isinstance(root, Mapping):
            found[directory] = _chart(directory, root.text("name"), index)
            dependencies[directory] = tuple(_dependencies(directory, root))
    inside: dict[str, list[str]] = {}
    for directory in found:
        inside.setdefault(posixpath.dirname(directory), []).append(directory)
    known = _Known(found, dependencies, inside)
    nested = [_nested(known, one, (one,)) for one in found]
    return tuple(_knowing(index, one, _everyone(one)) for one in nested)


def _everyone(chart: Chart) -> tuple[Chart, ...]:
    """A chart and all inside it, the outer ones last."""
    return (*(one for _, inner in chart.subcharts for one in _everyone(inner)), chart)


def _knowing(index: FileIndex, chart: Chart, everyone: tuple[Chart, ...]) -> Chart:
    """A chart with the named templates of all, and the objects that it makes of whole ones."""
    made = replace(
        chart,
        helpers={name: text for one in everyone for name, text in one.helpers.items()},
        helper_lines={name: at for one in everyone for name, at in one.helper_lines.items()},
        subcharts=tuple((key, _knowing(index, one, everyone)) for key, one in chart.subcharts),
    )
    bare = [one for one in made.templates if "{{" in one.text and not any(objects(one))]
    names = {name: None for one in bare for name in made.includes(one.text)}
    whole = whole_objects(index, {name: made.helper_lines[name] for name in names})
    return replace(made, templates=(*made.templates, *whole))


class _Dependency(Struct, frozen=True):
    """An entry of a chart's `dependencies`; `directory` is None unless `file://` names one."""

    name: str
    alias: str
    directory: str | None


def _dependencies(directory: str, root: Mapping) -> Iterator[_Dependency]:
    for one in root.items("dependencies"):
        if isinstance(one, Mapping):
            scheme, _, path = one.text("repository").partition("file://")
            local = join(directory, path) if path and not scheme else None
            yield _Dependency(one.text("name"), one.text("alias"), local)


class _Known(Struct, frozen=True, eq=False):
    """Charts and their dependencies by directory, and the charts' directories by the one above."""

    charts: dict[str, Chart]
    dependencies: dict[str, tuple[_Dependency, ...]]
    inside: dict[str, list[str]]


def _nested(known: _Known, directory: str, above: tuple[str, ...]) -> Chart:
    """A chart with its inner ones; `above` ends a circle."""
    inner: dict[str, str] = {}
    wanted = known.dependencies[directory]
    aliases = {one.name: one.alias for one in wanted if one.alias}
    for place in known.inside.get(f"{directory}/charts" if directory else "charts", ()):
        name = known.charts[place].name
        inner[aliases.get(name, name)] = place
    for one in wanted:
        if one.directory in known.charts:
            inner.setdefault(one.alias or one.name, one.directory)
    subcharts = tuple(
        (key, _nested(known, place, (*above, place)))
        for key, place in inner.items()
        if place not in above
    )
    partial = any((one.alias or one.name) not in inner for one in wanted)
    partial = partial or any(chart.partial for _, chart in subcharts)
    return replace(known.charts[directory], subcharts=subcharts, partial=partial)


def _chart(directory: str, name: str, index: FileIndex) -> Chart:
    below = index.under(f"{directory}/templates" if directory else "templates")
    templates = [index.files[path] for path in below if path in index.files]
    helpers: dict[str, str] = {}
    lines: dict[str, tuple[str, int, int]] = {}
    for parsed in templates:
        starts = list(_DEFINE.finditer(parsed.text))
        for position, start in enumerate(starts):
            following = starts[position + 1 : position + 2]
            end = following[0].start() if following else len(parsed.text)
            helpers[start[1]] = parsed.text[start.end() : end]
            first = parsed.text.count("\n", 0, start.start()) + 1
            lines[start[1]] = (
                parsed.path,
                first,
                first + parsed.text.count("\n", start.start(), end),
            )
    own = posixpath.join(directory, "values.yaml")
    return Chart(
        directory=directory,
        name=name or posixpath.basename(directory),
        templates=tuple(one for one in templates if one.kind is FileKind.HELM_TEMPLATE),
        helpers=helpers,
        helper_lines=lines,
        values=values_tree(index, own),
    )


def values_tree(index: FileIndex, path: str) -> dict[str, Effective]:
    """A values file as a tree; empty when it is missing."""
    parsed = index.get(path)
    for document in parsed.documents if parsed is not None else ():
        if isinstance(document.root, Mapping):
            found = effective(document.root, path, (document.index,))
            return found if isinstance(found, dict) else {}
    return {}


def merged(layers: Iterable[dict[str, Effective]]) -> dict[str, Effective]:
    """Values laid over each other, the last wins, as Helm does."""
    result: dict[str, Effective] = {}
    for layer in layers:
        result = strategic_merge(result, layer, schema=False) or {}
    return result


def is_values_file(path: str, index: FileIndex) -> bool:
    """Whether a file holds Helm values, by its name, and is no Kubernetes object."""
    named = _VALUES_FILE.search(path.rsplit(".", 1)[0])
    return named is not None and _plain_keys(path, index) is not None


_ANYWHERE = frozenset({"sops", "global"})
"""Keys of values files that are no chart's own."""

_FIRST_KEY = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\r?\n|---[^\n]*\n)*([A-Za-z_][\w-]*):(?=\s)")
"""The key that a file's first mapping begins with, where it stands as it is."""


def is_layer(path: str, index: FileIndex, charts: Charts) -> bool:
    """Whether a file of any name holds values: every key of it is one of its chart's own.

    The file is read for that, so that this is asked of files alone that are read anyway.
    """
    chart = charts.of(path) if kind_of(path, b"") is FileKind.YAML else None
    if chart is None:
        return False
    known = chart.values.keys() | dict(chart.subcharts).keys() | _ANYWHERE
    first = _FIRST_KEY.match(text_of(index.files, path))
    if first is not None and first[1] not in known:
        return False  # As nearly all are, told without a tree: `apiVersion` begins an object.
    keys = _plain_keys(path, index) or set()
    return bool(keys - _ANYWHERE) and keys <= known


def _plain_keys(path: str, index: FileIndex) -> set[str] | None:
    """The keys of a YAML file; None for a template, an object, and what is no mapping."""
    parsed = index.get(path)
    if parsed is None or parsed.kind is not FileKind.YAML or not parsed.documents:
        return None
    root = parsed.documents[0].root
    if not isinstance(root, Mapping) or (root.text("kind") and root.text("apiVersion")):
        return None
    return {key.text for key, _ in root.pairs}


class Charts:
    """The charts of a repository, and whose a file is: there may be hundreds, and more files."""

    def __init__(self, charts: Iterable[Chart]) -> None:
        self.all = tuple(charts)
        self._at = {one.directory: one for one in self.all}
        self._named: dict[str, list[Chart]] = {}
        self._below: dict[str, list[Chart]] = {}
        for one in self.all:
            self._named.setdefault(one.name, []).append(one)
            for place in _upwards(one.directory):
                self._below.setdefault(place, []).append(one)

    def at(self, directory: str) -> Chart | None:
        """The chart whose Chart.yaml is in a directory."""
        return self._at.get(directory)

    def is_default(self, path: str) -> bool:
        """Whether a file is a chart's own `values.yaml`."""
        directory, _, name = path.rpartition("/")
        return name == "values.yaml" and directory in self._at

    def of(self, path: str) -> Chart | None:
        """The chart that a values file is for: around it, named by it, near it, or the only one."""
        for place in _upwards(path):
            if place in self._at:
                return self._at[place]
        pieces = set(re.split(r"[/._]", path))
        named = [one for piece in pieces for one in self._named.get(piece, ())]
        near = self._below.get(posixpath.dirname(path), [])
        for found in (named, near, self.all):
            if len(found) == 1:
                return found[0]
        return None


def _upwards(path: str) -> Iterator[str]:
    """A path and every directory above it; the root, which is empty, is the last."""
    while path:
        yield path
        path = path.rpartition("/")[0]
    yield ""


def values_under(values: dict[str, Effective], key: str) -> Iterator[Value]:
    """The leaves that a values key stands for; a whole map when it is one."""
    found = child(values, *key.split("."))
    if found is not None:
        yield from leaves_of(found)
