"""How many pods of a workload run at once, as its manifest and its autoscaler tell."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.planning.small_repository import Trial, repository

HPA = """---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 9
"""
KEDA = """---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: web}
spec: {scaleTargetRef: {name: web}, maxReplicaCount: 7}
"""


def manifest(spec: str, kind: str = "Deployment") -> str:
    return f"""apiVersion: apps/v1
kind: {kind}
metadata: {{name: web}}
spec:
  selector: {{matchLabels: {{app: web}}}}
{spec}  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      containers:
        - name: web
          image: acme/web
          env:
            - {{name: DATABASE_URL, value: "postgresql://shop@postgres:5432/shop"}}
            - {{name: POOL_SIZE, value: "50"}}
"""


@pytest.mark.parametrize(
    ("text", "pods"),
    [
        pytest.param(manifest(""), "(1 replica(s) + 1 in a rollout)", id="a Deployment of one"),
        pytest.param(
            manifest("  replicas: 5\n"), "(5 replica(s) + 2 in a rollout)", id="25 % rounded up"
        ),
        pytest.param(
            manifest("  replicas: 4\n  strategy: {rollingUpdate: {maxSurge: 3}}\n"),
            "(4 replica(s) + 3 in a rollout)",
            id="a number",
        ),
        pytest.param(
            manifest("  replicas: 4\n  strategy: {rollingUpdate: {maxSurge: 50%}}\n"),
            "(4 replica(s) + 2 in a rollout)",
            id="a share",
        ),
        pytest.param(
            manifest("  replicas: 4\n  strategy: {rollingUpdate: {maxSurge: 0}}\n"),
            "4 replica(s)",
            id="none",
        ),
        pytest.param(
            manifest("  replicas: 4\n  strategy: {type: Recreate}\n"), "4 replica(s)", id="Recreate"
        ),
        pytest.param(
            manifest("  replicas: 4\n", kind="StatefulSet"), "4 replica(s)", id="StatefulSet"
        ),
        pytest.param(
            manifest("  replicas: 2\n") + HPA,
            "(9 replica(s) (HorizontalPodAutoscaler `web`) + 3 in a rollout)",
            id="an autoscaler",
        ),
        pytest.param(
            manifest("") + KEDA,
            "(7 replica(s) (ScaledObject `web`) + 2 in a rollout)",
            id="KEDA",
        ),
        pytest.param(
            manifest("  replicas: 2\n") + HPA.replace("name: web}", "name: other}"),
            "(2 replica(s) + 1 in a rollout)",
            id="another workload's autoscaler",
        ),
    ],
)
def test_pods_of_a_workload(tmp_path: Path, text: str, pods: str) -> None:
    plan = Trial(tmp_path, repository({"web.yaml": text}, {})).plan("dev")
    told = [f.message for f in plan.findings if f.code in ("RP241", "RP242", "RP243")]
    assert re.search(rf"\bweb {re.escape(pods)} x pool_size 50", " ".join(told)), told
