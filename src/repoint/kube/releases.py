"""Releases of charts: values files, HelmReleases, Applications and ApplicationSets."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator

from msgspec import Struct

from repoint.formats.base import Mapping
from repoint.kube.application_sets import charts_of_set, layers_of_set, spelled
from repoint.kube.charts import (
    Chart,
    Charts,
    find_charts,
    is_layer,
    is_values_file,
    merged,
    values_tree,
)
from repoint.kube.effective import (
    Effective,
    Value,
    child,
    effective,
    items,
    mapping,
    text,
    texts,
)
from repoint.kube.environments import Layout
from repoint.kube.files import FileIndex, join, normal
from repoint.kube.helmfile import helmfile_releases, whole
from repoint.kube.inflated import inflated
from repoint.kube.resource import Resource
from repoint.kube.words import is_word
from repoint.kube.workloads import leaves


class Release(Struct, frozen=True, eq=False):
    """A chart installed once: `values` are all its layers, the last wins.

    `chart` is None when it is not in the repository. `holder` is `HelmRelease`,
    `Application`, or `HelmRelease` for values files that name neither. `own` are the
    leaves the release itself spells; a site among them always has a consumer. `layers` are the
    values files that can be written, the last wins; a chart's own `values.yaml` is none.
    """

    holder: str
    name: str
    namespace: str
    environment: str
    chart: Chart | None
    values: dict[str, Effective]
    own: tuple[tuple[str, Value], ...]
    path: str
    layers: tuple[str, ...] = ()


def releases(
    index: FileIndex,
    layout: Layout,
    resources: Iterable[tuple[str, Resource]],
    sited: Collection[str] = (),
    built: Iterable[tuple[str, str, str]] = (),
) -> tuple[Release, ...]:
    """Every release that values files, HelmReleases, Applications and kustomizations describe.

    `resources` are effective objects with their environment. `sited` are the files with a site,
    which are values by what they hold, too. `built` are the files that overlays are built of, each
    behind its environment and that one's namespace.
    """
    charts = Charts(find_charts(index))
    found: list[Release] = []
    named: set[str] = set()
    for environment, resource in resources:
        declared = (
            _generated(index, charts, layout, environment, resource)
            if resource.kind == "ApplicationSet"
            else _declared(index, charts, environment, resource)
        )
        for release, files in declared:
            named |= files
            found.append(release)
    for release, files in (
        *_from_helmfiles(index, charts, layout),
        *_inflated(index, charts, built),
    ):
        named |= files
        found.append(release)
    found += _from_files(index, charts, layout, named, sited)
    return tuple(found)


def _declared(
    index: FileIndex, charts: Charts, environment: str, resource: Resource
) -> Iterator[tuple[Release, set[str]]]:
    """The release of an object whose chart, or whose values files, are in the repository."""
    if resource.kind == "HelmRelease":
        spec = mapping(resource.body, "spec")
        where = normal(text(spec, "chart", "spec", "chart"))
        files = [normal(one) for one in texts(spec, "chart", "spec", "valuesFiles")]
        inline = [mapping(spec, "values")]
        namespace = text(spec, "targetNamespace") or resource.namespace
        name = text(spec, "releaseName") or resource.name
    elif resource.kind == "Application":
        source = _source(resource.body)
        where = normal(text(source, "path"))
        files = [_values_path(where, one) for one in texts(source, "helm", "valueFiles")]
        inline = [
            _embedded_values(index, resource, source),
            mapping(source, "helm", "valuesObject"),
        ]
        inline.append(_parameters(source))
        namespace = text(resource.body, "spec", "destination", "namespace")
        name = text(source, "helm", "releaseName") or resource.name
    else:
        return
    chart = charts.at(where) if where else None
    present = [one for one in files if one in index.files]
    if chart is None and not present:
        return
    layers = [chart.values] if chart else []
    values = [values_tree(index, one) for one in present]
    together = merged([*layers, *values, *inline])
    release = Release(
        holder=resource.kind,
        name=name,
        namespace=namespace,
        environment=environment,
        chart=chart,
        values=together,
        own=_own(chart, (*values, *inline), together),
        path=resource.path,
        layers=tuple(present),
    )
    yield release, set(present)


def _generated(
    index: FileIndex, charts: Charts, layout: Layout, environment: str, resource: Resource
) -> Iterator[tuple[Release, set[str]]]:
    """A release per chart and environment of an ApplicationSet, by what its template names.

    A `{{...}}` in `path` stands for charts, one in `valueFiles` for one name of a path; the
    file's place tells the environment, and the files without a pattern are layers of every one.
    """
    template = mapping(resource.body, "spec", "template")
    source = _source(template)
    written = text(source, "path")
    directories = [one.directory for one in charts.all]
    for where, known in charts_of_set(written, resource, directories):
        chart = charts.at(where) if where else None
        given = [_values_path(where, spelled(one, known)) for one in texts(source, *_VALUE_FILES)]
        common, by_environment = layers_of_set(index, layout, given)
        if not by_environment and known and environment:
            by_environment[environment] = []
        name = chart.name if chart is not None else resource.name
        for place, files in by_environment.items():
            layers = [values_tree(index, one) for one in (*common, *files)]
            values = merged([*([chart.values] if chart else []), *layers])
            release = Release(
                holder="ApplicationSet",
                name=name,
                namespace=_literal(spelled(text(template, *_NAMESPACE), known)),
                environment=place,
                chart=chart,
                values=values,
                own=_own(chart, layers[len(common) :], values),
                path=resource.path,
                layers=(*common, *files),
            )
            yield release, set(files)


_VALUE_FILES = ("helm", "valueFiles")
_NAMESPACE = ("spec", "destination", "namespace")


def _values_path(where: str, written: str) -> str:
    """A values file of an Application; `$ref/` is the root of a source that has that `ref`."""
    return normal(written.partition("/")[2]) if written.startswith("$") else join(where, written)


def _literal(written: str) -> str:
    return "" if "{{" in written else written


def _from_helmfiles(
    index: FileIndex, charts: Charts, layout: Layout
) -> Iterator[tuple[Release, set[str]]]:
    for given in helmfile_releases(index):
        chart = charts.at(given.chart)
        spelled = [path for path in given.files if values_tree(index, path)]
        templated = [path for path in given.files if path in index.files and path not in spelled]
        layers = [*(values_tree(index, path) for path in spelled), *given.values]
        own = [pair for layer in layers for pair in leaves(layer)]
        own += [("", whole(path)) for path in templated]
        for environment in given.environments or (layout.environment_of(given.path),):
            yield (
                Release(
                    holder="HelmRelease",
                    name=given.name,
                    namespace=given.namespace,
                    environment=environment,
                    chart=chart,
                    values=merged([*([chart.values] if chart else []), *layers]),
                    own=tuple(own),
                    path=given.path,
                    layers=tuple(spelled),
                ),
                {*spelled, *templated},
            )


def _inflated(
    index: FileIndex, charts: Charts, built: Iterable[tuple[str, str, str]]
) -> Iterator[tuple[Release, set[str]]]:
    """A release per environment of each chart that a kustomization inflates."""
    for environment, namespace, path in built:
        for one in inflated(index, path):
            chart = charts.at(one.chart)
            present = tuple(file for file in one.files if file in index.files)
            layers = [*(values_tree(index, file) for file in present), one.inline]
            values = merged([*([chart.values] if chart else []), *layers])
            release = Release(
                holder="HelmRelease",
                name=one.name,
                namespace=one.namespace or namespace,
                environment=environment,
                chart=chart,
                values=values,
                own=_own(chart, layers, values),
                path=path,
                layers=present,
            )
            yield release, set(present)


def _source(body: dict[str, Effective]) -> dict[str, Effective]:
    """The source of an Application that is a chart or a path of this repository."""
    spec = mapping(body, "spec")
    for one in (child(spec, "source"), *items(spec, "sources")):
        if isinstance(one, dict) and (text(one, "path") or "helm" in one):
            return one
    return {}


def _embedded_values(
    index: FileIndex, resource: Resource, source: dict[str, Effective]
) -> dict[str, Effective]:
    leaf = child(source, "helm", "values")
    if not isinstance(leaf, Value) or leaf.scalar is None:
        return {}
    parsed = index.embedded(leaf.origin.path, leaf.scalar)
    for document in parsed.documents:
        if isinstance(document.root, Mapping):
            found = effective(document.root, resource.path, (0,), leaf.origin.pointer)
            return found if isinstance(found, dict) else {}
    return {}


def _parameters(source: dict[str, Effective]) -> dict[str, Effective]:
    result: dict[str, Effective] = {}
    for one in items(source, "helm", "parameters"):
        value, node = child(one, "value"), result
        *parents, last = text(one, "name").split(".")
        for key in parents:
            inner = node.setdefault(key, {})
            node = inner if isinstance(inner, dict) else {}
        if isinstance(value, Value):
            node[last] = value
    return result


def _from_files(
    index: FileIndex,
    charts: Charts,
    layout: Layout,
    named: set[str],
    sited: Collection[str],
) -> Iterator[Release]:
    """A release per environment of each chart that values files stand for."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for path in sorted(index.files):
        if path in named or charts.is_default(path):
            continue
        named_so = is_values_file(path, index)
        if not named_so and not (path in sited and is_layer(path, index, charts)):
            continue
        chart = charts.of(path)
        place = chart.directory if chart else posixpath.dirname(path)
        grouped.setdefault((place, layout.environment_of(path)), []).append(path)
    brought = {place for place, _ in grouped}
    brought.update(one.directory for one in charts.all if one.values)
    inside = set(_inside(one for one in charts.all if one.directory in brought))
    for one in charts.all:
        if one.values and one.directory not in inside:
            grouped.setdefault((one.directory, ""), [])
    for (place, environment), paths in sorted(grouped.items()):
        chart = charts.at(place)
        layers = [values_tree(index, path) for path in paths]
        name = chart.name if chart else _place_name(paths[0])
        values = merged([*([chart.values] if chart else []), *layers])
        spelled = [*layers, *([chart.values] if chart and not environment else [])]
        yield Release(
            holder="HelmRelease",
            name=name,
            namespace="",
            environment=environment,
            chart=chart,
            values=values,
            own=_own(chart, spelled, values),
            path=paths[0] if paths else posixpath.join(place, "values.yaml"),
            layers=tuple(paths),
        )


def _inside(charts: Iterable[Chart]) -> Iterator[str]:
    """The directories of the charts that others bring with them, wherever they lie."""
    for chart in charts:
        for _, inner in chart.subcharts:
            yield inner.directory
            yield from _inside((inner,))


def _own(
    chart: Chart | None, layers: Iterable[dict[str, Effective]], values: dict[str, Effective]
) -> tuple[tuple[str, Value], ...]:
    """The leaves of a release's own layers, and the defaults that a chart from elsewhere reads."""
    whole = [values] if chart is not None and chart.partial else []
    return tuple(pair for layer in (*layers, *whole) for pair in leaves(layer))


_GENERIC = frozenset(
    {"values", "helm", "environments", "envs", "charts", "chart", "deploy", "k8s", "enc", "yaml"}
)


def _place_name(path: str) -> str:
    """A name for values whose chart is elsewhere: what file and directories say besides."""
    directory, _, name = path.rpartition("/")
    stem = [one for one in re.split(r"[._]|-(?=values)|(?<=values)-", name)[:-1] if one]
    for part in (*stem, *reversed(directory.split("/"))):
        if part and part.lower() not in _GENERIC and not is_word(part):
            return part
    return stem[0] if stem else name
