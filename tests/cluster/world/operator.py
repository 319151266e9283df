"""Stands in for CloudNativePG's operator, whose image cannot be had: Clusters and Poolers.

It makes the objects that the operator makes, and a real PostgreSQL for each Cluster. Only the
primary runs: pods of replicas are there and Ready, and lead nowhere.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from typing import Any

from repoint.model.sensitive import Sensitive
from repoint.rehearsal.ini import Places, private_hba, private_ini
from tests.cluster.control_plane import ControlPlane
from tests.cluster.world import cnpg_objects as objects
from tests.cluster.world.container import now
from tests.cluster.world.instance import Instance
from tests.cluster.world.network import Network, Sandbox
from tests.cluster.world.podspec import NotYet, contents
from tests.cluster.world.seeing import Name

_API = "/apis/postgresql.cnpg.io/v1"
_MERGE = "application/merge-patch+json"
_POLL_S = 0.5

Show = Callable[[Any, Mapping[int, int]], None]
"""Tells kwok which port of 127.0.0.1 leads to each port of a pod."""


class Operator:
    """Clusters and Poolers as they are now, and what was made for them."""

    def __init__(self, plane: ControlPlane, network: Network, show: Show) -> None:
        self._plane = plane
        self._network = network
        self._show = show
        self._ended = threading.Event()
        self._keepers: dict[Name, threading.Thread] = {}
        self.instances: dict[Name, Instance] = {}
        self.clusters: dict[Name, Any] = {}
        self.poolers: dict[Name, Any] = {}
        self.failures: list[str] = []

    def cluster_told(self, name: Name, cluster: Any | None) -> None:
        """A Cluster was made, changed or deleted."""
        if cluster is None:
            self.clusters.pop(name, None)
            return
        self.clusters[name] = cluster
        if name not in self._keepers:
            keeper = threading.Thread(target=self._keep, args=(name,), daemon=True)
            self._keepers[name] = keeper
            keeper.start()

    def pooler_told(self, name: Name, pooler: Any | None) -> None:
        """A Pooler was made, changed or deleted; its pods see to their own configuration."""
        if pooler is None:
            self.poolers.pop(name, None)
            return
        self.poolers[name] = pooler
        service, deployment = objects.pooler_objects(pooler)
        namespace = name[0]
        self._put(f"/api/v1/namespaces/{namespace}/services", service)
        self._put(f"/apis/apps/v1/namespaces/{namespace}/deployments", deployment)
        instances = pooler["spec"].get("instances", 1)
        if pooler.get("status", {}).get("instances") != instances:
            self._status("poolers", pooler, {"instances": instances})

    def close(self) -> None:
        """Stop every PostgreSQL."""
        self._ended.set()
        for keeper in self._keepers.values():
            keeper.join()
        for instance in self.instances.values():
            instance.close()

    def files_of(self, pod: Any, sandbox: Sandbox) -> dict[str, bytes]:
        """What the operator and the manager put below /controller of a Pooler's pod.

        Raises:
            NotYet: the Cluster has no certificates, or the Pooler is gone.
        """
        name = pod["metadata"].get("labels", {}).get(objects.POOLER)
        if name is None:
            return {}
        pooler = self.poolers.get((pod["metadata"]["namespace"], name))
        if pooler is None:
            raise NotYet("the Pooler is not there")
        cluster = (pod["metadata"]["namespace"], pooler["spec"]["cluster"]["name"])
        instance = self.instances.get(cluster)
        if instance is None:
            raise NotYet("the Cluster is not up")
        certificates = instance.certificates(objects.bouncer_spec(pooler).host)
        return {**certificates, **configuration(pooler, sandbox)}

    def _keep(self, name: Name) -> None:
        """Bring a Cluster up and follow its Secrets, until the end."""
        try:
            instance = self._bring_up(name)
            known = self._passwords(name)
            while not self._ended.wait(_POLL_S):
                with contextlib.suppress(OSError, KeyError):
                    found = self._passwords(name)
                    if found != known and found is not None:
                        instance.set_password(found)
                        known = found
                    self._settle(name)
        except _Ended:
            pass
        except Exception as error:
            self.failures.append(f"Cluster {name}: {error!r}")

    def _bring_up(self, name: Name) -> Instance:
        cluster = self.clusters[name]
        self._status(
            "clusters", cluster, objects.cluster_status(cluster, objects.SETTING_UP, now())
        )
        while (password := self._passwords(name)) is None:
            self._wait()
        owner = str(self._initdb(name).get("owner", "app"))
        instance = self.instances[name] = Instance(cluster, owner, password, self._network)
        self._make_objects(cluster, instance)
        self._settle(name)
        return instance

    def _make_objects(self, cluster: Any, instance: Instance) -> None:
        name, namespace = cluster["metadata"]["name"], cluster["metadata"]["namespace"]
        core = f"/api/v1/namespaces/{namespace}"
        # The key of the authority stays where it was made; nobody here needs it.
        ca = {"ca.crt": instance.authority.certificate.decode()}
        files = {key: text.decode() for key, text in instance.certificates("").items()}
        server = {f"tls.{end}": files[f"configs/client-tls/tls.{end}"] for end in ("crt", "key")}
        self._put(f"{core}/secrets", objects.secret(cluster, f"{name}-ca", ca))
        tls = "kubernetes.io/tls"
        self._put(f"{core}/secrets", objects.secret(cluster, f"{name}-server", server, tls))
        for service in objects.services(cluster):
            self._put(f"{core}/services", service)
        for pod in objects.instance_pods(cluster):
            self._put(
                f"{core}/persistentvolumeclaims", objects.claim(cluster, pod["metadata"]["name"])
            )
            self._put(f"{core}/pods", pod)

    def _settle(self, name: Name) -> None:
        """Say that all is well, where that is not what the status says."""
        cluster = self.clusters[name]
        if cluster.get("status", {}).get("phase") != objects.HEALTHY:
            self._status(
                "clusters", cluster, objects.cluster_status(cluster, objects.HEALTHY, now())
            )

    def pod_told(self, pod: Any) -> None:
        """A pod of an instance was made or changed: say that it is ready."""
        metadata = pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        if "deletionTimestamp" in metadata:
            self._plane.call("DELETE", path, {"gracePeriodSeconds": 0})
            return
        if pod.get("status", {}).get("phase") == "Running":
            return
        truths = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
        container = pod["spec"]["containers"][0]
        state = {
            "name": container["name"],
            "image": container["image"],
            "imageID": "",
            "ready": True,
            "started": True,
            "restartCount": 0,
            "state": {"running": {"startedAt": now()}},
        }
        instance = self.instance_of(pod)
        status = {
            "phase": "Running",
            **({} if instance is None else {"podIP": instance.sandbox.address}),
            "startTime": now(),
            "conditions": [
                {"type": one, "status": "True", "lastTransitionTime": now()} for one in truths
            ],
            "containerStatuses": [state],
        }
        self._plane.call("PATCH", f"{path}/status", {"status": status}, content_type=_MERGE)
        if instance is not None:
            self._show(pod, {5432: self._network.way_in(instance.target)})

    def instance_of(self, pod: Any) -> Instance | None:
        """The PostgreSQL that a pod leads to; None for a replica's."""
        labels = pod["metadata"].get("labels", {})
        if labels.get(objects.INSTANCE_ROLE) != "primary":
            return None
        return self.instances.get((pod["metadata"]["namespace"], labels[objects.CLUSTER]))

    def _initdb(self, name: Name) -> Any:
        return self.clusters[name]["spec"].get("bootstrap", {}).get("initdb", {})

    def _passwords(self, name: Name) -> Sensitive | None:
        """The owner's password, from the Secret that the Cluster names; None without it."""
        secret = self._initdb(name).get("secret", {}).get("name", f"{name[1]}-app")
        path = f"/api/v1/namespaces/{name[0]}/secrets/{secret}"
        with contextlib.suppress(OSError):
            status, found = self._plane.call("GET", path)
            if status == 200:
                return Sensitive(contents(found)["password"].decode())
        return None

    def _put(self, collection: str, one: Any) -> None:
        """Make an object, or bring the one that is there to it."""
        status, _ = self._plane.call("POST", collection, one)
        if status == 409:
            path = f"{collection}/{one['metadata']['name']}"
            self._plane.call("PATCH", path, one, content_type=_MERGE)

    def _status(self, plural: str, one: Any, status: Any) -> None:
        metadata = one["metadata"]
        path = f"{_API}/namespaces/{metadata['namespace']}/{plural}/{metadata['name']}/status"
        with contextlib.suppress(OSError):
            self._plane.call("PATCH", path, {"status": status}, content_type=_MERGE)

    def _wait(self) -> None:
        if self._ended.wait(_POLL_S):
            raise _Ended


class _Ended(Exception):
    """The operator has to stop."""


def configuration(pooler: Any, sandbox: Sandbox) -> dict[str, bytes]:
    """PgBouncer's files for one pod: CloudNativePG's, at the pod's own address."""
    spec = objects.bouncer_spec(pooler)
    places = Places(
        upstream=f"host={spec.cluster_host.partition('.')[0]}",
        configs="/controller/configs",
        sockets="/controller/run",
        # `*` would take the port from the Cluster's Service, which is asked from here.
        address=sandbox.address,
    )
    return {
        "configs/pgbouncer.ini": private_ini(spec, places).encode(),
        "configs/pg_hba.conf": private_hba(spec).encode(),
    }
