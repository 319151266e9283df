"""The topology of one environment as stops and steps, folded where there are many consumers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from repoint.dsn.hosts import DEFAULT_DOMAIN, parse_host
from repoint.model.dossier import EnvironmentTarget, PoolerTarget
from repoint.views.report.ways import Key, Row, Way, bare_host

COLUMNS = ("Consumers", "Secrets and ConfigMaps", "Services", "Poolers", "Cluster")
FOLD_OVER = 12
"""Consumers of an environment up to which each has a box of its own."""
_FEW = 2


@dataclass(frozen=True, slots=True)
class Stop:
    """A box: its column (an index of `COLUMNS`), kind, name and notes.

    `id` tells boxes apart, `tone` names the color, `href` the row that tells more.
    """

    id: tuple[str, ...]
    column: int
    kind: str
    name: str
    notes: tuple[str, ...] = ()
    tone: str = "plain"
    href: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """A line between two boxes, by their place in `Graph.stops`; `route` names its look."""

    start: int
    end: int
    route: str


@dataclass(frozen=True, slots=True)
class Graph:
    """Boxes and lines; `folded` are the consumers that share a box with others."""

    stops: tuple[Stop, ...]
    steps: tuple[Step, ...]
    folded: int = 0

    @property
    def columns(self) -> int:
        """How many columns are in use."""
        return max((stop.column for stop in self.stops), default=0) + 1


Path = tuple[tuple[Stop, ...], str]
"""The boxes on one consumer's way, and the route of its lines."""


def graph_of(
    rows: Sequence[Row], target: EnvironmentTarget | None, *, after: bool, fold: bool
) -> Graph:
    """The rows of one environment as a graph, before or after the plan.

    With `fold` consumers that go the same way share a box.
    """
    known = {way.key for row in rows for way in row.before}
    paths = [(row, _paths(row, target, after=after, known=known)) for row in rows]
    merged: list[Path]
    folded = 0
    if fold:
        merged, folded = _folded(paths)
    else:
        merged = [path for _, own in paths for path in own]
    return _graph(merged, folded)


def _graph(paths: Iterable[Path], folded: int) -> Graph:
    stops: dict[Stop, int] = {}
    steps: dict[Step, None] = {}
    for path, route in paths:
        places = [stops.setdefault(stop, len(stops)) for stop in path]
        for start, end in pairwise(places):
            steps[Step(start, end, route)] = None
    return Graph(tuple(stops), tuple(sorted(steps)), folded)


def _paths(
    row: Row, target: EnvironmentTarget | None, *, after: bool, known: Collection[Key]
) -> list[Path]:
    ways = row.after if after else row.before
    places = dict.fromkeys(str(way.key) for way in ways if way.key.kind and not way.key.shared)
    first = Stop(
        *(("consumer", row.id), 0, f"{row.kind}, {row.purpose}", row.name),
        tuple(word for word in (row.container, *places) if word),
        "consumer",
        row.anchor,
    )
    route = "unchanged" if after else "before"
    if not ways:
        return [((first,), route)]
    found: list[Path] = []
    for way in ways:
        path = [first, *_key_stop(row, way, new=after and way.key not in known)]
        servers = _servers(way, row, target)
        own = servers[0].tone if servers[0].tone in ("pooled", "direct") else route
        found.append(((*path, *servers), own))
    return found


def _key_stop(row: Row, way: Way, *, new: bool) -> list[Stop]:
    if not way.key.shared:
        return []
    notes = (f"key {way.key.key}", *(("new key",) if new else ()))
    name = (way.key.kind, row.namespace, way.key.name, way.key.key)
    return [Stop(("key", *name), 1, way.key.kind, way.key.name, notes, "new" if new else "key")]


def _servers(way: Way, row: Row, target: EnvironmentTarget | None) -> tuple[Stop, ...]:
    """The Service of a host, then the Pooler and the Cluster behind it where they are known."""
    host = bare_host(way.host)
    read = parse_host(host)
    pooler = _pooler(host, target)
    direct = target is not None and host == target.direct
    if read is None:
        return (Stop(("host", host), 2, "host", host, (), "old"),)
    space = read.namespace or row.namespace
    notes = (f"namespace {space}",) if space else ()
    # Short and full spellings are one Service, and one box.
    place = ("service", read.service, space, read.domain or DEFAULT_DOMAIN)
    if pooler is None and not direct:
        return (Stop(place, 2, "Service", read.service, notes, "old"),)
    tone = "pooled" if pooler is not None else "direct"
    stops = [Stop(place, 2, "Service", read.service, notes, tone)]
    assert target is not None
    if pooler is not None:
        mode = (f"{row.mode} mode",) if row.mode else ()
        stops.append(Stop(("pooler", host), 3, "Pooler", pooler.name, mode, "pooled"))
    name = pooler.cluster if pooler is not None else target.cluster
    stops.append(Stop(("cluster", space, name), 4, "Cluster", name, notes, "cluster"))
    return tuple(stops)


