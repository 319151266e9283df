"""What is written and shows in no build is told; what shows, or cannot be seen, is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from repoint.flows import planning
from repoint.model.plan import OverlayProof, Plan
from repoint.planning.arrival import missing
from tests.unit.planning.small_repository import Trial, repository, workload

WEB = workload(
    "Deployment",
    "web",
    """
    containers:
      - name: web
        image: web:1
        env: [{name: DATABASE_URL, value: "postgres://u@postgres:5432/d"}]
    """,
)
OBJECT = "Deployment/shop-dev/web"


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    """A base that two environments share, so that the plan writes a patch."""
    return Trial(tmp_path, repository({"web.yaml": WEB}, {}))


def _told(plan: Plan, proofs: tuple[OverlayProof, ...]) -> list[tuple[str, str]]:
    return [(change.path, name) for change, _, name in missing(plan.changes, proofs)]


def _without(plan: Plan, **fields: object) -> tuple[OverlayProof, ...]:
    """The proofs, as if the build showed nothing of the object."""
    return tuple(
        replace(
            one, changed=tuple(c for c in one.changed if not c.object.startswith(OBJECT)), **fields
        )
        for one in plan.proofs
    )


def test_what_is_built_is_not_told(trial: Trial) -> None:
    plan = trial.plan("dev", "prod")

    assert any(edit.touches for change in plan.changes for edit in change.edits)
    assert _told(plan, plan.proofs) == []


def test_a_patch_that_shows_in_no_build_is_told(trial: Trial) -> None:
    plan = trial.plan("dev")

    assert _told(plan, _without(plan)) == [("overlays/dev/web-dev-patch.yaml", OBJECT)]


def test_another_field_of_the_object_is_not_enough(trial: Trial) -> None:
    plan = trial.plan("dev")
    for field, told in (("spec.template", 0), ("spec.replicas", 1), ("spec.temp", 1), ("", 0)):
        (patch,) = (change for change in plan.changes if change.creates)
        edit = replace(patch.edits[0], expects=(f"{OBJECT}#{field}",))
        changes = (replace(patch, edits=(edit,)),)
        assert len(list(missing(changes, plan.proofs))) == told, field


@pytest.mark.parametrize("unsure", [{"method": "sources"}, {"unexplained": ("x",)}], ids=str)
def test_where_not_all_was_built_nothing_is_told(trial: Trial, unsure: dict[str, object]) -> None:
    plan = trial.plan("dev")

    assert _told(plan, _without(plan, **unsure)) == []


def test_the_plan_says_so_and_is_blocked(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    proofs = _without(trial.plan("dev"))
    monkeypatch.setattr(planning, "prove", lambda *_: proofs)

    (finding,) = (one for one in trial.plan("dev").findings if one.code == "RP112")
    assert (finding.severity, finding.environment) == ("error", "dev")
    assert OBJECT in finding.message
