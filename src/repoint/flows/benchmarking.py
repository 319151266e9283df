"""Bench: one load against PostgreSQL and against the Pooler in front of it, taking turns."""

from __future__ import annotations

from collections.abc import Sequence

from repoint.model.benchmark import Benchmark, Measured, Pair, Workload
from repoint.ports import LoadGenerator, Progress, RunningLab
from repoint.rehearsal.lab import BouncerSpec, LabSpec
from repoint.rehearsal.workloads import DEFAULT_POOL_SIZE, order, workloads
from repoint.wire.login import Login

DEFAULT_MAX_CONNECTIONS = 100


def benchmark(
    lab: RunningLab,
    load: LoadGenerator,
    spec: LabSpec,
    pooler: BouncerSpec,
    login: Login,
    *,
    rounds: int,
    seconds: float,
    scale: int,
    machine: str,
    progress: Progress,
) -> Benchmark:
    """Measure `pooler` against its own Cluster.

    Args:
        lab: The servers, up.
        load: What makes the load.
        spec: What the servers were made from.
        pooler: The Pooler of `spec` to measure.
        login: A role that may make tables in its database.
        rounds: Pairs of slices for each workload.
        seconds: How long a slice takes.
        scale: Size of the tables, in 100,000 rows.
        machine: What it ran on, for the record.
        progress: Told each slice.

    Raises:
        ToolFailed: the load generator failed.
    """
    size = _number(pooler.parameters, "default_pool_size", DEFAULT_POOL_SIZE)
    most = _number(spec.postgres.parameters, "max_connections", DEFAULT_MAX_CONNECTIONS)
    loads = workloads(pooler.mode, size, most)
    progress.step("making the tables")
    addresses = {
        "direct": lab.address(spec.postgres.host),
        "pooled": lab.address(pooler.host),
    }
    load.prepare(addresses["direct"], login, scale)
    progress.step("measuring", len(loads) * rounds * 2)
    measured = []
    for one in loads:
        pairs = []
        for number in range(rounds):
            pairs.append(_pair(load, addresses, login, one, seconds, order(number)))
            progress.advance(2)
        measured.append(Measured(one, tuple(pairs)))
    return Benchmark(
        environment=spec.environment,
        pooler=pooler.name,
        pool_mode=pooler.mode,
        postgres=lab.postgres_version,
        pgbouncer=lab.pgbouncer_version,
        pgbench=load.version,
        machine=machine,
        seconds=seconds,
        scale=scale,
        fidelity=lab.fidelity,
        measured=tuple(measured),
    )


def _pair(
    load: LoadGenerator,
    addresses: dict[str, tuple[str, int]],
    login: Login,
    workload: Workload,
    seconds: float,
    turns: Sequence[str],
) -> Pair:
    tps = {route: load.measure(addresses[route], login, workload, seconds) for route in turns}
    return Pair(tps["direct"], tps["pooled"], turns[0])


def _number(parameters: Sequence[tuple[str, str]], name: str, default: int) -> int:
    text = dict(parameters).get(name, "")
    return int(text) if text.isdigit() else default
