"""Hosts that several names spell: each such text moves as a whole, and no name of it alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoint.model.plan import Severity
from tests.unit.planning.small_repository import (
    DEV_DIRECT,
    DEV_POOLED,
    TARGETS,
    Trial,
    repository,
    workload,
)

FLUX = """
source: {hosts: [postgres.data.svc.cluster.local]}
target: {cluster: pg, pooler: pg-pooler}
environments:
  dev: {namespace: data, overlay: [database, apps/dev], secrets: clusters/dev}
"""
SETTINGS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: flux-system}
data: {db_host: postgres, db_namespace: data}
"""
APPS = """
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  path: ./apps/dev
  postBuild: {substituteFrom: [{kind: ConfigMap, name: settings}]}
"""
SPELLED = "${db_host}.${db_namespace}.svc.cluster.local"


def _container(name: str, lines: str, command: str = "puma") -> str:
    return workload(
        "Job" if name.endswith("migrate") else "Deployment",
        name,
        f"containers:\n- name: {name}\n  image: shop/web:1\n  command: [{command}]\n{lines}",
    )


def _flux(root: Path, *workloads: str, space: str = "data") -> Trial:
    names = [f"w{number}.yaml" for number, _ in enumerate(workloads)]
    files = {
        "clusters/dev/settings.yaml": SETTINGS,
        "clusters/dev/apps.yaml": APPS,
        "database/kustomization.yaml": "namespace: data\nresources: [targets.yaml]\n",
        "database/targets.yaml": TARGETS,
        "apps/dev/kustomization.yaml": f"namespace: {space}\nresources: [../base]\n",
        "apps/base/kustomization.yaml": f"resources: [{', '.join(names)}]\n",
        **{f"apps/base/{name}": text for name, text in zip(names, workloads, strict=True)},
    }
    return Trial(root, files, config=FLUX)


@pytest.mark.parametrize("space", ["data", "shop"])
def test_a_host_of_two_variables_is_replaced_and_they_stay(tmp_path: Path, space: str) -> None:
    env = f"  env:\n  - {{name: PGHOST, value: '{SPELLED}'}}\n"
    trial = _flux(tmp_path, _container("web", env), space=space)
    after = trial.apply("dev")
    assert list(after) == ["apps/base/w0.yaml"]
    assert "value: 'pg-pooler.data.svc.cluster.local'" in after["apps/base/w0.yaml"]
    assert trial.plan("dev").changes == ()
    (left,) = (f for f in trial.check("dev") if f.code in ("RP104", "RP110", "RP111"))
    assert (left.severity, "`db_host`" in left.message) == (Severity.NOTE, True)


def test_a_migration_beside_the_runtime_gets_its_own_host(tmp_path: Path) -> None:
    config = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: env}\n"
        f"data: {{DATABASE_HOST: '{SPELLED}'}}\n"
    )
    read = (
        "  envFrom: [{configMapRef: {name: env}}]\n  env:\n"
        "  - {name: DATABASE_URL, value: 'postgres://shop@$(DATABASE_HOST):5432/shop'}\n"
    )
    workloads = (_container("web", read), _container("migrate", read, "rails, 'db:migrate'"))
    trial = _flux(tmp_path, *workloads, config)
    plan = trial.plan("dev")
    assert {row.name: row.new for row in plan.consumers} == {
        "web": "pg-pooler.data.svc.cluster.local",
        "migrate": "pg-rw.data.svc.cluster.local",
    }
    assert all(proof.holds for proof in plan.proofs)
    reasons = [edit.reason for change in plan.changes for edit in change.edits]
    assert {one.count("Job/data/migrate/migrate") for one in reasons} == {0, 1}
    assert "settings.yaml" not in "".join(change.path for change in plan.changes)


def test_a_variable_that_is_a_host_as_well_moves_with_its_readers(tmp_path: Path) -> None:
    spelled = f"  env:\n  - {{name: PGHOST, value: '{SPELLED}'}}\n"
    alone = "  env:\n  - {name: PGHOST, value: '${db_host}'}\n"
    trial = _flux(tmp_path, _container("web", spelled), _container("api", alone))
    after = trial.apply("dev")
    assert "db_host: pg-pooler.data.svc.cluster.local" in after["clusters/dev/settings.yaml"]
    assert "value: 'pg-pooler.data.svc.cluster.local'" in after["apps/base/w0.yaml"]
    assert "apps/base/w1.yaml" not in after


