"""An environment that moved: a repository, objects in a real API server, and real servers.

kwok plays the pods; `kubectl port-forward` of a pod leads to PostgreSQL, PgBouncer, its exporter
or a tiny HTTP service on loopback, told apart by the container's port.
"""

from __future__ import annotations

import base64
import http.server
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from repoint.adapters.filetree import FileTree
from repoint.adapters.http_get import http_get
from repoint.adapters.kubeapi import KubectlDoor
from repoint.adapters.kubectl import Kustomize
from repoint.adapters.pgclient import connect
from repoint.adapters.sops import Sops
from repoint.flows.verifying.flow import Scenery, read_scenery, verify
from repoint.flows.workspace import Workspace
from repoint.model.rehearsal import Check
from repoint.model.verification import Verification, VerifiedConsumer
from repoint.planning.config import load_config
from repoint.ports.cluster import ClusterApi
from repoint.ports.work import UNWATCHED
from tests.cluster.control_plane import ControlPlane
from tests.cluster.objects import KWOK, cluster, deployment, pooler, service
from tests.servers.fix_lab import Ground, Pool

POOLED_PORT, DIRECT_PORT, SOURCE_PORT, HEALTH_PORT, METRICS_PORT = 16432, 15432, 25432, 8000, 9127
PASSWORD = "p@ss/w:r%d é"
ENCODED = quote(PASSWORD, safe="")


