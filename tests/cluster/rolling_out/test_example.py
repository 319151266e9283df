"""The example after its move, rolled out onto a cluster that has nothing of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.cluster.rolling_out.shop import command
from tests.cluster.rolling_out.stand_in import operator

pytestmark = pytest.mark.cluster

EXAMPLE = Path(__file__).parents[3] / "examples" / "naytife-migrated"
_NAMESPACES = ("naytife", "naytife-auth")
_SECRETS = ("local-jwt-secret-not-a-secret", "local-system-secret", "local-cookie-secret")


def test_the_example_is_brought_up_and_no_secret_is_seen(api: ControlPlane, tmp_path: Path) -> None:
    root = tmp_path / "naytife"
    shutil.copytree(EXAMPLE, root)
    config = root / "repoint.yaml"
    config.write_text(config.read_text() + "gates:\n  rollout: []\n")
    environment = {**api.environment(), "PATH": os.environ["PATH"]}
    environment["SOPS_AGE_KEY_FILE"] = str(root / "keys" / "local.txt")

    def rollout(*more: str) -> subprocess.CompletedProcess[str]:
        argv = command("rollout", "--env", "local", "--context", "test", *more)
        done = subprocess.run(
            argv, cwd=root, env=environment, capture_output=True, text=True, timeout=200
        )
        assert not [one for one in _SECRETS if one in done.stdout + done.stderr]
        assert ":postgres@" not in done.stdout + done.stderr
        return done

    listed = rollout("--dry-run")
    assert listed.returncode == 0, listed.stderr
    assert "apply Namespace/naytife-auth" in listed.stdout
    assert api.call("GET", "/api/v1/namespaces/naytife")[0] == 404
    with operator(api, *_NAMESPACES):
        done = rollout()
        assert done.returncode == 0, done.stderr
        again = rollout("--format", "json")
    assert json.loads(again.stdout)["outcome"] == "nothing"
    path = "/apis/apps/v1/namespaces/naytife/deployments/backend"
    assert api.get(path)["status"]["availableReplicas"] == 1
    for name in _NAMESPACES:
        api.delete(f"/api/v1/namespaces/{name}")
