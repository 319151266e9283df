"""Plain manifests in folders that no word list knows: an environment each, or applications."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoint.planning.config import load_config
from tests.unit.planning.small_repository import TARGETS, Trial, proposed, workload

POD = "containers:\n- name: web\n  image: shop/web:1\n  env:\n  - {name: PGHOST, value: %s}\n"


def _files(folder: str, namespace: str, host: str) -> dict[str, str]:
    web = workload("Deployment", "web", POD % host)
    placed = f"  name: web\n  namespace: {namespace}\n"
    return {
        f"k8s/{folder}/web.yaml": web.replace("  name: web\n", placed, 1),
        f"k8s/{folder}/targets.yaml": TARGETS.replace(
            "metadata: {", f"metadata: {{namespace: {namespace}, "
        ),
    }


def test_folders_with_the_same_objects_are_environments(tmp_path: Path) -> None:
    files = _files("blue", "shop-blue", "postgres-0.postgres.shop-blue.svc.cluster.local")
    files |= _files("green", "shop-green", "postgres.shop-green")
    made = proposed(Trial(tmp_path, files))
    config = load_config(made.text)
    assert [(name, one.manifests) for name, one in config.environments.items()] == [
        ("blue", "k8s/blue"),
        ("green", "k8s/green"),
    ]
    for name in ("blue", "green"):
        after = Trial(tmp_path, {}, config=made.text).apply(name)
        assert list(after) == [f"k8s/{name}/web.yaml"]
        assert f"value: pg-pooler.shop-{name}.svc.cluster.local" in after[f"k8s/{name}/web.yaml"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(("web", "shop"), ("api", "shop"), id="one namespace"),
        pytest.param(("web", "team-a"), ("other", ""), id="no namespace"),
    ],
)
def test_folders_of_applications_are_not(
    tmp_path: Path, first: tuple[str, str], second: tuple[str, str]
) -> None:
    files: dict[str, str] = {}
    for name, namespace in (first, second):
        text = workload("Deployment", name, POD % "postgres.shop")
        placed = f"  name: {name}\n  namespace: {namespace}\n" if namespace else f"  name: {name}\n"
        files[f"k8s/{name}/deployment.yaml"] = text.replace(f"  name: {name}\n", placed, 1)
        files[f"k8s/{name}/service.yaml"] = (
            f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\n"
            "spec: {ports: [{port: 80}]}\n"
        )
    config = load_config(proposed(Trial(tmp_path, files)).text)
    assert list(config.environments) == ["default"]