def test_one_word_of_a_command_may_spell_what_another_takes_whole(tmp_path: Path) -> None:
    wait = (
        "initContainers:\n- name: wait\n  image: postgres:18\n  command:\n  - sh\n  - -c\n"
        f"  - until pg_isready -h {SPELLED}; do sleep 1; done\n"
        "  - pg_isready -h ${db_host}\n"
    )
    web = "containers:\n- name: web\n  image: shop/web:1\n  command: [puma]\n"
    after = _flux(tmp_path, workload("Deployment", "web", wait + web)).apply("dev")
    assert "pg_isready -h pg-pooler.data.svc.cluster.local; do" in after["apps/base/w0.yaml"]
    assert "db_host: pg-pooler.data.svc.cluster.local" in after["clusters/dev/settings.yaml"]


def test_variables_of_another_server_are_left_alone(tmp_path: Path) -> None:
    env = "  env:\n  - {name: PGHOST, value: '${db_host}.archive.svc.cluster.local'}\n"
    assert _flux(tmp_path, _container("web", env)).plan("dev").changes == ()


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        (
            "  - {name: DB_SERVICE, value: postgres}\n  - {name: SPACE, value: shop-dev}\n"
            "  - name: DATABASE_URL\n    value: postgres://shop@$(DB_SERVICE).$(SPACE).svc/shop\n",
            f"value: postgres://shop@{DEV_POOLED}/shop?sslmode=require\n",
        ),
        (
            "  - {name: DB_HOST, value: postgres}\n"
            "  - {name: SPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}\n"
            "  - name: DATABASE_URL\n    value: postgres://shop@$(DB_HOST).$(SPACE).svc/shop\n",
            f"value: postgres://shop@{DEV_POOLED}/shop?sslmode=require\n",
        ),
        (
            "  - {name: DB_HOST, value: postgres}\n  - {name: SPACE, value: shop-dev}\n"
            "  - name: SPRING_FLYWAY_URL\n    value: jdbc:postgresql://${DB_HOST}.${SPACE}/shop\n",
            f"value: jdbc:postgresql://{DEV_DIRECT}/shop?sslmode=require\n",
        ),
    ],
)
def test_a_host_of_the_container_s_own_variables(tmp_path: Path, lines: str, line: str) -> None:
    files = repository({"web.yaml": _container("web", f"  env:\n{lines}")}, {})
    patch = Trial(tmp_path, files).apply("dev")["overlays/dev/web-dev-patch.yaml"]
    assert line in patch


@pytest.mark.parametrize("rest", [".{{ .Release.Namespace }}.svc", ".data.svc.cluster.local"])
def test_a_value_that_a_template_makes_longer_is_left_to_a_person(
    tmp_path: Path, rest: str
) -> None:
    env = f'  env:\n  - {{name: PGHOST, value: "{{{{ .Values.db.host }}}}{rest}"}}\n'
    files = {
        "charts/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\n",
        "charts/web/templates/web.yaml": _container("web", env),
        "charts/web/values.yaml": "db: {host: ''}\n",
        "charts/web/values-dev.yaml": "db:\n  host: postgres\n",
        "cnpg/dev/targets.yaml": TARGETS,
    }
    config = """
source: {hosts: [postgres]}
target: {cluster: pg, pooler: pg-pooler}
environments:
  dev: {namespace: data, values: charts/web/values-dev.yaml}
"""
    trial = Trial(tmp_path, files, config=config)
    plan = trial.plan("dev")
    assert plan.changes == ()
    (task,) = plan.tasks
    assert (task.path, task.put) == ("charts/web/values-dev.yaml", "host pg-pooler")
    assert f"{{{{ .Values.db.host }}}}{rest}" in task.reason
    values = tmp_path / task.path
    values.write_text(values.read_text().replace("postgres", "pg-pooler"))
    again = trial.plan("dev")
    assert (again.changes, again.tasks) == ((), ())
