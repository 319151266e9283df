"""A soak: pools and restarts watched for a while, and judged as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from repoint.errors import ClusterLost, ClusterRefused
from repoint.flows.verifying.flow import Scenery
from repoint.model.cluster import Document, ObjectRef, ref_of
from repoint.model.verification import Restarts, Soak
from repoint.planning.config import Config, seconds_of
from repoint.ports.cluster import ClusterApi
from repoint.ports.connecting import HttpGet
from repoint.verification.metrics import PATH, PORT, PodMetrics, read_metrics
from repoint.verification.soaking import (
    ContainerState,
    Limits,
    PoolName,
    Reading,
    containers_in,
    is_lost,
    judge,
    pool_size,
    restarts_of,
)
from repoint.verification.standing import is_over, selector_of

_NO_ANSWER = (ClusterRefused, ClusterLost, OSError)
_POOLER_LABEL = "cnpg.io/poolerName"

Look = tuple[ContainerState, ...] | None


@dataclass(frozen=True, slots=True)
class Watched:
    """What a soak looks at: consumers' workloads, Poolers, and the pools that must be used."""

    workloads: tuple[Document, ...]
    poolers: tuple[Document, ...]
    pools: frozenset[PoolName]


def watched(scene: Scenery) -> Watched:
    """Everything that the environment's pooled consumers use; what runs now and then may idle."""
    subjects = [
        s
        for s in scene.subjects
        if s.workload is not None and s.live is not None
        if s.container.kind not in ("Job", "CronJob")
    ]
    pools = {
        (s.client.pooler, s.client.login.database, s.client.login.user)
        for s in subjects
        if s.client.pooler and s.client.login is not None
    }
    names = {name for name, _, _ in pools}
    workloads = {ref_of(s.workload): s.workload for s in subjects if s.workload is not None}
    poolers = tuple(one for one in scene.live.poolers if ref_of(one).name in names)
    return Watched(tuple(workloads.values()), poolers, frozenset(pools))


