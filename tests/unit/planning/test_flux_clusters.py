"""Folders of clusters with Flux: what it substitutes, and which cluster is which environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.planning.small_repository import Trial, proposed, workload

CONFIG = """
source: {hosts: [postgres]}
target: {cluster: pg, pooler: pg-pooler}
environments:
  dev: {overlay: [database, apps/dev], secrets: clusters/dev-1}
  prod: {overlay: [database, apps/prod], secrets: clusters/prod-1}
"""
TARGETS = """
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: pg
  namespace: shop-${stage}
spec: {instances: 1, imageName: ghcr.io/cloudnative-pg/postgresql:18.1}
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata:
  name: pg-pooler
  namespace: shop-${stage}
spec: {cluster: {name: pg}, type: rw, pgbouncer: {poolMode: session}}
"""


def _kustomization(name: str, path: str, build: str) -> str:
    return (
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
        f"metadata: {{name: {name}, namespace: flux-system}}\n"
        f"spec:\n  path: ./{path}\n  postBuild: {build}\n"
    )


def _repository() -> dict[str, str]:
    files = {
        "database/kustomization.yaml": "resources: [targets.yaml]\n",
        "database/targets.yaml": TARGETS,
        "apps/base/kustomization.yaml": "resources: [web.yaml]\n",
        "apps/base/web.yaml": workload(
            "Deployment",
            "web",
            "containers:\n- name: web\n  image: shop/web:1\n  env:\n"
            "  - {name: PGHOST, value: '${db_host}'}\n",
        ),
    }
    for env in ("dev", "prod"):
        home = f"clusters/{env}-1"
        shared = "{substituteFrom: [{kind: ConfigMap, name: settings}]}"
        files[f"{home}/database.yaml"] = _kustomization(
            "database", "database", f"{{substitute: {{stage: {env}}}}}"
        )
        files[f"{home}/apps.yaml"] = _kustomization("apps", f"apps/{env}", shared)
        files[f"{home}/settings.yaml"] = (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: flux-system}\n"
            f"data: {{db_host: postgres.shop-{env}.svc}}\n"
        )
        files[f"apps/{env}/kustomization.yaml"] = f"namespace: shop-{env}\nresources: [../base]\n"
    return files


def test_each_cluster_substitutes_from_its_own_settings(tmp_path: Path) -> None:
    trial = Trial(tmp_path, _repository(), config=CONFIG)
    for env in ("dev", "prod"):
        after = trial.apply(env)
        assert list(after) == [f"clusters/{env}-1/settings.yaml"]
        assert f"pg-pooler.shop-{env}.svc.cluster.local" in "".join(after.values())


def test_the_target_is_in_the_namespace_that_flux_spells(tmp_path: Path) -> None:
    plan = Trial(tmp_path, _repository(), config=CONFIG).plan("prod")
    assert [row.new for row in plan.consumers] == ["pg-pooler.shop-prod.svc.cluster.local"]
    assert "RP201" not in {finding.code for finding in plan.findings}


def test_a_cluster_belongs_to_the_environment_whose_overlay_it_applies(tmp_path: Path) -> None:
    made = proposed(Trial(tmp_path, _repository()))
    assert made.questions == ()
    named = [line for line in made.text.splitlines() if line.startswith("  ") and ":" in line]
    assert [line for line in named if line in ("  dev:", "  prod:", "  dev-1:", "  prod-1:")] == [
        "  dev:",
        "  prod:",
    ]
    assert made.text.count("- database\n") == 2


def test_an_overlay_without_a_namespace_gets_a_patch_that_builds(tmp_path: Path) -> None:
    """`kubectl --namespace`, Flux's targetNamespace or Argo CD's destination names it."""
    files = {
        "base/kustomization.yaml": "resources: [web.yaml, targets.yaml]\n",
        "base/targets.yaml": TARGETS.replace("  namespace: shop-${stage}\n", ""),
        "base/web.yaml": workload(
            "Deployment",
            "web",
            "containers:\n- name: web\n  image: shop/web:1\n  env:\n"
            "  - {name: PGHOST, value: postgres}\n",
        ),
        "overlays/dev/kustomization.yaml": "resources: [../../base]\n",
        "overlays/prod/kustomization.yaml": "resources: [../../base]\n",
    }
    config = """
