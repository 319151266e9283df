"""A plan that is saved in the repository is no part of it."""

from __future__ import annotations

from pathlib import Path

from repoint.flows.relevance import may_matter
from repoint.planning.codec import encode_plan
from tests.unit.planning.small_repository import Trial, repository, scanned, workload

WEB = workload(
    "Deployment",
    "web",
    "containers:\n- name: web\n  image: shop/web:1\n  env:\n  - {name: PGHOST, value: postgres}\n",
)


def test_a_saved_plan_holds_no_site_and_makes_no_plan_stale(tmp_path: Path) -> None:
    trial = Trial(tmp_path, repository({"web.yaml": WEB}, {}))
    first = trial.plan("dev")
    (tmp_path / "plan.json").write_bytes(encode_plan(first))
    assert {one.site.location.path for one in scanned(trial).sites} == {"base/web.yaml"}
    again = trial.plan("dev")
    assert encode_plan(again) == encode_plan(first)
    assert "plan.json" not in {one.path for one in again.inputs}


def test_another_json_file_with_a_format_is_looked_at() -> None:
    told = b'{"format": 1, "database": {"url": "postgres://a@postgres/b"}}'
    assert may_matter("config.json", told)
    assert not may_matter(
        "plan.json", b'{\n  "format": 1,\n  "tool_version": "1", "x": "postgres"}'
    )
    assert may_matter("plan.txt", b'{\n  "format": 1,\n  "sites": "postgres://a@b/c"}')
