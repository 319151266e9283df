"""The list of fuzz targets: a name, and a function of bytes that raises on a broken property.

Hypothesis (`test_fuzz.py`) and the coverage-guided fuzzer (`scripts/fuzz.py`) both take them
from here. `corpus/<name>/` holds the target's seeds, and what once broke it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.fuzz import (
    conversing,
    editing,
    keeping,
    reading,
    records,
    repositories,
    states,
    strings,
)

CORPUS = Path(__file__).parent / "corpus"
SLOWEST_S = 10.0
"""Seconds of a processor, with the package instrumented, for an input of 4 KB."""


@dataclass(frozen=True, slots=True)
class Target:
    """`run` raises when a property does not hold for its bytes; `cost` is its share of time."""

    name: str
    run: Callable[[bytes], object]
    cost: float = 1.0

    def run_bounded(self, data: bytes) -> None:
        """Run it on `data`, which may take `SLOWEST_S` of a processor at most.

        By the clock an input that waits for others on a busy machine would be a find.
        """
        began = time.process_time()
        self.run(data)
        took = time.process_time() - began
        assert took <= SLOWEST_S, f"{self.name} took {took:.1f} s for {len(data)} bytes"

    def seeds(self) -> list[bytes]:
        """What is kept for this target, in the order of names."""
        folder = CORPUS / self.name
        return [path.read_bytes() for path in sorted(folder.glob("*"))] if folder.is_dir() else []


_READERS = tuple(
    Target(f"read-{name}", partial(reading.read, path)) for name, path in reading.NAMES.items()
)
TARGETS = (
    *_READERS,
    Target("yaml-lines", reading.plain_yaml, 2),
    Target("json-rows", reading.strict_json),
    Target("dsn", strings.connection, 2),
    Target("mask", strings.masked, 2),
    Target("sealed-value", reading.sealed_value),
    Target("config", reading.settings),
    Target("splice", editing.cut),
    Target("rewrite", editing.rewrite, 3),
    Target("move", editing.move, 2),
    Target("plan-json", records.plan),
    Target("receipt-json", records.receipt, 0.5),
    Target("rehearsal-json", records.rehearsal, 0.5),
    Target("ledger", records.ledger),
    Target("wire-stream", conversing.stream, 0.5),
    Target("wire-certificate", conversing.certificate, 0.5),
    Target("wire-server", conversing.server, 2),
    Target("journal", states.recovery, 2),
    Target("lock", states.holder, 0.5),
    Target("kept-answer", keeping.answer),
    Target("kept-result", keeping.result, 0.5),
    Target("scan", repositories.inventory, 2),
    Target("plan", repositories.planned, 3),
)
"""Every target, in the order they are run in."""


def by_name(name: str) -> Target:
    """The target of that name.

    Raises:
        KeyError: there is none.
    """
    return {target.name: target for target in TARGETS}[name]