class _Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status = self.server.status if self.path == "/health" else 404  # type: ignore[attr-defined]
        self.send_response(status)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def health_service() -> Iterator[http.server.ThreadingHTTPServer]:
    """An HTTP service that answers `/health` with its attribute `status`."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Health) as server:
        server.status = 200  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@dataclass
class Town:
    """The environment; a test changes what it wants and calls `stand`, then `verify`."""

    api: ControlPlane
    folder: Path
    namespace: str
    pool: Pool
    ground: Ground
    source: Ground | None
    health: http.server.ThreadingHTTPServer
    role: str = ""
    old_namespace: str = ""
    metrics: int = 0
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def pooled(self) -> str:
        return f"pooler.{self.namespace}.svc.cluster.local"

    @property
    def direct(self) -> str:
        return f"pg-rw.{self.namespace}.svc.cluster.local"

    @property
    def old(self) -> str:
        return f"postgres.{self.old_namespace or self.namespace}.svc.cluster.local"

    def url(self, host: str, port: int = 5432, query: str = "sslmode=require") -> str:
        database = self.ground.database
        return f"postgresql://{self.role}:{ENCODED}@{host}:{port}/{database}?{query}"

    # The repository.

    def write(self, **manifests: Any) -> None:
        """Write the manifests, and repoint.yaml."""
        target = {"cluster": "pg", "pooler": "pooler"}
        environment = {"namespace": self.namespace, "manifests": "deploy", "context": "test"}
        config = {
            "source": {"hosts": [self.old]},
            "target": target,
            "environments": {"local": environment},
            **self.settings,
        }
        (self.folder / "deploy").mkdir(exist_ok=True)
        (self.folder / "repoint.yaml").write_text(yaml.safe_dump(config))
        for name, document in manifests.items():
            several = document if isinstance(document, list) else [document]
            text = yaml.safe_dump_all(several)
            (self.folder / "deploy" / f"{name}.yaml").write_text(text)

    def workspace(self) -> Workspace:
        tree = FileTree(self.folder)
        text = (self.folder / "repoint.yaml").read_text()
        given = (load_config(text), text, Sops(tree), Kustomize(tree), UNWATCHED)
        return Workspace(str(self.folder), tree, *given)

    # The cluster.

    def stand(self, *documents: Mapping[str, Any]) -> None:
        """Apply objects, and wait until their workloads are rolled out."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(documents)})
        self.api.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)
        for one in documents:
            if one["kind"] == "Deployment":
                name = f"deployment/{one['metadata']['name']}"
                self.api.kubectl("rollout", "status", name, "-n", self.namespace, "--timeout=60s")
            if one["kind"] == "Job":
                name = f"job/{one['metadata']['name']}"
                wait = ("--for=condition=Complete", "--timeout=60s", "-n", self.namespace)
                self.api.kubectl("wait", name, *wait)

    def target_objects(self) -> list[dict[str, Any]]:
        """The Cluster, the Pooler, their Services and what stands behind them."""
        labels = {"cnpg.io/poolerName": "pooler"}
        return [
            cluster(self.namespace),
            pooler(self.namespace, parameters={"default_pool_size": "5"}),
            *self._server("pg-rw", DIRECT_PORT),
            *self._server("pooler", POOLED_PORT, labels),
        ]

    def source_objects(self) -> list[dict[str, Any]]:
        """The old PostgreSQL."""
        return self._server("postgres", SOURCE_PORT)

    def _server(
        self, name: str, port: int, labels: Mapping[str, str] | None = None
    ) -> list[dict[str, Any]]:
        made = deployment(self.namespace, name)
        made["spec"]["template"]["metadata"]["labels"].update(labels or {})
        return [made, service(self.namespace, name, port=5432, target=port)]

    def web(self, **container: Any) -> dict[str, Any]:
        """The consumer: `DATABASE_URL` from the Secret, and a readiness probe."""
        made = deployment(self.namespace, "web")
        one = made["spec"]["template"]["spec"]["containers"][0]
        one |= {
            "env": [_from_secret("DATABASE_URL")],
            "ports": [{"name": "http", "containerPort": HEALTH_PORT}],
            "readinessProbe": {"httpGet": {"path": "/health", "port": "http"}},
            **container,
        }
        return made

    def web_service(self) -> dict[str, Any]:
        return service(self.namespace, "web", port=80, target=HEALTH_PORT)

    def migrate(self) -> dict[str, Any]:
        """The migration Job, which goes direct."""
        container = {
            "name": "migrate",
            "image": "example.org/dbmate:1",
            "command": ["dbmate", "up"],
            "env": [_from_secret("DATABASE_URL", "DATABASE_URL_DIRECT")],
        }
        return {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": "migrate", "namespace": self.namespace},
            "spec": {
                "backoffLimit": 0,
                "template": {"spec": {"restartPolicy": "Never", "containers": [container]}},
            },
        }

    def secret(self, **values: str) -> dict[str, Any]:
        data = {key: base64.b64encode(text.encode()).decode() for key, text in values.items()}
        meta = {"name": "db", "namespace": self.namespace}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data}

    def own_secret(self, pooled: str = "", direct: str = "") -> dict[str, Any]:
        return self.secret(
            DATABASE_URL=self.url(pooled or self.pooled),
            DATABASE_URL_DIRECT=self.url(direct or self.direct),
        )

    def forward(self) -> None:
        """Lead `kubectl port-forward` to the real servers."""
        places = {
            POOLED_PORT: self.pool.ground.lab.address(self.pool.host),
            DIRECT_PORT: self.ground.lab.address(self.ground.direct.host),
            HEALTH_PORT: ("127.0.0.1", self.health.server_address[1]),
        }
        if self.source is not None:
            places[SOURCE_PORT] = self.source.lab.address(self.source.direct.host)
        if self.metrics:
            places[METRICS_PORT] = ("127.0.0.1", self.metrics)
        leads = [
            {"ports": [port], "target": {"port": there[1], "address": there[0]}}
            for port, there in places.items()
        ]
        made = {
            "apiVersion": KWOK,
            "kind": "ClusterPortForward",
            "metadata": {"name": self.namespace},
            "spec": {"selector": {"matchNamespaces": [self.namespace]}, "forwards": leads},
        }
        self.api.create(made)

    def moved(self) -> None:
        """The whole move, in the repository and in the cluster."""
        target, secret = self.target_objects(), self.own_secret()
        web, job = [self.web(), self.web_service()], self.migrate()
        written = [one for one in target if one["kind"] in ("Cluster", "Pooler")]
        self.write(target=written, web=web, migrate=job, secret=secret)
        self.forward()
        self.stand(*target, secret, *web, job)

    # Asking.

    @contextmanager
    def opened(self) -> Iterator[ClusterApi]:
        with KubectlDoor().open("test") as opened:
            yield opened

    def scenery(self, api: ClusterApi, *, secrets: bool = True) -> Scenery:
        return read_scenery(self.workspace(), api, "local", secrets=secrets)

    def verify(self) -> Verification:
        with self.opened() as api:
            scene = self.scenery(api)
            return verify(self.workspace(), api, scene, dial=connect, get=http_get)


def _from_secret(name: str, key: str = "") -> dict[str, Any]:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": "db", "key": key or name}}}


def row(found: Verification, name: str) -> VerifiedConsumer:
    """The consumer whose workload is called `name`."""
    [one] = [c for c in found.consumers if c.id.split("/")[2] == name]
    return one


def check(found: Verification, name: str, of: str = "") -> Check:
    """A check of a consumer, or of the environment."""
    checks = row(found, of).checks if of else found.checks
    return next(one for one in checks if one.id == name)
