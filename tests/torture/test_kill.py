"""SIGKILL at every touch of the disk: the tree ends byte for byte before or after."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from repoint.flows.apply import apply_plan
from repoint.flows.rollback import roll_back
from tests.torture.killing import TIMINGS, kill_everywhere, prepare, run_killed
from tests.unit.flows.hand_plans import new_repository, snapshot


@pytest.mark.slow
@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize("verb", ["apply", "rollback"])
def test_a_killed_run_leaves_before_or_after(tmp_path: Path, verb: str, timing: str) -> None:
    folder = tmp_path / "start"
    folder.mkdir()
    repository = new_repository(folder)
    plan = prepare(folder, repository, sealed=False)
    original = snapshot(repository.root)
    apply_plan(plan, repository.tree, repository.store, allow_dirty=True)
    applied = snapshot(repository.root)
    before, after = (original, applied) if verb == "apply" else (applied, original)
    if verb == "apply":
        roll_back(plan.environments, repository.tree, repository.store)
        assert snapshot(repository.root) == original

    seen = list(kill_everywhere(folder, verb, timing))

    assert seen[-1].ended and len(seen) > 20
    assert seen[-1].after == after
    for kill in seen:
        assert kill.after in (before, after), f"killed {timing} touch {kill.number}"
    assert {kill.outcome for kill in seen} == {"", "undone", "finished"}


@pytest.mark.slow
@pytest.mark.parametrize("timing", ["before", "after"])
def test_a_killed_recovery_is_recovered(tmp_path: Path, timing: str) -> None:
    folder = tmp_path / "start"
    folder.mkdir()
    repository = new_repository(folder)
    plan = prepare(folder, repository, sealed=False)
    original = snapshot(repository.root)
    apply_plan(plan, repository.tree, repository.store, allow_dirty=True)
    applied = snapshot(repository.root)
    roll_back(plan.environments, repository.tree, repository.store)
    unfinished = tmp_path / "unfinished"
    outcomes = set()

    for number in itertools.count(15, 7):
        if run_killed(folder, unfinished, "apply", number, "after"):
            break
        for kill in kill_everywhere(unfinished, "resume", timing):
            assert kill.after in (original, applied), f"{number}, then {kill.number}"
            outcomes.add(kill.outcome)
    assert outcomes == {"", "undone", "finished"}


@pytest.mark.slow
def test_a_killed_run_with_a_sealed_file(tmp_path: Path) -> None:
    folder = tmp_path / "start"
    folder.mkdir()
    repository = new_repository(folder)
    prepare(folder, repository, sealed=True)
    original = snapshot(repository.root)

    for kill in kill_everywhere(folder, "apply", "after", stride=5):
        if kill.outcome == "finished" or kill.ended:
            assert set(kill.after) > set(original)
        elif ".repoint/receipts/local.json" not in kill.after:
            assert kill.after == original