def _pooler(host: str, target: EnvironmentTarget | None) -> PoolerTarget | None:
    found = target.poolers if target is not None else ()
    return next((one for one in found if one.host == host), None)


def _folded(paths: Sequence[tuple[Row, list[Path]]]) -> tuple[list[Path], int]:
    """Paths of consumers of one kind, purpose and route as one; finer while few boxes result."""
    for number, group_of in enumerate(_GROUPINGS):
        groups: dict[tuple[object, ...], list[tuple[Row, list[Path]]]] = {}
        for row, own in paths:
            groups.setdefault(group_of(row), []).append((row, own))
        if len(groups) <= FOLD_OVER or number == len(_GROUPINGS) - 1:
            break
    merged = [path for group in groups.values() for path in _merged(group)]
    return merged, sum(len(group) for group in groups.values() if len(group) > 1)


def _by_ways(row: Row) -> tuple[object, ...]:
    hosts = frozenset(way.host for way in (*row.before, *row.after))
    return row.kind, row.purpose, row.way, hosts


def _by_route(row: Row) -> tuple[object, ...]:
    return row.kind, row.purpose, row.way


def _by_purpose(row: Row) -> tuple[object, ...]:
    return "consumer", row.purpose, row.way


_GROUPINGS = (_by_ways, _by_route, _by_purpose)


def _merged(group: Sequence[tuple[Row, list[Path]]]) -> list[Path]:
    """One path for a group; a column with few boxes keeps them, one with many gets a sum."""
    if len(group) == 1:
        return group[0][1]
    first = group[0][0]
    kinds = Counter(row.kind for row, _ in group)
    kind = first.kind if len(kinds) == 1 else "consumer"
    place = (first.kind, first.purpose, first.way, *sorted(kinds))
    paths = [path for _, own in group for path in own]
    columns: dict[int, dict[Stop, None]] = {}
    for stops, _ in paths:
        for stop in stops:
            columns.setdefault(stop.column, {})[stop] = None
    sums = {
        column: _sum(column, tuple(stops), place)
        for column, stops in columns.items()
        if len(stops) > _FEW and column
    }
    head = Stop(
        *(("group", *map(str, place)), 0, f"{kind}, {first.purpose}"),
        counted(len(group), kind),
        _own_places(way.key for row, _ in group for way in row.before if not way.key.shared),
        "consumer",
        first.anchor,
    )
    return [
        ((head, *(sums.get(stop.column, stop) for stop in stops[1:])), route)
        for stops, route in paths
    ]


def _own_places(keys: Iterable[Key]) -> tuple[str, ...]:
    """Where consumers of one box spell the host themselves."""
    told = dict.fromkeys(str(key) for key in keys if key.kind)
    return tuple(told) if len(told) <= _FEW else (f"in {len(told)} places of their own",)


def _sum(column: int, stops: Sequence[Stop], place: tuple[object, ...]) -> Stop:
    """One box for many of a column, which tells how many they are."""
    first = stops[0]
    kinds = tuple(dict.fromkeys(stop.kind for stop in stops))
    kind = kinds[0] if len(kinds) == 1 else ", ".join(plural(one) for one in kinds)
    named = len({stop.id[:3] for stop in stops})
    notes: tuple[str, ...] = tuple(dict.fromkeys(note for stop in stops for note in stop.notes))
    if len(notes) > _FEW:
        noun = "key" if column == 1 else "namespace"
        notes = (f"{len(notes)} {noun}s",)
    return replace(
        first,
        id=("sum", str(column), *map(str, place)),
        kind=kind,
        name=counted(named, kind) if len(kinds) == 1 else f"{named} of them",
        notes=notes,
    )


def counted(number: int, kind: str) -> str:
    """`1 Job`, `12 Jobs`, `3 NetworkPolicies`."""
    return f"{number} {kind if number == 1 else plural(kind)}"


def plural(kind: str) -> str:
    """`Jobs`, `NetworkPolicies`."""
    return f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"
