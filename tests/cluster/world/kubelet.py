"""Plays the pods of the simulated nodes with real programs, and shows them to kwok.

What `kubectl logs` and `kubectl port-forward` do is told to kwok by an object for each pod; the
pod's status is written as a kubelet writes it. Volumes are folders that outlive pods.
"""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from repoint.adapters.lab.guard import Guard
from repoint.adapters.lab.ports import LOOPBACK
from tests.cluster.control_plane import ControlPlane
from tests.cluster.world.images import Images
from tests.cluster.world.network import Network, Sandbox, Target
from tests.cluster.world.pod import Node, Pod
from tests.cluster.world.podspec import ports

_KWOK = "/apis/kwok.x-k8s.io/v1alpha1"
_MERGE = "application/merge-patch+json"
_AGAIN_S = 0.1
_PATHS = {"Secret": "secrets", "ConfigMap": "configmaps"}


class Kubelet:
    """All nodes' kubelets in one; `pods` are those that it plays, by uid."""

    def __init__(
        self,
        plane: ControlPlane,
        network: Network,
        images: Images,
        hosts: Callable[[Any, Sandbox], str],
        furnish: Callable[[Any, Sandbox], Mapping[str, bytes]],
    ) -> None:
        self._plane = plane
        self._network = network
        self._closing = threading.Event()
        self.pods: dict[str, Pod] = {}
        self._node = Node(
            guard=plane.guard,
            network=network,
            images=images,
            folder=plane.folder,
            read=self._read,
            patch=self._patch,
            forget=self._forget,
            furnish=furnish,
            hosts=hosts,
        )

    @property
    def guard(self) -> Guard:
        return self._plane.guard

    def folder(self, *parts: str) -> Path:
        """A place below the folder of everything."""
        return self._plane.folder.joinpath(*parts)

    def told(self, pod: Any) -> None:
        """A pod was made or changed."""
        uid = pod["metadata"]["uid"]
        playing = self.pods.get(uid)
        if playing is None:
            if "nodeName" in pod["spec"] and "deletionTimestamp" not in pod["metadata"]:
                self._begin(uid, pod)
            elif "deletionTimestamp" in pod["metadata"]:
                self._forget(pod)
            return
        playing.pod = pod
        if "deletionTimestamp" in pod["metadata"]:
            playing.leave(deleted=True)

    def gone(self, namespace: str, name: str) -> None:
        """A pod is not in the API any more."""
        for uid, playing in tuple(self.pods.items()):
            metadata = playing.pod["metadata"]
            if (metadata["namespace"], metadata["name"]) == (namespace, name):
                playing.leave(deleted=False)
                del self.pods[uid]

    def close(self) -> None:
        """End every pod, at once."""
        self._closing.set()
        playing = tuple(self.pods.values())
        for pod in playing:
            pod.leave(deleted=False)
        for pod in playing:
            pod.join()

    def bind_volume(self, claim: Any) -> None:
        """Give a claim a volume of its own, as a storage class does."""
        metadata, spec = claim["metadata"], claim["spec"]
        if spec.get("volumeName") or "deletionTimestamp" in metadata:
            return
        volume = {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": f"pv-{metadata['uid']}"},
            "spec": {
                "capacity": spec["resources"]["requests"],
                "accessModes": spec["accessModes"],
                "storageClassName": spec.get("storageClassName", ""),
                "claimRef": {"namespace": metadata["namespace"], "name": metadata["name"]},
                "hostPath": {"path": "/volumes"},
                "persistentVolumeReclaimPolicy": "Retain",
            },
        }
        self._plane.call("POST", "/api/v1/persistentvolumes", volume)

    def _begin(self, uid: str, pod: Any) -> None:
        playing = self.pods[uid] = Pod(self._node, pod)
        ways = {
            port: self._network.way_in(Target(playing.sandbox, (playing.sandbox.address, port)))
            for port in ports(pod)
        }
        self.show(pod, playing.every_log(), ways)
        playing.start()

    def show(self, pod: Any, logs: Mapping[str, Path], ways: Mapping[int, int]) -> None:
        """Tell kwok where a pod's logs are, and which port of 127.0.0.1 leads to each of its."""
        metadata = pod["metadata"]
        owner = {
            "apiVersion": "v1",
            "kind": "Pod",
            "name": metadata["name"],
            "uid": metadata["uid"],
        }
        own = {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "ownerReferences": [owner],
        }
        files = [
            {"containers": [name], "logsFile": str(file), "previousLogsFile": str(file)}
            for name, file in logs.items()
        ]
        forwards = [
            {"ports": [port], "target": {"port": way, "address": LOOPBACK}}
            for port, way in ways.items()
        ]
        for file in logs.values():
            file.touch(0o600)
        for kind, plural, spec in (
            ("Logs", "logs", {"logs": files}),
            ("PortForward", "portforwards", {"forwards": forwards}),
        ):
            document = {
                "apiVersion": "kwok.x-k8s.io/v1alpha1",
                "kind": kind,
                "metadata": own,
                "spec": spec,
            }
            path = f"{_KWOK}/namespaces/{metadata['namespace']}/{plural}"
            # A StatefulSet's pod comes back under its old name.
            self._insist("DELETE", f"{path}/{metadata['name']}")
            self._insist("POST", path, document)

    def _read(self, namespace: str, kind: str, name: str) -> Any | None:
        path = f"/api/v1/namespaces/{namespace}/{_PATHS[kind]}/{name}"
        status, found = self._insist("GET", path)
        return found if status == 200 else None

    def _patch(self, pod: Any, status: Mapping[str, Any]) -> bool:
        metadata = pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status"
        patch = {"metadata": {"uid": metadata["uid"]}, "status": status}
        done, _ = self._insist("PATCH", path, patch, content_type=_MERGE)
        return done < 400

    def _forget(self, pod: Any) -> None:
        metadata = pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        now = {"gracePeriodSeconds": 0, "preconditions": {"uid": metadata["uid"]}}
        self._insist("DELETE", path, {"apiVersion": "v1", "kind": "DeleteOptions", **now})

    def _insist(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """One request; an API server that is away is waited for."""
        while not self._closing.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException):
                status, answer = self._plane.call(method, path, body, **more)
                if status not in (429, 500, 503, 504):
                    return status, answer
            time.sleep(_AGAIN_S)
        return 503, None
