"""Which values file of a release stands over which default, and under which key."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping

from repoint.kube.charts import Chart
from repoint.kube.releases import Release

Overriding = Mapping[tuple[str, str], Mapping[str, tuple[str, ...]]]
"""By environment and file of defaults: the values files over it, each with the keys above."""


def overriding(released: Iterable[Release]) -> Overriding:
    """The values files that Helm lays over each file of defaults, environment by environment.

    A chart's own values stand below every file of its release. What an inner chart calls
    `db.host` is `<key>.db.host` there, by the key under which the outer one holds it.
    """
    found: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {}
    for release in released:
        below = list(_defaults(release.chart)) if release.chart is not None else []
        below += [(path, ()) for path in release.layers]
        for default, keys in below:
            over = found.setdefault((release.environment, default), {})
            for path in release.layers:
                if path != default:
                    over.setdefault(path, keys)
    return found


def _defaults(chart: Chart) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The files with a chart's own values, those inside it with the keys that lead to them."""
    yield posixpath.join(chart.directory, "values.yaml"), ()
    for key, inner in chart.subcharts:
        for path, keys in _defaults(inner):
            yield path, (key, *keys)
