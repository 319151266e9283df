"""Where the target itself is filled from: its import must not be sent to the target."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.planning.small_repository import DEV_POOLED, Trial, repository, workload

WEB = workload(
    "Deployment",
    "web",
    "containers:\n- name: web\n  image: shop/web:1\n  env:\n  - {name: PGHOST, value: postgres}\n",
)
IMPORTS = """
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: NAME}
spec:
  instances: 1
  bootstrap:
    initdb:
      import: {type: microservice, databases: [shop], source: {externalCluster: old}}
  externalClusters:
    - name: old
      connectionParameters: {host: postgres, user: postgres, dbname: shop}
"""


def _trial(root: Path, name: str, prefix: str = "") -> Trial:
    files = repository({"web.yaml": WEB, "import.yaml": IMPORTS.replace("NAME", name)}, {})
    if name == "pg":
        head, _, tail = files["base/targets.yaml"].partition("---\n")
        files["base/targets.yaml"] = f"{head}---\n{tail.partition('---')[2].strip()}\n"
    if prefix:
        for env in ("dev", "prod"):
            files[f"overlays/{env}/kustomization.yaml"] += f"namePrefix: {prefix}\n"
    return Trial(root, files)


@pytest.mark.parametrize("prefix", ["", "a-"])
def test_the_target_goes_on_being_filled_from_the_source(tmp_path: Path, prefix: str) -> None:
    trial = _trial(tmp_path, "pg", prefix)
    after = trial.apply("dev")
    assert f"value: {prefix}{DEV_POOLED}\n" in after["overlays/dev/web-dev-patch.yaml"]
    assert "externalClusters" not in "".join(after.values())
    assert trial.plan("dev").changes == ()
    left = [f for f in trial.check("dev") if f.code in ("RP104", "RP110", "RP111")]
    assert left == []


def test_another_cluster_that_takes_its_data_from_the_source_moves(tmp_path: Path) -> None:
    plan = _trial(tmp_path, "copy").plan("dev")
    assert [c.path for c in plan.changes if "copy" in c.path] == [
        "overlays/dev/copy-dev-patch.yaml"
    ]
