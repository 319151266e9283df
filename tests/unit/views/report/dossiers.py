"""Dossiers made by hand: of any number of consumers, and with a stranger's text in every field."""

from __future__ import annotations

import dataclasses
import enum
from datetime import UTC, datetime, timedelta
from typing import Any

from repoint.flows.dossier import Dossier
from repoint.flows.status import EnvironmentStatus, Status
from repoint.model.benchmark import Benchmark, Measured, Pair, Workload
from repoint.model.consumer import Certainty, Consumer, Purpose, Route, Use
from repoint.model.consumer import Workload as Runs
from repoint.model.dossier import EnvironmentTarget, PoolerTarget, RehearsalRecord
from repoint.model.ledger import Entry, Phase
from repoint.model.plan import (
    Applicability,
    Edit,
    FieldChange,
    FileChange,
    Finding,
    Op,
    OverlayProof,
    PartEdit,
    Plan,
    PlannedConsumer,
    Severity,
    Task,
)
from repoint.model.rehearsal import Check, Control, Rehearsal, RehearsedConsumer, Verdict
from repoint.model.source import Location
from repoint.model.verification import (
    PoolUse,
    Restarts,
    Soak,
    Verification,
    VerifiedConsumer,
)
from repoint.planning.inventory import EnvironmentView, Inventory, SiteReport
from repoint.promotion.gates import GateResult
from repoint.promotion.next_step import NextStep
from repoint.promotion.standing import Standing
from repoint.promotion.timeline import Timeline
from tests.cli.samples import DIRECT, OLD, POOLED, findings, site

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CONTENT = "c" * 64


class NoFiles:
    """A tree without a file: diffs are of what is created."""

    def paths(self) -> tuple[str, ...]:
        """None."""
        return ()

    def read(self, path: str) -> bytes:
        """Nothing."""
        return b""

    def exists(self, path: str) -> bool:
        """Never."""
        return False


def workload(number: int) -> Runs:
    """Every third is a migration Job, the others are Deployments."""
    kind = "Job" if number % 3 == 2 else "Deployment"
    return Runs(kind, "app", f"service-{number}", "main")


def dossier(consumers: int = 5, environment: str = "local") -> Dossier:
    """Everything that a report can hold, in one environment."""
    plan = _plan(consumers, environment)
    entries = _ledger(environment)
    return Dossier(
        "plan",
        cluster="pg",
        commit="a" * 40,
        inventory=_inventory(consumers, environment),
        plan=plan,
        targets=(
            EnvironmentTarget(
                *(environment, "app", "pg", DIRECT), (PoolerTarget("pg-pooler", POOLED, "pg"),)
            ),
        ),
        status=_status(environment, entries),
        ledger=entries,
        rehearsals=(RehearsalRecord(environment, _rehearsal(consumers, environment), "it is old"),),
        benchmarks=(_benchmark(environment),),
        verification=_verification(environment),
    )


def scanned(consumers: int = 5) -> Dossier:
    """A scan alone."""
    return Dossier("scan", inventory=_inventory(consumers, "local"))


