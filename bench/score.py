"""Compares what `repoint scan --format json` says with the truth about a generated repository."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.generate import Truth
from bench.marks import Planted

Record = Mapping[str, Any]
_Place = tuple[str, int, int, str]
_Use = tuple[str, str]


@dataclass(slots=True)
class Score:
    """What was right, and a line for each thing that was not."""

    wanted: int
    found: int = 0
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    false: list[str] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        """Whether every site was found and described rightly, and nothing else was reported."""
        return not (self.missed or self.wrong or self.false)

    def summary(self) -> str:
        """One line, and the first few of everything that is not right."""
        counts = f"{len(self.wrong)} described wrongly, {len(self.false)} that are no sites"
        lines = [f"recall {self.found}/{self.wanted}, {counts}"]
        for kind, items in (("missed", self.missed), ("wrong", self.wrong), ("false", self.false)):
            lines += [f"  {kind} {item}" for item in items[:5]]
        return "\n".join(lines)


def score(truth: Truth, report: Record) -> Score:
    """Hold a scan's report against the truth.

    A site is found when one is reported at its line and column with its host. It is described
    rightly when purpose, readers and, where the report tells them, pointer and bytes are right.
    """
    result = Score(len(truth.sites))
    reported: dict[_Place, Record] = {_place(site): site for site in report["sites"]}
    readers = _readers(report["consumers"])
    roles = _roles(truth.sites)
    for site in truth.sites:
        found = reported.pop((site.path, site.line, site.column, site.host), None)
        if found is None:
            result.missed.append(f"{site.path}:{site.line} {site.key}")
            continue
        result.found += 1
        problems = [*_described(site, found), *_read(site, readers[_id(found)], roles)]
        result.wrong += [f"{site.path}:{site.line} {problem}" for problem in problems]
    decoys = {(decoy.path, decoy.line): decoy for decoy in truth.decoys}
    for path, line, _, _ in reported:
        decoy = decoys.get((path, line))
        if decoy is None or not decoy.neutral:
            why = decoy.why if decoy is not None else "not in the truth"
            result.false.append(f"{path}:{line} {why}")
    return result


def _place(site: Record) -> _Place:
    return site["path"], site["line"], site["column"], site["host"]


def _id(site: Record) -> str:
    return f"{site['path']}:{site['line']}:{site['column']}:{site['key']}"


def _readers(consumers: Iterable[Record]) -> dict[str, dict[_Use, str]]:
    """Who reads each site, with the purpose that the report gives them."""
    readers: dict[str, dict[_Use, str]] = defaultdict(dict)
    for consumer in consumers:
        for site in consumer["sites"]:
            readers[site][consumer["id"], consumer["environment"]] = consumer["purpose"]
    return readers


def _roles(sites: Iterable[Planted]) -> dict[_Use, set[str]]:
    """Every purpose that a workload has in an environment: it may read more sites than one."""
    roles: dict[_Use, set[str]] = defaultdict(set)
    for site in sites:
        for use in site.uses:
            roles[use.consumer, use.environment].add(use.purpose)
    return roles


def _described(site: Planted, found: Record) -> list[str]:
    """What the report says wrongly of the site itself."""
    problems = []
    if found["purpose"] not in site.purposes:
        problems.append(f"purpose {found['purpose']}, is {site.purposes[0]}")
    if found.get("pointer", site.pointer) != site.pointer:
        problems.append(f"pointer {found['pointer']}, is {site.pointer}")
    span = [site.start, site.end]
    if not site.encoded and found.get("span", span) != span:
        problems.append(f"bytes {found['span']}, are {span}")
    return problems


def _read(site: Planted, readers: Mapping[_Use, str], roles: Mapping[_Use, set[str]]) -> list[str]:
    """What the report says wrongly of who reads the site."""
    wanted = {(use.consumer, use.environment) for use in site.uses}
    problems = [
        f"reader {name} ({where}) is missing" for name, where in sorted(wanted - readers.keys())
    ]
    problems += [
        f"reader {name} ({where}) is none" for name, where in sorted(readers.keys() - wanted)
    ]
    for use in sorted(wanted & readers.keys()):
        if readers[use] not in roles[use]:
            problems.append(f"reader {use[0]} is {readers[use]}, should be {sorted(roles[use])}")
    return problems
