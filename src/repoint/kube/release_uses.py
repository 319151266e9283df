"""Who reads the values of a release: the workloads of its chart's templates, else itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from repoint.kube.charts import Chart, merged, values_under
from repoint.kube.configs import Configs, by_name
from repoint.kube.effective import Effective, Value, mapping
from repoint.kube.releases import Release
from repoint.kube.siteindex import SiteIndex
from repoint.kube.trace import RawUse, Tracer, keys_wanted
from repoint.kube.workloads import ContainerView, containers
from repoint.model.consumer import Certainty, Site, Workload


def release_uses(release: Release, finder: SiteIndex) -> Iterator[RawUse]:
    """Who reads a release's sites: template workloads, else the release itself."""
    reached: set[tuple[str, int]] = set()
    for one, chart in _charts(release):
        for use in _template_uses(one, chart, finder):
            reached.add((use.site.id, use.site.start))
            yield use
    holder = _holder(release)
    for key, leaf in release.own:
        for site in finder.of(leaf):
            if (site.id, site.start) not in reached:
                yield _use(
                    site, holder, release, f"value {key or site.key}", site.key, Certainty.LIKELY
                )


def _charts(release: Release) -> Iterator[tuple[Release, Chart]]:
    """The release's chart, and each chart inside it with the values that Helm hands it."""
    if release.chart is None:
        return
    yield release, release.chart
    for key, inner in release.chart.subcharts:
        layers = [inner.values, mapping(release.values, key)]
        shared: dict[str, Effective] = {"global": mapping(release.values, "global")}
        yield from _charts(replace(release, chart=inner, values=merged([*layers, shared])))


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
