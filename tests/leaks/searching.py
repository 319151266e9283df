"""Searches what was recorded for every form of every canary, and judges each find."""

from __future__ import annotations

import html
import json
import subprocess
import sys
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.leaks.canaries import Canary
from tests.leaks.excuses import Record, excuse_for
from tests.leaks.recorder import INHERITS

_LONGEST = 20
# Marks that take no room: the Markdown of comments keeps words apart with them.
_UNSEEN = dict.fromkeys(map(ord, "\N{WORD JOINER}\N{ZERO WIDTH SPACE}\N{SOFT HYPHEN}"))
# What each kind of record counts as.
_COUNTED = {
    "run": "runs",
    "file": "files",
    "argv": "command lines",
    "cmdline": "command lines",
    "env": "environments",
    "environ": "environments",
    "object": "objects",
}


@dataclass
class Totals:
    """What a search went through, and what it found; those of several add up."""

    counts: Counter[str] = field(default_factory=Counter)
    excused: Counter[str] = field(default_factory=Counter)
    hits: set[str] = field(default_factory=set)

    def add(self, other: Mapping[str, Any]) -> None:
        """Add what `plain` gave elsewhere."""
        for name, number in other["counts"].items():
            # The fixtures' canaries are the same in every process.
            many = max if name in {"canaries", "forms"} else int.__add__
            self.counts[name] = many(self.counts[name], number)
        self.excused.update(other["excused"])
        self.hits.update(other["hits"])

    def plain(self) -> dict[str, Any]:
        """For another process."""
        return {
            "counts": dict(self.counts),
            "excused": dict(self.excused),
            "hits": sorted(self.hits),
        }

    def line(self) -> str:
        """All in one line."""
        n = self.counts
        return (
            f"leaks: {n['canaries']} canaries in {n['forms']} forms, searched: "
            f"{n['output bytes'] / 1e6:.2f} MB of output of {n['runs']} runs, {n['files']} files, "
            f"{n['command lines']} command lines, {n['environments']} environments, "
            f"{n['objects']} objects: {len(self.hits)} hits"
        )

    def story(self) -> list[str]:
        """Each hit, by the canary's label, and how often each excuse was taken."""
        told = [f"  leak: {one}" for one in sorted(self.hits)[:_LONGEST]]
        if len(self.hits) > _LONGEST:
            told.append(f"  and {len(self.hits) - _LONGEST} more")
        return told + [f"  excused {number} x {why}" for why, number in self.excused.most_common()]


@dataclass
class _Heap:
    """All records of a spool; their distinct bytes are in one file, one after another."""

    records: list[tuple[Record, str]] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    marks: dict[str, str] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    canaries: list[Canary] = field(default_factory=list)
    output: int = 0
    faults: list[str] = field(default_factory=list)

    def starter(self, key: str) -> str:
        """Who started a sampled process: `test`, `user` with `itself`, `repoint`, or nobody."""
        if self.marks.get(key) == "user":
            return "user itself"
        while key and key not in self.marks:
            key = self.parents.get(key, "")
        return self.marks.get(key, "")


def search(spool: Path, canaries: Sequence[Canary]) -> Totals:
    """Search every record below `spool`; the canaries made at run time join `canaries`."""
    hay = spool / "hay"
    heap = _heap(spool, hay)
    known = {one.text for one in canaries}
    fresh = [one for one in {c.text: c for c in heap.canaries}.values() if one.text not in known]
    wanted: dict[bytes, tuple[Canary, str]] = {}
    for canary in (*canaries, *fresh):
        for name, form in canary.forms().items():
            wanted.setdefault(form, (canary, name))
    totals = Totals()
    totals.counts.update({"canaries": len(canaries) + len(fresh), "forms": len(wanted)})
    totals.counts["output bytes"] = heap.output
    totals.hits.update(f"the recorder failed: {one}" for one in heap.faults)
    found: dict[str, set[tuple[Canary, str]]] = defaultdict(set)
    for offset, form in _matches(spool, hay, wanted):
        found[heap.digests[bisect_right(heap.starts, offset) - 1]].add(wanted[form])
    seen: set[tuple[str, str, str]] = set()
    for record, digest in heap.records:
        if record.kind in _COUNTED and (record.kind, record.where, digest) not in seen:
            seen.add((record.kind, record.where, digest))
            totals.counts[_COUNTED[record.kind]] += 1
        if record.kind == "env" and record.by.endswith(INHERITS):
            totals.hits.add(f"the whole environment is given to {record.told()}")
        for canary, form in found.get(digest, ()):
            _judge(totals, heap, record, canary, form)
    return totals


