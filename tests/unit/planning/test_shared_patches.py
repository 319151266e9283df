"""Values that a patch gives, where several environments list the patch."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.planning.small_repository import CONFIG, TARGETS, Trial, workload

URL = "postgresql://app@postgres:5432/shop"
WEB = workload("Deployment", "web", "containers:\n- name: web\n  image: shop/web:1\n")
PATCH = f"""apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  template:
    spec:
      containers:
        - name: web
          env:
            - {{name: DATABASE_URL, value: "{URL}"}}
"""
OPERATIONS = f"""- op: add
  path: /spec/template/spec/containers/0/env
  value: [{{name: DATABASE_URL, value: "{URL}"}}]
"""
OWN = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - name: web
          resources: {limits: {memory: 1Gi}}
"""
COMPONENT = """apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
  - path: web.yaml
"""


def _files(kustomization: str) -> dict[str, str]:
    files = {
        "base/kustomization.yaml": "resources: [targets.yaml, web.yaml]\n",
        "base/targets.yaml": TARGETS,
        "base/web.yaml": WEB,
    }
    if "with" in kustomization:
        files |= {"with/kustomization.yaml": COMPONENT, "with/web.yaml": PATCH}
    shared = {"shared/web.yaml": PATCH, "shared/web-operations.yaml": OPERATIONS}
    files |= {path: text for path, text in shared.items() if path in kustomization}
    for env in ("dev", "prod"):
        head = f"namespace: shop-{env}\nresources: [../../base]\n"
        files[f"overlays/{env}/kustomization.yaml"] = head + kustomization
        if "own.yaml" in kustomization:
            files[f"overlays/{env}/own.yaml"] = OWN
    return files


CASES = {
    "after an own patch": "patches:\n  - path: own.yaml\n  - path: ../../shared/web.yaml\n",
    "before an own patch": "patches:\n  - path: ../../shared/web.yaml\n  - path: own.yaml\n",
    "older lists first": (
        "patchesStrategicMerge: [own.yaml]\npatches:\n  - path: ../../shared/web.yaml\n"
    ),
    "JSON patches last": (
        "patches:\n  - path: own.yaml\npatchesJson6902:\n"
        "  - target: {group: apps, version: v1, kind: Deployment, name: web}\n"
        "    path: ../../shared/web-operations.yaml\n"
    ),
    "by a component": "components: [../../with]\npatches:\n  - path: own.yaml\n",
}


@pytest.mark.parametrize("kustomization", CASES.values(), ids=CASES.keys())
def test_a_patch_that_environments_share_is_overridden_behind_it(
    tmp_path: Path, kustomization: str
) -> None:
    trial = Trial(tmp_path, _files(kustomization))
    plan = trial.plan("dev")
    assert plan.tasks == () and "RP112" not in {one.code for one in plan.findings}
    assert {change.path.split("/")[0] for change in plan.changes} == {"overlays"}
    (own,) = (one for one in plan.proofs if one.environment == "dev")
    assert [one.field for one in own.changed] == [
        "spec.template.spec.containers[web].env[DATABASE_URL].value"
    ]
    trial.apply("dev")
    again = trial.plan("dev")
    assert again.changes == () and again.tasks == ()
    assert trial.plan("prod").changes


def test_an_own_patch_behind_the_shared_one_takes_the_value(tmp_path: Path) -> None:
    after = Trial(tmp_path, _files(CASES["before an own patch"])).apply("dev")
    assert set(after) == {"overlays/dev/own.yaml"}


def test_an_own_patch_before_the_shared_one_stays_as_it_is(tmp_path: Path) -> None:
    after = Trial(tmp_path, _files(CASES["after an own patch"])).apply("dev")
    assert set(after) == {"overlays/dev/kustomization.yaml", "overlays/dev/web-dev-patch.yaml"}


