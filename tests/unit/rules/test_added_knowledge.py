"""Added knowledge decides where the built-in tables would decide otherwise, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from repoint.model.consumer import Certainty, Purpose
from repoint.model.knowledge import Knowledge, knowing
from repoint.planning.knowledge import knowledge_in
from repoint.rules.facts import HazardKind
from repoint.rules.known_drivers import driver_of_program
from repoint.rules.known_images import image_hazards, is_known
from repoint.rules.libraries import is_added_manifest
from repoint.rules.purpose import ContainerFacts, judge, judge_file
from repoint.rules.source_scan import scan_source

ADDED = knowledge_in(
    """
tools:
  - {name: acme-move, purpose: migration, commands: ["acme-move up|down"], driver: pgx,
     images: [acme/move], files: [acme-move.toml]}
  - {name: dbwait, purpose: probe, commands: [dbwait], images: [dbwait], waits: true}
  - {name: Acme migrate console, purpose: runtime, commands: [acme-migrate-ui], images: [acme/ui]}
  - {name: our curl, purpose: backup, commands: ["curl dump"]}
  - {name: our gitea, purpose: monitoring, images: [gitea/gitea]}
images:
  - {name: Acme jobs, images: [acme/jobs], driver: psycopg, keeps: [listen], says: it listens}
kinds:
  - {kind: AcmeApp, runs: serves}
  - {kind: AcmeTask, runs: finishes}
  - {kind: AcmeMove, purpose: migration}
libraries:
  - {name: Acme ORM, manifest: go.mod, dependency: acme.dev/orm, driver: pgx}
  - {name: Acme queue, manifest: "*.acme", dependency: queue, keeps: [listen], says: it listens}
  - {name: left-queue, manifest: package.json, dependency: "@acme/queue", keeps: [advisory-lock],
     says: it locks}
""",
    "ops/known.yaml",
)
DEPLOYMENT = ContainerFacts("Deployment", "web")
JOB = ContainerFacts("Job", "work")
URL = {"variable": "DATABASE_URL"}


@pytest.fixture
def added() -> Iterator[Knowledge]:
    with knowing(ADDED):
        yield ADDED


CASES = [
    ("command", replace(JOB, command=("acme-move", "up")), "unknown", "migration"),
    (
        "in a script",
        replace(JOB, command=("sh", "-c", "set -e\nacme-move up\n")),
        "unknown",
        "migration",
    ),
    ("init", replace(DEPLOYMENT, init=True, command=("acme-move", "up")), "unknown", "migration"),
    ("another word", replace(JOB, command=("acme-move", "sideways")), "unknown", "unknown"),
    ("image", replace(JOB, image="registry.acme:5000/acme/move:1"), "unknown", "migration"),
    ("wait", replace(DEPLOYMENT, init=True, command=("dbwait", "db:5432")), "unknown", "probe"),
    (
        "wait image",
        replace(DEPLOYMENT, init=True, image="registry.acme/dbwait:1"),
        "unknown",
        "probe",
    ),
    ("no guess", replace(DEPLOYMENT, command=("acme-migrate-ui",)), "migration", "runtime"),
    ("neutral word", replace(JOB, command=("curl", "dump")), "unknown", "backup"),
    ("added wins", replace(DEPLOYMENT, image="gitea/gitea:1"), "runtime", "monitoring"),
    ("kind serves", ContainerFacts("AcmeApp", "web"), "unknown", "runtime"),
    ("kind finishes", ContainerFacts("AcmeTask", "x", image="postgres:16"), "unknown", "admin"),
    ("kind wants", ContainerFacts("AcmeMove", "x"), "unknown", "migration"),
    ("other kinds", ContainerFacts("AcmeThing", "x"), "unknown", "unknown"),
]


@pytest.mark.parametrize(
    ("facts", "before", "after"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_the_purpose(facts: ContainerFacts, before: str, after: str) -> None:
    assert judge(facts, **URL).purpose.value == before
    with knowing(ADDED):
        assert judge(facts, **URL).purpose.value == after
    assert judge(facts, **URL).purpose.value == before


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            replace(JOB, command=("acme-move", "up")),
            "runs `acme-move up` (acme-move, says ops/known.yaml)",
        ),
        (replace(JOB, image="acme/move:1"), "image `acme/move` (acme-move, says ops/known.yaml)"),
        (ContainerFacts("AcmeMove", "x"), "kind AcmeMove, says ops/known.yaml"),
    ],
)
def test_evidence_names_who_said_it(added: Knowledge, facts: ContainerFacts, said: str) -> None:
    verdict = judge(facts, **URL)
    assert said in verdict.evidence
    assert verdict.certainty is Certainty.CERTAIN


def test_files_of_a_tool(added: Knowledge) -> None:
    verdict = judge_file("db/acme-move.toml", "url", "", "")
    assert verdict.purpose is Purpose.MIGRATION
    assert verdict.evidence == ("settings of acme-move, says ops/known.yaml, in db/acme-move.toml",)
    assert judge_file("db/acme-moves.toml", "url", "", "").purpose is Purpose.UNKNOWN


def test_commands_in_a_script_of_the_repository(added: Knowledge) -> None:
    script = "#!/bin/sh\nacme-move up --url postgres://db/app\n"
    assert (
        judge_file("bin/go.sh", "acme-move", "acme-move", "", script).purpose is Purpose.MIGRATION
    )


def test_drivers(added: Knowledge) -> None:
    assert driver_of_program(("acme-move", "up")) == "pgx"
    assert driver_of_program(("dbwait", "db:5432")) == ""
    assert driver_of_program(("psql",)) == "libpq"


def test_images(added: Knowledge) -> None:
    found = image_hazards("registry.acme/acme/jobs:3", {}, "a.yaml", 7)
    assert [(one.kind, one.subject) for one in found] == [
        (HazardKind.DRIVER, "psycopg"),
        (HazardKind.LISTEN, ""),
    ]
    assert all(one.message.endswith(", says ops/known.yaml") for one in found)
    assert [one.subject for one in image_hazards("acme/move", {}, "a.yaml", 7)] == ["pgx"]
    assert is_known("acme/jobs:1") and not is_known("acme/job:1")


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("go.mod", "require acme.dev/orm v1.0.0\n", ["driver"]),
        ("go.mod", "require acme.dev/orm/v2 v2.0.0\n", ["driver"]),
        ("go.mod", "require acme.dev/orm v1.0.0 // indirect\n", []),
        ("go.mod", "require old.acme.dev/orm v1.0.0\n", []),
        ("go.mod", "require acme.dev/ormx v1.0.0\n", []),
        ("deps.acme", "queue 1.0\n", ["listen"]),
        ("deps.acme", "# queue 1.0\nqueues 1.0\n", []),
        ("package.json", '{"dependencies": {"@acme/queue": "1"}}', ["advisory-lock"]),
        ("package.json", '{"dependencies": {"acme/queue": "1"}}', []),
    ],
)
def test_libraries(added: Knowledge, path: str, text: str, found: list[str]) -> None:
    assert [str(one.kind) for one in scan_source(path, text)] == found


def test_manifests_that_are_looked_into(added: Knowledge) -> None:
    assert is_added_manifest("lib/deps.acme") and not is_added_manifest("lib/deps.txt")


def test_a_library_says_where_it_is_known_from(added: Knowledge) -> None:
    (found,) = scan_source("go.mod", "module a\nrequire acme.dev/orm v1.0.0\n")
    assert (found.line, found.subject) == (2, "pgx")
    assert found.message == "it uses Acme ORM, which brings pgx, says ops/known.yaml"