def poisoned(value: Any, text: str) -> Any:
    """`value` with `text` in every field that holds a text of any kind."""
    if isinstance(value, enum.Enum) or value is None:
        return value
    if isinstance(value, str):
        return text
    if isinstance(value, tuple):
        return tuple(poisoned(one, text) for one in value)
    if isinstance(value, frozenset):
        return frozenset(poisoned(one, text) for one in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        new = {
            field.name: poisoned(getattr(value, field.name), text)
            for field in dataclasses.fields(value)
            if field.name not in ("command",)
        }
        return dataclasses.replace(value, **new)
    return value


def _is_direct(number: int) -> bool:
    return workload(number).kind == "Job"


def _purpose(number: int) -> Purpose:
    return Purpose.MIGRATION if _is_direct(number) else Purpose.RUNTIME


def _inventory(consumers: int, environment: str) -> Inventory:
    reports, users = [], []
    for number in range(consumers):
        own = workload(number)
        place = site(f"deploy/service-{number}.yaml", 7, "DATABASE_URL", port="")
        use = Use(
            *(place.id, own, environment, _purpose(number), ("kind",), Certainty.CERTAIN),
            variable="DATABASE_URL",
            source="secret" if number % 2 else "command",
            source_name=f"secret-{number}" if number % 2 else "",
            source_key="DATABASE_URL",
        )
        reports.append(
            SiteReport(place, own.id, str(_purpose(number)), (environment,), (use,), True)
        )
        route = Route.DIRECT if _is_direct(number) else Route.POOLED
        users.append(
            Consumer(*(own.id, own, environment, _purpose(number), route, ("kind",), (place.id,)))
        )
    view = EnvironmentView(environment, ("deploy/overlay",), "app", frozenset(), True)
    return Inventory("/somewhere", (view,), tuple(reports), tuple(users), (), (), 40, 12)


def _plan(consumers: int, environment: str) -> Plan:
    rows = [_row(number, environment) for number in range(consumers)]
    where = Location("deploy/service-0.yaml", 7, 1, "/0/data/DATABASE_URL")
    own = Finding(
        *("RP211", Severity.ERROR, "`search_path` is refused", "drop it", where),
        *(environment, rows[0].id if rows else ""),
    )
    proofs = (
        OverlayProof(
            *(environment, "deploy/overlay", environment, "render", ""),
            (FieldChange("Deployment/app/service-0", "spec.image", "a", "b", "x:1"),),
            *(412, "ab" * 32, ("Service/app/other: spec.type",)),
        ),
    )
    return Plan(
        *(1, "0.1.0", (environment,), tuple(rows), _changes(environment)),
        (Task("values.enc", 3, "dsn", environment, "", "it lives elsewhere", f"host {POOLED}"),),
        (own, *findings()),
        proofs,
        ("deploy/other.yaml: no key opens it",),
        (),
        "f" * 64,
    )


def _row(number: int, environment: str) -> PlannedConsumer:
    own = workload(number)
    direct = _is_direct(number)
    return PlannedConsumer(
        *(own.id, own.kind, own.namespace, own.name, own.container, environment),
        *(str(_purpose(number)), "direct" if direct else "pooled", OLD),
        *(DIRECT if direct else POOLED, "Secret only", ("kind",), (f"because of {number}",)),
        pool_mode="" if direct else "session",
    )


def _changes(environment: str) -> tuple[FileChange, ...]:
    new = Edit(
        *(Op.CREATE, "", 1, "ConfigMap/config", "RP110", "a patch of its own"),
        Applicability.REVIEW,
        after="a: 1\nb: 2\n",
        consumers=(workload(0).id,),
    )
    sealed = Edit(
        *(Op.SEALED, '["stringData"]["DATABASE_URL"]', 7, "DATABASE_URL", "RP102", "goes there"),
        Applicability.SAFE,
        parts=(PartEdit("host", OLD, POOLED),),
    )
    return (
        FileChange("deploy/new.yaml", environment, "", "1" * 64, (new,)),
        FileChange("deploy/secret.yaml", environment, "0" * 64, "", (sealed,)),
    )


def _ledger(environment: str) -> tuple[Entry, ...]:
    return tuple(
        Entry(
            *(f"{number}", START + timedelta(minutes=number), "Ada <ada@example.org>", "1.0"),
            *(environment, phase, Verdict.PASS, CONTENT, "f" * 64, "11 files"),
            overrides=("data: it is empty",) if number == 1 else (),
            seconds=90.0 if phase is Phase.SOAKED else 0.0,
        )
        for number, phase in enumerate((Phase.APPLIED, Phase.ROLLED_OUT, Phase.SOAKED))
    )


def _status(environment: str, entries: tuple[Entry, ...]) -> Status:
    standing = Standing(environment, CONTENT, Verdict.PASS)
    gate = GateResult("data", Verdict.UNKNOWN, "not compared", "repoint data compare")
    one = EnvironmentStatus(
        Timeline.of(standing, entries), (gate,), NextStep("repoint verify", "it is rolled out")
    )
    return Status((one,), has_ledger=True, merges=False)


def _rehearsal(consumers: int, environment: str) -> Rehearsal:
    bad = Check("login", Verdict.FAIL, "the login is taken", "it is refused", ("SP1",))
    good = Check("tls", Verdict.PASS, "TLS", "TLS 1.3")
    skipped = Check("search-path", Verdict.SKIPPED, "", "it sets none")
    rows = tuple(
        RehearsedConsumer(
            *(workload(number).id, environment, "pooled", "session", "pgx", POOLED),
            (bad if number == 0 else good, skipped),
        )
        for number in range(consumers)
    )
    control = Control("wrong-password", environment, "", Verdict.PASS, "refused", "refused")
    return Rehearsal(
        *(1, "1.0", "f" * 64, (environment,), "18.4", "1.25.1", ("one machine",), rows),
        (control,),
    )


def _benchmark(environment: str) -> Benchmark:
    load = Workload("new", "a new connection for each transaction", 32, True)
    pairs = (Pair(100.0, 210.0, "direct"), Pair(110.0, 220.0, "pooled"))
    return Benchmark(
        *(environment, "pg-pooler", "session", "18.4", "1.25.1", "18.6", "2 processors"),
        *(2.0, 10, ("one machine",), (Measured(load, pairs),)),
    )


def _verification(environment: str) -> Verification:
    check = Check("server", Verdict.UNKNOWN, "the new server", "nobody answered")
    one = VerifiedConsumer(
        *(workload(0).id, "pooled", POOLED, "pgx", "Secret/s key DATABASE_URL", (check,))
    )
    pool = PoolUse(
        *("pg-pooler", "app", "app", Verdict.PASS, "enough room", 10, 0, 0.0, 0.1, 0.5, 0.4, 99)
    )
    soak = Soak(
        *(90.0, 90.0, 10, ""), (pool,), (Restarts(one.id, Verdict.PASS, 0, "none"),), ("a gap",)
    )
    return Verification(
        *(1, "1.0", environment, "kind-app", "port-forward", (one,), (check,)),
        (Control("old-server", environment, "", Verdict.PASS, "gone", "gone"),),
        ("no metrics",),
        soak,
    )
