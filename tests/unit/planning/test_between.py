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
