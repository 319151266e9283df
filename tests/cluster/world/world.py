"""The world: a control plane, nodes that run real programs, an operator, and the example in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repoint.adapters.lab.account import Account
from repoint.adapters.lab.guard import Guard
from repoint.adapters.runner import find_tool
from tests.cluster.control_plane import ControlPlane
from tests.cluster.world import cnpg_objects as cnpg
from tests.cluster.world.building import backend_program
from tests.cluster.world.images import Images
from tests.cluster.world.kubelet import Kubelet
from tests.cluster.world.network import Network, Sandbox, Target
from tests.cluster.world.operator import Operator
from tests.cluster.world.pod import Pod
from tests.cluster.world.podspec import NotYet, contents
from tests.cluster.world.pooler_manager import PoolerManager
from tests.cluster.world.routes import ENVIRONMENTS, Routes
from tests.cluster.world.seeing import Kind, Name
from tests.prepared import run

_CNPG = "/apis/postgresql.cnpg.io/v1"
_STAGES = "/apis/kwok.x-k8s.io/v1alpha1/stages"
_OWN_USER = Account(-1, -1)
_DEPLOY_S = 240.0
_REPOINT_S = 240.0


@dataclass(frozen=True)
class Result:
    """How a program ended, and what it said."""

    status: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"status {self.status}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class World:
    """Everything runs while the block does; `example` is the copy that is deployed.

    A context manager. What the pods of an environment are is decided by `deploy`, which runs the
    example's own scripts/deploy.sh.
    """

    def __init__(self, example: Path) -> None:
        self.example = example
        self.variables: dict[str, str] = {}
        """What a person at their desk has set beside the usual."""
        self.broken_images: set[str] = set()
        """Parts of names of images that cannot be pulled from now on."""
        self.poolers_down: set[str] = set()
        """Namespaces in which no PgBouncer can be started."""
        self._changed = threading.Event()
        self._ended = threading.Event()
        self._managers: dict[str, PoolerManager] = {}

    def __enter__(self) -> World:
        self._guard = Guard(_OWN_USER, Path(tempfile.gettempdir()).resolve())
        try:
            self._start()
        except BaseException:
            self._guard.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._changed.set()
        self._router.join()
        for kind in self._kinds:
            kind.stop()
        for manager in self._managers.values():
            manager.stop()
        self.kubelet.close()
        self.operator.close()
        self.network.close()
        self.plane.close()
        self._guard.close()

    # What is done in it.

    def deploy(self, *environments: str) -> None:
        """Bring environments up as their people do: `scripts/deploy.sh NAME`.

        Raises:
            subprocess.CalledProcessError: the script gave up.
        """
        for name in environments:
            subprocess.run(
                ["bash", "scripts/deploy.sh", name],
                cwd=self.example,
                env={**self.environment(), "KUBECONFIG": str(self._context_file(name))},
                check=True,
                capture_output=True,
                text=True,
                timeout=_DEPLOY_S,
            )

    def repoint(
        self, *args: str, timeout_s: float = _REPOINT_S, place: Path | None = None
    ) -> Result:
        """Run the real command line in the example, or in another repository (`place`)."""
        done = run(*args, cwd=place or self.example, env=self.environment(), timeout=timeout_s)
        return Result(done.returncode, done.stdout, done.stderr)

    def repoint_argv(self, *args: str) -> list[str]:
        """How the command line is started."""
        return [sys.executable, "-m", "repoint", *args]

    def cut_off(
        self, *args: str, after: str, timeout_s: float = _REPOINT_S, place: Path | None = None
    ) -> list[str]:
        """Run the command line and kill it at the first line that has `after` in it.

        Gives the lines it said until then, of stdout and stderr.
        """
        said: list[str] = []
        with subprocess.Popen(
            self.repoint_argv(*args),
            cwd=place or self.example,
            env={**self.environment(), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as child:
            timer = threading.Timer(timeout_s, child.kill)
            timer.start()
            assert child.stdout is not None
            for line in child.stdout:
                said.append(line.rstrip("\n"))
                if after in line:
                    child.kill()
                    break
            timer.cancel()
        return said

    def kubectl(self, *args: str, check: bool = True, stdin: str | None = None) -> Result:
        """Run kubectl as an administrator of all environments."""
        done = self.plane.kubectl(*args, check=check, stdin=stdin)
        return Result(done.status, done.out, done.err)

    def environment(self) -> dict[str, str]:
        """The variables of a person at their desk: contexts, keys, kubectl and sops."""
        return {
            "PATH": f"{self._tools()}:{os.defpath}",
            "HOME": str(self.plane.folder),
            "KUBECONFIG": str(self._context_file("")),
            "SOPS_AGE_KEY_FILE": str(self._keys()),
            "LC_ALL": "C.UTF-8",
            "PYTHONUTF8": "1",
            **self.variables,
        }

    # What can be seen of it.

    def pods_of(self, namespace: str, app: str) -> list[Pod]:
        """The pods with the label `app` that are played now."""
        return [
            one
            for one in tuple(self.kubelet.pods.values())
            if one.pod["metadata"]["namespace"] == namespace
            and one.pod["metadata"].get("labels", {}).get("app") == app
        ]

    def pooler_pods(self, namespace: str) -> list[Pod]:
        """The pods of Poolers that are played now."""
        return [
            one
            for one in tuple(self.kubelet.pods.values())
            if one.pod["metadata"]["namespace"] == namespace
            and cnpg.POOLER in one.pod["metadata"].get("labels", {})
        ]

    def service(self, name: str, namespace: str) -> Any:
        """A Service as it is now."""
        service = self._services.get(namespace, name)
        assert service is not None, f"no Service {name} in {namespace}"
        return service

    def way_to(self, name: str, namespace: str, port: int) -> int:
        """A port of 127.0.0.1 that leads to a ready pod behind a Service."""
        service = self.service(name, namespace)
        wanted = next(one for one in service["spec"]["ports"] if one["port"] == port)
        targets = self.routes.targets(service, wanted)
        assert targets, f"no ready pod behind {name} in {namespace}"
        return self.network.way_in(targets[0])

    def secret(self, namespace: str, name: str) -> dict[str, str]:
        """The values of a Secret in the cluster."""
        found = self.plane.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")
        return {key: value.decode() for key, value in contents(found).items()}

    def failures(self) -> list[str]:
        """What went wrong with the world itself; nothing should."""
        playing = [one.failure for one in self.kubelet.pods.values() if one.failure]
        return [*playing, *self.operator.failures]

    def logs(self) -> dict[str, str]:
        """What the containers of all pods have said, and the pods as they are."""
        found = {"pods": self.kubectl("get", "pods,jobs", "-A", check=False).out}
        for playing in tuple(self.kubelet.pods.values()):
            for name, log in playing.every_log().items():
                if log.exists():
                    text = log.read_text(errors="replace")
                    found[f"{playing.pod['metadata']['name']} {name}"] = text
        return found

    # How it is made.

    def _start(self) -> None:
        self.plane = ControlPlane(self._guard)
        self.plane.start()
        self._leave_pods_alone()
        self.network = Network()
        images = Images(
            backend_program(self.example / "backend"),
            self.example / "backend/internal/db/migrations",
            self.broken_images,
        )
        self.routes = Routes(lambda: self._services.all(), lambda: self._pods.all(), self._place)
        self.kubelet = Kubelet(
            self.plane,
            self.network,
            images,
            self.routes.hosts,
            self._furnish,
        )
        self.operator = Operator(
            self.plane, self.network, lambda pod, ways: self.kubelet.show(pod, {}, ways)
        )
        self._services = Kind(self.plane, "/api/v1/services", self._told)
        self._pods = Kind(self.plane, "/api/v1/pods", self._pod_told)
        claims = Kind(self.plane, "/api/v1/persistentvolumeclaims", self._claim_told)
        clusters = Kind(self.plane, f"{_CNPG}/clusters", self.operator.cluster_told)
        poolers = Kind(self.plane, f"{_CNPG}/poolers", self.operator.pooler_told)
        self._kinds = (self._services, self._pods, claims, clusters, poolers)
        self._router = threading.Thread(target=self._route, daemon=True)
        self._router.start()
        for kind in self._kinds:
            kind.start()

    def _leave_pods_alone(self) -> None:
        """Have kwok play nodes only: pods are played by the kubelet of this package."""
        for stage in self.plane.get(_STAGES)["items"]:
            if stage["spec"]["resourceRef"]["kind"] == "Pod":
                self.plane.delete(f"{_STAGES}/{stage['metadata']['name']}")

    def _told(self, _name: Name, _one: Any | None) -> None:
        self._changed.set()

    def _pod_told(self, name: Name, pod: Any | None) -> None:
        self._changed.set()
        if pod is None:
            self.kubelet.gone(*name)
            return
        labels = pod["metadata"].get("labels", {})
        if labels.get(cnpg.POD_ROLE) == "instance":
            self.operator.pod_told(pod)
            return
        self.kubelet.told(pod)
        uid = pod["metadata"]["uid"]
        playing = self.kubelet.pods.get(uid)
        if cnpg.POOLER in labels and playing is not None and uid not in self._managers:
            pooler = (pod["metadata"]["namespace"], labels[cnpg.POOLER])
            manager = PoolerManager(playing, lambda: self.operator.poolers.get(pooler))
            self._managers[uid] = manager
            manager.start()

    def _claim_told(self, _name: Name, claim: Any | None) -> None:
        if claim is not None:
            self.kubelet.bind_volume(claim)

    def _route(self) -> None:
        """Keep names and Services of every pod up to date."""
        while self._changed.wait() and not self._ended.is_set():
            self._changed.clear()
            for playing in tuple(self.kubelet.pods.values()):
                playing.tell_hosts()
                self.network.publish(playing.sandbox, self.routes.places(playing.pod))
            for (namespace, _), instance in tuple(self.operator.instances.items()):
                pod = {"metadata": {"namespace": namespace}}
                self.network.publish(instance.sandbox, self.routes.places(pod))

    def _place(self, pod: Any, port: int) -> Target | None:
        """Where a port of a pod is."""
        if pod["metadata"].get("labels", {}).get(cnpg.POD_ROLE) == "instance":
            instance = self.operator.instance_of(pod)
            return None if instance is None else instance.target
        playing = self.kubelet.pods.get(pod["metadata"]["uid"])
        if playing is None:
            return None
        return Target(playing.sandbox, (playing.sandbox.address, port))

    def _furnish(self, pod: Any, sandbox: Sandbox) -> Mapping[str, bytes]:
        labels = pod["metadata"].get("labels", {})
        if cnpg.POOLER in labels and pod["metadata"]["namespace"] in self.poolers_down:
            raise NotYet("a test wants this Pooler down")
        return self.operator.files_of(pod, sandbox)

    def _tools(self) -> Path:
        """A folder for the PATH with the project's kubectl and sops."""
        folder = self.plane.folder / "tools"
        if not folder.exists():
            folder.mkdir()
            for name in ("kubectl", "sops"):
                (folder / name).symlink_to(find_tool(name))
        return folder

    def _keys(self) -> Path:
        """One file with the age keys of all environments."""
        keys = [file.read_text() for file in sorted((self.example / "keys").glob("*.txt"))]
        return self.plane.guard.write(self.plane.folder / "keys.txt", "\n".join(keys))

    def _context_file(self, current: str) -> Path:
        """A kubeconfig with one context for each environment; `current` may be none."""
        config = json.loads(self.plane.kubeconfig.read_bytes())
        given = config["contexts"][0]["context"]
        config["contexts"] = [
            {"name": one.name, "context": {**given, "namespace": one.namespace}}
            for one in ENVIRONMENTS.values()
        ]
        config["current-context"] = current
        file = self.plane.folder / f"contexts-{current}.kubeconfig"
        return self.plane.guard.write(file, json.dumps(config))
