"""What differs between two databases' objects, each thing told once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from repoint.comparison.catalog import FAMILIES
from repoint.comparison.family import Family
from repoint.comparison.model import Difference, Objects, SequenceValue, Side, State, Unseen
from repoint.comparison.normal import normal, unquoted
from repoint.dsn.mask import mask
from repoint.model.plan import Severity

THERE = "there"
"""The text of the side that has an object, where the other has none."""

_LONGEST = 200
_INSIDE = ("columns", "constraints", "triggers", "rules", "policies")
_CODE = ("source", "body")
_HEAVIER = {("database", "encoding"): Severity.ERROR}


def compare(source: State, target: State) -> tuple[tuple[Difference, ...], tuple[Unseen, ...]]:
    """Every difference of the families, and the families that a side could not read."""
    majors = (source.server.major, target.server.major)
    unseen = [
        Unseen(side, family, why)
        for side, state in ((Side.SOURCE, source), (Side.TARGET, target))
        for family, why in state.unread.items()
    ]
    known = [one for one in FAMILIES if one.name in source.objects and one.name in target.objects]
    pairs = {
        one.name: (
            normal(source.objects[one.name], one.name, majors),
            normal(target.objects[one.name], one.name, majors),
        )
        for one in known
    }
    lone = _Lone(pairs)
    found = [
        difference
        for family in known
        for difference in _of_family(family, *pairs[family.name], lone)
    ]
    return tuple(found), tuple(unseen)


class _Lone:
    """Objects that one side alone has; what belongs to one is not told again."""

    def __init__(self, pairs: Mapping[str, tuple[Objects, Objects]]) -> None:
        self._schemas = _one_sided(*pairs.get("schemas", ({}, {})))
        self._tables = {
            name
            for family in ("tables", "views")
            for name in _one_sided(*pairs.get(family, ({}, {})))
        }
        self._columns = _one_sided(*pairs.get("columns", ({}, {})))
        named = _one_sided(*pairs.get("owners", ({}, {})))
        named |= {f"column {one}" for one in self._columns}
        named |= {f"sequence {one}" for one in _one_sided(*pairs.get("sequences", ({}, {})))}
        self._named = {unquoted(one) for one in named}

    def covers(self, family: str, name: str, aspects: Mapping[str, str]) -> bool:
        """Whether an object that is on one side alone belongs to one that is told already."""
        if family == "owners":
            return True
        if family == "grants":
            return name.rpartition(" to ")[0] in self._named
        if family == "comments":
            return False
        owner = name.rpartition(".")[0] if family in _INSIDE else aspects.get("table", "")
        if family == "sequences":
            owner = aspects.get("owned by", "").rpartition(".")[0]
            if aspects.get("owned by", "") in self._columns:
                return True
        if owner and owner in self._tables:
            return True
        return any(name.startswith(f"{schema}.") for schema in self._schemas)


def _one_sided(source: Objects, target: Objects) -> set[str]:
    return set(source) ^ set(target)


def _of_family(
    family: Family, source: Objects, target: Objects, lone: _Lone
) -> Iterator[Difference]:
    for name in sorted({*source, *target}):
        here, there = source.get(name), target.get(name)
        if here is None or there is None:
            if lone.covers(family.name, name, here or there or {}):
                continue
            weight = family.missing if there is None else family.extra
            texts = (THERE, "") if there is None else ("", THERE)
            yield Difference(family.name, name, "", *texts, weight)
            continue
        for aspect in family.aspects:
            one, other = here.get(aspect, ""), there.get(aspect, "")
            if one == other or aspect == "position":
                continue
            weight = _HEAVIER.get((family.name, name), family.weight(aspect))
            yield Difference(family.name, name, aspect, *shown(aspect, one, other), weight)
    if family.name == "columns":
        yield from _orders(source, target)


def _orders(source: Objects, target: Objects) -> Iterator[Difference]:
    """Tables whose common columns stand in another order: rows without names would mix them."""
    orders = [_by_table(side, set(source) & set(target)) for side in (source, target)]
    for table in sorted(set(orders[0]) & set(orders[1])):
        one, other = orders[0][table], orders[1][table]
        if one != other:
            texts = shown("column order", ", ".join(one), ", ".join(other))
            yield Difference("tables", table, "column order", *texts, Severity.ERROR)


def _by_table(columns: Objects, common: set[str]) -> dict[str, list[str]]:
    found: dict[str, list[tuple[int, str]]] = {}
    for name in common:
        table, column = _split(name)
        found.setdefault(table, []).append((int(columns[name]["position"]), column))
    return {table: [column for _, column in sorted(some)] for table, some in found.items()}


def _split(name: str) -> tuple[str, str]:
    """Table and column; a dot within quotes parts nothing."""
    if not name.endswith('"'):
        table, _, column = name.rpartition(".")
        return table, column
    at = name.rindex('."')
    while name.count('"', at + 1) % 2:
        at = name.rindex('."', 0, at)
    return name[:at], name[at + 1 :]


def shown(aspect: str, source: str, target: str) -> tuple[str, str]:
    """Both sides' texts for a person: around where they part, and without passwords."""
    if aspect in _CODE:
        return _lines(source, target)
    one, other = mask(source), mask(target)
    if max(len(one), len(other)) <= _LONGEST:
        return one, other
    same = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
    start = max(0, min(same, len(one), len(other)) - _LONGEST // 3)
    return _window(one, start), _window(other, start)


def _window(text: str, start: int) -> str:
    cut = text[start : start + _LONGEST]
    return ("..." if start else "") + cut + ("..." if start + _LONGEST < len(text) else "")


def _lines(source: str, target: str) -> tuple[str, str]:
    """Code is not printed: how long it is, and the line where it parts."""
    one, other = source.splitlines(), target.splitlines()
    pairs = zip(one, other, strict=False)
    first = next((n for n, (a, b) in enumerate(pairs, 1) if a != b), min(len(one), len(other)) + 1)
    where = f", other from line {first} on"
    return f"{len(one)} lines{where}", f"{len(other)} lines{where}"


def compare_sequences(
    source: Mapping[str, SequenceValue], target: Mapping[str, SequenceValue]
) -> Iterator[Difference]:
    """Sequences whose next value is another; one that is behind gives a value again."""
    for name in sorted(set(source) & set(target)):
        here, there = source[name], target[name]
        ahead = (there.next - here.next) * (1 if here.increment > 0 else -1)
        if ahead:
            weight = Severity.ERROR if ahead < 0 else Severity.WARNING
            yield Difference(
                "sequence values", name, "next", str(here.next), str(there.next), weight
            )
