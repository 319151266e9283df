"""A small inventory and a plan made by hand, with canaries where a careless view would leak."""

from __future__ import annotations

from repoint.model.consumer import Consumer, Part, Purpose, Route, Site, Style, Workload
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
from repoint.model.source import Location, Span, Unreadable
from repoint.planning.inventory import EnvironmentView, Inventory, SiteReport

CANARY = "canary-hunter2"
OLD = "postgres.app.svc.cluster.local"
POOLED = "pg-pooler.app.svc.cluster.local"
DIRECT = "pg-rw.app.svc.cluster.local"
SECRET = "deploy/secrets/local/api-secret.yaml"
JOB = "deploy/base/migrate-job.yaml"
JOB_LINE = f'  value: "postgresql://app:{CANARY}@{OLD}:5432/app?sslmode=disable"\n'
JOB_TEXT = f"kind: Job\nspec:\n  password: {CANARY}\n{JOB_LINE}"


def site(path: str, line: int, key: str, *, sealed: bool = False, port: str = "5432") -> Site:
    """A site of the old server."""
    return Site(
        location=Location(path, line, 10, f"/0/stringData/{key}"),
        style=Style.URL,
        key=key,
        host=Part(OLD, None if sealed else Span(10, 40)),
        port=Part(port, None) if port else None,
        database="app",
        user="app",
        schema="app",
        sealed=sealed,
    )


def inventory() -> Inventory:
    """Two consumers in one environment, an orphan, an unreadable file, two findings."""
    secret = site(SECRET, 7, "DATABASE_URL", sealed=True)
    job = site(JOB, 4, "DATABASE_URL")
    orphan = site("scripts/dump.sh", 3, "pg_dump", port="$PORT")
    api = Workload("Deployment", "app", "api", "api")
    migrate = Workload("Job", "app", "api-migrate")
    return Inventory(
        root="/repository",
        environments=(
            EnvironmentView("local", ("deploy/overlays/local",), "app", frozenset(), True),
            EnvironmentView(
                "staging",
                ("deploy/overlays/staging",),
                "",
                frozenset(),
                False,
                "a patch is missing",
            ),
        ),
        sites=(
            SiteReport(secret, "api", "runtime", ("local",), (), True),
            SiteReport(job, "migrate", "migration", ("local",), (), True),
            SiteReport(orphan, "", "backup", (), (), True),
        ),
        consumers=(
            Consumer(
                *("api", api, "local", Purpose.RUNTIME, Route.POOLED),
                evidence=("a Deployment serves", "env DATABASE_URL <- secret api-secret"),
                sites=(secret.id,),
                update_required="Secret only",
            ),
            Consumer(
                *("migrate", migrate, "local", Purpose.MIGRATION, Route.DIRECT),
                evidence=("a Job runs atlas",),
                sites=(job.id,),
                update_required="Job config only",
            ),
        ),
        unreadable=(Unreadable("deploy/secrets/staging/api.yaml", "no key opens it"),),
        findings=findings(),
        files_seen=40,
        files_read=12,
    )


def findings() -> tuple[Finding, ...]:
    """A blocking error with a place, an accepted one, and a warning."""
    where = Location(SECRET, 7, 1, "/0/stringData/DATABASE_URL")
    return (
        Finding("RP241", Severity.WARNING, "the pool is small", "raise it", environment="local"),
        Finding("RP211", Severity.ERROR, "`search_path` | refused", "drop it", where, "local"),
        Finding("RP303", Severity.ERROR, "clear text", "seal it", accepted="a test password"),
    )


def plan(*, blocked: bool = True) -> Plan:
    """A sealed edit, a spliced one and a copied one; a task; proofs for two environments."""
    start = JOB_TEXT.index(OLD)
    parts = (PartEdit("host", OLD, POOLED), PartEdit("param", "disable", "require", "sslmode"))
    sealed = Edit(
        *(Op.SEALED, '["stringData"]["DATABASE_URL"]', 7, "DATABASE_URL", "RP110"),
        *("runtime goes through the pooler", Applicability.SAFE),
        parts=parts,
    )
    added = Edit(
        *(
            Op.SEALED_ADD,
            '["stringData"]["DATABASE_URL_DIRECT"]',
            7,
            "DATABASE_URL_DIRECT",
            "RP102",
        ),
        *("the migration reads a key of its own", Applicability.REVIEW),
        parts=(PartEdit("host", OLD, DIRECT),),
        source_pointer='["stringData"]["DATABASE_URL"]',
    )
    spliced = Edit(
        *(Op.SPLICE, "/0/spec/value", 4, "DATABASE_URL", "RP110"),
        *("a migration goes direct", Applicability.SAFE),
        start=start,
        end=start + len(OLD),
        before=OLD,
        after=DIRECT,
    )
    changed = FieldChange("Job/app/api-migrate", "/spec/value", "a", "b", "x")
    return Plan(
        format=1,
        tool_version="0.1.0",
        environments=("local", "staging"),
        consumers=(
            PlannedConsumer(
                *("api", "Deployment", "app", "api", "api", "local", "runtime", "pooled"),
                *(f"{OLD}:5432", f"{POOLED}:5432", "Secret only", ("a Deployment serves",)),
            ),
        ),
        changes=(
            FileChange(SECRET, "local", "0" * 64, "", (sealed, added)),
            FileChange(JOB, "local", "1" * 64, "2" * 64, (spliced,)),
        ),
        tasks=(
            Task("values.enc", 3, "dsn", "local", "api", "it lives elsewhere", f"host {POOLED}"),
        ),
        findings=findings() if blocked else (),
        proofs=(
            OverlayProof(
                "local", "deploy/overlays/local", "local", "render", "", (changed,), 412, "ab" * 32
            ),
            OverlayProof("staging", "deploy/overlays/staging", "local", "untouched", "", (), 0, ""),
        ),
        unreadable=("deploy/secrets/staging/api.yaml: no key opens it",),
        inputs=(),
        fingerprint="f" * 64,
    )
