"""A Kubernetes control plane of its own: etcd, kube-apiserver, controllers, scheduler and kwok.

Everything listens on 127.0.0.1 and lives in one folder; both go when the process that made it
is gone, however it went (repoint.adapters.lab.guard).
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import signal
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from repoint.adapters.lab.account import Account
from repoint.adapters.lab.certificates import Authority
from repoint.adapters.lab.guard import Guard
from repoint.adapters.lab.guardian import sweep
from repoint.adapters.lab.ports import LOOPBACK, free_port
from repoint.adapters.runner import find_tool
from scripts.cluster import PARTS
from tests.cluster.stages import stages

NODES = ("node-a", "node-b")
_UP_S = 60.0
_POLL_S = 0.02
_API_NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost")
_KWOK_KINDS = (
    *("Stage", "PortForward", "ClusterPortForward", "Logs", "ClusterLogs"),
    *("Exec", "ClusterExec", "Attach", "ClusterAttach"),
)
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
    port: int = field(default_factory=free_port)
    _etcd_port: int = field(default_factory=free_port)
    _kubelet_port: int = field(default_factory=free_port)
    _token: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    @property
    def folder(self) -> Path:
        return self.guard.folder

    @property
    def server(self) -> str:
        return f"https://{LOOPBACK}:{self.port}"

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.crt"

    @property
    def kubeconfig(self) -> Path:
        """A file with an administrator's access; its context is called `test`."""
        return self.folder / "admin.kubeconfig"

    # Up and down.

    def start(self) -> None:
        """Bring everything up and wait until pods can be made."""
        self._write_credentials()
        self._start_etcd()
        self._launch_apiserver()
        self._wait_for_apiserver()
        self.install(*PARTS["kwok"].manifest_files("crds"), *PARTS["cnpg"].manifest_files("crds"))
        # After these, or the garbage collector learns of their kinds half a minute later.
        self._start_controllers()
        self.create(*stages())
        self._start_kwok()
        self.create(*(_node(name) for name in NODES))
        self.until("nodes are ready", self._nodes_are_ready)
        self.until("pods can be made", lambda: self._has_account("default"))

    def stop_apiserver(self) -> None:
        """Kill kube-apiserver; its data stays."""
        self.guard.stop("kube-apiserver", signal.SIGKILL)

    def start_apiserver(self) -> None:
        """Start it again: the same port, certificates and objects.

        Controllers and scheduler find it by themselves, which takes them a few seconds.
        """
        self._launch_apiserver()
        self._wait_for_apiserver()
        # It plays the part of kubelets: nobody's test is about how soon it looks again.
        self.guard.stop("kwok", signal.SIGKILL)
        self._start_kwok()

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
        connection = http.client.HTTPSConnection(
            LOOPBACK, self.port, timeout=30, context=self._tls()
        )
        headers = {
            "Authorization": f"Bearer {token or self._token}",
            "Content-Type": content_type,
            "Accept": "application/json",
        }
        with contextlib.closing(connection):
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, headers)
            answer = connection.getresponse()
            raw = answer.read()
        kind = answer.headers.get_content_type()
        return answer.status, json.loads(raw) if kind == "application/json" else raw.decode()

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
        return self._write_kubeconfig(f"{namespace}-{account}", {"token": token}, namespace)

    def kubeconfig_of_user(self, user: str, namespace: str = "default") -> Path:
        """A file with the access of a person called `user`: a client certificate of the CA."""
        pair = self._authority.client(user)
        parts = {"client-certificate": pair.certificate, "client-key": pair.key}
        files = {
            name: str(self.guard.write(self.folder / f"{user}.{name}", pem))
            for name, pem in parts.items()
        }
        return self._write_kubeconfig(f"user-{user}", files, namespace)

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

    # How it is made.

    def _write_credentials(self) -> None:
        self._authority = Authority("test-ca")
        serving = self._authority.server(_API_NAMES, (LOOPBACK, "10.96.0.1"))
        account, kubelet = self._authority.server(("account",)), self._authority.client("kubelet")
        files = {
            "ca.crt": self._authority.certificate,
            "serving.crt": serving.certificate,
            "serving.key": serving.key,
            "account.key": account.key,
            "account.crt": account.certificate,
            "kubelet.crt": kubelet.certificate,
            "kubelet.key": kubelet.key,
            "tokens.csv": f"{self._token},admin,admin,system:masters\n",
        }
        for name, content in files.items():
            self.guard.write(self.folder / name, content)
        self._write_kubeconfig("admin", {"token": self._token}, "default")

    def _write_kubeconfig(self, name: str, user: Mapping[str, str], namespace: str) -> Path:
        cluster = {"server": self.server, "certificate-authority": str(self.ca_file)}
        context = {"cluster": "test", "user": name, "namespace": namespace}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": name, "user": dict(user)}],
            "contexts": [{"name": "test", "context": context}],
            "current-context": "test",
        }
        return self.guard.write(self.folder / f"{name}.kubeconfig", json.dumps(document))

    def _start_etcd(self) -> None:
        client = f"http://{LOOPBACK}:{self._etcd_port}"
        peer = f"http://{LOOPBACK}:{free_port()}"
        self._run(
            "etcd",
            str(PARTS["etcd"].program),
            f"--data-dir={self.folder / 'etcd'}",
            "--unsafe-no-fsync",
            "--log-level=warn",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
        )

    def _launch_apiserver(self) -> None:
        folder = self.folder
        self._run(
            "kube-apiserver",
            str(PARTS["kubernetes"].program),
            "kube-apiserver",
            f"--etcd-servers=http://{LOOPBACK}:{self._etcd_port}",
            f"--bind-address={LOOPBACK}",
            f"--secure-port={self.port}",
            # A machine without a network has no address to tell; nobody asks for this one.
            "--advertise-address=192.0.2.1",
            "--endpoint-reconciler-type=none",
            f"--tls-cert-file={folder / 'serving.crt'}",
            f"--tls-private-key-file={folder / 'serving.key'}",
            f"--client-ca-file={folder / 'ca.crt'}",
            f"--token-auth-file={folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={folder / 'account.crt'}",
            f"--service-account-signing-key-file={folder / 'account.key'}",
            "--service-cluster-ip-range=10.96.0.0/16",
            f"--kubelet-client-certificate={folder / 'kubelet.crt'}",
            f"--kubelet-client-key={folder / 'kubelet.key'}",
            "--kubelet-preferred-address-types=InternalIP",
            "--shutdown-delay-duration=0s",
        )

    def _start_controllers(self) -> None:
        program = str(PARTS["kubernetes"].program)
        common = (f"--kubeconfig={self.kubeconfig}", "--leader-elect=false", "--secure-port=0")
        self._run(
            "kube-controller-manager",
            program,
            "kube-controller-manager",
            *common,
            f"--root-ca-file={self.ca_file}",
            f"--service-account-private-key-file={self.folder / 'account.key'}",
            # A machine that is busy, or was asleep, must not lose its nodes.
            "--node-monitor-grace-period=1h",
        )
        self._run("kube-scheduler", program, "kube-scheduler", *common)

    def _start_kwok(self) -> None:
        port = self._kubelet_port
        self._run(
            "kwok",
            str(PARTS["kwok"].program),
            f"--kubeconfig={self.kubeconfig}",
            "--manage-all-nodes",
            f"--node-ip={LOOPBACK}",
            f"--node-port={port}",
            f"--server-address={LOOPBACK}:{port}",
            f"--tls-cert-file={self.folder / 'serving.crt'}",
            f"--tls-private-key-file={self.folder / 'serving.key'}",
            "--node-lease-duration-seconds=40",
            f"--enable-crds={','.join(_KWOK_KINDS)}",
        )

    def _run(self, name: str, *argv: str) -> None:
        # Nothing here has to end in order: the data goes with the folder.
        self.guard.start(name, argv, stop=signal.SIGKILL)

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
        kinds = {kind["kind"]: kind for kind in reversed(self.get(root)["resources"])}
        kind = kinds[one["kind"]]
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
