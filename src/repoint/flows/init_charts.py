"""The Cluster and Pooler that a chart makes: what init can read of their names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from repoint.kube.charts import Chart
from repoint.kube.effective import Effective, Value, child, text
from repoint.kube.resource import Resource

_CNPG = "postgresql.cnpg.io"
_ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")


@dataclass(frozen=True, slots=True)
class Named:
    """The name of a `kind` in a template: `text` as far as it can be told, else empty.

    `written` is how the template at `path` spells it, on one line.
    """

    kind: str
    text: str
    written: str
    path: str

    @property
    def sure(self) -> bool:
        """Whether nothing but the template tells the name."""
        return bool(self.text) and "{{" not in self.written


@dataclass(frozen=True, slots=True)
class ChartTarget:
    """What a chart calls its Cluster and its read-write Pooler; None where it makes none."""

    cluster: Named | None
    pooler: Named | None


def chart_target(charts: Iterable[Chart]) -> ChartTarget:
    """The Cluster and Pooler of the first chart that makes one, its Pooler before all."""
    made = [one for chart in charts for one in _objects(chart)]
    poolers = [one for one in made if one.kind == "Pooler"]
    poolers.sort(key=lambda one: (text(one.body, "spec", "type") or "rw") != "rw")
    clusters = [one for one in made if one.kind == "Cluster"]
    pooler = _named("Pooler", poolers[0], "metadata", "name") if poolers else None
    cluster = _named("Cluster", poolers[0], "spec", "cluster", "name") if poolers else None
    if cluster is None and clusters:
        cluster = _named("Cluster", clusters[0], "metadata", "name")
    return ChartTarget(cluster, pooler)


def _objects(chart: Chart) -> Iterator[Resource]:
    for one in chart.resources(chart.name, chart.values):
        if one.group == _CNPG:
            yield one


def _named(kind: str, resource: Resource, *keys: str) -> Named | None:
    leaf: Effective | None = child(resource.body, *keys)
    if not isinstance(leaf, Value) or not leaf.text:
        return None
    written = " ".join((leaf.scalar.text if leaf.scalar is not None else leaf.text).split())
    # A named template may hold anything: nothing of it is guessed.
    guessed = any(one.startswith(("include", "template")) for one in _ACTION.findall(written))
    plain = "" if guessed or "{{" in leaf.text else leaf.text
    return Named(kind, plain, written, resource.path)
