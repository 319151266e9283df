"""A real API server takes the Job of examples/in-cluster under the strictest standard."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.control_plane import ControlPlane

pytestmark = pytest.mark.cluster

EXAMPLE = Path(__file__).parents[2] / "examples" / "in-cluster" / "verify.yaml"


def test_the_job_is_taken_where_pods_are_restricted(api: ControlPlane, tmp_path: Path) -> None:
    namespace = api.namespace()
    text = EXAMPLE.read_text("utf-8")
    for mode in ("enforce", "warn"):
        label = f"pod-security.kubernetes.io/{mode}=restricted"
        api.kubectl("label", "namespace", namespace, label)
    strict = ("create", "-n", namespace, "--dry-run=server", "--validate=strict", "-o", "name")
    done = api.kubectl(*strict, "-f", str(EXAMPLE))
    assert done.err == ""
    kinds = [line.partition("/")[0] for line in done.out.split()]
    assert kinds == ["serviceaccount", "configmap", "job.batch"]

    loose = tmp_path / "loose.yaml"
    loose.write_text(text.replace("runAsNonRoot: true", "runAsNonRoot: false"))
    assert "runAsNonRoot" in api.kubectl(*strict, "-f", str(loose)).err
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text.replace("restartPolicy", "restartsPolicy"))
    refused = api.kubectl(*strict, "-f", str(wrong), check=False)
    assert refused.status != 0 and "restartsPolicy" in refused.err