def written(spool: Path) -> dict[str, str]:
    """Every path that repoint opened to write, with the writer."""
    heads = (head for file in spool.glob("*.rec") for head, _ in _read(file))
    return {head["where"]: head["by"] for head in heads if head["kind"] == "wrote"}


def _judge(totals: Totals, heap: _Heap, record: Record, canary: Canary, form: str) -> None:
    starter = heap.starter(record.where) if record.kind in {"cmdline", "environ"} else ""
    whole = Record(record.kind, record.where, record.by, record.mode, starter)
    excuse = excuse_for(whole, canary)
    if record.where in heap.parents:
        # The numbers of processes say nothing to a reader, their programs do.
        name = heap.names.get(record.where, "a program")
        parent = heap.names.get(heap.parents[record.where], "the tests")
        whole = Record(record.kind, name, parent, 0)
    if excuse is not None:
        totals.excused[excuse.reason] += 1
    else:
        totals.hits.add(f"{canary.label} ({form}) in {whole.told()}")


def _heap(spool: Path, hay: Path) -> _Heap:
    heap = _Heap()
    seen: set[str] = set()
    at = 0
    with hay.open("wb") as out:
        for file in sorted(spool.glob("*.rec")):
            for head, data in _read(file):
                _sort(heap, head, data)
                if data and head["digest"] not in seen and head["kind"] != "canary":
                    seen.add(head["digest"])
                    heap.starts.append(at)
                    heap.digests.append(head["digest"])
                    at += out.write(data + b"\n" + _as_shown(data))
    return heap


def _as_shown(data: bytes) -> bytes:
    """What a browser makes of an HTML, XML or Markdown text; nothing where that is the text."""
    text = data.decode(errors="replace")
    shown = html.unescape(text).translate(_UNSEEN)
    return b"" if shown == text else shown.encode(errors="replace") + b"\n"


def _sort(heap: _Heap, head: dict[str, Any], data: bytes) -> None:
    kind, where = head["kind"], head["where"]
    if kind == "mark":
        heap.marks[where] = head["by"]
    elif kind == "canary":
        if data:
            heap.canaries.append(Canary(where, data.decode(), sealed=head["by"] == "sealed"))
    elif kind == "fault":
        heap.faults.append(f"at {where}: {data.decode(errors='replace')}")
    elif kind != "wrote":
        if kind in {"cmdline", "environ"}:
            heap.parents[where] = head["by"]
            if kind == "cmdline" and data:
                first = data.split(b"\0")[0].decode(errors="replace")
                heap.names[where] = first.rpartition("/")[2]
        if kind == "output":
            heap.output += len(data)
        heap.records.append((Record(kind, where, head["by"], head["mode"]), head["digest"]))


def _read(file: Path) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Every whole record of a file; a process that was killed may leave half of one."""
    with file.open("rb") as opened:
        while line := opened.readline():
            try:
                head = json.loads(line)
            except ValueError:
                return
            data = opened.read(head["size"])
            if opened.read(1) != b"\n" or len(data) != head["size"]:
                return
            yield head, data


def _matches(spool: Path, hay: Path, wanted: Mapping[bytes, object]) -> Iterator[tuple[int, bytes]]:
    """Where each form is, with ripgrep: it looks for thousands of strings at once."""
    patterns = spool / "patterns"
    # The first that fits is told: the longest says the most.
    patterns.write_bytes(b"\n".join(sorted(wanted, key=len, reverse=True)) + b"\n")
    argv = [str(Path(sys.executable).with_name("rg")), "--no-config", "--fixed-strings", "--text"]
    argv += ["--only-matching", "--byte-offset", "--no-filename", "--no-line-number"]
    done = subprocess.run([*argv, "-f", str(patterns), str(hay)], capture_output=True, check=False)
    if done.returncode > 1:
        raise RuntimeError(f"ripgrep ended with {done.returncode}: {done.stderr[:200]!r}")
    for line in done.stdout.splitlines():
        offset, _, form = line.partition(b":")
        yield int(offset), form
