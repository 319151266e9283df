"""A graph as boxes and lines with sizes, ready for SVG; text always fits its box.

The order of boxes and their heights on the page come from fast-sugiyama (layers, few crossings);
a column stands where its kind says.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from repoint.dsn.mask import mask
from repoint.views.report.graph import COLUMNS, Graph, Stop
from repoint.views.visible import visible

CELL = 7.25
"""Width of a character of 12 pixels; `textLength` holds whatever font is there to it."""
SMALL = 6.1
"""The same for 10 pixels."""
_MOST = (27, 25, 25, 25, 20)
"""Characters in a line, by column."""
_GAP_X, _GAP_Y, _PAD, _HEAD = 56.0, 14.0, 11.0, 34.0
_NAME_HEIGHT, _NOTE_HEIGHT = 16.0, 14.0
_SPACING, _JOINT, _ARROW = 64.0, 4.0, 6.0


@dataclass(frozen=True, slots=True)
class Line:
    """A piece of text, its baseline from the box's top, its width in pixels, and its class."""

    text: str
    y: float
    width: float
    style: str


@dataclass(frozen=True, slots=True)
class Box:
    """A stop with its place, size and lines, all in pixels."""

    stop: Stop
    x: float
    y: float
    width: float
    height: float
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Wire:
    """A line between boxes: an SVG path, and the route that names its look."""

    path: str
    route: str


@dataclass(frozen=True, slots=True)
class Heading:
    """What a column holds, above it."""

    text: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything that one SVG shows, and its size in pixels."""

    width: float
    height: float
    headings: tuple[Heading, ...]
    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]


def draw(graph: Graph) -> Drawing:
    """Lay `graph` out from left to right."""
    lines = [_lines(stop) for stop in graph.stops]
    heights = [texts[-1].y + _PAD - 2 for texts in lines]
    widths = _column_widths(graph, lines)
    lefts = _lefts(widths)
    routes = _Routes(graph)
    tops = _tops(routes, [*heights, *(_JOINT for _ in routes.joints)])
    boxes = tuple(
        Box(stop, lefts[stop.column], tops[n], widths[stop.column], heights[n], lines[n])
        for n, stop in enumerate(graph.stops)
    )
    columns = [(left, width) for left, width in zip(lefts, widths, strict=True) if width]
    right = max((left + width for left, width in columns), default=0.0)
    wires = []
    for step in graph.steps:
        between = [
            (lefts[column], lefts[column] + widths[column], tops[n] + _JOINT / 2)
            for n, column in routes.between[step.start, step.end]
        ]
        wires.append(Wire(_path(boxes[step.start], between, boxes[step.end]), step.route))
    return Drawing(
        round(right + 2, 1),
        round(max((box.y + box.height for box in boxes), default=_HEAD) + 4, 1),
        tuple(Heading(COLUMNS[n], lefts[n], w) for n, w in enumerate(widths) if w),
        boxes,
        tuple(wires),
    )


class _Routes:
    """A joint in each column that a line passes, so that it runs between the boxes there.

    `joints` are the columns of joints, whose numbers follow those of the stops; `between` are
    the joints of each line, with their columns; `edges` all pairs of neighbours.
    """

    def __init__(self, graph: Graph) -> None:
        used = {stop.column for stop in graph.stops}
        self.columns = [stop.column for stop in graph.stops]
        self.joints: list[int] = []
        self.between: dict[tuple[int, int], list[tuple[int, int]]] = {}
        self.edges: list[tuple[int, int]] = []
        for start, end in dict.fromkeys((step.start, step.end) for step in graph.steps):
            passed = []
            for column in range(self.columns[start] + 1, self.columns[end]):
                passed.append((len(self.columns), column))
                self.columns.append(column)
                self.joints.append(column)
            # A column that nobody uses takes no room, but it is a layer for the layout.
            self.between[start, end] = [one for one in passed if one[1] in used]
            self.edges += pairwise([start, *(n for n, _ in passed), end])


def cells(text: str) -> int:
    """How many character cells a text takes; marks take none, wide letters two."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if _is_wide(letter) else 1 for letter in text
    )


def _is_wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in ("W", "F")


