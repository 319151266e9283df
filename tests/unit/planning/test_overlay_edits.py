"""Patches of an environment with several overlays: each object's stands where it is built."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from repoint.adapters.filetree import FileTree
from repoint.adapters.kubectl import Kustomize
from tests.unit.planning.small_repository import TARGETS, Trial, workload

CONFIG = """
source: {hosts: [postgres.data]}
target: {cluster: pg, pooler: pg-pooler}
environments:
  dev: {namespace: shop-dev, overlay: [dev/cart, dev/shop]}
  prod: {namespace: shop-prod, overlay: [prod/cart, prod/shop]}
"""

_DUMP = (
    "containers:\n- name: dump\n  image: postgres:18\n  command: [sh, -c, 'pg_dump shop']\n"
    "  envFrom: [{configMapRef: {name: db}}]\n"
)
_WEB = "containers:\n- name: web\n  image: shop/web:1\n  envFrom: [{configMapRef: {name: db}}]\n"
_COMPONENT = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [dump.yaml]"


def _files(dumped: tuple[str, ...]) -> dict[str, str]:
    """Two products in two environments; all who are `dumped` share one backup's manifest."""
    files = {
        "component/kustomization.yaml": _COMPONENT,
        "component/dump.yaml": workload("Job", "dump", _DUMP),
        "targets/kustomization.yaml": "resources: [targets.yaml]\n",
        "targets/targets.yaml": TARGETS,
    }
    for product in ("cart", "shop"):
        files[f"{product}/kustomization.yaml"] = "resources: [web.yaml]\n"
        files[f"{product}/web.yaml"] = workload("Deployment", product, _WEB)
        for env in ("dev", "prod"):
            where = f"{env}/{product}"
            lines = [f"namespace: {product}-{env}", f"resources: [../../{product}]"]
            lines += ["components: [../../component]"] if env in dumped else []
            lines += ["configMapGenerator:", "- {name: db, literals: [PGHOST=postgres.data]}"]
            files[f"{where}/kustomization.yaml"] = "\n".join(lines) + "\n"
    return files


def _hosts(root: Path, overlay: str) -> list[str]:
    """The hosts that the backup is given by itself, as the overlay renders it."""
    text = Kustomize(FileTree(root)).render([overlay], {})[overlay].text
    job = next(one for one in yaml.safe_load_all(text or "") if one["kind"] == "Job")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    return [one["value"] for one in container.get("env", ()) if one["name"] == "PGHOST"]


@pytest.mark.parametrize("dumped", [("prod",), ("dev", "prod")])
def test_one_backup_in_two_overlays_is_direct_in_both(
    tmp_path: Path, dumped: tuple[str, ...]
) -> None:
    trial = Trial(tmp_path, _files(dumped), config=CONFIG)
    trial.apply("prod")

    direct = ["pg-rw.shop-prod.svc.cluster.local"]
    assert {one: _hosts(tmp_path, f"prod/{one}") for one in ("cart", "shop")} == {
        "cart": direct,
        "shop": direct,
    }
    assert trial.plan("prod").changes == ()
