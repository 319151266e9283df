"""`repoint bench` on the example, with real servers and the real pgbench (row B1)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from repoint.adapters import servers as programs
from tests.servers.fix_lab import Servers
from tests.servers.rehearsing import example

pytestmark = [pytest.mark.servers, pytest.mark.slow]


def test_b1_new_connections_and_persistent_ones_are_measured_side_by_side(
    tmp_path: Path, real_servers: Servers
) -> None:
    real_servers.need(18)
    if programs.find_pgbench() is None:
        real_servers.missing("pgbench")
    made = example(tmp_path)
    chart = tmp_path / "pooling.svg"

    done = made.run(
        *("bench", "--rounds", "2", "--seconds", "1", "--scale", "1", "--format", "json"),
        *("--svg", str(chart)),
    )

    told = json.loads(done.stdout)
    rows = {row["workload"]["id"]: row for row in told["measured"]}
    assert set(rows) == {"connect", "connect-many", "few", "many"}
    for row in rows.values():
        assert {pair["first"] for pair in row["pairs"]} == {"direct", "pooled"}
        assert all(pair["direct"] > 0 and pair["pooled"] > 0 for pair in row["pairs"])
        assert row["ratio"]["min"] <= row["ratio"]["median"] <= row["ratio"]["max"]
    assert told["pool_mode"] == "session"
    assert chart.read_text().startswith("<svg")
    assert not (made.root / ".repoint" / "rehearsals").exists()


def test_b1_a_pooler_that_the_plan_has_not_is_refused(tmp_path: Path) -> None:
    made = example(tmp_path)
    done = made.run("bench", "--pooler", "other", status=2)
    assert "the plan has no Pooler `other`" in done.stderr
    assert "naytife-postgres-pooler-rw" in done.stderr
