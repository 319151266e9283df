"""Releases of charts: values files, HelmReleases and Applications run through templates."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from repoint.formats.base import Mapping
from repoint.kube.charts import (
    Chart,
    chart_of,
    find_charts,
    is_values_file,
    merged,
    values_tree,
    values_under,
)
from repoint.kube.configs import Configs, by_name
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
from repoint.kube.resource import Resource
from repoint.kube.siteindex import SiteIndex
from repoint.kube.trace import RawUse, Tracer, keys_wanted
from repoint.kube.words import is_word
from repoint.kube.workloads import ContainerView, containers, leaves
from repoint.model.consumer import Certainty, Site, Workload


@dataclass(frozen=True, slots=True, eq=False)
class Release:
    """A chart installed once: `values` are all its layers, the last wins.

    `chart` is None when it is not in the repository. `holder` is `HelmRelease`,
    `Application`, or `HelmRelease` for values files that name neither. `own` are the
    leaves the release itself spells; a site among them always has a consumer.
    """

    holder: str
    name: str
    namespace: str
    environment: str
    chart: Chart | None
    values: dict[str, Effective]
    own: tuple[tuple[str, Value], ...]
    path: str


def releases(
    index: FileIndex, layout: Layout, resources: Iterable[tuple[str, Resource]]
) -> tuple[Release, ...]:
    """Every release that values files, HelmReleases and Applications describe.

    `resources` are effective objects with their environment.
    """
    charts = find_charts(index)
    found: list[Release] = []
    named: set[str] = set()
    for environment, resource in resources:
        for release, files in _declared(index, charts, environment, resource):
            named |= files
            found.append(release)
    for release, files in _from_helmfiles(index, charts, layout):
        named |= files
        found.append(release)
    found += _from_files(index, charts, layout, named)
    return tuple(found)


def _declared(
    index: FileIndex, charts: tuple[Chart, ...], environment: str, resource: Resource
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
        source = _source(resource)
        where = normal(text(source, "path"))
        files = [join(where, one) for one in texts(source, "helm", "valueFiles")]
        inline = [
            _embedded_values(index, resource, source),
            mapping(source, "helm", "valuesObject"),
        ]
        inline.append(_parameters(source))
        namespace = text(resource.body, "spec", "destination", "namespace")
        name = text(source, "helm", "releaseName") or resource.name
    else:
        return
    chart = next((one for one in charts if one.directory == where and where), None)
    present = [one for one in files if one in index.files]
    if chart is None and not present:
        return
    layers = [chart.values] if chart else []
    values = [values_tree(index, one) for one in present]
    own = tuple((key, leaf) for layer in (*values, *inline) for key, leaf in leaves(layer))
    release = Release(
        holder=resource.kind,
        name=name,
        namespace=namespace,
        environment=environment,
        chart=chart,
        values=merged([*layers, *values, *inline]),
        own=own,
        path=resource.path,
    )
    yield release, set(present)


def _from_helmfiles(
    index: FileIndex, charts: tuple[Chart, ...], layout: Layout
) -> Iterator[tuple[Release, set[str]]]:
    for given in helmfile_releases(index):
        chart = next((one for one in charts if one.directory == given.chart), None)
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
                ),
                {*spelled, *templated},
            )


def _source(resource: Resource) -> dict[str, Effective]:
    """The source of an Application that is a chart or a path of this repository."""
    spec = mapping(resource.body, "spec")
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
    index: FileIndex, charts: tuple[Chart, ...], layout: Layout, named: set[str]
) -> Iterator[Release]:
    """A release per environment of each chart that values files stand for."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for path, parsed in sorted(index.files.items()):
        if path in named or not is_values_file(parsed) or _is_default(path, charts):
            continue
        chart = chart_of(path, charts)
        place = chart.directory if chart else posixpath.dirname(path)
        grouped.setdefault((place, layout.environment_of(path)), []).append(path)
    for one in charts:
        if one.values:
            grouped.setdefault((one.directory, ""), [])
    by_directory = {one.directory: one for one in charts}
    for (place, environment), paths in sorted(grouped.items()):
        chart = by_directory.get(place)
        layers = [values_tree(index, path) for path in paths]
        name = chart.name if chart else _place_name(paths[0])
        own = [*([chart.values] if chart and not environment else []), *layers]
        yield Release(
            holder="HelmRelease",
            name=name,
            namespace="",
            environment=environment,
            chart=chart,
            values=merged([*([chart.values] if chart else []), *layers]),
            own=tuple((key, leaf) for layer in own for key, leaf in leaves(layer)),
            path=paths[0] if paths else posixpath.join(place, "values.yaml"),
        )


