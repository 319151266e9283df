"""A small repository to roll out, in namespaces of its own, and the real command on it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from repoint.adapters.runner import find_tool
from tests.cluster.control_plane import ControlPlane
from tests.cluster.objects import cluster, deployment, job, pooler
from tests.documents import validated
from tests.prepared import run

PASSWORD = "hunter2-of-the-shop"
"""Stands in every Secret of the shop, and must be in no output."""

_ROLLOUT = ("rollout", "--env", "test", "--context", "test", "--yes")


def command(*args: str) -> list[str]:
    """The real program, in a process of its own."""
    return [sys.executable, "-m", "repoint", *args]


@dataclass
class Shop:
    """The repository in `root`; its objects are in `namespace`."""

    api: ControlPlane
    root: Path
    namespace: str
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    output: str = ""
    """Everything that the command said so far."""

    def write(self) -> None:
        """Write and commit the files."""
        deploy, sealed = self.root / "deploy", self.root / "secrets"
        for folder in (deploy, sealed):
            folder.mkdir(parents=True, exist_ok=True)
        for name, one in self.objects.items():
            (deploy / f"{name}.yaml").write_text(yaml.safe_dump(one))
        listed = {"resources": [f"{name}.yaml" for name in self.objects]}
        (deploy / "kustomization.yaml").write_text(yaml.safe_dump(listed))
        for name, values in self.secrets.items():
            secret = {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name, "namespace": self.namespace},
                "stringData": values,
            }
            (sealed / f"{name}.yaml").write_text(yaml.safe_dump(secret))
        (self.root / "repoint.yaml").write_text(_CONFIG.format(namespace=self.namespace))
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "shop")

    def git(self, *args: str) -> None:
        """Run git in the repository."""
        who = {"GIT_AUTHOR_NAME": "T", "GIT_AUTHOR_EMAIL": "t@example.org"}
        who |= {"GIT_COMMITTER_NAME": "T", "GIT_COMMITTER_EMAIL": "t@example.org"}
        subprocess.run(
            ["git", *args], cwd=self.root, check=True, env={**os.environ, **who}, timeout=60
        )

    def environment(self, kubeconfig: Path | None = None) -> dict[str, str]:
        """The variables of the command."""
        path = f"{Path(find_tool('kubectl')).parent}:{os.environ['PATH']}"
        return {**self.api.environment(kubeconfig), "PATH": path}

    def argv(self, *more: str) -> list[str]:
        """The command line of a rollout."""
        return command(*_ROLLOUT, *more)

    def rollout(
        self, *more: str, kubeconfig: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        env = self.environment(kubeconfig)
        done = run(*_ROLLOUT, *more, cwd=self.root, env=env, timeout=120)
        self.output += done.stdout + done.stderr
        return done

    def start(self) -> subprocess.Popen[str]:
        """Begin to run it; its lines are in `stderr`."""
        return subprocess.Popen(
            self.argv(),
            cwd=self.root,
            env=self.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def commit(self) -> None:
        """Commit what a rollout recorded."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "record")

    def get(self, kind: str, name: str) -> Any:
        """A live object; None when it is not there."""
        prefix = {
            "deployment": "/apis/apps/v1",
            "statefulset": "/apis/apps/v1",
            "job": "/apis/batch/v1",
            "pooler": "/apis/postgresql.cnpg.io/v1",
            "cluster": "/apis/postgresql.cnpg.io/v1",
            "lease": "/apis/coordination.k8s.io/v1",
        }.get(kind, "/api/v1")
        status, body = self.api.call("GET", f"{prefix}/namespaces/{self.namespace}/{kind}s/{name}")
        return body if status == 200 else None

    def generations(self) -> dict[str, int]:
        """The generation of each Deployment: it grows with each change of the template."""
        path = f"/apis/apps/v1/namespaces/{self.namespace}/deployments"
        return {
            one["metadata"]["name"]: one["metadata"]["generation"]
            for one in self.api.get(path)["items"]
        }

    def templates(self, name: str) -> int:
        """How many pod templates a Deployment has had: each has its ReplicaSet."""
        path = f"/apis/apps/v1/namespaces/{self.namespace}/replicasets?labelSelector=app%3D{name}"
        return len(self.api.get(path)["items"])

    def versions(self) -> dict[str, str]:
        """The resource version of everything that the rollout brings."""
        found = {}
        for one in (
            *self.objects.values(),
            *({"kind": "Secret", "metadata": {"name": n}} for n in self.secrets),
        ):
            live = self.get(one["kind"].lower(), one["metadata"]["name"])
            found[f"{one['kind']}/{one['metadata']['name']}"] = live["metadata"]["resourceVersion"]
        return found


def new_shop(api: ControlPlane, root: Path, *, pool_mode: str = "session") -> Shop:
    """A shop with a Cluster, a Pooler, a migration Job, and two Deployments.

    `web` reads the key `url` of the Secret `web`, `mail` all of `mail`.
    """
    namespace = api.namespace("shop")
    shop = Shop(api, root, namespace)
    shop.git("init", "-q")
    host = f"pooler.{namespace}.svc.cluster.local"
    direct = f"pg-rw.{namespace}.svc.cluster.local"
    shop.secrets = {
        "web": {
            "url": f"postgresql://web:{PASSWORD}@{host}:5432/shop?sslmode=require",
            "direct": f"postgresql://web:{PASSWORD}@{direct}:5432/shop?sslmode=require",
            "other": "1",
        },
        "mail": {"smtp": f"smtp://mail:{PASSWORD}@mail:25"},
    }
    shop.objects = {
        "cluster": cluster(namespace),
        "pooler": pooler(namespace, poolMode=pool_mode),
        "migrate": _reading(job(namespace), "web", "direct"),
        "web": _reading(deployment(namespace), "web", "url"),
        "mail": _reading(deployment(namespace, "mail"), "mail"),
    }
    shop.write()
    return shop


def _reading(workload: dict[str, Any], secret: str, key: str = "") -> dict[str, Any]:
    container = workload["spec"]["template"]["spec"]["containers"][0]
    if key:
        ref = {"name": secret, "key": key}
        container["env"] = [{"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": ref}}]
    else:
        container["envFrom"] = [{"secretRef": {"name": secret}}]
    return workload


def steps_of(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The titles of the steps that a run with `--format json` listed."""
    found: Mapping[str, Any] = validated("rollout", done.stdout)
    return [
        " ".join(p for p in (one["action"], f"{one['kind']}/{one['name']}".strip("/")) if p)
        for one in found["steps"]
    ]


_CONFIG = """\
source:
  hosts: [old-postgres.{namespace}.svc.cluster.local]
target:
  cluster: pg
  pooler: pooler
  database: shop
environments:
  test:
    namespace: {namespace}
    overlay: deploy
    secrets: secrets
gates:
  rollout: []
"""
