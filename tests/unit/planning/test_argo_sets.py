"""Argo CD: ApplicationSets that hand values on, and Applications of several environments."""

from __future__ import annotations

from pathlib import Path

from tests.unit.planning.small_repository import TARGETS, Trial

CONFIG = """
source: {hosts: [postgres]}
target: {cluster: pg, pooler: pg-pooler}
environments:
  dev: {namespace: shop-dev, overlay: overlays/dev}
  prod: {namespace: shop-prod, overlay: overlays/prod}
"""
SET = """
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: stats, namespace: argocd}
spec:
  generators:
    - list:
        elements:
          - env: dev
            dbHost: postgres.shop-dev.svc
          - env: prod
            dbHost: postgres.shop-prod.svc
  template:
    spec:
      source:
        path: charts/stats
        helm:
          parameters:
            - {name: database.host, value: "{{dbHost}}"}
"""
MIGRATES = SET + '            - {name: migration.database.host, value: "{{ .dbHost }}"}\n'
APPLICATION = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: metabase-%s, namespace: argocd}
spec:
  source:
    chart: metabase
    helm: {valuesObject: {database: {host: postgres.shop-%s.svc}}}
  destination: {namespace: shop-%s}
"""


def _repository(**sets: str) -> dict[str, str]:
    own = "namespace: shop-{env}\nresources: [../../base]\n"
    return {
        "base/kustomization.yaml": "resources: [targets.yaml]\n",
        "base/targets.yaml": TARGETS,
        "overlays/dev/kustomization.yaml": own.replace("{env}", "dev"),
        "overlays/prod/kustomization.yaml": own.replace("{env}", "prod"),
        **{f"sets/{name}.yaml": text for name, text in sets.items()},
    }


def test_each_element_is_edited_where_it_stands(tmp_path: Path) -> None:
    trial = Trial(tmp_path, _repository(stats=SET), config=CONFIG)
    for env in ("prod", "dev"):
        after = trial.apply(env)["sets/stats.yaml"]
        assert f"dbHost: pg-pooler.shop-{env}.svc.cluster.local\n" in after
    assert "postgres" not in after


def test_a_value_that_becomes_a_migrations_parameter_too_is_not_pooled(tmp_path: Path) -> None:
    plan = Trial(tmp_path, _repository(stats=MIGRATES), config=CONFIG).plan("prod")
    assert plan.changes == ()
    (task,) = plan.tasks
    assert "`migration.database.host` of ApplicationSet/argocd/stats" in task.reason
    assert task.put == "host pg-rw.shop-prod.svc.cluster.local"
    assert [f.severity for f in plan.findings if f.code == "RP102"] == ["error"]


def test_an_application_belongs_to_the_environment_that_it_deploys_into(tmp_path: Path) -> None:
    both = "---".join(APPLICATION % (env, env, env) for env in ("dev", "prod"))
    trial = Trial(tmp_path, _repository(metabase=both), config=CONFIG)
    after = trial.apply("prod")["sets/metabase.yaml"]
    assert after.count("pg-pooler.shop-prod.svc.cluster.local") == 1
    assert after.count("postgres.shop-dev.svc") == 1
    assert "RP111" not in {finding.code for finding in trial.plan("prod").findings}
