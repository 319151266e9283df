"""A small repository, in a namespace of its own, whose pods run real programs."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from repoint.adapters.lab.ports import LOOPBACK
from repoint.adapters.pgclient import connect
from repoint.model.sensitive import Sensitive
from repoint.ports.connecting import Conversation
from repoint.wire.login import Login, Statements, Tls
from repoint.wire.refusals import ConnectionLost, ServerRefusal
from tests.cluster.objects import cluster, deployment, job, pooler
from tests.cluster.world.seeing import Kind

if TYPE_CHECKING:
    from tests.cluster.world.pod import Pod
    from tests.cluster.world.world import Result, World

CANARY = "canary-of-the-store"
"""The password of the store's role, which must be in no output."""
POOLER, ROLE, DATABASE = "pooler", "web", "shop"
_IMAGE = "ghcr.io/cloudnative-pg/postgresql:18.1"
_PATIENCE_S = 60.0
_REACHED = 'until pg_isready -q -d "$DATABASE_URL"; do sleep 0.1; done'
PSQL = f'{_REACHED}; psql "$DATABASE_URL" -X -v ON_ERROR_STOP=1 -c "$STATEMENT"'
"""The script of the Job."""
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
    context: local
    confirm: false
gates:
  rollout: []
"""


@dataclass
class Store:
    """The repository in `root`; its objects are in `namespace`."""

    world: World
    root: Path
    namespace: str
    objects: dict[str, dict[str, Any]]
    secrets: dict[str, dict[str, Any]]
    output: str = ""
    """Everything that the command said so far."""
    _open: list[Conversation] = field(default_factory=list)

    # The repository.

    def write(self) -> None:
        """Write and commit the files."""
        deploy, sealed = self.root / "deploy", self.root / "secrets"
        for folder in (deploy, sealed):
            folder.mkdir(parents=True, exist_ok=True)
        for name, one in self.objects.items():
            (deploy / f"{name}.yaml").write_text(yaml.safe_dump(one))
        listed = {"resources": [f"{name}.yaml" for name in self.objects]}
        (deploy / "kustomization.yaml").write_text(yaml.safe_dump(listed))
        for name, one in self.secrets.items():
            (sealed / f"{name}.yaml").write_text(yaml.safe_dump(one))
        (self.root / "repoint.yaml").write_text(_CONFIG.format(namespace=self.namespace))
        self._git("add", "-A")
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        self._git(*who, "commit", "-q", "--allow-empty", "-m", "store")

    def migration(self, statement: str, *, script: str = PSQL) -> None:
        """Have the Job run another statement."""
        variables = self.migrate["env"]
        self.migrate["command"] = ["sh", "-c", script]
        self.migrate["env"] = [*variables[:1], {"name": "STATEMENT", "value": statement}]
        self.write()

    @property
    def job_pod(self) -> dict[str, Any]:
        """The specification of the Job's pods."""
        spec: dict[str, Any] = self.objects["migrate"]["spec"]["template"]["spec"]
        return spec

    @property
    def migrate(self) -> dict[str, Any]:
        """The Job's container."""
        container: dict[str, Any] = self.job_pod["containers"][0]
        return container

    def _git(self, *args: str) -> None:
        subprocess.run(["git", *args], cwd=self.root, check=True, capture_output=True, timeout=60)

    # The command.

    def rollout(self, *more: str) -> Result:
        """Run it to its end; its steps are in the JSON of `out`."""
        done = self.world.repoint(*self._argv(more), place=self.root)
        self.output += done.out + done.err
        return done

    def cut_off(self, after: str) -> list[str]:
        """Run it, and kill it at the first line with `after` in it; the lines until then."""
        said = self.world.cut_off("rollout", "--env", "test", after=after, place=self.root)
        self.output += "\n".join(said)
        assert after in said[-1], said
        return said

    @contextlib.contextmanager
    def rolling_out(self) -> Iterator[list[Result]]:
        """Run it while the block does; at its end the list has how it ended."""
        ended: list[Result] = []
        run = threading.Thread(target=lambda: ended.append(self.rollout()))
        run.start()
        try:
            yield ended
        finally:
            run.join()

    def _argv(self, more: tuple[str, ...]) -> tuple[str, ...]:
        return ("rollout", "--env", "test", "--format", "json", *more)

    # The cluster.

    def get(self, kind: str, name: str) -> Any:
        """A live object; None when it is not there."""
        groups = {
            "pooler": "/apis/postgresql.cnpg.io/v1",
            "job": "/apis/batch/v1",
            "deployment": "/apis/apps/v1",
        }
        path = f"{groups[kind]}/namespaces/{self.namespace}/{kind}s/{name}"
        status, body = self.world.plane.call("GET", path)
        return body if status == 200 else None

    def finish_job(self) -> None:
        """Wait until the node has run the Job."""
        wanted = ("--for=condition=complete", "job/migrate", "-n", self.namespace)
        self.world.kubectl("wait", *wanted, "--timeout=60s")

    @property
    def is_paused(self) -> bool:
        """Whether the Pooler is to let nobody through."""
        found: Any = self.get("pooler", POOLER)["spec"]["pgbouncer"].get("paused", False)
        return bool(found)

    def bouncers(self) -> dict[str, Pod]:
        """The Pooler's pods by name, without those that are to go."""
        pods = {one.pod["metadata"]["name"]: one for one in self.world.pooler_pods(self.namespace)}
        return {n: one for n, one in pods.items() if "deletionTimestamp" not in one.pod["metadata"]}

    @contextlib.contextmanager
    def pauses(self) -> Iterator[list[bool]]:
        """Every state of the Pooler's `paused` while the block runs, in order."""
        seen: list[bool] = []

        def told(_: object, one: Any | None) -> None:
            paused = bool(one and one["spec"]["pgbouncer"].get("paused", False))
            if seen[-1:] != [paused]:
                seen.append(paused)

        path = f"/apis/postgresql.cnpg.io/v1/namespaces/{self.namespace}/poolers"
        kind = Kind(self.world.plane, path, told)
        kind.start()
        self.world.plane.until("it is watched", lambda: seen)
        try:
            yield seen
            last = self.is_paused
            self.world.plane.until("the watch came to the end", lambda: seen[-1] is last)
        finally:
            kind.stop()

    # Its clients.

    def client(
        self, driver: str = "node-postgres", timeout_s: float = _PATIENCE_S, **startup: str
    ) -> Conversation:
        """Log in through the Pooler's Service, as a driver that names its statements."""
        host = f"{POOLER}.{self.namespace}.svc.cluster.local"
        port = self.world.way_to(POOLER, self.namespace, 5432)
        login = Login(
            *(driver, ROLE, Sensitive(CANARY), DATABASE, tuple(startup.items())),
            tls=Tls("always"),
            statements=Statements.NAMED,
        )

        def found() -> Conversation | None:
            try:
                return connect((LOOPBACK, port), host, login, timeout_s=timeout_s)
            except ServerRefusal as refusal:
                # A Pooler that came before the way to its server says so for 15 s.
                if "server login has been failing" not in str(refusal):
                    raise
                return None

        client: Conversation = self.world.plane.until("the Pooler reaches its server", found)
        self._open.append(client)
        return client

    def close(self) -> None:
        """Close every client's connection."""
        for one in self._open:
            one.close()


