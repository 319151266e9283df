"""From init to the way back, in repositories of many shapes: what happened is what is true."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.cluster.journeys.journey import REPOSITORIES, Journey, alike, begin, steps_of
from tests.cluster.rolling_out.stand_in import operator

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("name", sorted(one.name for one in REPOSITORIES.iterdir()))
def test_a_journey(api: ControlPlane, tmp_path: Path, name: str) -> None:
    journey = begin(api, name, tmp_path)
    with operator(api, *journey.truth["namespaces"]):
        journey.stand_before()
        assert journey.configured() == journey.truth["proposed"]
        journey.commit()
        applied = journey.repoint("apply", "--yes")
        assert applied.returncode == 0, applied.stderr
        journey.commit()
        for stage in journey.truth["stages"]:
            _go(journey, stage)
    assert journey.objects_elsewhere() == []


def _go(journey: Journey, stage: Mapping[str, Any]) -> None:
    name = stage["name"]
    if "edit" in stage:
        journey.edit(stage["edit"])
        journey.commit()
    if "define" in stage:
        journey.define(**stage["define"])
    before = journey.templates()
    done = journey.repoint(*stage["run"], "--format", "json")
    assert done.returncode == stage.get("status", 0), f"{name}: {done.stdout}{done.stderr}"
    assert stage.get("says", "") in done.stderr, name
    after = journey.templates()
    restarted = {one for one in after if before.get(one) != after[one]}
    assert restarted == set(stage.get("restarted", ())), name
    if "steps" in stage:
        found = steps_of(json.loads(done.stdout))
        assert alike(found, stage["steps"]), f"{name}: {found}"
    if "passed" in stage:
        checks = {one["id"]: one["verdict"] for one in json.loads(done.stdout)["checks"]}
        assert checks[stage["passed"]] == "pass", name
    if "holds" in stage:
        text = (journey.root / stage["holds"]["file"]).read_text()
        assert [one for one in stage["holds"]["texts"] if one not in text] == [], name
    journey.commit()