source: {hosts: [postgres]}
target: {cluster: pg, pooler: pg-pooler}
environments:
  dev: {namespace: shop-dev, overlay: overlays/dev}
  prod: {namespace: shop-prod, overlay: overlays/prod}
"""
    after = Trial(tmp_path, files, config=config).apply("dev")
    patch = after["overlays/dev/web-dev-patch.yaml"]
    assert "value: pg-pooler.shop-dev.svc.cluster.local\n" in patch
    assert "namespace" not in patch


_SHARED = {
    "variable": (
        "  command: [alembic, upgrade, head]\n"
        "  env: [{name: DB_URL, value: 'postgresql://shop:${pw}@${db_host:=pg}:5432/shop'}]\n"
    ),
    "words": "  command: [psql, -h, '${db_host}', -c, CREATE TABLE a ()]\n",
}


@pytest.mark.parametrize("form", sorted(_SHARED))
def test_a_migration_gets_its_own_text_for_what_flux_substitutes(tmp_path: Path, form: str) -> None:
    files = _repository()
    files["apps/base/web.yaml"] = workload(
        "Deployment",
        "web",
        f"initContainers:\n- name: schema\n  image: postgres:16\n{_SHARED[form]}"
        "containers:\n- name: web\n  image: shop/web:1\n"
        "  env: [{name: PGHOST, value: '${db_host}'}]\n",
    )
    trial = Trial(tmp_path, files, config=CONFIG)
    after = trial.apply("dev")

    assert "pg-pooler.shop-dev" in after["clusters/dev-1/settings.yaml"]
    patch = after["apps/dev/web-dev-patch.yaml"]
    assert "pg-rw.shop-dev.svc.cluster.local" in patch
    assert "pg-pooler" not in patch and "db_host" not in patch
    assert trial.plan("dev").changes == ()


def test_a_secret_between_flux_and_a_migration_hands_the_second_key_on(tmp_path: Path) -> None:
    files = _repository()
    read = "  envFrom: [{secretRef: {name: db}}]\n"
    files["apps/base/web.yaml"] = workload(
        "Deployment",
        "web",
        f"initContainers:\n- name: schema\n  image: shop/web:1\n  command: [dbmate, up]\n{read}"
        f"containers:\n- name: web\n  image: shop/web:1\n{read}",
    )
    files["apps/base/db.yaml"] = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {DB_URL: '${db_dsn}'}\n"
    )
    files["apps/base/kustomization.yaml"] = "resources: [web.yaml, db.yaml]\n"
    for env in ("dev", "prod"):
        files[f"clusters/{env}-1/settings.yaml"] = (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: settings, namespace: flux-system}\n"
            "stringData:\n"
            f"  db_dsn: postgres://shop:canary-a@postgres.shop-{env}.svc/shop?sslmode=require\n"
        )
        path = f"clusters/{env}-1/apps.yaml"
        files[path] = files[path].replace("kind: ConfigMap", "kind: Secret")
    trial = Trial(tmp_path, files, config=CONFIG)
    after = trial.apply("dev")

    settings = after["clusters/dev-1/settings.yaml"]
    assert "  db_dsn: postgres://shop:canary-a@pg-pooler.shop-dev." in settings
    assert "  db_dsn_direct: postgres://shop:canary-a@pg-rw.shop-dev." in settings
    assert 'DB_URL_DIRECT: "${db_dsn_direct}"' in after["apps/dev/db-dev-patch.yaml"]
    assert "key: DB_URL_DIRECT\n" in after["apps/dev/web-dev-patch.yaml"]
    assert trial.plan("dev").changes == ()