def test_an_outer_overlay_that_lists_the_shared_patch_takes_the_value(tmp_path: Path) -> None:
    files = _files(CASES["after an own patch"])
    for env in ("dev", "prod"):
        files[f"overlays/{env}/kustomization.yaml"] = (
            f"namespace: shop-{env}\nresources: [apps]\npatches:\n  - path: ../../shared/web.yaml\n"
        )
        files[f"overlays/{env}/apps/kustomization.yaml"] = (
            "resources: [../../../base]\npatches:\n  - path: own.yaml\n"
        )
        files[f"overlays/{env}/apps/own.yaml"] = files.pop(f"overlays/{env}/own.yaml")
    trial = Trial(tmp_path, files)
    assert "RP112" not in {one.code for one in trial.plan("dev").findings}
    assert set(trial.apply("dev")) == {
        "overlays/dev/kustomization.yaml",
        "overlays/dev/web-dev-patch.yaml",
    }
    assert trial.plan("dev").changes == ()


def test_the_objects_own_file_is_not_asked_against_a_shared_patch(tmp_path: Path) -> None:
    files = {**_files(""), "shared/web.yaml": PATCH}
    files["base/kustomization.yaml"] = "resources: [targets.yaml]\n"
    del files["base/web.yaml"]
    for env in ("dev", "prod"):
        files[f"overlays/{env}/web.yaml"] = WEB
        files[f"overlays/{env}/kustomization.yaml"] = (
            f"namespace: shop-{env}\nresources: [../../base, web.yaml]\n"
            "patches:\n  - path: ../../shared/web.yaml\n"
        )
    trial = Trial(tmp_path, files)
    after = trial.apply("dev")
    assert "overlays/dev/web.yaml" not in after
    assert trial.plan("dev").changes == ()


BROKER = """apiVersion: example.com/v1
kind: Broker
metadata: {name: broker}
spec:
  databases:
    - {name: cache, host: redis, port: 6379}
    - name: main
      url: "postgresql://app@postgres:5432/shop"
"""


def test_an_item_of_a_custom_resources_list_gets_a_json_patch(tmp_path: Path) -> None:
    files = _files("")
    files["base/kustomization.yaml"] = "resources: [targets.yaml, broker.yaml]\n"
    files["base/broker.yaml"] = BROKER
    del files["base/web.yaml"]
    trial = Trial(tmp_path, files, config=CONFIG + "consumers: {broker: {purpose: runtime}}\n")
    plan = trial.plan("dev")
    assert plan.tasks == () and "RP112" not in {one.code for one in plan.findings}
    after = trial.apply("dev")
    url = "postgresql://app@pg-pooler.shop-dev.svc.cluster.local:5432/shop?sslmode=require"
    assert after["overlays/dev/broker-dev-patch.yaml"] == (
        "- op: test\n  path: /spec/databases/1/name\n  value: main\n"
        f'- op: replace\n  path: /spec/databases/1/url\n  value: "{url}"\n'
    )
    listed = after["overlays/dev/kustomization.yaml"]
    assert "target:" in listed and "kind: Broker" in listed and "group: example.com" in listed
    again = trial.plan("dev")
    assert again.changes == () and again.tasks == ()


ROLLOUT = """apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - name: web
          image: shop/web:1
          args: [--verbose, "--dsn=postgresql://app:canary-1@postgres:5432/shop"]
"""


def test_a_rollouts_list_of_words_is_replaced_where_it_stands(tmp_path: Path) -> None:
    files = _files("")
    files["base/web.yaml"] = ROLLOUT
    trial = Trial(tmp_path, files)
    plan = trial.plan("dev")
    assert plan.tasks == () and "canary" not in repr(plan)
    after = trial.apply("dev")
    patch = after["overlays/dev/web-dev-patch.yaml"]
    assert "path: /spec/template/spec/containers/0/name\n  value: web" in patch
    assert "path: /spec/template/spec/containers/0/args\n" in patch
    assert "app:canary-1@pg-pooler.shop-dev.svc.cluster.local:5432/shop" in patch
    assert trial.plan("dev").changes == ()
