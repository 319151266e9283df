"""The repositories of tests/rehearsals, planned, rehearsed, applied and taken back: all is true."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.acceptance.example import Checkout, checkout
from tests.servers.rehearsing import Told, keys_in, rehearse

pytestmark = [pytest.mark.servers, pytest.mark.slow]

CORPUS = Path(__file__).parents[1] / "rehearsals"
NAMES = sorted(one.name for one in CORPUS.iterdir() if one.is_dir())
BAD = ("fail", "unknown")


def begun(folder: Path, name: str) -> tuple[Checkout, Any]:
    """A repository with a repoint.yaml, and its truth."""
    made = checkout(CORPUS / name / "repo", folder / "repository", keys_in(folder))
    made.run("init")
    made.commit("repoint init")
    return made, yaml.safe_load((CORPUS / name / "truth.yaml").read_text())


@pytest.mark.parametrize("name", NAMES)
def test_a_rehearsal_says_what_is_true(tmp_path: Path, name: str) -> None:
    made, truth = begun(tmp_path, name)

    told = rehearse(made, status=truth["status"])

    seen = {row["id"]: as_truth(told, row) for row in told.document["consumers"]}
    assert seen == {one: wanted(told, one, row) for one, row in truth["consumers"].items()}
    assert told.verdict == truth["verdict"]
    assert {one["verdict"] for one in told.document["controls"]} == {"pass"}


def as_truth(told: Told, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the matrix without what passed."""
    verdicts = told.verdicts(row["id"])
    bad = sorted(check for check, verdict in verdicts.items() if verdict in BAD)
    return {key: row[key] for key in ("route", "pool_mode", "driver")} | {"bad": bad, "not": []}


def wanted(told: Told, consumer: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """What `as_truth` must give; `not` are checks that had to pass and did not."""
    verdicts = told.verdicts(consumer)
    return {
        "route": row["route"],
        "pool_mode": row.get("pool_mode", ""),
        "driver": row["driver"],
        "bad": sorted(row.get("bad", ())),
        "not": [check for check in row.get("pass", ()) if verdicts.get(check) != "pass"],
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_plan_finds_and_writes_what_is_true(tmp_path: Path, name: str) -> None:
    made, truth = begun(tmp_path, name)
    before = made.files()

    plan = made.json("plan")
    found = {f"{f['code']} {f['severity']} {f['consumer']}" for f in plan["findings"]}
    assert set(truth["findings"]) <= found
    assert not {f["code"] for f in plan["findings"]} & set(truth.get("never", ()))
    assert [f["code"] for f in plan["findings"] if f["severity"] == "error"] == []

    made.run("apply", "--yes")
    for path, texts in truth["written"].items():
        missing = [text for text in texts if text not in made.text(path)]
        assert missing == [], path
    for path, texts in truth.get("unwritten", {}).items():
        assert [text for text in texts if text in made.text(path)] == [], path

    made.commit("repoint apply")
    made.json("check", status=0)
    assert made.json("plan")["changes"] == []
    made.run("rollback", "--yes")
    assert made.files() == before
