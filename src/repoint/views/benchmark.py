"""A benchmark for a person, as JSON, and as a chart that needs no script to be read."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec

from repoint.dsn.mask import mask
from repoint.model.benchmark import Benchmark, Measured
from repoint.views.layout import Page, Segment, printed, widths
from repoint.views.visible import visible

if TYPE_CHECKING:
    from pygal import HorizontalBar

_BAR = 28
_STYLE = {"faster": "good", "slower": "warn", "unclear": "dim"}


def human(value: Benchmark, *, width: int = 80, color: bool = False) -> str:
    """Ratios with their spread, bars for both routes, and where the pool costs."""
    page = Page(width)
    page.line((f"{value.pooler} ({value.pool_mode} mode), {value.environment}", "title"))
    page.text(
        f"PostgreSQL {value.postgres}, PgBouncer {value.pgbouncer}, pgbench {value.pgbench}, over "
        f"TLS, slices of {value.seconds:g} s, {value.machine}",
        indent=2,
    )
    for one in value.measured:
        page.blank()
        _workload(page, one)
    page.blank()
    for sentence in conclusions(value):
        page.text(sentence, indent=2)
    page.blank()
    page.line(("Not like production", "head"))
    for line in value.fidelity:
        page.text(line, indent=2, lead=("- ", "dim"))
    return printed(page, color=color)


def machine(value: Benchmark) -> str:
    """Every pair of slices, and the figures made of them."""
    document = msgspec.to_builtins(value)
    document["format"] = 1
    for row, one in zip(document["measured"], value.measured, strict=True):
        row["ratio"] = {
            "median": round(one.median, 3),
            "min": round(one.lowest, 3),
            "max": round(one.highest, 3),
            "outcome": one.outcome,
        }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def chart(value: Benchmark) -> str:
    """An SVG of both routes' transactions per second; no script and no reference outside.

    Each load is drawn to its own scale, direct as 100 %: loads differ by more than a hundred times.
    """
    title = f"Transactions per second to those of direct, {value.pooler} ({value.pool_mode} mode)"
    return _drawn(value, title, ())


def bare_chart(value: Benchmark) -> str:
    """The same SVG for a document that brings title and styles: classes alone, no id, no font."""
    return _drawn(value, None, ("style", "title", "desc"))


def _drawn(value: Benchmark, title: str | None, without: tuple[str, ...]) -> str:
    """The chart, without scripts and the elements of `without`."""
    bars = _bars(value, title)
    from pygal.etree import etree

    tree = bars.render_tree()
    for parent in list(tree.iter()):
        for child in list(parent):
            if not isinstance(child.tag, str) or _name(child.tag) in ("script", *without):
                parent.remove(child)
    if without:
        # pygal makes ids up, some anew in every run; styles in attributes are for a page to give.
        for element in tree.iter():
            for name in ("id", "style"):
                element.attrib.pop(name, None)
    text: str = etree.tostring(tree, encoding="unicode")
    return text + "\n"


def _bars(value: Benchmark, title: str | None) -> HorizontalBar:
    """Two bars for each workload, as long as their shares of direct."""
    import pygal
    from pygal.style import Style

    # pygal leaves a finder of Python 3.3's kind behind, which every later import warns of.
    sys.meta_path[:] = [finder for finder in sys.meta_path if hasattr(finder, "find_spec")]
    bars = pygal.HorizontalBar(
        width=900,
        height=140 + 90 * len(value.measured),
        print_values=True,
        js=[],
        disable_xml_declaration=True,
        value_formatter=lambda share: f"{share:.0f} %",
        truncate_label=-1,
        max_scale=6,
        style=Style(
            font_family="sans-serif",
            colors=("#3b6ea5", "#c8702a"),
            label_font_size=13,
            major_label_font_size=13,
        ),
        title=title,
        legend_at_bottom=True,
        truncate_legend=-1,
    )
    bars.x_labels = [
        visible(mask(f"{one.workload.clients} clients: {one.workload.title}"))
        for one in value.measured
    ]
    for route in ("direct", "pooled"):
        bars.add(route, [_bar(one, route) for one in value.measured])
    return bars


def _bar(one: Measured, route: str) -> dict[str, object]:
    """A bar as long as its share of direct, which bears the figure itself."""
    told = f"{one.tps(route):,.0f}/s"
    return {"value": 100 * one.tps(route) / one.tps("direct"), "formatter": lambda _: told}


def _name(tag: str) -> str:
    return tag.rpartition("}")[2]


def conclusions(value: Benchmark) -> tuple[str, ...]:
    """What the figures say, sentence by sentence, good or bad."""
    found = []
    for one in value.measured:
        spread = f"{one.median:.2f} ({one.lowest:.2f} to {one.highest:.2f})"
        who = f"{one.workload.title}, {one.workload.clients} at once"
        told = {
            "faster": f"the pool gives {spread} times the transactions",
            "slower": f"the pool costs: {spread} times the transactions of a direct connection",
            "unclear": f"no clear difference: {spread} times",
        }[one.outcome]
        found.append(f"{who}: {told}.")
    if any(one.outcome == "slower" and not one.workload.reconnect for one in value.measured):
        found.append(
            "An application that keeps its own connections open pays for the way through the "
            "Pooler; what it gets for that is fewer server connections."
        )
    found.append(
        "Servers and load shared this machine, so that these ratios say less than a run on a "
        "network of its own would."
    )
    return tuple(found)


def _workload(page: Page, one: Measured) -> None:
    page.line((f"{one.workload.title}, {one.workload.clients} clients", "name"))
    page.line(
        f"  pooled/direct {one.median:.2f} [{one.lowest:.2f} to {one.highest:.2f}], ",
        (one.outcome, _STYLE[one.outcome]),
        f", {len(one.pairs)} pairs",
    )
    best = max(one.tps("direct"), one.tps("pooled"))
    rows: list[list[Segment]] = [
        [
            (route, ""),
            (f"{one.tps(route):,.0f}/s".rjust(12), ""),
            ("#" * max(1, round(_BAR * one.tps(route) / best)), "dim"),
        ]
        for route in ("direct", "pooled")
    ]
    for row in rows:
        page.row(row, widths(rows))
