"""Who reads the values of a release: the workloads of its chart's templates, else itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from msgspec import Struct, structs

from repoint.kube.charts import Chart, merged, values_under
from repoint.kube.configs import Configs, by_name
from repoint.kube.effective import Effective, Value, items, mapping
from repoint.kube.facts import made_secrets
from repoint.kube.releases import Release
from repoint.kube.siteindex import SiteIndex
from repoint.kube.trace import RawUse, Tracer, keys_wanted
from repoint.kube.workloads import ContainerView, containers, leaves
from repoint.model.consumer import Certainty, Site, Workload
from repoint.sites.hosts import address

_MIGRATES = re.compile(r"(?i)^(?:(?:auto|db|database|run|pre|post)[-_]?)?migrat(?:e|ion|or)")


_CONNECTION = re.compile(r"(?i)secret|envfrom|credential|connection|ur[il]$|dsn$|host$")


def release_uses(release: Release, finder: SiteIndex) -> Iterator[RawUse]:
    """Who reads a release's sites: template workloads, else the release itself."""
    reached: set[tuple[str, int]] = set()
    scopes = [_Scope(one, chart) for one, chart in _charts(release)]
    for scope in scopes:
        for use in _template_uses(scope, scopes, finder):
            reached.add((use.site.id, use.site.start))
            yield use
    holder = _holder(release)
    migrators = tuple(_migrators(release, finder))
    for key, leaf in release.own:
        for site in finder.of(leaf):
            if (site.id, site.start) not in reached:
                via = f"value {key or site.key}"
                yield _use(site, holder, release, via, site.key, Certainty.LIKELY)
                for around, migrator in migrators:
                    if key.startswith(around):
                        yield _use(site, migrator, release, via, site.key, Certainty.LIKELY)


class LooseValue(Struct, frozen=True, eq=False):
    """A value of a release's files that may be a host, and is no site: its dotted key."""

    environment: str
    key: str
    value: Value


def loose_values(release: Release, finder: SiteIndex) -> Iterator[LooseValue]:
    """The values of a release's own files that may be a host with a domain, and are no site."""
    for key, leaf in release.own:
        named = "." in leaf.text and leaf.origin.path in release.layers and address(leaf.text)
        if named and not finder.of(leaf):
            yield LooseValue(release.environment, key, leaf)


def _migrators(release: Release, finder: SiteIndex) -> Iterator[tuple[str, ContainerView]]:
    """The migrations that values switch on in charts from elsewhere, each with its neighbourhood.

    A chart at hand shows by its templates who reads what.
    """
    for steps in migrations_on(release.values, finder):
        if not _is_at_hand(release, steps[0]):
            around = "".join(f"{one}." for one in steps[:-1])
            yield around, _holder(release, steps[-1])


def migrations_on(values: dict[str, Effective], finder: SiteIndex) -> Iterator[tuple[str, ...]]:
    """The keys of the migrations that values switch on, and that have no connection of their own.

    Nothing shows what such a migration reads. Where no block of a migration has a connection of
    its own, it reads what stands around its block (`api.` for `api.migrations`).
    """
    blocks: dict[tuple[str, ...], list[tuple[str, Value]]] = {}
    for key, leaf in leaves(values):
        steps = tuple(key.split("."))
        at = next((n for n, one in enumerate(steps) if _MIGRATES.search(one)), None)
        if at is not None:
            blocks.setdefault(steps[: at + 1], []).append((".".join(steps[at + 1 :]), leaf))
    everything = [pair for block in blocks.values() for pair in block]
    if any(any(finder.of(leaf)) or _names_one(key, leaf) for key, leaf in everything):
        return
    for steps, block in blocks.items():
        if any(leaf.text.lower() == "true" for _, leaf in block):
            yield steps


def migrator_uses(view: ContainerView, uses: list[RawUse], finder: SiteIndex) -> Iterator[RawUse]:
    """What the migrations of an object read whose chart is elsewhere: what it reads itself.

    `uses` are the object's own, of its values and of the Secrets that they come from.
    """
    body = view.resource.body if view.resource is not None else {}
    inline = mapping(body, "spec", "values")
    for source in (mapping(body, "spec", "source"), *items(mapping(body, "spec"), "sources")):
        inline = inline or mapping(source, "helm", "valuesObject")
    for steps in migrations_on(inline, finder):
        own = structs.replace(view, workload=replace(view.workload, container=steps[-1]))
        around = "".join(f"{one}." for one in steps[:-1])
        for use in uses:
            if not around or f".{around}" in f".{use.via}":
                yield structs.replace(use, container=own, certainty=Certainty.LIKELY)


