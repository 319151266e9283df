"""What a component generates, overridden in the overlay that lists it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.planning.small_repository import TARGETS, Trial, workload

_COMPONENT = {
    "base/kustomization.yaml": "resources: [targets.yaml, web.yaml, dump.yaml]\n",
    "base/targets.yaml": TARGETS,
    "base/web.yaml": workload(
        "Deployment",
        "web",
        "containers:\n- name: web\n  image: shop/web:1\n"
        "  env: [{name: PGHOST, valueFrom: {configMapKeyRef: {name: where, key: DB_HOST}}}]\n",
    ),
    "base/dump.yaml": workload(
        "Job",
        "dump",
        "containers:\n- name: dump\n  image: postgres:16\n  command: [pg_dump, shop]\n"
        "  env: [{name: PGHOST, value: replaced}]\n",
    ),
    "where/kustomization.yaml": (
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nconfigMapGenerator:\n"
        "  - {name: where, literals: [DB_HOST=postgres, DUMP_DB_HOST=postgres]}\n"
        "replacements:\n"
        "  - source: {kind: ConfigMap, name: where, fieldPath: data.DUMP_DB_HOST}\n"
        "    targets:\n"
        "      - select: {kind: Job, name: dump}\n"
        "        fieldPaths:\n"
        "          - spec.template.spec.containers.[name=dump].env.[name=PGHOST].value\n"
    ),
}


@pytest.mark.parametrize("above", [False, True])
def test_what_a_component_generates_is_patched_where_kustomize_has_it(
    tmp_path: Path, above: bool
) -> None:
    listed = "resources: [../../base]\ncomponents: [../../where]\n"
    files = dict(_COMPONENT)
    for env in ("dev", "prod"):
        own = listed if not above else "resources: [../../with]\n"
        files[f"overlays/{env}/kustomization.yaml"] = f"namespace: shop-{env}\n{own}"
    if above:
        files["with/kustomization.yaml"] = "resources: [../base]\ncomponents: [../where]\n"
    trial = Trial(tmp_path, files)
    after = trial.apply("dev")

    kustomization = after["overlays/dev/kustomization.yaml"]
    assert ("behavior: merge" in kustomization) is above
    assert ("overlays/dev/where-dev-patch.yaml" in after) is not above
    assert "value: pg-rw.shop-dev.svc.cluster.local" in after["overlays/dev/dump-dev-patch.yaml"]
    assert trial.plan("dev").changes == () and trial.plan("dev").tasks == ()
