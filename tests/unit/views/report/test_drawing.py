"""The drawing: nothing overlaps, nothing is cut, many consumers share boxes."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoint.views.report.drawing import Box, Drawing, cells, draw, wrapped
from repoint.views.report.graph import FOLD_OVER, Graph, Step, Stop, graph_of
from repoint.views.report.ways import rows_of
from tests.unit.views.report.dossiers import dossier

PAD = 11.0


def drawing(consumers: int, *, after: bool = True, fold: bool = False) -> tuple[Graph, Drawing]:
    value = dossier(consumers)
    graph = graph_of(rows_of(value), value.targets[0], after=after, fold=fold)
    return graph, draw(graph)


def holds(found: Drawing) -> None:
    """Nothing overlaps, and all text is inside of its box, and all boxes inside the drawing."""
    for one, other in combinations(found.boxes, 2):
        if one.stop.column == other.stop.column:
            assert one.y + one.height <= other.y or other.y + other.height <= one.y
    for box in found.boxes:
        assert box.x >= 0 and box.x + box.width <= found.width
        assert box.y >= 0 and box.y + box.height <= found.height
        for line in box.lines:
            assert PAD + line.width <= box.width - PAD + 0.2
            assert 0 < line.y < box.height
    columns = sorted({(box.x, box.x + box.width) for box in found.boxes})
    assert all(end < start for (_, end), (start, _) in pairwise(columns))


@pytest.mark.parametrize("consumers", [1, 5, 60, 200])
@pytest.mark.parametrize("after", [False, True])
def test_boxes_and_text_have_their_room(consumers: int, *, after: bool) -> None:
    graph, found = drawing(consumers, after=after)
    holds(found)
    assert sum(stop.column == 0 for stop in graph.stops) == consumers


@given(st.lists(st.text(max_size=300), min_size=1, max_size=6))
def test_any_name_fits_and_is_shown_whole(names: list[str]) -> None:
    stops = tuple(Stop((str(n),), n % 5, name, name, (name,)) for n, name in enumerate(names))
    steps = tuple(Step(0, n, "direct") for n in range(1, len(stops)) if n % 5)
    holds(draw(Graph(stops, steps)))


@given(st.text(alphabet="ab-./é漢 ", max_size=200), st.integers(2, 30))
def test_wrapping_loses_nothing(text: str, most: int) -> None:
    lines = wrapped(text, most)
    assert all(cells(line) <= most for line in lines)
    assert "".join("".join(lines).split()) == ("".join(text.split()) or "-")


def test_lines_of_one_graph_are_the_same_in_every_process() -> None:
    assert drawing(40)[1] == drawing(40)[1]


def test_a_line_runs_between_the_boxes_of_a_column_that_it_passes() -> None:
    stops = (
        Stop(("a",), 0, "Deployment", "a"),
        Stop(("k",), 1, "Secret", "k"),
        Stop(("s",), 2, "Service", "s"),
    )
    found = draw(Graph(stops, (Step(0, 1, "direct"), Step(0, 2, "direct"), Step(1, 2, "direct"))))
    passing = found.wires[1].path
    level = float(passing.partition("H")[0].rpartition(" ")[2])
    key = next(box for box in found.boxes if box.stop.column == 1)
    assert not key.y <= level <= key.y + key.height


def test_many_consumers_share_boxes_and_every_one_is_counted() -> None:
    for consumers in (FOLD_OVER + 1, 200):
        graph, found = drawing(consumers, fold=True)
        holds(found)
        heads = [stop for stop in graph.stops if stop.column == 0]
        assert len(heads) <= FOLD_OVER
        assert sum(int(stop.name.partition(" ")[0]) for stop in heads) == consumers
        assert graph.folded == consumers


def test_many_hosts_do_not_keep_many_boxes_apart() -> None:
    value = dossier(60)
    rows = [
        replace(row, before=tuple(replace(way, host=f"db{n}.example.com") for way in row.before))
        for n, row in enumerate(rows_of(value))
    ]
    graph = graph_of(rows, value.targets[0], after=False, fold=True)
    assert sum(stop.column == 0 for stop in graph.stops) <= FOLD_OVER
    assert [stop.name for stop in graph.stops if stop.column == 2] == ["40 hosts", "20 hosts"]
    holds(draw(graph))


def test_a_way_leads_through_the_pooler_or_straight_to_the_cluster() -> None:
    graph, _ = drawing(3)
    names = [(stop.kind, stop.name) for stop in graph.stops]
    ways = {(names[step.start], names[step.end], step.route) for step in graph.steps}
    assert (("Service", "pg-pooler"), ("Pooler", "pg-pooler"), "pooled") in ways
    assert (("Pooler", "pg-pooler"), ("Cluster", "pg"), "pooled") in ways
    assert (("Service", "pg-rw"), ("Cluster", "pg"), "direct") in ways
    assert {step.route for step in graph.steps} == {"pooled", "direct"}


def test_before_the_plan_nobody_reaches_the_cluster() -> None:
    graph, found = drawing(3, after=False)
    assert {stop.name for stop in graph.stops if stop.column == 2} == {"postgres"}
    assert max(stop.column for stop in graph.stops) == 2
    assert [heading.text for heading in found.headings][-1] == "Services"


def box_of(found: Drawing, name: str) -> Box:
    return next(box for box in found.boxes if box.stop.name == name)


def test_a_drawing_reads_from_left_to_right() -> None:
    _, found = drawing(3)
    order = ["service-0", "secret-1", "pg-rw", "pg-pooler", "pg"]
    places = [box_of(found, name).x for name in order]
    assert places == sorted(places)


def test_short_and_full_spellings_of_a_service_are_one_box() -> None:
    value = dossier(6)
    spelled = ["old", "old.app", "old.app.svc", "old.app.svc.cluster.local", "OLD", "old.other"]
    rows = [
        replace(row, before=tuple(replace(way, host=host) for way in row.before))
        for row, host in zip(rows_of(value), spelled, strict=True)
    ]
    graph = graph_of(rows, value.targets[0], after=False, fold=False)
    servers = [(stop.name, stop.notes) for stop in graph.stops if stop.column == 2]
    assert servers == [("old", ("namespace app",)), ("old", ("namespace other",))]
