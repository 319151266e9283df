"""A shop before its move, as its people deployed it, and its way there and back."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repoint.adapters.filetree import FileTree
from repoint.adapters.identity import GitIdentity
from repoint.adapters.kubeapi import KubectlDoor
from repoint.adapters.kubectl import Kustomize
from repoint.adapters.sops import Sops
from repoint.flows.desired import desired_state
from repoint.flows.going_back.sides import sides_of
from repoint.flows.rollback import roll_back
from repoint.flows.rolling_out.flow import Rollout, draft_rollout, run_rollout
from repoint.flows.rolling_out.homeward import Home
from repoint.flows.rolling_out.locking import Holder
from repoint.flows.rolling_out.situation import Hooks, Settings
from repoint.flows.rolling_out.source import Repository
from repoint.flows.workspace import Workspace
from repoint.planning.config import load_config
from repoint.ports.cluster import ClusterApi
from repoint.ports.work import UNWATCHED
from repoint.rollout.steps import Draft, Event, Tone
from tests.cluster.control_plane import ControlPlane
from tests.cluster.objects import cluster, deployment, job, pooler, service
from tests.cluster.rolling_out.shop import PASSWORD, Shop
from tests.prepared import run

OWN = "repoint.dev/"
_HOLDER = Holder("tester@here", "1")


Gate = Callable[[ClusterApi, bool], Sequence[str]]


class CutOff(Exception):
    """A run that ends in the middle, as a killed one does."""


@dataclass
class Ground:
    """The shop, and what its cluster was like before anything moved."""

    shop: Shop
    api: ClusterApi
    before: dict[str, Any] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return self.shop.root

    def repository(self) -> Repository:
        tree = FileTree(self.root)
        text = (self.root / "repoint.yaml").read_text()
        sops = Sops(tree)
        made = Workspace(
            str(self.root), tree, load_config(text), text, sops, Kustomize(tree), UNWATCHED
        )
        return Repository(made, tree, sops, GitIdentity(self.root))

    def apply(self) -> None:
        """Write the move into the files, and commit them."""
        self.repoint("apply", "--env", "test", "--yes")
        self.shop.commit()

    def repoint(self, *args: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        """The real command."""
        done = run(*args, cwd=self.root, env=self.shop.environment(), timeout=180)
        self.shop.output += done.stdout + done.stderr
        assert done.returncode == status, done.stdout + done.stderr
        return done

    def there(self, gate: Gate | None = None, content: str = "") -> Rollout:
        """The rollout of the files as they are."""
        found = self.repository()
        desired = desired_state(found.workspace, "test")
        hooks = Hooks(before_switch=gate, target=("pooler", "pg-rw"))
        settings = Settings(30.0)
        return Rollout(desired, self.api, found.identity, settings, hooks, content=content)

    def home(self) -> Rollout:
        """The way back from whatever is there."""
        found = self.repository()
        sides = sides_of(found, "test")
        assert sides.desired is not None
        return Rollout(
            *(sides.desired, self.api, found.identity, Settings(30.0), Hooks()),
            home=Home(sides.left),
        )

    def files_back(self) -> None:
        """Take the files back, and commit them."""
        found = self.repository()
        roll_back(("test",), found.tree, found.sealed)
        self.shop.commit()

    def run(self, rollout: Rollout, *, steps: int = 1000) -> Draft:
        """Run a rollout, cut off before the step after `steps`."""
        shown = draft_rollout(rollout)

        def tell(event: Event) -> None:
            if event.tone is Tone.BEGAN and event.number == steps + 1:
                raise CutOff

        with suppress(CutOff):
            run_rollout(rollout, shown, _HOLDER, tell)
        return shown

    def state(self) -> dict[str, Any]:
        """What the cluster has of each object that the shop had before, marks of repoint aside."""
        found: dict[str, Any] = {}
        names = [(one["kind"], one["metadata"]["name"]) for one in self.shop.objects.values()]
        names += [("Secret", name) for name in self.shop.secrets]
        for kind, name in names:
            live = self.shop.get(kind.lower(), name)
            found[f"{kind}/{name}"] = _told(kind, live)
        return found

    def lease_marks(self) -> dict[str, str]:
        """The annotations of the environment's Lease."""
        found: dict[str, str] = self.shop.get("lease", "repoint-test")["metadata"].get(
            "annotations", {}
        )
        return found

    def values(self, secret: str) -> dict[str, str]:
        data = self.shop.get("secret", secret)["data"]
        return {key: base64.b64decode(text).decode() for key, text in data.items()}

    def pods_are_new(self) -> bool:
        """Whether every pod of `web` is of its newest template."""
        status = self.shop.get("deployment", "web")["status"]
        return bool(status["updatedReplicas"] == status["replicas"] == status["availableReplicas"])


