"""The verdict of a soak: readings held against the limits of repoint.yaml."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from repoint.model.cluster import Document
from repoint.model.rehearsal import Verdict
from repoint.model.verification import PoolUse, Restarts, Soak
from repoint.verification.metrics import PodMetrics

FEWEST = 3
"""Readings without which nothing is known."""
_SOME = 0.1
"""The share of the readings that may be beyond a limit, or missing."""

PoolName = tuple[str, str, str]
"""Pooler, database and role."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a soak lets pass; `expected` is the number of readings if it lasts as long as wanted."""

    max_waiting: int
    max_wait_s: float
    max_used: float
    max_restarts: int
    expected: int


@dataclass(frozen=True, slots=True)
class Reading:
    """Every Pooler's pods at one moment; a pod that could not be read is among `gaps`.

    `pods` are metrics by Pooler and pod, `gaps` texts by Pooler.
    """

    pods: Mapping[tuple[str, str], PodMetrics]
    gaps: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ContainerState:
    """How often a container restarted and why it ended last, by the pod's uid and its name."""

    pod: str
    container: str
    restarts: int
    reason: str


def judge(
    readings: Sequence[Reading],
    limits: Limits,
    *,
    pools: Iterable[PoolName],
    sizes: Mapping[str, int],
    restarts: Iterable[Restarts],
    wanted_s: float,
    lasted_s: float,
    ended: str = "",
) -> Soak:
    """What the readings so far come to.

    Args:
        pools: Pools of our consumers, which must be used meanwhile. Others that are seen are
            judged too, but may be idle: `pg_isready` leaves one behind.
        sizes: Server connections that each Pooler's pool may open in one pod.
        restarts: Of consumers and Poolers, as `restarts_of` counts them.
    """
    ours = frozenset(pools)
    names = dict.fromkeys((*sorted(ours), *_seen(readings)))
    told = [
        _pool(name, readings, limits, sizes.get(name[0], 0), wanted=name in ours) for name in names
    ]
    gaps = dict.fromkeys(gap for reading in readings for gap in reading.gaps.values())
    return Soak(
        wanted_s=wanted_s,
        lasted_s=lasted_s,
        readings=len(readings),
        ended=ended,
        pools=tuple(told),
        restarts=tuple(restarts),
        gaps=tuple(gaps),
    )


def is_lost(soak: Soak) -> bool:
    """Whether no later reading can mend it."""
    return soak.verdict is Verdict.FAIL


def restarts_of(
    consumer: str,
    before: Iterable[ContainerState] | None,
    now: Iterable[ContainerState] | None,
    most: int,
) -> Restarts:
    """Restarts between two looks; a pod that was not there before counts from its start.

    None stands for a look that could not be had.
    """
    if before is None or now is None:
        return Restarts(consumer, Verdict.UNKNOWN, 0, "its pods could not be read")
    known = {(one.pod, one.container): one.restarts for one in before}
    count, why = 0, ""
    for one in now:
        more = one.restarts - known.get((one.pod, one.container), 0)
        if more > 0:
            count += more
            why = f"`{one.container}` ended: {one.reason or 'no reason is told'}"
    verdict = Verdict.FAIL if count > most else Verdict.PASS
    return Restarts(consumer, verdict, count, f"{count} restarts{'; ' if why else ''}{why}")


def containers_in(pods: Iterable[Document]) -> tuple[ContainerState, ...]:
    """Every container of some pods, with its restarts so far."""
    found = []
    for pod in pods:
        uid = str((pod.get("metadata") or {}).get("uid", ""))
        for one in (pod.get("status") or {}).get("containerStatuses") or ():
            last = (one.get("lastState") or {}).get("terminated") or {}
            reason = str(last.get("reason") or "")
            if last.get("exitCode") is not None:
                reason = f"{reason} (exit status {last['exitCode']})".strip()
            name, count = str(one.get("name", "")), int(one.get("restartCount") or 0)
            found.append(ContainerState(uid, name, count, reason))
    return tuple(found)


def pool_size(parameters: Mapping[str, str]) -> int:
    """Server connections that one pool of one PgBouncer may open (CA1)."""
    size = _number(parameters.get("default_pool_size"), 20)
    most = _number(parameters.get("max_db_connections"), 0)
    return min(size, most) if most else size


def _number(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isdigit() else default


def _seen(readings: Sequence[Reading]) -> list[PoolName]:
    found = {
        (pooler, pool.database, pool.user)
        for reading in readings
        for (pooler, _), pod in reading.pods.items()
        for pool in pod.pools
    }
    return sorted(found)


def _pool(
    name: PoolName, readings: Sequence[Reading], limits: Limits, size: int, *, wanted: bool
) -> PoolUse:
    pooler, database, user = name
    used: list[float] = []
    waiting: list[int] = []
    longest = 0.0
    for reading in readings:
        if pooler in reading.gaps:
            continue
        states = [
            pool
            for (owner, _), pod in reading.pods.items()
            for pool in pod.pools
            if (owner, pool.database, pool.user) == name
        ]
        used.append(max((one.active / size for one in states), default=0.0) if size else 0.0)
        waiting.append(sum(one.waiting for one in states))
        longest = max(longest, *(one.max_wait_s for one in states), 0.0)
    whole = max(limits.expected, len(readings), 1)
    queries = _queries(readings, pooler, database)
    made = PoolUse(
        pooler=pooler,
        database=database,
        user=user,
        verdict=Verdict.PASS,
        observed="",
        readings=len(used),
        waiting=max(waiting, default=0),
        waited_share=sum(one > limits.max_waiting for one in waiting) / whole,
        max_wait_s=longest,
        max_used=max(used, default=0.0),
        used_share=sum(one > limits.max_used for one in used) / whole,
        queries=queries,
        used=tuple(round(one, 3) for one in used),
    )
    verdict, observed = _verdict(made, readings, limits, wanted=wanted)
    return replace(made, verdict=verdict, observed=observed)


def _verdict(
    pool: PoolUse, readings: Sequence[Reading], limits: Limits, *, wanted: bool
) -> tuple[Verdict, str]:
    if pool.max_wait_s > limits.max_wait_s:
        return Verdict.FAIL, (
            f"a client waited {pool.max_wait_s:.1f} s, {limits.max_wait_s:g} s may be"
        )
    if pool.waited_share > _SOME:
        return Verdict.FAIL, f"clients waited in {pool.waited_share:.0%} of the readings"
    if pool.used_share > _SOME:
        return Verdict.FAIL, (
            f"more than {limits.max_used:.0%} in use in {pool.used_share:.0%} of the readings"
        )
    missing = len(readings) - pool.readings
    if pool.readings < FEWEST or missing > _SOME * len(readings):
        return Verdict.UNKNOWN, f"{pool.readings} of {len(readings)} readings could be had"
    if wanted and pool.queries == 0:
        return Verdict.UNKNOWN, f"no query of `{pool.database}` went through meanwhile"
    return Verdict.PASS, (
        f"{pool.queries} queries, at most {pool.max_used:.0%} in use, "
        f"{pool.waiting} waited, longest {pool.max_wait_s:.1f} s"
    )


def _queries(readings: Sequence[Reading], pooler: str, database: str) -> int:
    """Queries between readings, over all pods; a PgBouncer that began anew counts from zero."""
    last: dict[str, int] = {}
    total = 0
    for reading in readings:
        for (owner, pod), metrics in reading.pods.items():
            if owner != pooler or metrics.failed:
                continue
            count = dict(metrics.queries).get(database, 0)
            if pod in last:
                total += count - last[pod] if count >= last[pod] else count
            last[pod] = count
    return total
