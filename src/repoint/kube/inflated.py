"""The charts that kustomizations inflate (`helmCharts`), each with its values."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from repoint.kube.charts import values_tree
from repoint.kube.effective import Effective, items, mapping, text, texts
from repoint.kube.files import KUSTOMIZATION_NAMES, FileIndex, join

_CHARTS = frozenset({"helmCharts"})


class Inflated(Struct, frozen=True, eq=False):
    """A release as a kustomization spells it: `inline` is laid over `files`.

    `chart` is the directory in which kustomize looks for the chart before it fetches it.
    """

    name: str
    namespace: str
    chart: str
    files: tuple[str, ...]
    inline: dict[str, Effective]


def inflated(index: FileIndex, path: str) -> Iterator[Inflated]:
    """The releases of a kustomization; none for any other file."""
    place, _, name = path.rpartition("/")
    if name not in KUSTOMIZATION_NAMES or not index.may_say(path, _CHARTS):
        return
    tree = values_tree(index, path)
    home = join(place, text(tree, "helmGlobals", "chartHome") or "charts")
    for one in items(tree, *_CHARTS):
        files = (text(one, "valuesFile"), *texts(one, "additionalValuesFiles"))
        yield Inflated(
            name=text(one, "releaseName") or text(one, "name"),
            namespace=text(one, "namespace") or text(tree, "namespace"),
            chart=join(home, text(one, "name")),
            files=tuple(join(place, file) for file in files if file),
            inline=mapping(one, "valuesInline"),
        )
