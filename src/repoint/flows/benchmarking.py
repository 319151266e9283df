"""Bench: one load against PostgreSQL and against the Pooler in front of it, taking turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repoint.flows.rehearsing.flow import Prepared
from repoint.model.benchmark import Benchmark, Measured, Pair, Workload
from repoint.ports.servers import Laboratory, LoadGenerator
from repoint.ports.work import Progress
from repoint.rehearsal.lab import BouncerSpec, LabSpec
from repoint.rehearsal.spec import lab_spec
from repoint.rehearsal.workloads import order, workloads
from repoint.rules.budget import DEFAULT_MAX_CONNECTIONS, DEFAULT_POOL_SIZE
from repoint.wire.login import Login

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Bench:
    """A Pooler to measure, and the servers that it needs."""

    spec: LabSpec
    pooler: BouncerSpec

    @property
    def login(self) -> Login:
        """The owner of the first database, who may make the tables of the load."""
        database = self.spec.postgres.databases[0]
        owner = next(one for one in self.spec.postgres.roles if one.name == database.owner)
        return Login("libpq", owner.name, owner.password, database.name)


@dataclass(frozen=True, slots=True)
class Settings:
    """How to measure: pairs of slices, seconds a slice, size of the tables, on what."""

    rounds: int
    seconds: float
    scale: int
    machine: str


def benches(prepared: Prepared) -> tuple[Bench, ...]:
    """Every Pooler that the plan sends somebody through, in promotion order."""
    specs = [
        lab_spec(scene.ground, scene.clients, scene.passwords.by_role)
        for _, scenes, _ in prepared.scenes
        for scene in scenes
    ]
    return tuple(
        Bench(spec, pooler) for spec in specs if spec.postgres.databases for pooler in spec.bouncers
    )


def benchmark(
    laboratory: Laboratory,
    load: LoadGenerator,
    bench: Bench,
    settings: Settings,
    progress: Progress,
) -> Benchmark:
    """Measure a Pooler against its own Cluster.

    Raises:
        ServersMissing: no PostgreSQL or PgBouncer that is good enough is here.
        LabFailed: a server did not start.
        ToolFailed: the load generator failed.
    """
    spec, pooler = bench.spec, bench.pooler
    loads = workloads(
        pooler.mode,
        _number(pooler.parameters, "default_pool_size", DEFAULT_POOL_SIZE),
        _number(spec.postgres.parameters, "max_connections", DEFAULT_MAX_CONNECTIONS),
    )
    progress.step("starting the servers")
    with laboratory.open(spec) as lab:
        addresses = {
            "direct": lab.address(spec.postgres.host),
            "pooled": lab.address(pooler.host),
        }
        progress.step("making the tables")
        load.prepare(addresses["direct"], bench.login, settings.scale)
        progress.step("measuring", len(loads) * settings.rounds)
        measured = [
            _measured(load, addresses, bench.login, one, settings, progress) for one in loads
        ]
        return Benchmark(
            environment=spec.environment,
            pooler=pooler.name,
            pool_mode=pooler.mode,
            postgres=lab.postgres_version,
            pgbouncer=lab.pgbouncer_version,
            pgbench=load.version,
            machine=settings.machine,
            seconds=settings.seconds,
            scale=settings.scale,
            fidelity=lab.fidelity,
            measured=tuple(measured),
        )


def _measured(
    load: LoadGenerator,
    addresses: dict[str, Address],
    login: Login,
    workload: Workload,
    settings: Settings,
    progress: Progress,
) -> Measured:
    pairs = []
    progress.at(workload.title)
    for number in range(settings.rounds):
        turns = order(number)
        tps = {
            route: load.measure(addresses[route], login, workload, settings.seconds)
            for route in turns
        }
        pairs.append(Pair(tps["direct"], tps["pooled"], turns[0]))
        progress.advance()
    return Measured(workload, tuple(pairs))


def _number(parameters: Sequence[tuple[str, str]], name: str, default: int) -> int:
    text = dict(parameters).get(name, "")
    return int(text) if text.isdigit() else default
