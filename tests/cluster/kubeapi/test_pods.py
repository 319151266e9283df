"""Logs of containers, and ways to their ports."""

from __future__ import annotations

import os
import signal
import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from repoint.adapters.kubeapi import KubectlDoor
from repoint.errors import ClusterRefused
from repoint.model.cluster import ObjectRef
from repoint.ports.cluster import ClusterApi
from tests.cluster.control_plane import ControlPlane
from tests.cluster.kubeapi.samples import CONTEXT, PASSWORD, bind, children
from tests.cluster.objects import deployment, forwards, logs_of, service

pytestmark = pytest.mark.cluster


def running_pod(api: ControlPlane, namespace: str) -> str:
    api.create(deployment(namespace))
    api.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=60s")
    return str(api.get(f"/api/v1/namespaces/{namespace}/pods")["items"][0]["metadata"]["name"])


def test_a_log_is_read_with_passwords_masked(
    api: ControlPlane, reached: ClusterApi, tmp_path: Path
) -> None:
    namespace = api.namespace()
    pod = running_pod(api, namespace)
    written = tmp_path / "web.log"
    lines = ["first", f"postgres://u:{PASSWORD}@db/x failed", "last"]
    written.write_text("".join(f"2026-01-02T03:04:05Z stderr F {line}\n" for line in lines))
    api.create(logs_of(namespace, pod, "web", written))

    log = api.until("there is a log", lambda: reached.logs(namespace, pod, "web", lines=2))

    assert log == "postgres://u:***@db/x failed\nlast\n"


def test_there_is_no_log_of_a_pod_that_is_not_there_or_has_not_run(
    api: ControlPlane, reached: ClusterApi
) -> None:
    namespace = api.namespace()
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": namespace}}
    container = {"name": "c", "image": "x"}
    api.create({**pod, "spec": {"containers": [container], "nodeName": ""}})

    assert reached.logs(namespace, "none", "c") == ""
    assert reached.logs(namespace, "p", "other") == ""


class _Greeter(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(b"hello")


@pytest.fixture
def greeter() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Greeter) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def greeting(place: tuple[str, int]) -> bytes:
    with socket.create_connection(place, 30) as one:
        return one.recv(100)


def test_a_port_of_a_pod_or_a_service_is_forwarded_while_the_block_runs(
    api: ControlPlane, reached: ClusterApi, greeter: int
) -> None:
    namespace = api.namespace()
    pod = running_pod(api, namespace)
    api.create(service(namespace, port=80, target=8080), forwards(namespace, {8080: greeter}))

    for target, port in ((f"pod/{pod}", 8080), ("service/web", 80)):
        with reached.forward(namespace, target, port) as place:
            assert place[0] == "127.0.0.1"
            assert {greeting(place) for _ in range(5)} == {b"hello"}
        with pytest.raises(OSError):
            greeting(place)


def test_a_forward_is_there_again_after_its_kubectl_ended(
    api: ControlPlane, reached: ClusterApi, greeter: int
) -> None:
    namespace = api.namespace()
    pod = running_pod(api, namespace)
    api.create(forwards(namespace, {8080: greeter}))
    with reached.forward(namespace, f"pod/{pod}", 8080) as place:
        assert greeting(place) == b"hello"
        (child,) = children(os.getpid(), " port-forward ")
        os.kill(child, signal.SIGKILL)
        assert api.until("it is forwarded again", lambda: greeting(place) == b"hello")
    assert children(os.getpid(), " port-forward ") == []


def test_a_forward_that_cannot_be_is_refused(api: ControlPlane, reached: ClusterApi) -> None:
    namespace = api.namespace()
    running_pod(api, namespace)
    api.create(service(namespace, port=80, target=8080))
    for target, port, reason, match in (
        ("pod/none", 1, "NotFound", "it is not there"),
        ("service/web", 81, "NotFound", "has no port 81"),
    ):
        with (
            pytest.raises(ClusterRefused, match=match) as caught,
            reached.forward(namespace, target, port),
        ):
            pass
        assert caught.value.reason == reason


def test_a_forward_that_this_user_may_not_have_is_refused(
    api: ControlPlane, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    namespace = api.namespace()
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig_for("default", namespace)))
    with (
        KubectlDoor().open(CONTEXT) as limited,
        pytest.raises(ClusterRefused, match="this user may not") as caught,
        limited.forward(namespace, "pod/p", 1),
    ):
        pass
    assert caught.value.reason == "Forbidden"


def test_a_forward_needs_these_rights(
    api: ControlPlane, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch, greeter: int
) -> None:
    namespace = api.namespace()
    running_pod(api, namespace)
    api.create(service(namespace, port=80, target=8080), forwards(namespace, {8080: greeter}))
    rules = {"services": ["get"], "pods": ["get", "list"], "pods/portforward": ["create"]}
    listed = [{"apiGroups": [""], "resources": [of], "verbs": v} for of, v in rules.items()]
    bind(api, namespace, "default", *listed)
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig_for("default", namespace)))
    with KubectlDoor().open(CONTEXT) as limited:
        pods = ObjectRef("v1", "Pod", namespace, "")
        api.until("the rights count", lambda: limited.allowed("create", pods, "portforward"))
        with limited.forward(namespace, "service/web", 80) as place:
            assert greeting(place) == b"hello"

    used = {(resource, verb) for verb, _, resource in api.asked_by("default", namespace)}
    assert used >= {(resource, verb) for resource, verbs in rules.items() for verb in verbs}


def test_a_pod_that_does_not_run_has_no_ports(api: ControlPlane, reached: ClusterApi) -> None:
    namespace = api.namespace()
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": namespace}}
    spec = {"containers": [{"name": "c", "image": "x"}], "nodeSelector": {"no": "node"}}
    api.create({**pod, "spec": spec})
    assert reached.get(ObjectRef("v1", "Pod", namespace, "p")) is not None
    with (
        pytest.raises(ClusterRefused, match="its pod is Pending") as caught,
        reached.forward(namespace, "pod/p", 1),
    ):
        pass
    assert caught.value.reason == "NotRunning"
