"""`repoint rollout --mode gitops` from the command line, on a real API server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from tests.cluster.control_plane import ControlPlane, Done
from tests.documents import validated
from tests.prepared import run
from tests.unit.planning.small_repository import CONFIG, repository, workload

pytestmark = pytest.mark.cluster

READS = """
containers:
  - name: web
    image: example.org/none:1
    env:
      - name: DATABASE_URL
        valueFrom: {secretKeyRef: {name: db, key: url}}
"""
SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: db}
stringData:
  url: postgresql://shop:canary-1@postgres:5432/shop
"""
GIT = ("git", "-c", "user.name=t", "-c", "user.email=t@example.org")


class Shop:
    """A repository whose plan is applied and committed, and its namespace."""

    def __init__(self, api: ControlPlane, root: Path) -> None:
        self.api, self.root = api, root
        self.namespace = api.namespace("follow")
        files = repository(
            {"db.yaml": SECRET, "web.yaml": workload("Deployment", "web", READS)}, {}
        )
        storage = "spec: {storage: {size: 1Gi}, instances: 1,"
        files["base/targets.yaml"] = files["base/targets.yaml"].replace(
            "spec: {instances: 1,", storage
        )
        spaced = CONFIG.replace("shop-dev", self.namespace) + "gates: {rollout: []}\n"
        files["repoint.yaml"] = spaced.replace(
            "overlay: overlays/dev", "overlay: overlays/dev, mode: gitops"
        )
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text.replace("shop-dev", self.namespace))
        self.git("init", "-q")
        self.commit()
        assert self.repoint("apply", "--env", "dev", "--yes").status == 0
        self.commit()

    def git(self, *args: str) -> None:
        subprocess.run([*GIT, *args], cwd=self.root, check=True, capture_output=True)

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", "state")

    def repoint(self, *args: str) -> Done:
        done = run("-C", str(self.root), *args, env=self.api.environment(), timeout=120)
        return Done(done.returncode, done.stdout, done.stderr)

    def rollout(self, *args: str) -> Done:
        return self.repoint("rollout", "--env", "dev", "--context", "test", *args)

    def render(self) -> list[dict[str, object]]:
        text = self.api.kubectl("kustomize", str(self.root / "overlays/dev")).out
        return list(yaml.safe_load_all(text))

    def bring(self, documents: Sequence[dict[str, object]]) -> None:
        """As a controller does, CloudNativePG's operator with it."""
        for one in documents:
            self.api.kubectl(
                "apply",
                "--server-side",
                "--field-manager=argocd-controller",
                "-f",
                "-",
                stdin=yaml.safe_dump(one),
            )
        pooler = workload(
            "Deployment", "pg-pooler", "containers: [{name: p, image: example.org/p}]"
        )
        self.api.kubectl("apply", "-n", self.namespace, "-f", "-", stdin=pooler)
        for kind, name, status in (
            ("clusters", "pg", {"phase": "Cluster in healthy state", "readyInstances": 1}),
            ("poolers", "pg-pooler", {"instances": 1}),
        ):
            self.api.kubectl(
                *("patch", f"{kind}.postgresql.cnpg.io", name, "-n", self.namespace),
                *("--subresource=status", "--type=merge", "-p", json.dumps({"status": status})),
            )


def test_a_controller_is_followed_until_all_is_as_planned(
    api: ControlPlane, tmp_path: Path
) -> None:
    shop = Shop(api, tmp_path)
    first = shop.rollout("--dry-run")
    assert first.status == 1, first.err
    assert "it is not there yet" in first.out
    assert "nothing was changed by repoint" in first.out
    shop.bring(shop.render())
    done = shop.rollout("--timeout", "60s", "--format", "json")
    assert done.status == 0, done.out + done.err
    told = validated("rollout-gitops", done.out)
    assert (told["mode"], told["outcome"], told["standing"]) == ("gitops", "reached", "reached")
    ledger = [
        json.loads(line) for line in (tmp_path / ".repoint/ledger.jsonl").read_text().splitlines()
    ]
    last = ledger[-1]
    assert (last["phase"], last["verdict"], last["environment"]) == ("rolled-out", "pass", "dev")
    assert "canary" not in first.out + first.err + done.out + done.err
    managers = api.kubectl(
        "get", "all,secret", "-n", shop.namespace, "-o", "json", "--show-managed-fields"
    )
    assert '"manager": "repoint"' not in managers.out


def test_what_is_not_applied_or_not_committed_is_not_watched_for(
    api: ControlPlane, tmp_path: Path
) -> None:
    shop = Shop(api, tmp_path)
    changed = tmp_path / "overlays/dev/kustomization.yaml"
    changed.write_text(changed.read_text() + "\n")
    refused = shop.rollout()
    assert refused.status == 1 and "not committed" in refused.err
    wrong = shop.rollout("--force-conflicts")
    assert wrong.status == 2 and "never does" in wrong.err
