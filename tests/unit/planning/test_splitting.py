"""Values that consumers of two ways share, where the plan cannot part them by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoint.model.plan import Severity
from tests.unit.planning.small_repository import (
    CONFIG,
    DEV_DIRECT,
    TARGETS,
    Trial,
    repository,
    workload,
)

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
      - value: postgres://shop:canary-b@postgres/shop
        op: replace
        path: /stringData/DATABASE_URL
"""


def test_a_shared_value_in_a_patchs_text_holds_the_plan_up(tmp_path: Path) -> None:
    files = repository(
        {"web.yaml": workload("Deployment", "web", _MIGRATED), "secret.yaml": _SECRET},
        {"kustomization.yaml": _PATCHED},
    )
    plan = Trial(tmp_path, files).plan("dev")

    assert [(one.code, one.severity) for one in plan.blocking] == [("RP102", Severity.ERROR)]
    (task,) = plan.tasks
    assert "the path `/stringData/DATABASE_URL_DIRECT`" in task.reason


def test_who_reads_what_another_keeps_at_the_source_is_told_so(tmp_path: Path) -> None:
    """The purposes are known: naming one would change nothing."""
    web = "containers:\n- name: web\n  image: shop/web:1\n  envFrom: [{secretRef: {name: db}}]\n"
    pods = "---\n".join(workload("Deployment", one, web) for one in ("web", "report"))
    files = repository({"web.yaml": pods, "secret.yaml": _SECRET}, {})
    config = f"{CONFIG}consumers: {{report: {{route: unchanged}}}}\n"
    (task,) = Trial(tmp_path, files, config=config).plan("dev").tasks

    assert task.consumer == "Deployment/shop-dev/web/web"
    kept = "Deployment/shop-dev/report/web"
    assert task.reason == f"{kept} reads it, too, and stays there; give who moves its own value"


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
    """The copies that a plan makes for variables beside a migration's mounted script."""
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
    plan = Trial(root, files).plan("dev")
    assert plan.applicable and plan.tasks == ()
    copies = [one for one in plan.changes if one.path == "overlays/dev/db-direct.yaml"]
    assert all(f"@{DEV_DIRECT}/shop" in edit.after for one in copies for edit in one.edits)
    return [one.path for one in copies]


def test_variables_beside_a_mounted_script_are_its_own_where_it_names_them(tmp_path: Path) -> None:
    assert _beside(tmp_path / "apart", "PGHOST=postgres sqitch deploy db:pg:shop") == []
    made = "overlays/dev/db-direct.yaml"
    assert _beside(tmp_path / "sourced", ". /s/lib.sh; sqitch deploy $url") == [made]
    assert _beside(tmp_path / "read", 'sqitch deploy "$(cat /s/PG_DSN)"') == [made]


_PARTS = """  env:
  - {name: GOOSE_DRIVER, value: postgres}
  - {name: GOOSE_DBSTRING, value: "host=$(DB_HOST) user=shop dbname=shop"}
"""


def _put_together(source: str) -> dict[str, str]:
    pods = (
        "initContainers:\n- name: schema\n  image: shop/web:1\n  command: [goose, up]\n"
        f"  envFrom: [{{{source}: {{name: db}}}}]\n{_PARTS}"
        "containers:\n- name: web\n  image: shop/web:1\n"
        f"  envFrom: [{{{source}: {{name: db}}}}]\n"
    )
    kind, field = ("ConfigMap", "data") if source == "configMapRef" else ("Secret", "stringData")
    held = f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: db}}\n{field}: {{DB_HOST: postgres}}\n"
    return {"web.yaml": workload("Deployment", "web", pods), "db.yaml": held}


@pytest.mark.parametrize("source", ["configMapRef", "secretRef"])
def test_what_is_put_together_follows_the_part_that_leaves(tmp_path: Path, source: str) -> None:
    after = Trial(tmp_path, repository(_put_together(source), {})).apply("dev")

    (patch,) = [text for path, text in after.items() if path.endswith("web-dev-patch.yaml")]
    assert "name: DB_HOST\n" in patch
    assert "GOOSE_DBSTRING" not in patch


PLAIN = """
source: {hosts: [postgres]}
target: {cluster: pg, pooler: pg-pooler}
environments:
  dev: {namespace: shop-dev, manifests: k8s}
"""


@pytest.mark.parametrize("form", ["block", "flow"])
def test_a_part_stands_above_what_is_put_together_from_it(tmp_path: Path, form: str) -> None:
    files = {f"k8s/{path}": text for path, text in _put_together("configMapRef").items()}
    if form == "flow":
        inline = "env: [{name: GOOSE_DBSTRING, value: host=$(DB_HOST)}]\n"
        pods = files["k8s/web.yaml"]
        start, end = pods.index("env:\n"), pods.index("      containers:")
        files["k8s/web.yaml"] = pods[:start] + inline + pods[end:]
    files["k8s/targets.yaml"] = TARGETS
    text = Trial(tmp_path, files, config=PLAIN).apply("dev")["k8s/web.yaml"]

    assert text.count("name: DB_HOST") == 1
    assert text.index("name: DB_HOST") < text.index("GOOSE_DBSTRING")


def _ado(text: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: db}}\ndata:\n  DSN: {text}\n"


@pytest.mark.parametrize("mode", ["SSL Mode=Require", "SslMode=Require", "SSL Mode=Prefer"])
def test_a_parameter_is_known_however_it_is_spelled(tmp_path: Path, mode: str) -> None:
    pods = (
        "initContainers:\n- name: schema\n  image: shop/web:1\n  command: [./efbundle]\n"
        "  envFrom: [{configMapRef: {name: db}}]\n"
        "containers:\n- name: web\n  image: shop/web:1\n  envFrom: [{configMapRef: {name: db}}]\n"
    )
    files = {
        "k8s/web.yaml": workload("Deployment", "web", pods),
        "k8s/db.yaml": _ado(f"Host=postgres;Database=shop;{mode};Pooling=true"),
        "k8s/targets.yaml": TARGETS,
    }
    after = Trial(tmp_path, files, config=PLAIN).apply("dev")

    name = mode.partition("=")[0]
    pooled = f"Host=pg-pooler.shop-dev.svc.cluster.local;Database=shop;{name}=Require;Pooling=true"
    assert after["k8s/db.yaml"] == _ado(pooled)
    assert pooled.replace("pg-pooler", "pg-rw") in after["k8s/web.yaml"]
