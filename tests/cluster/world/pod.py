"""One pod on a node: its containers in their order, its probes, its status, and its end."""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from repoint.adapters.lab.guard import Guard
from tests.cluster.world.cnpg_objects import POOLER
from tests.cluster.world.container import Container, now
from tests.cluster.world.images import PATH, Image, Images
from tests.cluster.world.network import Network, Sandbox
from tests.cluster.world.podspec import NotYet, command, environment, ports, volume_files
from tests.cluster.world.probes import Probe, asked

_POLL_S = 0.1
_NUMBERS = count(1)
_BACKOFF_S, _LONGEST_BACKOFF_S = 0.5, 5.0
_ACCOUNTS = ("root:x:0:0:root:/root:/bin/sh", "postgres:x:{uid}:{uid}:postgres:/tmp:/bin/sh")
_FILES = "hosts: files\npasswd: files\ngroup: files\n"


@dataclass(frozen=True)
class Node:
    """What every pod needs of the machine that it is on.

    `read` gives the Secret or ConfigMap of a namespace, a kind and a name. `patch` writes a pod's
    status, and tells whether the pod is still there; `forget` takes a pod that has ended out of
    the API. `furnish` gives what an operator puts below /controller of a pod's containers.
    """

    guard: Guard
    network: Network
    images: Images
    folder: Path
    read: Callable[[str, str, str], Any | None]
    patch: Callable[[Any, Mapping[str, Any]], bool]
    forget: Callable[[Any], None]
    furnish: Callable[[Any, Sandbox], Mapping[str, bytes]]
    hosts: Callable[[Any, Sandbox], str]


class _Leaving(Exception):
    """The pod has to go."""