def _is_default(path: str, charts: tuple[Chart, ...]) -> bool:
    return any(path == posixpath.join(one.directory, "values.yaml") for one in charts)


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


def release_uses(release: Release, finder: SiteIndex) -> Iterator[RawUse]:
    """Who reads a release's sites: template workloads, else the release itself."""
    reached: set[tuple[str, int]] = set()
    if release.chart is not None:
        for use in _template_uses(release, release.chart, finder):
            reached.add((use.site.id, use.site.start))
            yield use
    holder = _holder(release)
    for key, leaf in release.own:
        for site in finder.of(leaf):
            if (site.id, site.start) not in reached:
                yield _use(
                    site, holder, release, f"value {key or site.key}", site.key, Certainty.LIKELY
                )


def _template_uses(release: Release, chart: Chart, finder: SiteIndex) -> Iterator[RawUse]:
    resources = chart.resources(release.name, release.values)

    def expand(value: Value) -> Iterator[tuple[str, Value]]:
        written = value.scalar.text if value.scalar is not None else value.text
        if "{{" not in written:
            return
        for key in chart.expressions(written):
            for leaf in values_under(release.values, key):
                yield f".Values.{key}", leaf
        yield from chart.helper_leaves(written)

    views = [view for one in resources for view in containers(one)]
    configs = Configs([by_name(resources)])
    tracer = Tracer(release.environment, configs, finder, expand, keys_wanted(views))
    reached: set[tuple[str, int]] = set()
    for view in views:
        for use in tracer.uses(view):
            reached.add((use.site.id, use.site.start))
            yield use
    yield from _block_uses(release, chart, finder, views, reached)


def _block_uses(
    release: Release,
    chart: Chart,
    finder: SiteIndex,
    views: list[ContainerView],
    reached: set[tuple[str, int]],
) -> Iterator[RawUse]:
    """Sites under keys that only a control block (`with`, `range`, `toYaml`) reads.

    Such a block has no leaf of its own: it belongs to the workload of its file, the last
    container that is not an init container.
    """
    texts_by_path = {parsed.path: parsed.text for parsed in chart.templates}
    last: dict[str, ContainerView] = {}
    for view in views:
        if view.path not in last or not view.init:
            last[view.path] = view
    for path, view in last.items():
        for key in chart.expressions(texts_by_path.get(path, "")):
            for leaf in values_under(release.values, key):
                for site in finder.of(leaf):
                    if (site.id, site.start) not in reached:
                        reached.add((site.id, site.start))
                        via = f"value .Values.{key}"
                        yield _use(site, view, release, via, site.key, Certainty.LIKELY)


def _use(
    site: Site,
    container: ContainerView,
    release: Release,
    via: str,
    variable: str,
    certainty: Certainty,
) -> RawUse:
    return RawUse(
        site=site,
        container=container,
        environment=release.environment,
        via=via,
        variable=variable if variable.isupper() else "",
        source="literal",
        source_name="",
        source_key="",
        certainty=certainty,
    )


def _holder(release: Release) -> ContainerView:
    return ContainerView(
        workload=Workload(release.holder, release.namespace, release.name),
        init=False,
        image="",
        command=(),
        args=(),
        env=(),
        env_from=(),
        mounts=(),
        annotations=(),
        labels=(),
        schedule="",
        restart_policy="",
        replicas=None,
        path=release.path,
    )