def steps_of(done: Result) -> list[str]:
    """The titles of the steps that a run listed."""
    steps = json.loads(done.out)["steps"]
    return [f"{one['action']} {one['kind']}/{one['name']}" for one in steps]


class Waiter(threading.Thread):
    """A client that asks again and again; `longest_s` is how long an answer took at most."""

    def __init__(self, store: Store) -> None:
        super().__init__(daemon=True)
        self._session = store.client("psycopg2")
        self._ended = threading.Event()
        self.answers = 0
        self.longest_s = 0.0
        self.failures: list[str] = []

    def __enter__(self) -> Waiter:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join()

    def run(self) -> None:
        while not self._ended.wait(0.02):
            began = time.monotonic()
            try:
                self._session.query("SELECT 1")
            except (ServerRefusal, ConnectionLost) as error:
                self.failures.append(str(error))
                return
            self.answers += 1
            self.longest_s = max(self.longest_s, time.monotonic() - began)


def new_store(world: World, root: Path, pool_mode: str, parameters: Mapping[str, str]) -> Store:
    """A store with a Cluster, a Pooler, a migration Job by psql, and a Deployment."""
    namespace = world.plane.namespace("store")
    direct = f"pg-rw.{namespace}.svc.cluster.local"
    pooled = f"{POOLER}.{namespace}.svc.cluster.local"
    owner = {"username": ROLE, "password": CANARY}
    urls = {
        "url": f"postgresql://{ROLE}:{CANARY}@{pooled}:5432/{DATABASE}?sslmode=require",
        "direct": f"postgresql://{ROLE}:{CANARY}@{direct}:5432/{DATABASE}?sslmode=require",
    }
    secrets = {
        "owner": _secret(namespace, "owner", owner, "kubernetes.io/basic-auth"),
        "web": _secret(namespace, "web", urls),
    }
    initdb = {"database": DATABASE, "owner": ROLE, "secret": {"name": "owner"}}
    few = {"default_pool_size": "1", "server_login_retry": "1", **parameters}
    objects = {
        "cluster": cluster(namespace, imageName=_IMAGE, bootstrap={"initdb": initdb}),
        "pooler": pooler(namespace, poolMode=pool_mode, parameters=few),
        "migrate": _reading(job(namespace), _IMAGE, "direct"),
        "web": _reading(deployment(namespace), "redis:7", "url"),
    }
    store = Store(world, root, namespace, objects, secrets)
    root.mkdir()
    store._git("init", "-q")
    return store


def _reading(workload: dict[str, Any], image: str, key: str) -> dict[str, Any]:
    container = workload["spec"]["template"]["spec"]["containers"][0]
    container["image"] = image
    ref = {"name": "web", "key": key}
    container["env"] = [{"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": ref}}]
    return workload


def _secret(
    namespace: str, name: str, values: Mapping[str, str], kind: str = "Opaque"
) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"namespace": namespace, "name": name},
        "type": kind,
        "stringData": dict(values),
    }