class Pod(threading.Thread):
    """Plays a pod until it is deleted; its program's words stay in `folder`."""

    def __init__(self, node: Node, pod: Any) -> None:
        super().__init__(daemon=True)
        self.pod = pod
        # Short: the path of a socket in it has at most 107 bytes.
        self.folder = node.folder / "pods" / str(next(_NUMBERS))
        self.folder.mkdir(parents=True)
        self.sandbox = node.network.new(_busy(pod))
        self.failure = ""
        """What went wrong with the playing itself."""
        self._node = node
        self._leave = threading.Event()
        self._deleted = False
        self._etc = self._made_etc()
        self._inits = self._containers("initContainers")
        self._mains = self._containers("containers")
        self._probes: dict[str, dict[str, Probe]] = {}
        self._told: Mapping[str, Any] = {}
        self._started_at = now()
        self._again_at: dict[str, float] = {}

    @property
    def containers(self) -> tuple[Container, ...]:
        """Those that stay, not the init containers."""
        return tuple(self._mains)

    def every_log(self) -> dict[str, Path]:
        """The files that containers print to, by name."""
        return {one.name: one.log for one in (*self._inits, *self._mains)}

    def leave(self, *, deleted: bool) -> None:
        """Have it go; `deleted` where the API asks for it."""
        self._deleted = self._deleted or deleted
        self._leave.set()

    def tell_hosts(self) -> None:
        """Write the names that the pod knows now; its programs look at every lookup."""
        new = self._etc / "hosts.new"
        new.write_text(self._node.hosts(self.pod, self.sandbox))
        # A lookup must not meet a file that is half written.
        new.replace(self._etc / "hosts")

    def run(self) -> None:
        try:
            self._play()
            self._leave.wait()
        except _Leaving:
            pass
        except Exception:
            self.failure = traceback.format_exc()
        self._take_down()

    def _play(self) -> None:
        for container in self._inits:
            self._report("Pending")
            if not self._run_through(container):
                self._report("Failed")
                return
        for container in self._mains:
            self._start(container)
        while True:
            self._look()
            phase = self._phase()
            self._report(phase)
            if phase in ("Succeeded", "Failed"):
                return
            self._pause()

    def _run_through(self, container: Container) -> bool:
        """Run an init container until it has succeeded, or may not be tried again."""
        while True:
            self._start(container)
            self._report("Pending")
            while not container.look():
                self._pause()
            if container.exit_code == 0:
                container.ready = True
                return True
            if self.pod["spec"].get("restartPolicy") == "Never":
                return False
            self._hold_back(container)
            while time.monotonic() < self._again_at[container.name]:
                self._report("Pending")
                self._pause()

    def _start(self, container: Container) -> None:
        """Start a container as soon as it can be made."""
        while True:
            try:
                self._start_now(container)
                return
            except NotYet as why:
                container.waiting = str(why)
                self._report("Pending" if container in self._inits else self._phase())
                self._pause()

    def _start_now(self, container: Container) -> None:
        pod, spec = self.pod, container.spec
        image = self._image(spec)
        if image is None:
            raise NotYet("ImagePullBackOff")
        container.image, read = image, self._read
        own = {"HOSTNAME": pod["metadata"]["name"], "PATH": PATH, **image.variables}
        try:
            env = environment(pod, spec, read, own)
            binds = self._binds(spec, image)
        except NotYet as why:
            raise NotYet("CreateContainerConfigError") from why
        uid = self._uid(spec, image)
        argv = command(spec, (image.entrypoint, image.arguments), env)
        ask = asked(pod, container, self._node.network)
        names = ("startupProbe", "readinessProbe", "livenessProbe")
        self._probes[container.name] = {name: Probe(spec.get(name), ask) for name in names}
        container.start(argv, env, uid, binds)

    def _look(self) -> None:
        for container in self._mains:
            if container.running:
                if container.look():
                    self._ended(container)
                else:
                    self._probe(container)
            elif container.waiting and time.monotonic() >= self._again_at.get(container.name, 0):
                self._start(container)

    def _ended(self, container: Container) -> None:
        policy = self.pod["spec"].get("restartPolicy", "Always")
        if policy == "Always" or (policy == "OnFailure" and container.exit_code != 0):
            self._hold_back(container)

    def _hold_back(self, container: Container) -> None:
        """Wait the longer with the next start, the more there were; a kubelet waits longer."""
        wait_s = min(_BACKOFF_S * 2**container.restarts, _LONGEST_BACKOFF_S)
        self._again_at[container.name] = time.monotonic() + wait_s
        container.restarts += 1
        container.waiting = "CrashLoopBackOff"

    def _probe(self, container: Container) -> None:
        probes = self._probes[container.name]
        startup, ready, alive = (
            probes[n] for n in ("startupProbe", "readinessProbe", "livenessProbe")
        )
        if not container.started:
            startup.look()
            container.started = startup.passes
            if not container.started and startup.fails:
                container.stop(self._grace_s())
                self._ended(container)
            return
        ready.look()
        container.ready = ready.passes
        alive.look()
        if alive.fails:
            container.stop(self._grace_s())
            self._ended(container)

    def _phase(self) -> str:
        codes = [one.exit_code for one in self._mains if not one.waiting]
        if len(codes) < len(self._mains) and not any(one.running for one in self._mains):
            return "Running" if any(one.restarts for one in self._mains) else "Pending"
        if None in codes or len(codes) < len(self._mains):
            return "Running"
        return "Failed" if any(codes) else "Succeeded"

    def _report(self, phase: str) -> None:
        """Write the pod's status where it is not what was written last."""
        ready = phase == "Running" and all(one.ready for one in self._mains)
        prepared = all(one.exit_code == 0 for one in self._inits)
        truths = {
            "PodScheduled": True,
            "Initialized": prepared,
            "ContainersReady": ready,
            "Ready": ready,
        }
        conditions = [_condition(name, truth) for name, truth in truths.items()]
        status = {
            "phase": phase,
            "podIP": self.sandbox.address,
            "startTime": self._started_at,
            "conditions": conditions,
            "initContainerStatuses": [one.state() for one in self._inits],
            "containerStatuses": [one.state() for one in self._mains],
        }
        if status == self._told or self._leave.is_set():
            return
        dated = [{**one, "lastTransitionTime": now()} for one in conditions]
        shown = {**status, "conditions": dated}
        if not self._node.patch(self.pod, shown):
            self.leave(deleted=False)
        self._told = status

    def _take_down(self) -> None:
        grace_s = self._grace_s() if self._deleted else 0
        for container in (*self._inits, *self._mains):
            container.stop(grace_s)
        if self._deleted:
            self._node.forget(self.pod)
        self._node.network.drop(self.sandbox)

    def _grace_s(self) -> float:
        metadata, spec = self.pod["metadata"], self.pod["spec"]
        asked_s = metadata.get("deletionGracePeriodSeconds")
        return float(spec.get("terminationGracePeriodSeconds", 30) if asked_s is None else asked_s)

    def _pause(self) -> None:
        if self._leave.wait(_POLL_S):
            raise _Leaving

    # What its containers are made of.

    def _containers(self, key: str) -> list[Container]:
        found = []
        for spec in self.pod["spec"].get(key, []):
            image = self._node.images.find(spec["image"])
            container = Container(
                self._node.guard,
                spec,
                image or Image(),
                self.folder,
                self._etc,
                self.sandbox,
                self.pod["metadata"]["name"],
            )
            found.append(container)
        return found

    def _read(self, kind: str, name: str) -> Any | None:
        return self._node.read(self.pod["metadata"]["namespace"], kind, name)

    def _uid(self, spec: Any, image: Image) -> int:
        for context in (spec.get("securityContext"), self.pod["spec"].get("securityContext")):
            if context and "runAsUser" in context:
                return int(context["runAsUser"])
        return image.uid

    def _binds(self, spec: Any, image: Image) -> list[tuple[str, str]]:
        volumes = {one["name"]: one for one in self.pod["spec"].get("volumes", [])}
        found = []
        for mount in spec.get("volumeMounts", []):
            # The service account's token is a projected volume: nobody asks the API from inside.
            if "projected" not in volumes[mount["name"]]:
                folder = self._volume(volumes[mount["name"]], self._uid(spec, image))
                found.append((str(folder / mount.get("subPath", "")), mount["mountPath"]))
        files = self._node.furnish(self.pod, self.sandbox)
        if files:
            folder = self.folder / "controller"
            for path, content in files.items():
                write(folder / path, content, image.uid)
            own(folder / "run", image.uid)
            found.append((str(folder), "/controller"))
        alternatives = Path("/etc/alternatives")
        return [*found, (str(alternatives), str(alternatives))]

    def _volume(self, volume: Any, uid: int) -> Path:
        claim = volume.get("persistentVolumeClaim")
        if claim is not None:
            namespace = self.pod["metadata"]["namespace"]
            return own(self._node.folder / "volumes" / namespace / claim["claimName"], uid)
        folder = own(self.folder / "volumes" / volume["name"], uid)
        for name, content in (volume_files(volume, self._read) or {}).items():
            write(folder / name, content, uid)
        return folder

    def _made_etc(self) -> Path:
        folder = self.folder / "etc"
        folder.mkdir()
        uid = next(
            (i.uid for i in map(self._image, self.pod["spec"]["containers"]) if i and i.uid), 65534
        )
        lines = "\n".join(_ACCOUNTS).format(uid=uid)
        for name, text in (("passwd", lines), ("nsswitch.conf", _FILES), ("resolv.conf", "")):
            (folder / name).write_text(text + "\n")
        (folder / "group").write_text("root:x:0:\n")
        (folder / "hosts").write_text(self._node.hosts(self.pod, self.sandbox))
        if (cache := Path("/etc/ld.so.cache")).exists():
            (folder / cache.name).write_bytes(cache.read_bytes())
        return folder

    def _image(self, spec: Any) -> Image | None:
        return self._node.images.find(spec["image"])


def write(path: Path, content: bytes, uid: int) -> None:
    """Write a file that a container may read, in a folder that is its own."""
    own(path.parent, uid)
    path.write_bytes(content)
    path.chmod(0o600)
    os.chown(path, uid, uid)


def own(folder: Path, uid: int) -> Path:
    """A folder that belongs to the user of a container."""
    if not folder.exists():
        own(folder.parent, uid) if not folder.parent.exists() else None
        folder.mkdir()
        os.chown(folder, uid, uid)
    return folder


def _busy(pod: Any) -> frozenset[int]:
    """The ports that a pod's programs take at every address; PgBouncer takes its own only."""
    pooler = POOLER in pod["metadata"].get("labels", {})
    return ports(pod) - ({5432} if pooler else set())


def _condition(kind: str, truth: bool) -> Mapping[str, str]:
    return {"type": kind, "status": "True" if truth else "False"}
