"""What `repoint bench` measures: the same load direct and pooled, side by side in one run."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Workload:
    """A load that pgbench makes.

    `clients` run at once; with `reconnect` each transaction has a connection of its own.
    """

    id: str
    title: str
    clients: int
    reconnect: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """Two slices taken one right after the other, in transactions per second.

    `first` tells which came first; the order alternates, so that a machine that gets
    slower or faster on the way favours neither.
    """

    direct: float
    pooled: float
    first: str

    @property
    def ratio(self) -> float:
        """Pooled over direct: above 1 the pool is faster."""
        return self.pooled / self.direct


@dataclass(frozen=True, slots=True)
class Measured:
    """A workload's pairs, at least one."""

    workload: Workload
    pairs: tuple[Pair, ...]

    @property
    def median(self) -> float:
        """The median ratio."""
        return median(pair.ratio for pair in self.pairs)

    @property
    def lowest(self) -> float:
        """The smallest ratio of a pair."""
        return min(pair.ratio for pair in self.pairs)

    @property
    def highest(self) -> float:
        """The largest ratio of a pair."""
        return max(pair.ratio for pair in self.pairs)

    def tps(self, route: str) -> float:
        """The median transactions per second of `direct` or `pooled`."""
        return median(pair.pooled if route == "pooled" else pair.direct for pair in self.pairs)

    @property
    def outcome(self) -> str:
        """`faster`, `slower`, or `unclear` where the spread has both."""
        if self.lowest > 1:
            return "faster"
        return "slower" if self.highest < 1 else "unclear"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One run: what ran it, and what every workload showed.

    `seconds` is how long a slice takes; `machine` is processors and their name.
    """

    environment: str
    pooler: str
    pool_mode: str
    postgres: str
    pgbouncer: str
    pgbench: str
    machine: str
    seconds: float
    scale: int
    fidelity: tuple[str, ...]
    measured: tuple[Measured, ...]