def wrapped(text: str, most: int) -> tuple[str, ...]:
    """`text` in lines of at most `most` cells, none of it left out; after a joint where it can."""
    lines: list[str] = []
    line, room, joint = "", most, 0
    for letter in " ".join(text.split()) or "-":
        if cells(letter) > room:
            cut = joint if joint > len(line) // 2 else len(line)
            lines.append(line[:cut])
            line, joint = line[cut:], 0
            room = most - cells(line)
        line += letter
        room -= cells(letter)
        if letter in "-./_ [:":
            joint = len(line) if letter not in " [" else len(line) - 1
    return tuple(piece.strip() for piece in (*lines, line) if piece.strip())


def _lines(stop: Stop) -> tuple[Line, ...]:
    most = _MOST[stop.column]
    kind, name, *notes = (visible(mask(text)) for text in (stop.kind, stop.name, *stop.notes))
    found: list[Line] = []
    y = _PAD + 3
    for piece in wrapped(kind, most + 3):
        y += 4 if not found else _NOTE_HEIGHT
        found.append(Line(piece, y, round(cells(piece) * SMALL, 1), "kind"))
    for piece in wrapped(name, most):
        y += _NAME_HEIGHT
        found.append(Line(piece, y, round(cells(piece) * CELL, 1), "name"))
    for note in notes:
        for piece in wrapped(note, most + 3):
            y += _NOTE_HEIGHT
            found.append(Line(piece, y, round(cells(piece) * SMALL, 1), "note"))
    return tuple(found)


def _column_widths(graph: Graph, lines: Sequence[tuple[Line, ...]]) -> list[float]:
    """Each column is as wide as its widest line; one without boxes takes no room."""
    widths = [0.0] * len(COLUMNS)
    for stop, texts in zip(graph.stops, lines, strict=True):
        own = max(line.width for line in texts) + 2 * _PAD
        heading = cells(COLUMNS[stop.column]) * SMALL * 1.1
        widths[stop.column] = max(widths[stop.column], own, heading)
    return widths


def _lefts(widths: Sequence[float]) -> list[float]:
    lefts, x = [], 1.0
    for width in widths:
        lefts.append(round(x, 1))
        x += width + _GAP_X if width else 0
    return lefts


def _tops(routes: _Routes, heights: Sequence[float]) -> list[float]:
    """Where each box or joint begins: as laid out, moved down where boxes would overlap.

    All that the layout puts lower moves down as much, so that what is level stays level.
    """
    middles = _middles(routes, len(heights) - len(routes.joints))
    tops = [0.0] * len(heights)
    ends = [_HEAD] * len(COLUMNS)
    shift = 0.0
    for n in sorted(range(len(heights)), key=lambda n: (middles[n], routes.columns[n], n)):
        column = routes.columns[n]
        top = _HEAD + middles[n] - heights[n] / 2 + shift
        missing = max(0.0, ends[column] - top)
        shift += missing
        tops[n] = round(top + missing, 1)
        ends[column] = tops[n] + heights[n] + _GAP_Y
    return tops


def _middles(routes: _Routes, stops: int) -> list[float]:
    """The middle of each box or joint from the top, as fast-sugiyama puts it.

    The nodes are numbers: their order, and with it the layout, is the same in every run. What
    has no line comes last.
    """
    from fast_sugiyama import from_edges

    middles = [0.0] * len(routes.columns)
    below = _SPACING / 2
    placed: set[int] = set()
    edges = routes.edges
    layouts = from_edges(edges, vertex_spacing=_SPACING, dummy_vertices=False) if edges else []
    for positions, *_ in sorted(layouts, key=lambda one: min(int(n) for n, _ in one[0])):
        least = min(x for _, (x, _) in positions)
        for node, (x, _) in positions:
            middles[int(node)] = below + x - least
            placed.add(int(node))
        below = max(middles[int(node)] for node, _ in positions) + _SPACING
    for n in range(stops):
        if n not in placed:
            middles[n], below = below, below + _SPACING
    return middles


def _path(start: Box, between: Sequence[tuple[float, float, float]], end: Box) -> str:
    """From box to box, level through each column that it passes."""
    x, y = start.x + start.width, start.y + start.height / 2
    path = f"M{x:.1f} {y:.1f}"
    for left, right, middle in (*between, (end.x - _ARROW, 0.0, end.y + end.height / 2)):
        bend = (left - x) * 0.5
        path += f"C{x + bend:.1f} {y:.1f} {left - bend:.1f} {middle:.1f} {left:.1f} {middle:.1f}"
        x, y = left, middle
        if right:
            path += f"H{right:.1f}"
            x = right
    return path
