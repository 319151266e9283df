"""Score `repoint scan` against the truth of each repository of this corpus.

A reported site is right within one line of a site of the truth, not on the line of a decoy; each
side is used once. Sites that the truth calls optional count neither way.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SCAN = (sys.executable, "-m", "repoint", "scan", "--format", "json")
FIELDS = ("host", "style", "purpose")
DIRECT = frozenset({"migration", "admin", "backup", "replication"})
Record = dict[str, Any]
Decoys = dict[tuple[str, int], str]


@dataclass(frozen=True, slots=True)
class Pair:
    """One site of the truth and the reported site that was matched with it."""

    truth: Record
    reported: Record

    def agrees(self, name: str) -> bool:
        """Whether a value reported for this place is the truth's, or one that it allows."""
        allowed = {self.truth[name], *self.truth.get(f"{name}s", [])}
        reported = self.reported["purposes"] if name == "purpose" else {self.reported.get(name)}
        return bool(allowed & {value or None for value in reported})

    def names_consumer(self) -> bool:
        """Whether a reported consumer has the name of one that the truth gives."""
        names = {str(item["consumer"]).split("/")[-1] for item in self.truth["consumers"]}
        return bool(names & self.reported["consumers"])

    def dangerous(self) -> bool:
        """Whether a site that must go direct would be sent through the pool."""
        purposes: set[str] = self.reported["purposes"]
        return self.truth["must_direct"] and "runtime" in purposes and not purposes & DIRECT


@dataclass(slots=True)
class Score:
    """What one repository, or all of them, came to."""

    pairs: list[Pair] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    false: list[str] = field(default_factory=list)
    dangerous: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Score) -> None:
        """Count `other` in."""
        for name in self.__slots__:
            getattr(self, name).extend(getattr(other, name))

    def found(self) -> list[float]:
        """Return recall (of the truth) and precision (of what was reported)."""
        count = len(self.pairs)
        return [share(count, count + len(self.missed)), share(count, count + len(self.false))]

    def row(self, name: str) -> str:
        """Return the line of the table."""
        shares = self.found()
        for part in FIELDS:
            shares.append(share(sum(pair.agrees(part) for pair in self.pairs), len(self.pairs)))
        named = [pair.names_consumer() for pair in self.pairs if pair.truth["consumer"]]
        cells = "".join(f"{value:10.1%}" for value in (*shares, share(sum(named), len(named))))
        total = len(self.pairs) + len(self.missed)
        return f"{name:18}{total:6}{cells}{len(self.dangerous):10}{len(self.hidden):7}"


def share(part: int, whole: int) -> float:
    """Return `part` of `whole`; all of nothing is everything."""
    return part / whole if whole else 1.0


def scan(repo: Path) -> Record:
    """Scan a copy of `repo`, so that the checkout around it plays no part."""
    with tempfile.TemporaryDirectory() as directory:
        copy = shutil.copytree(repo, Path(directory) / "repo")
        done = subprocess.run([*SCAN, str(copy)], capture_output=True, text=True, check=False)
    if done.stdout.startswith("{"):
        return dict(json.loads(done.stdout))
    print(f"!! {repo}: no JSON, exit {done.returncode}: {done.stderr[-300:]}", file=sys.stderr)
    return {"sites": []}


def merged(sites: Iterable[Record]) -> list[Record]:
    """Make one record of what is reported per consumer or environment for one place."""
    places: dict[tuple[Any, ...], Record] = {}
    for site in (site for site in sites if site.get("purpose") != "comment"):
        identity = (site["path"], site["line"], site.get("key"), site.get("host"))
        place = places.setdefault(identity, {**site, "purposes": set(), "consumers": set()})
        place["purposes"].add(site.get("purpose"))
        place["consumers"].update(re.split(r"[/:]", str(site.get("consumer") or "")))
    return list(places.values())