def soak(
    api: ClusterApi,
    config: Config,
    what: Watched,
    *,
    wanted_s: float,
    get: HttpGet,
    seen: Callable[[Soak], None] = lambda _: None,
    wait: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> Soak:
    """Look every `verify.soak.every` until `wanted_s` seconds are over.

    It ends before where it has failed for certain, and where a person interrupts it: then it
    says how long it looked. `seen` is told what it comes to after each reading.
    """
    every = seconds_of(config.verify.soak.every)
    limits = _limits(config, int(wanted_s // every) + 1)
    with ExitStack() as stack:
        watch = _Watch(api, what, limits, get, stack, seconds_of(config.verify.timeout))
        began = now()
        told = watch.told(wanted_s, 0.0)
        try:
            while True:
                watch.look()
                passed = now() - began
                told = watch.told(wanted_s, min(passed, wanted_s))
                seen(told)
                if is_lost(told):
                    return told if passed >= wanted_s else replace(told, ended="failed")
                if passed >= wanted_s:
                    return told
                wait(min(every, wanted_s - passed))
        except KeyboardInterrupt:
            return replace(told, ended="interrupted", lasted_s=min(now() - began, wanted_s))


def _limits(config: Config, expected: int) -> Limits:
    rules = config.verify.soak
    longest = seconds_of(rules.max_wait)
    return Limits(rules.max_waiting, longest, rules.max_used, rules.max_restarts, expected)


@dataclass(slots=True, eq=False)
class _Watch:
    """The readings of one soak, and the ways to its pods; one that breaks is opened anew."""

    api: ClusterApi
    what: Watched
    limits: Limits
    get: HttpGet
    stack: ExitStack
    timeout_s: float
    readings: list[Reading] = field(default_factory=list)
    first: dict[str, Look] = field(default_factory=dict)
    last: dict[str, Look] = field(default_factory=dict)
    _ways: dict[tuple[str, str], tuple[ExitStack, tuple[str, int]]] = field(default_factory=dict)

    def look(self) -> None:
        """Take one reading."""
        pods: dict[tuple[str, str], PodMetrics] = {}
        gaps: dict[str, str] = {}
        for pooler in self.what.poolers:
            ref = ref_of(pooler)
            try:
                mine = self._pods(ref.namespace, f"{_POOLER_LABEL}={ref.name}")
            except _NO_ANSWER as error:
                gaps[ref.name] = _why(ref.name, error)
                self._keep(f"Pooler/{ref.name}", None)
                continue
            self._keep(f"Pooler/{ref.name}", containers_in(mine))
            if not mine:
                gaps[ref.name] = f"Pooler `{ref.name}` has no pod"
            for pod in mine:
                self._read(ref, ref_of(pod).name, pods, gaps)
        for workload in self.what.workloads:
            self._keep(_called(workload), self._containers(workload))
        self.readings.append(Reading(pods, gaps))

    def told(self, wanted_s: float, lasted_s: float) -> Soak:
        """What the readings so far come to."""
        return judge(
            self.readings,
            self.limits,
            pools=self.what.pools,
            sizes={ref_of(one).name: pool_size(_parameters(one)) for one in self.what.poolers},
            restarts=self._restarts(),
            wanted_s=wanted_s,
            lasted_s=lasted_s,
        )

    def _restarts(self) -> Iterable[Restarts]:
        most = self.limits.max_restarts
        for name, before in self.first.items():
            yield restarts_of(name, before, self.last.get(name), most)

    def _keep(self, name: str, look: Look) -> None:
        """A look that could not be had is made up for by the next one."""
        if self.first.get(name) is None:
            self.first[name] = look
        if look is not None or name not in self.last:
            self.last[name] = look

    def _pods(self, namespace: str, labels: str) -> tuple[Document, ...]:
        found = self.api.list("v1", "Pod", namespace, labels=labels)
        # A pod that is being deleted may have lost its PgBouncer already.
        return tuple(
            pod for pod in found if not is_over(pod) and "deletionTimestamp" not in pod["metadata"]
        )

    def _containers(self, workload: Document) -> Look:
        labels = selector_of(workload)
        if not labels:
            return None
        try:
            return containers_in(self._pods(ref_of(workload).namespace, labels))
        except _NO_ANSWER:
            return None

    def _read(
        self,
        pooler: ObjectRef,
        pod: str,
        pods: dict[tuple[str, str], PodMetrics],
        gaps: dict[str, str],
    ) -> None:
        try:
            address = self._way(pooler.namespace, pod)
            status, text = self.get(address, pod, PATH, tls=False, timeout_s=self.timeout_s)
            metrics = read_metrics(text) if status == 200 else None
        except (*_NO_ANSWER, ValueError) as error:
            self._forget(pooler.namespace, pod)
            gaps[pooler.name] = _why(pod, error)
            return
        if metrics is None:
            gaps[pooler.name] = f"pod `{pod}` answers {status} for its metrics"
        elif metrics.failed:
            gaps[pooler.name] = f"the exporter of pod `{pod}` cannot read PgBouncer (OP12)"
        else:
            pods[pooler.name, pod] = metrics

    def _way(self, namespace: str, pod: str) -> tuple[str, int]:
        key = (namespace, pod)
        if key not in self._ways:
            own = self.stack.enter_context(ExitStack())
            address = own.enter_context(self.api.forward(namespace, f"pod/{pod}", PORT))
            self._ways[key] = (own, address)
        return self._ways[key][1]

    def _forget(self, namespace: str, pod: str) -> None:
        own = self._ways.pop((namespace, pod), None)
        if own is not None:
            own[0].close()


def _parameters(pooler: Document) -> Mapping[str, str]:
    found = ((pooler.get("spec") or {}).get("pgbouncer") or {}).get("parameters") or {}
    return {str(key): str(value) for key, value in found.items()}


def _called(workload: Document) -> str:
    ref = ref_of(workload)
    return f"{ref.kind}/{ref.name}"


def _why(what: str, error: Exception) -> str:
    if isinstance(error, (ClusterRefused, ClusterLost)):
        return error.message
    if isinstance(error, ValueError):
        return f"`{what}`: {error}"
    return f"`{what}` does not answer at its metrics' port"
