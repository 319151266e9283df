"""What copies the source into the target names both, and goes on doing so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.planning.small_repository import Trial, repository, workload

PIPES = {
    "one-line": "pg_dump -h postgres shop | psql -h pg-rw shop",
    "over-lines": "pg_dump -h postgres shop \\\n  | psql -h pg-rw shop",
    "after-a-pipe": "psql -h postgres -c 'COPY t TO STDOUT' |\n psql -h pg-rw -c 'COPY t FROM'",
    "urls": "pg_dump postgres://u@postgres.shop-dev/shop | psql postgres://u@pg-rw.shop-dev/shop",
}
APART = "pg_dump -h postgres.shop-dev shop > old.sql\npsql -h pg-rw.shop-dev shop -c 'select 1'"


def _script(root: Path, text: str) -> Trial:
    files = repository({}, {}) | {"scripts/copy.sh": f"#!/bin/sh\nset -eu\n{text}\n"}
    return Trial(root, files)


@pytest.mark.parametrize("name", PIPES)
def test_a_copy_into_the_target_stays_as_it_is(tmp_path: Path, name: str) -> None:
    trial = _script(tmp_path, PIPES[name])
    plan = trial.plan()
    assert (plan.changes, plan.tasks) == ((), ())
    told = [f for f in trial.check() if f.location and f.location.path == "scripts/copy.sh"]
    assert told == []


def test_a_job_that_copies_stays_as_well(tmp_path: Path) -> None:
    command = f"  command:\n  - sh\n  - -ec\n  - |\n    {PIPES['one-line']}\n"
    job = workload("Job", "copy", f"containers:\n- name: copy\n  image: postgres:18\n{command}")
    plan = Trial(tmp_path, repository({"copy.yaml": job}, {})).plan("dev")
    assert plan.changes == ()


def test_commands_of_their_own_move(tmp_path: Path) -> None:
    after = _script(tmp_path, APART).apply("dev")["scripts/copy.sh"]
    assert "pg_dump -h pg-rw.shop-dev.svc.cluster.local shop > old.sql\n" in after


URI = "postgres://u@{}.shop-dev/shop"
COPIERS = {
    "pgcopydb": ("[pgcopydb, clone]", "PGCOPYDB_SOURCE_PGURI", "PGCOPYDB_TARGET_PGURI"),
    "pipe": ('[sh, -c, \'pg_dump "$OLD_URL" | psql "$NEW_URL"\']', "OLD_URL", "NEW_URL"),
    "restored": ("[sh, -c, 'pg_dump -Fc $A_URL > d && pg_restore -d $B_URL d']", "A_URL", "B_URL"),
    "pgloader": ("[sh, -c, 'pgloader $OLD_URL $NEW_URL']", "OLD_URL", "NEW_URL"),
}
OPERATORS = "{valueFrom: {secretKeyRef: {name: pg-app, key: uri}}}"


def _job(command: str, **values: str) -> str:
    env = "".join(
        f"  - {{name: {name}, {value[1:]}\n"
        if value.startswith("{")
        else f"  - {{name: {name}, value: '{value}'}}\n"
        for name, value in values.items()
    )
    return workload(
        "Job", "copy", f"containers:\n- name: copy\n  image: x\n  command: {command}\n  env:\n{env}"
    )


def _changes(root: Path, base: dict[str, str]) -> list[str]:
    plan = Trial(root, repository(base, {})).plan("dev")
    assert plan.tasks == ()
    return [change.path for change in plan.changes]


@pytest.mark.parametrize("target", [URI.format("pg-rw"), OPERATORS], ids=["spelled", "operator"])
@pytest.mark.parametrize("name", COPIERS)
def test_source_and_target_in_variables_of_their_own(
    tmp_path: Path, name: str, target: str
) -> None:
    command, source, into = COPIERS[name]
    job = _job(command, **{source: URI.format("postgres"), into: target})
    assert _changes(tmp_path, {"copy.yaml": job}) == []


def test_what_does_not_copy_moves(tmp_path: Path) -> None:
    script = "[sh, -c, 'pg_dump $OLD_URL > d || exit 1; psql $NEW_URL -c \"select 1\"']"
    job = _job(script, OLD_URL=URI.format("postgres"), NEW_URL=URI.format("pg-rw"))
    assert _changes(tmp_path, {"copy.yaml": job}) != []


def test_a_copy_into_something_else_moves(tmp_path: Path) -> None:
    job = _job(COPIERS["pipe"][0], OLD_URL=URI.format("postgres"), NEW_URL=URI.format("archive"))
    assert _changes(tmp_path, {"copy.yaml": job}) != []


def test_what_somebody_else_reads_as_well_moves_with_that_one(tmp_path: Path) -> None:
    given = "{valueFrom: {configMapKeyRef: {name: urls, key: OLD_URL}}}"
    urls = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: urls}\n"
    urls += f"data: {{OLD_URL: '{URI.format('postgres')}'}}\n"
    shop = f"  - {{name: DATABASE_URL, {given[1:]}\n"
    shop = workload("Deployment", "shop", f"containers:\n- name: shop\n  image: x\n  env:\n{shop}")
    job = _job(COPIERS["pipe"][0], OLD_URL=given, NEW_URL=URI.format("pg-rw"))
    base = {"urls.yaml": urls, "copy.yaml": job}
    assert _changes(tmp_path / "alone", base) == []
    assert _changes(tmp_path / "both", {**base, "shop.yaml": shop}) != []