def match(truths: list[Record], reported: list[Record], decoys: Decoys) -> list[Pair]:
    """Pair each reported site, decoys apart, with the nearest of the truth, each used once."""
    candidates = []
    for pair in (Pair(truth, site) for truth in truths for site in reported):
        first, last = pair.truth["line"], pair.truth.get("end", pair.truth["line"])
        line = pair.reported["line"]
        distance = max(first - line, line - last, 0)
        reach = 0 if (pair.reported["path"], line) in decoys else 1
        if pair.truth["path"] == pair.reported["path"] and distance <= reach:
            other_key = pair.truth["key"] != pair.reported.get("key")
            candidates.append((distance, not pair.agrees("host"), other_key, pair))
    used: set[int] = set()
    pairs = []
    for *_, pair in sorted(candidates, key=lambda candidate: candidate[:3]):
        if used.isdisjoint(both := {id(pair.truth), id(pair.reported)}):
            used |= both
            pairs.append(pair)
    return pairs


def hides_migration(pair: Pair, consumers: Iterable[Record]) -> bool:
    """Whether a value shared with a migration is reported without that migration."""
    shared = pair.truth["consumers"][1:]
    direct = {item["consumer"].split("/")[-1] for item in shared if item["purpose"] in DIRECT}
    seen = {item.get("name") for item in consumers if item.get("purpose") in DIRECT}
    return bool(direct) and not pair.reported["purposes"] & DIRECT and not direct & seen


def score(case: Path) -> Score:
    """Scan one repository and compare it with its truth."""
    truth = json.loads((case / "truth.json").read_text(encoding="utf-8"))
    for site in truth["sites"]:
        site.setdefault("consumers", [{key: site[key] for key in ("consumer", "purpose")}])
    report = scan(case / "repo")
    reported = merged(report["sites"])
    decoys = {(item["path"], item["line"]): item["why"] for item in truth["not_sites"]}
    pairs = match(truth["sites"], reported, decoys)
    found = {id(side) for pair in pairs for side in (pair.truth, pair.reported)}
    result = Score([pair for pair in pairs if not pair.truth.get("optional")])

    def place(site: Record) -> str:
        return f"{case.name}/repo/{site['path']}:{site['line']} {site.get('key')}"

    missed = (site for site in truth["sites"] if not (id(site) in found or site.get("optional")))
    result.missed = [f"{place(site)} ({site['style']}, {site['purpose']})" for site in missed]
    for site in (site for site in reported if id(site) not in found):
        why = decoys.get((site["path"], site["line"]), "not in the truth")
        result.false.append(f"{place(site)} ({why})")
    for pair in pairs:
        where = place(pair.truth)
        if pair.dangerous():
            result.dangerous.append(f"{where} is {pair.truth['purpose']}, not runtime")
        if hides_migration(pair, report.get("consumers", [])):
            result.hidden.append(f"{where} is read by a migration too")
        for name in FIELDS:
            if not (pair.agrees(name) or pair.truth.get("optional")):
                values = f"{pair.reported.get(name)!r}, should be {pair.truth[name]!r}"
                result.wrong.append(f"{where}: {name} {values}")
    return result


def main(argv: list[str] | None = None) -> int:
    """Print the table, the dangerous sites, and on request each miss."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", nargs="?", type=Path, default=Path(__file__).parent)
    parser.add_argument("--misses", action="store_true", help="list every difference")
    parser.add_argument("--min-recall", type=float, default=0.0)
    parser.add_argument("--min-precision", type=float, default=0.0)
    options = parser.parse_args(argv)

    total = Score()
    heads = ("recall", "precision", *FIELDS, "consumer", "dangerous")
    print(f"{'repository':18}{'sites':>6}{''.join(f'{head:>10}' for head in heads)} hidden")
    for case in sorted(path.parent for path in options.corpus.glob("*/truth.json")):
        result = score(case)
        print(result.row(case.name))
        total.add(result)
    print(total.row("TOTAL"))
    lists = {"DANGEROUS": total.dangerous, "HIDDEN MIGRATION": total.hidden}
    if options.misses:
        lists |= {"missed": total.missed, "false": total.false, "wrong": total.wrong}
    for name, lines in lists.items():
        print(f"\n{name}: {len(lines)}", *lines, sep="\n  ")
    recall, precision = total.found()
    return int(recall < options.min_recall or precision < options.min_precision)


if __name__ == "__main__":
    raise SystemExit(main())
