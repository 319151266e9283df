"""A small shop before CloudNativePG, made of manifests in a folder, with its plan laid over it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from repoint.adapters.filetree import FileTree
from repoint.adapters.kubectl import Kustomize
from repoint.adapters.sops import Sops
from repoint.flows.planning import make_plan
from repoint.flows.rehearsing.casting import Scene, Stranger
from repoint.flows.rehearsing.flow import Prepared, prepare
from repoint.flows.workspace import Workspace
from repoint.planning.config import load_config
from repoint.ports.work import UNWATCHED
from repoint.rehearsal.cast import Client

OLD = "postgres.shop.svc.cluster.local"
POOLED = "pg-pooler.shop.svc.cluster.local"
DIRECT = "pg-rw.shop.svc.cluster.local"
PLAIN = f"postgresql://web:canary-plain@{OLD}:5432/shop"
URL = f"{PLAIN}?search_path=app"
CONFIG = f"""\
source: {{hosts: [{OLD}]}}
target: {{cluster: pg, pooler: pg-pooler, sslmode: ""}}
environments: {{local: {{namespace: shop, overlay: deploy}}}}
"""
CNPG = """\
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg, namespace: shop}
spec:
  instances: 1
  imageName: ghcr.io/cloudnative-pg/postgresql:18.1
  bootstrap: {initdb: {database: shop, owner: keeper, postInitApplicationSQL: [SELECT 1]}}
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: pg-pooler, namespace: shop}
spec:
  cluster: {name: pg}
  instances: 1
  type: rw
  pgbouncer: {poolMode: session, parameters: {default_pool_size: "20"}}
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: unused, namespace: shop}
spec:
  cluster: {name: pg}
  instances: 1
  type: rw
  pgbouncer: {poolMode: transaction}
"""


def app(name: str, kind: str = "Deployment", **container: object) -> str:
    """A workload of one container."""
    one = {"name": name, "image": f"acme/{name}", **container}
    spec = {"template": {"spec": {"containers": [one]}}}
    api = "batch/v1" if kind == "Job" else "apps/v1"
    meta = {"name": name, "namespace": "shop"}
    made = {"apiVersion": api, "kind": kind, "metadata": meta, "spec": spec}
    return yaml.safe_dump(made)


def env(**values: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]


def secret(**values: str) -> str:
    meta = {"name": "db", "namespace": "shop"}
    made = {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": values}
    return yaml.safe_dump(made)


def from_secret(key: str) -> list[dict[str, object]]:
    reference = {"secretKeyRef": {"name": "db", "key": key}}
    return [{"name": "DATABASE_URL", "valueFrom": reference}]


def repository(folder: Path, files: Mapping[str, str], config: str = CONFIG) -> Workspace:
    """A repository whose `deploy` folder holds these manifests beside the Cluster's."""
    deployed = {"cnpg.yaml": CNPG, **files}
    listed = yaml.safe_dump({"resources": [path for path in deployed if "/" not in path]})
    made = {f"deploy/{path}": text for path, text in deployed.items() if "/" not in path}
    made |= {path: text for path, text in files.items() if "/" in path}
    for path, text in {**made, "deploy/kustomization.yaml": listed}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    tree = FileTree(folder)
    given = (Sops(tree), Kustomize(tree), UNWATCHED)
    return Workspace(str(folder), tree, load_config(config), config, *given)


def prepared(folder: Path, files: Mapping[str, str], config: str = CONFIG) -> Prepared:
    """Its plan laid over it."""
    made = repository(folder, files, config)
    tree = FileTree(folder)
    return prepare(make_plan(made), made, tree, Sops(tree))


def scene(found: Prepared) -> Scene:
    [(_, [one], _)] = found.scenes
    return one


def strangers(found: Prepared) -> tuple[Stranger, ...]:
    [(_, _, several)] = found.scenes
    return several


def by_name(found: Prepared) -> dict[str, Client]:
    return {one.facts.name: one for one in scene(found).clients}
