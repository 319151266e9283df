"""How the programs of a control plane are started: their files, flags and ports."""

from __future__ import annotations

import json
import secrets
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from repoint.adapters.lab.certificates import Authority
from repoint.adapters.lab.guard import Guard
from repoint.adapters.lab.ports import LOOPBACK, free_port
from scripts.cluster import PARTS

_API_NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost")
_KWOK_KINDS = (
    *("Stage", "PortForward", "ClusterPortForward", "Logs", "ClusterLogs"),
    *("Exec", "ClusterExec", "Attach", "ClusterAttach"),
)
# Who asked for what, of ServiceAccounts; written before each answer is sent.
_AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "userGroups": ["system:serviceaccounts"]}],
}


@dataclass
class Launcher:
    """The programs, by a guard that ends them; everything is in the guard's folder."""

    guard: Guard
    port: int = field(default_factory=free_port)
    etcd_port: int = field(default_factory=free_port)
    kubelet_port: int = field(default_factory=free_port)
    token: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    authority: Authority = field(default_factory=lambda: Authority("test-ca"), repr=False)

    @property
    def folder(self) -> Path:
        """The guard's."""
        return self.guard.folder

    @property
    def server(self) -> str:
        """Where the API is."""
        return f"https://{LOOPBACK}:{self.port}"

    @property
    def ca_file(self) -> Path:
        """The CA of the API's certificate."""
        return self.folder / "ca.crt"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.folder / "admin.kubeconfig"

    @property
    def audited(self) -> Path:
        """What ServiceAccounts asked for, a line of JSON each."""
        return self.folder / "audit.jsonl"

    def write_credentials(self) -> None:
        """Certificates, keys, the administrator's token and kubeconfig."""
        serving = self.authority.server(_API_NAMES, (LOOPBACK, "10.96.0.1"))
        account, kubelet = self.authority.server(("account",)), self.authority.client("kubelet")
        files: dict[str, str | bytes] = {
            "ca.crt": self.authority.certificate,
            "serving.crt": serving.certificate,
            "serving.key": serving.key,
            "account.key": account.key,
            "account.crt": account.certificate,
            "kubelet.crt": kubelet.certificate,
            "kubelet.key": kubelet.key,
            "audit.json": json.dumps(_AUDIT),
            "tokens.csv": f"{self.token},admin,admin,system:masters\n",
        }
        for name, content in files.items():
            self.guard.write(self.folder / name, content)
        self.write_kubeconfig("admin", {"token": self.token}, "default")

    def write_kubeconfig(self, name: str, user: Mapping[str, str], namespace: str) -> Path:
        """A kubeconfig with one context, `test`."""
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

    def start_etcd(self) -> None:
        """Start etcd, with an empty store."""
        client = f"http://{LOOPBACK}:{self.etcd_port}"
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

    def start_apiserver(self) -> None:
        """Start kube-apiserver; a second start finds what the first one stored."""
        folder = self.folder
        self._run(
            "kube-apiserver",
            str(PARTS["kubernetes"].program),
            "kube-apiserver",
            f"--etcd-servers=http://{LOOPBACK}:{self.etcd_port}",
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
            f"--audit-policy-file={folder / 'audit.json'}",
            f"--audit-log-path={self.audited}",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={folder / 'account.crt'}",
            f"--service-account-signing-key-file={folder / 'account.key'}",
            "--service-cluster-ip-range=10.96.0.0/16",
            f"--kubelet-client-certificate={folder / 'kubelet.crt'}",
            f"--kubelet-client-key={folder / 'kubelet.key'}",
            "--kubelet-preferred-address-types=InternalIP",
            "--shutdown-delay-duration=0s",
        )

    def start_controllers(self) -> None:
        """Start kube-controller-manager and kube-scheduler."""
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

    def start_kwok(self) -> None:
        """Start kwok, which plays every node's kubelet."""
        port = self.kubelet_port
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