def _names_one(key: str, leaf: Value) -> bool:
    """Whether a value of a block tells where its connection is, as a Secret's name does."""
    return bool(leaf.text) and _CONNECTION.search(key) is not None and "pull" not in key.lower()


def _is_at_hand(release: Release, key: str) -> bool:
    """Whether the templates that read a key of the values are in the repository."""
    chart = release.chart
    if chart is None or not chart.partial:
        return chart is not None
    read = (one for parsed in chart.templates for one in chart.expressions(parsed.text))
    return key in dict(chart.subcharts) or any(one.partition(".")[0] == key for one in read)


def _charts(release: Release) -> Iterator[tuple[Release, Chart]]:
    """The release's chart, and each chart inside it with the values that Helm hands it."""
    if release.chart is None:
        return
    yield release, release.chart
    for key, inner in release.chart.subcharts:
        layers = [inner.values, mapping(release.values, key)]
        shared: dict[str, Effective] = {"global": mapping(release.values, "global")}
        yield from _charts(structs.replace(release, chart=inner, values=merged([*layers, shared])))


class _Scope:
    """A chart of a release, with the values that it sees and the objects that it makes."""

    def __init__(self, release: Release, chart: Chart) -> None:
        self.release = release
        self.chart = chart
        self.resources = chart.resources(release.name, release.values)
        self.paths = frozenset(one.path for one in chart.templates)

    def expand(self, written: str) -> Iterator[tuple[str, Value]]:
        """The values and the lines of named templates that a template text stands for."""
        yield from _values_read(self.release, self.chart, written)
        yield from self.chart.helper_leaves(written)


def _template_uses(scope: _Scope, scopes: Sequence[_Scope], finder: SiteIndex) -> Iterator[RawUse]:
    """What the workloads of one chart read, of what any chart of the release makes."""
    release, chart = scope.release, scope.chart

    def expand(value: Value) -> Iterator[tuple[str, Value]]:
        written = value.scalar.text if value.scalar is not None else value.text
        if "{{" in written:
            path = value.origin.path
            yield from next((one for one in (scope, *scopes) if path in one.paths), scope).expand(
                written
            )

    everything = [one for other in scopes for one in other.resources]
    views = [view for one in scope.resources for view in containers(one)]
    configs = Configs([by_name([*everything, *made_secrets(everything)])])
    tracer = Tracer(release.environment, configs, finder, expand, keys_wanted(views))
    reached: set[tuple[str, str, int]] = set()
    for view in views:
        for use in tracer.uses(view):
            reached.add((view.path, use.site.id, use.site.start))
            yield use
    yield from _block_uses(release, chart, finder, views, reached)


def _block_uses(
    release: Release,
    chart: Chart,
    finder: SiteIndex,
    views: list[ContainerView],
    reached: set[tuple[str, str, int]],
) -> Iterator[RawUse]:
    """Sites under keys that only a control block (`with`, `range`, `toYaml`) of a file reads.

    Such a block has no leaf of its own: it belongs to the workload of its file, the last
    container that is not an init container. `reached` are the sites that leaves of a file read.
    """
    texts_by_path = {parsed.path: parsed.text for parsed in chart.templates}
    last: dict[str, ContainerView] = {}
    for view in views:
        if view.path not in last or not view.init:
            last[view.path] = view
    for path, view in last.items():
        for label, leaf in _values_read(release, chart, texts_by_path.get(path, "")):
            for site in finder.of(leaf):
                if (path, site.id, site.start) not in reached:
                    reached.add((path, site.id, site.start))
                    via = f"value {label}"
                    yield _use(site, view, release, via, site.key, Certainty.LIKELY)


def _values_read(release: Release, chart: Chart, written: str) -> Iterator[tuple[str, Value]]:
    """The values that a template text reads, and those that these name in turn (`tpl`)."""
    read: set[str] = set()
    texts = [written]
    while texts:
        for key in chart.expressions(texts.pop()):
            if key in read:
                continue
            read.add(key)
            for leaf in values_under(release.values, key):
                yield f".Values.{key}", leaf
                texts += [leaf.text] if "{{" in leaf.text else []


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


def _holder(release: Release, container: str = "") -> ContainerView:
    return ContainerView(
        workload=Workload(release.holder, release.namespace, release.name, container),
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