def _told(kind: str, live: dict[str, Any] | None) -> Any:
    if live is None:
        return None
    if kind in ("Secret", "ConfigMap"):
        return live["data"]
    spec = dict(live["spec"])
    if kind == "Job":
        spec.pop("selector", None)
        labels = spec["template"]["metadata"].get("labels", {})
        made = ("controller-uid", "job-name")
        kept = {k: v for k, v in labels.items() if k.rpartition("/")[2] not in made}
        spec["template"]["metadata"] = {**spec["template"]["metadata"], "labels": kept}
    metadata = (spec.get("template") or {}).get("metadata")
    if metadata:
        marks = metadata.get("annotations") or {}
        metadata["annotations"] = {k: v for k, v in marks.items() if not k.startswith(OWN)}
    if kind == "Pooler" and not spec["pgbouncer"].get("paused"):
        spec["pgbouncer"] = {k: v for k, v in spec["pgbouncer"].items() if k != "paused"}
    return spec


def new_shop(plane: ControlPlane, root: Path, *, pool_mode: str = "transaction") -> Shop:
    """A shop that is at its old server.

    `web` waits for it by name and reads the key `url`, which the migration Job reads, too (X7);
    `mail` reads the host from a ConfigMap; `cache` has nothing to do with it.
    """
    namespace = plane.namespace("shop")
    shop = Shop(plane, root, namespace)
    shop.git("init", "-q")
    old = f"old-postgres.{namespace}.svc.cluster.local"
    url = f"postgresql://web:{PASSWORD}@{old}:5432/shop?sslmode=disable"
    shop.secrets = {"web": {"url": url, "other": "1"}}
    web = _env(deployment(namespace), DATABASE_URL={"secretKeyRef": {"name": "web", "key": "url"}})
    wait = {
        "name": "wait",
        "image": "postgres:18",
        "command": ["sh", "-c", f"until pg_isready -h {old} -U web; do sleep 1; done"],
    }
    web["spec"]["template"]["spec"]["initContainers"] = [wait]
    migrate = _env(job(namespace), DATABASE_URL={"secretKeyRef": {"name": "web", "key": "url"}})
    migrate["spec"]["template"]["spec"]["containers"][0]["command"] = ["dbmate", "up"]
    mail = _env(
        deployment(namespace, "mail"),
        PGHOST={"configMapKeyRef": {"name": "mail", "key": "PGHOST"}},
        PGPASSWORD={"secretKeyRef": {"name": "web", "key": "other"}},
    )
    shop.objects = {
        "source": _source(namespace),
        "source-service": service(namespace, "old-postgres", port=5432, target=5432),
        "cluster": cluster(namespace, imageName="ghcr.io/cloudnative-pg/postgresql:18.1"),
        "pooler": pooler(namespace, poolMode=pool_mode),
        "mail-config": {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "mail", "namespace": namespace},
            "data": {"PGHOST": old, "PGUSER": "mail", "PGDATABASE": "shop", "COLOR": "blue"},
        },
        "migrate": migrate,
        "web": web,
        "mail": mail,
        "cache": deployment(namespace, "cache"),
    }
    shop.write()
    return shop


@contextmanager
def deployed(plane: ControlPlane, shop: Shop) -> Iterator[Ground]:
    """The shop as its people deploy it: with `kubectl apply`, from the client's side."""
    for folder in ("secrets", "deploy"):
        argv = ["apply", "-n", shop.namespace]
        argv += ["-k", str(shop.root / folder)] if folder == "deploy" else []
        argv += ["-f", str(shop.root / folder)] if folder == "secrets" else []
        plane.kubectl(*argv)
    for name in ("web", "mail", "cache"):
        waiting = ("rollout", "status", f"deployment/{name}", "-n", shop.namespace)
        plane.kubectl(*waiting, "--timeout=60s")
    waiting = ("wait", "--for=condition=complete", "job/migrate", "-n", shop.namespace)
    plane.kubectl(*waiting, "--timeout=60s")
    with KubectlDoor().open("test") as api:
        ground = Ground(shop, api)
        ground.before = ground.state()
        yield ground


def _source(namespace: str) -> dict[str, Any]:
    made = deployment(namespace, "old-postgres")
    claim = {
        "metadata": {"name": "data"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": "",
        },
    }
    spec = {**made["spec"], "serviceName": "old-postgres", "volumeClaimTemplates": [claim]}
    spec.pop("progressDeadlineSeconds")
    return {**made, "kind": "StatefulSet", "spec": spec}


def _env(workload: dict[str, Any], **variables: dict[str, Any]) -> dict[str, Any]:
    container = workload["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": name, "valueFrom": ref} for name, ref in variables.items()]
    return workload
