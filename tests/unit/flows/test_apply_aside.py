"""Many files are worked out by two processes: the same bytes, receipts and refusals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from repoint.adapters.aside import forked
from repoint.errors import EditRefused, StalePlan
from repoint.flows import rewriting
from repoint.flows.apply import apply_plan
from repoint.flows.rollback import roll_back
from repoint.flows.workspace import in_turn
from repoint.model.plan import Plan
from repoint.ports.work import Aside
from tests.torture.small_plan import small_plan
from tests.unit.flows.hand_plans import (
    OLD,
    POOLED,
    Repository,
    change,
    new_repository,
    plan_of,
    snapshot,
    swap,
)


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewriting, "MANY", 1)


def make_plan(repository: Repository) -> Plan:
    """What is simple, what two environments share, what is made and what is sealed."""
    plan = small_plan(repository, sealed=True)
    raw = repository.write("shared.yaml", f"a: {OLD}\nb: {OLD}\n")
    shared = [
        change(repository.root, "shared.yaml", [swap(raw, OLD, POOLED, nth=nth)], name)
        for nth, name in enumerate(("local", "prod"))
    ]
    return plan_of(repository.root, [*plan.changes, *shared])


def apply(repository: Repository, plan: Plan, aside: Aside) -> None:
    apply_plan(plan, repository.tree, repository.store, allow_dirty=True, aside=aside)


def counted(plan: Plan, seen: list[int]) -> Aside:
    """Two processes, and how many pieces they were given."""

    def aside(pieces: object) -> Callable[[], list[object]]:
        seen.append(len(pieces))  # type: ignore[arg-type]
        return forked(pieces)  # type: ignore[arg-type,return-value]

    return aside  # type: ignore[return-value]


def test_the_same_is_written_and_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R: the exact bytes come back, whoever worked them out."""
    repository = new_repository(tmp_path)
    plan = make_plan(repository)
    before = snapshot(repository.root)
    seen: list[int] = []
    apply(repository, plan, counted(plan, seen))
    done = {path: raw for path, raw in snapshot(repository.root).items() if "lock" not in path}
    assert seen == [1]
    roll_back(plan.environments, repository.tree, repository.store)
    assert snapshot(repository.root) == before

    monkeypatch.setattr(rewriting, "MANY", 1000)
    apply(repository, plan, in_turn)
    now = {path: raw for path, raw in snapshot(repository.root).items() if "lock" not in path}
    # sops seals with a new key of its own each time.
    for path in done.keys() - {"s.yaml", ".repoint/receipts/local.json"}:
        assert now[path] == done[path], path
    assert now.keys() == done.keys()


def test_a_file_that_changed_is_told_first_come_first(tmp_path: Path) -> None:
    repository = new_repository(tmp_path)
    plan = make_plan(repository)
    repository.write("d/b.env", "U=other\n")
    repository.write("shared.yaml", "a: other\n")
    plan = replace(plan, inputs=())
    before = snapshot(repository.root)

    with pytest.raises(StalePlan, match=r"`d/b\.env` is not what this plan was made on"):
        apply(repository, plan, forked)

    assert snapshot(repository.root) == before


def test_an_edit_that_breaks_the_file_is_refused(tmp_path: Path) -> None:
    repository = new_repository(tmp_path)
    raw = repository.write("a.yaml", f"a: {OLD}\nb: x\n")
    good = repository.write("b.yaml", f"a: {OLD}\n")
    root = repository.root
    right = change(root, "b.yaml", [swap(good, OLD, POOLED)])
    wrong = change(root, "a.yaml", [swap(raw, OLD, POOLED)])
    wrong = replace(wrong, edits=(swap(raw, OLD, '"unclosed'),), after_sha256="")
    plan = plan_of(root, [right, wrong])
    before = snapshot(root)

    with pytest.raises(EditRefused, match=r"`a\.yaml`"):
        apply(repository, plan, forked)

    assert snapshot(root) == before
