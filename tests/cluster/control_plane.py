"""A Kubernetes control plane of its own: etcd, kube-apiserver, controllers, scheduler and kwok.

Everything listens on 127.0.0.1 and lives in one folder; both go when the process that made it
is gone, however it went (repoint.adapters.lab.guard).
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from repoint.adapters.lab.account import Account
from repoint.adapters.lab.guard import Guard
from repoint.adapters.lab.guardian import sweep
from repoint.adapters.runner import find_tool
from scripts.cluster import PARTS
from tests.cluster.asking import Connections
from tests.cluster.launching import Launcher
from tests.cluster.stages import stages

NODES = ("node-a", "node-b")
_UP_S = 60.0
_POLL_S = 0.05
_STAGES = "/apis/kwok.x-k8s.io/v1alpha1/stages"
_OWN_USER = Account(-1, -1)
_NUMBERS = count(1)


@dataclass(frozen=True)
class Done:
    """How kubectl ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class ControlPlaneFailed(Exception):
    """Something of the control plane did not come up, or an answer was not the wanted one."""


@dataclass
class ControlPlane:
    """A control plane; `start` brings it up, and its guard ends it.

    `folder` holds everything: a subfolder of it is a good place for files that kwok reads.
    """

    guard: Guard

    def __post_init__(self) -> None:
        self._launcher = Launcher(self.guard)
        self.port = self._launcher.port
        self._connections = Connections(self.port, self._tls)
        self._kinds: dict[tuple[str, str], Any] = {}

    @property
    def folder(self) -> Path:
        return self.guard.folder

    @property
    def server(self) -> str:
        return self._launcher.server

    @property
    def ca_file(self) -> Path:
        return self._launcher.ca_file

    @property
    def kubeconfig(self) -> Path:
        """A file with an administrator's access; its context is called `test`."""
        return self._launcher.kubeconfig

    # Up and down.

    def start(self) -> None:
        """Bring everything up and wait until pods can be made."""
        self._launcher.write_credentials()
        self._launcher.start_etcd()
        self._launcher.start_apiserver()
        self._wait_for_apiserver()
        self.install(*PARTS["kwok"].manifest_files("crds"), *PARTS["cnpg"].manifest_files("crds"))
        # After these, or the garbage collector learns of their kinds half a minute later.
        self._launcher.start_controllers()
        self.create(*stages())
        self._launcher.start_kwok()
        self.create(*(_node(name) for name in NODES))
        self.until("nodes are ready", self._nodes_are_ready)
        self.until("pods can be made", lambda: self._has_account("default"))

    def close(self) -> None:
        """Leave it: what runs is ended by the guard."""
        self._connections.close()

    def stop_apiserver(self) -> None:
        """Kill kube-apiserver; its data stays."""
        self.guard.stop("kube-apiserver", signal.SIGKILL)

    def start_apiserver(self) -> None:
        """Start it again: the same port, certificates and objects.

        Controllers and scheduler find it by themselves, which takes them a few seconds.
        """
        self._launcher.start_apiserver()
        self._wait_for_apiserver()
        # It plays the part of kubelets: nobody's test is about how soon it looks again.
        self.guard.stop("kwok", signal.SIGKILL)
        self._launcher.start_kwok()

    def logs(self, name: str) -> str:
        """What a program printed: `etcd`, `kwok`, or one whose name begins with `kube-`."""
        return self.guard.log(name).read_text(errors="replace")

    # Ways in.

    def kubectl(
        self,
        *args: str,
        stdin: str | None = None,
        kubeconfig: Path | None = None,
        check: bool = True,
        timeout_s: float = 60.0,
    ) -> Done:
        """Run the project's kubectl; `check` makes an error of a status that is not 0."""
        done = subprocess.run(
            [find_tool("kubectl"), *args],
            input=stdin,
            capture_output=True,
            text=True,
            env=self.environment(kubeconfig),
            timeout=timeout_s,
        )
        if check and done.returncode != 0:
            raise ControlPlaneFailed(f"kubectl {' '.join(args)}: {done.stderr.strip()}")
        return Done(done.returncode, done.stdout, done.stderr)

    def environment(self, kubeconfig: Path | None = None) -> dict[str, str]:
        """What a child needs to reach this API server and no other."""
        config = str(kubeconfig or self.kubeconfig)
        return {"KUBECONFIG": config, "HOME": str(self.folder), "PATH": "/usr/bin:/bin"}

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        token: str = "",
    ) -> tuple[int, Any]:
        """One request: the status and the decoded answer. Faster than kubectl."""
        headers = {
            "Authorization": f"Bearer {token or self._launcher.token}",
            "Content-Type": content_type,
            "Accept": "application/json",
        }
        text = None if body is None else json.dumps(body)
        status, kind, raw = self._connections.ask(method, path, text, headers)
        return status, json.loads(raw) if kind == "application/json" else raw.decode()

    def get(self, path: str) -> Any:
        """The object or list at a path such as `/api/v1/namespaces/x/pods`."""
        return self._good("GET", path)

    def delete(self, path: str) -> None:
        """Delete the object at a path; it may take a moment to go."""
        self._good("DELETE", path)

    def create(self, *objects: Mapping[str, Any]) -> None:
        """Create objects of any kind, each in the namespace that it names."""
        for one in objects:
            self._good("POST", self._collection(one), one)

    def install(self, *files: Path) -> None:
        """Create CustomResourceDefinitions and wait until the API serves them."""
        definitions = [yaml.load(file.read_bytes(), yaml.CSafeLoader) for file in files]
        self.create(*definitions)
        for path in map(_served_at, definitions):
            # Established comes a moment earlier.
            self.until(f"{path} is served", partial(self._is_served, path))

    def leave_jobs_to_agent(self, *namespaces: str) -> None:
        """Have kwok let the pods of Jobs alone in these namespaces, and in no others."""
        for stage in stages(namespaces):
            path = f"{_STAGES}/{stage['metadata']['name']}"
            # A pod that is made while a stage is replaced still finds the old one or the new.
            told = {**stage, "metadata": self.get(path)["metadata"]}
            self._good("PUT", path, told)

    def kubeconfig_for(self, account: str, namespace: str = "default") -> Path:
        """A file with a ServiceAccount's access: a real token, an hour long, from TokenRequest.

        The account must be there.
        """
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        token = self._good("POST", path, request)["status"]["token"]
        return self._launcher.write_kubeconfig(
            f"{namespace}-{account}", {"token": token}, namespace
        )

    def asked_by(self, account: str, namespace: str = "default") -> set[tuple[str, str, str]]:
        """Each `(verb, API group, resource)` that a ServiceAccount was allowed, as a Role has it.

        A subresource is `pods/log`. Requests that were refused do not count.
        """
        user = f"system:serviceaccount:{namespace}:{account}"
        found = set()
        for line in self._launcher.audited.read_text().splitlines():
            event = json.loads(line)
            about = event.get("objectRef")
            allowed = event.get("annotations", {}).get("authorization.k8s.io/decision") == "allow"
            if event["user"]["username"] == user and about and allowed:
                parts = (about.get("resource", ""), about.get("subresource", ""))
                resource = "/".join(filter(None, parts))
                found.add((event["verb"], about.get("apiGroup", ""), resource))
        return found

    def kubeconfig_of_user(self, user: str, namespace: str = "default") -> Path:
        """A file with the access of a person called `user`: a client certificate of the CA."""
        pair = self._launcher.authority.client(user)
        parts = {"client-certificate": pair.certificate, "client-key": pair.key}
        files = {
            name: str(self.guard.write(self.folder / f"{user}.{name}", pem))
            for name, pem in parts.items()
        }
        return self._launcher.write_kubeconfig(f"user-{user}", files, namespace)

    def namespace(self, prefix: str = "test") -> str:
        """Make a new namespace and give its name, once pods can be made in it."""
        name = f"{prefix}-{next(_NUMBERS)}"
        self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        self.until(f"`{name}` has its account", lambda: self._has_account(name))
        return name

    def until(self, what: str, holds: Callable[[], Any], timeout_s: float = _UP_S) -> Any:
        """Wait for something to be true, and give it; an API server that is away is waited for."""
        end = time.monotonic() + timeout_s
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if found := holds():
                    return found
            if time.monotonic() > end:
                raise ControlPlaneFailed(f"not within {timeout_s:g} s: {what}")
            time.sleep(_POLL_S)

    # What it asks.

    def _wait_for_apiserver(self) -> None:
        def ready() -> bool:
            for name in ("etcd", "kube-apiserver"):
                if self.guard.status(name) is not None:
                    last = self.logs(name).strip().rpartition("\n")[2]
                    raise ControlPlaneFailed(f"{name} ended: {last}")
            return self.call("GET", "/readyz")[0] == 200

        self.until("kube-apiserver is ready", ready)

    def _good(self, method: str, path: str, body: Any = None) -> Any:
        status, answer = self.call(method, path, body)
        if status >= 300:
            told = answer.get("message") if isinstance(answer, dict) else answer
            raise ControlPlaneFailed(f"{method} {path}: {status} {told}")
        return answer

    def _collection(self, one: Mapping[str, Any]) -> str:
        """The path that objects of this kind are created at."""
        version = one["apiVersion"]
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        if (root, one["kind"]) not in self._kinds:
            for known in reversed(self.get(root)["resources"]):
                self._kinds[root, known["kind"]] = known
        kind = self._kinds[root, one["kind"]]
        if not kind["namespaced"]:
            return f"{root}/{kind['name']}"
        namespace = one["metadata"].get("namespace", "default")
        return f"{root}/namespaces/{namespace}/{kind['name']}"

    def _is_served(self, path: str) -> bool:
        return self.call("GET", path)[0] == 200

    def _nodes_are_ready(self) -> bool:
        nodes = self.get("/api/v1/nodes")["items"]
        return all(not one["spec"].get("taints") and _is(one, "Ready") for one in nodes)

    def _has_account(self, namespace: str) -> bool:
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
        return self.call("GET", path)[0] == 200

    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca_file))


@contextlib.contextmanager
def running() -> Iterator[ControlPlane]:
    """A control plane that is up; nothing of it stays when the block, or the process, ends."""
    base = Path(tempfile.gettempdir()).resolve()
    sweep(str(base), {os.geteuid()})
    with Guard(_OWN_USER, base) as guard:
        plane = ControlPlane(guard)
        with contextlib.closing(plane):
            plane.start()
            yield plane


def _is(one: Mapping[str, Any], condition: str) -> bool:
    found = one.get("status", {}).get("conditions") or []
    return any(each["type"] == condition and each["status"] == "True" for each in found)


def _served_at(definition: Mapping[str, Any]) -> str:
    spec = definition["spec"]
    return f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"


def _node(name: str) -> dict[str, Any]:
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}
