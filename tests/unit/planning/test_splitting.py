"""Values that consumers of two ways share, where the plan cannot part them by itself."""

from __future__ import annotations

from pathlib import Path

from repoint.model.plan import Severity
from tests.unit.planning.small_repository import Trial, repository, workload

_MIGRATED = (
    "initContainers:\n- name: migrate\n  image: shop/web:1\n"
    "  command: [npx, prisma, migrate, deploy]\n  envFrom: [{secretRef: {name: db}}]\n"
    "containers:\n- name: web\n  image: shop/web:1\n  envFrom: [{secretRef: {name: db}}]\n"
)
_SECRET = (
    "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\n"
    "stringData:\n  DATABASE_URL: postgres://shop:canary-a@postgres/shop\n"
)
_PATCHED = """namespace: shop-{env}
resources:
  - ../../base
patches:
  - target: {kind: Secret, name: db}
    patch: |
      - op: replace
        path: /stringData/DATABASE_URL
        value: postgres://shop:canary-b@postgres/shop
"""


def test_a_shared_value_in_a_patchs_text_holds_the_plan_up(tmp_path: Path) -> None:
    files = repository(
        {"web.yaml": workload("Deployment", "web", _MIGRATED), "secret.yaml": _SECRET},
        {"kustomization.yaml": _PATCHED},
    )
    plan = Trial(tmp_path, files).plan("dev")

    assert [(one.code, one.severity) for one in plan.blocking] == [("RP102", Severity.ERROR)]
    (task,) = plan.tasks
    assert "`DATABASE_URL_DIRECT` beside `DATABASE_URL`" in task.reason


def test_a_script_beside_variables_is_no_variable(tmp_path: Path) -> None:
    pods = (
        "containers:\n- name: web\n  image: shop/web:1\n  envFrom: [{configMapRef: {name: db}}]\n"
    )
    job = (
        "containers:\n- name: schema\n  image: sqitch/sqitch:1\n  command: [sh, /s/run.sh]\n"
        "  volumeMounts: [{name: s, mountPath: /s}]\n"
        "volumes: [{name: s, configMap: {name: db, items: [{key: run.sh, path: run.sh}]}}]\n"
    )
    script = "  run.sh: |\n    export PGHOST=postgres\n    sqitch deploy db:pg:shop\n"
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: db}\ndata:\n  PGUSER: shop\n"
    files = repository(
        {
            "web.yaml": workload("Deployment", "web", pods),
            "job.yaml": workload("Job", "schema", job),
            "config.yaml": config + script,
        },
        {},
    )
    plan = Trial(tmp_path, files).plan("dev")

    assert {(one.name, one.route) for one in plan.consumers} == {("schema", "direct")}
    assert plan.blocking == () and plan.tasks == ()


def _beside(root: Path, run: str) -> list[str]:
    """The errors of a plan for variables that stand beside a migration's mounted script."""
    pods = (
        "containers:\n- name: web\n  image: shop/web:1\n  envFrom: [{configMapRef: {name: db}}]\n"
    )
    job = (
        "containers:\n- name: schema\n  image: sqitch/sqitch:1\n  command: [sh, /s/run.sh]\n"
        "  volumeMounts: [{name: s, mountPath: /s}]\nvolumes: [{name: s, configMap: {name: db}}]\n"
    )
    config = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: db}\n"
        f"data:\n  PG_DSN: postgres://shop@postgres/shop\n  run.sh: |\n    {run}\n"
        "  lib.sh: |\n    url=$(cat /s/PG_DSN)\n"
    )
    files = repository(
        {
            "web.yaml": workload("Deployment", "web", pods),
            "job.yaml": workload("Job", "schema", job),
            "config.yaml": config,
        },
        {},
    )
    return [one.code for one in Trial(root, files).plan("dev").blocking]


def test_variables_beside_a_mounted_script_are_its_own_where_it_names_them(tmp_path: Path) -> None:
    assert _beside(tmp_path / "apart", "PGHOST=postgres sqitch deploy db:pg:shop") == []
    assert _beside(tmp_path / "sourced", ". /s/lib.sh; sqitch deploy $url") == ["RP102"]
    assert _beside(tmp_path / "read", 'sqitch deploy "$(cat /s/PG_DSN)"') == ["RP102"]
