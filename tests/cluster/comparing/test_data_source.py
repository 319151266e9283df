"""The way to a database through a real API server, and whether the source still stands there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from repoint.adapters.kubeapi import KubectlDoor
from repoint.cli.options import Session
from repoint.cli.output import Terminal
from repoint.cli.progress import StderrProgress
from repoint.cli.wiring import open_desk
from repoint.comparison.standing import Standing
from repoint.flows.comparing.way_back import source_standing
from repoint.model.rehearsal import Verdict
from repoint.ports.cluster import ClusterApi
from tests.cluster.control_plane import ControlPlane
from tests.cluster.objects import deployment, forwards, service
from tests.servers.fix_lab import CLUSTER, PASSWORD, GroundFactory

pytestmark = pytest.mark.cluster

CONFIG = """\
source:
  hosts: [db.{0}.svc.cluster.local]
target:
  cluster: pg
  pooler: pg-pooler
environments:
  local:
    namespace: {0}
    manifests: manifests
    context: test
data:
  source: OLD_URL
"""


def source_objects(namespace: str) -> list[dict[str, Any]]:
    pod = {
        "metadata": {"labels": {"app": "db"}},
        "spec": {
            "containers": [{"name": "db", "image": "postgres:15"}],
            "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "db"}}],
        },
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "db", "namespace": namespace},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Gi"}},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "db", "namespace": namespace},
            "spec": {"selector": {"app": "db"}, "ports": [{"port": 5432}]},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": "db", "namespace": namespace},
            "spec": {
                "serviceName": "db",
                "replicas": 1,
                "selector": {"matchLabels": {"app": "db"}},
                "template": pod,
            },
        },
    ]


def migration(namespace: str, dsn: str) -> list[dict[str, Any]]:
    variable = {
        "name": "DATABASE_URL",
        "valueFrom": {"secretKeyRef": {"name": "migrate", "key": "DATABASE_URL"}},
    }
    container = {
        "name": "migrate",
        "image": "migrate/migrate:v4",
        "command": ["migrate", "-database", "$(DATABASE_URL)", "up"],
        "env": [variable],
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "migrate", "namespace": namespace},
            "stringData": {"DATABASE_URL": dsn},
        },
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": "migrate", "namespace": namespace},
            "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}},
        },
    ]


def repository(folder: Path, namespace: str, objects: list[dict[str, Any]]) -> Path:
    (folder / "manifests").mkdir(exist_ok=True)
    (folder / "repoint.yaml").write_text(CONFIG.format(namespace))
    (folder / "manifests" / "all.yaml").write_text(yaml.safe_dump_all(objects))
    return folder


@pytest.fixture
def reached(api: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClusterApi]:
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig))
    with KubectlDoor().open("test") as opened:
        yield opened


def standing(root: Path, cluster: ClusterApi | None) -> Standing:
    quiet = Session(root, Terminal(False, True, 80), StderrProgress(quiet=True))
    with open_desk(quiet, None) as desk:
        return source_standing(desk.workspace, "local", cluster)


def test_the_source_stands_until_a_part_of_it_goes(
    api: ControlPlane, reached: ClusterApi, tmp_path: Path
) -> None:
    namespace = api.namespace()
    objects = source_objects(namespace)
    root = repository(tmp_path, namespace, objects)
    assert standing(root, reached).verdict is Verdict.FAIL  # nothing of it is there yet
    for one in objects:
        api.create(one)

    assert standing(root, reached).verdict is Verdict.PASS
    assert standing(root, None).verdict is Verdict.UNKNOWN

    repository(root, namespace, [one for one in objects if one["kind"] != "StatefulSet"])
    gone = standing(root, reached)
    assert gone.verdict is Verdict.FAIL
    assert gone.reasons == (
        f"StatefulSet/{namespace}/db is gone from the environment's objects: "
        "a delivery may delete it",
    )

    repository(root, namespace, objects)
    api.kubectl("scale", "statefulset/db", "-n", namespace, "--replicas=0")
    assert standing(root, reached).reasons == (f"StatefulSet/{namespace}/db has 0 replicas",)
    api.kubectl("scale", "statefulset/db", "-n", namespace, "--replicas=1")
    api.kubectl("delete", "service/db", "-n", namespace)
    assert standing(root, reached).reasons == (f"Service/{namespace}/db is gone from the cluster",)


@pytest.mark.servers
def test_the_target_is_reached_by_port_forward_with_the_migrations_own_string(
    api: ControlPlane, ground: GroundFactory, tmp_path: Path
) -> None:
    namespace = api.namespace()
    source, target = ground(18), ground(18)
    for one in (source, target):
        one.sql("CREATE TABLE public.t AS SELECT g AS id FROM generate_series(1, 50) AS g")
        one.sql(f"GRANT SELECT ON public.t TO {one.owner}")
    host, port = target.lab.address(CLUSTER)
    name = f"pg-rw.{namespace}.svc.cluster.local"
    dsn = f"postgres://{target.owner}:{PASSWORD.reveal()}@{name}:5432/{target.database}"
    root = repository(tmp_path, namespace, migration(namespace, f"{dsn}?sslmode=require"))
    api.create(deployment(namespace, "pg"))
    api.create(service(namespace, "pg-rw", port=5432, target=5432) | _selecting("pg", namespace))
    api.create(forwards(namespace, {5432: port}))
    api.kubectl("rollout", "status", "deployment/pg", "-n", namespace)

    environment = {
        **api.environment(),
        "PATH": os.environ["PATH"],
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "OLD_URL": f"postgres://{source.owner}:{PASSWORD.reveal()}@{host}:{port}/{source.database}",
    }
    done = subprocess.run(
        [sys.executable, "-m", "repoint", "-C", str(root), "data", "compare", "--format", "json"],
        env=environment,
        capture_output=True,
        text=True,
    )

    assert done.stdout, done.stderr
    (found,) = json.loads(done.stdout)["databases"]
    assert found["target"]["database"] == target.database
    assert [(one["name"], one["verdict"]) for one in found["tables"]] == [("public.t", "pass")]
    assert PASSWORD.reveal() not in done.stdout + done.stderr


def _selecting(app: str, namespace: str) -> dict[str, Any]:
    spec = {"selector": {"app": app}, "ports": [{"port": 5432, "targetPort": 5432}]}
    return {"metadata": {"name": "pg-rw", "namespace": namespace}, "spec": spec}
