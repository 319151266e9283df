"""Two products of one overlay on a common base: each object is patched where it is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.planning.small_repository import DEV_POOLED, TARGETS, Trial, workload

API = workload(
    "Deployment",
    "api",
    "containers:\n- name: api\n  image: shop/api:1\n  env:\n  - {name: PGHOST, value: postgres}\n",
)


def _repository(own: str) -> dict[str, str]:
    """`own` names what a product calls its objects, with `{product}` filled in."""
    files = {
        "common/kustomization.yaml": "resources: [api.yaml]\n",
        "common/api.yaml": API,
        "base/kustomization.yaml": "resources: [targets.yaml]\n",
        "base/targets.yaml": TARGETS,
    }
    for env in ("dev", "prod"):
        listed = ["../../base"]
        for product in ("courier", "depot"):
            listed.append(f"../../{product}/{env}")
            mine = own.replace("{product}", product)
            files[f"{product}/base/kustomization.yaml"] = f"resources: [../../common]\n{mine}"
            files[f"{product}/{env}/kustomization.yaml"] = (
                f"resources: [../base]\nnamespace: shop-{env}\n"
            )
        files[f"overlays/{env}/kustomization.yaml"] = f"resources: [{', '.join(listed)}]\n"
        files[f"overlays/{env}/kustomization.yaml"] += f"namespace: shop-{env}\n"
    return files


@pytest.mark.parametrize("own", ["namePrefix: '{product}-'\n", "nameSuffix: '-{product}'\n"])
def test_each_product_takes_the_patch_of_its_own_object(tmp_path: Path, own: str) -> None:
    after = Trial(tmp_path, _repository(own)).apply("dev")
    for product in ("courier", "depot"):
        patch = after[f"{product}/dev/api-dev-patch.yaml"]
        assert f"value: {DEV_POOLED}\n" in patch
        assert "- path: api-dev-patch.yaml\n" in after[f"{product}/dev/kustomization.yaml"]
