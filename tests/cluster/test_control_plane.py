"""The control plane of the tests does what a cluster's does."""

from __future__ import annotations

import json
import re
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from repoint.adapters.runner import find_tool
from tests.cluster.control_plane import ControlPlane
from tests.cluster.objects import cluster, deployment, forwards, job, logs_of, pooler, service
from tests.cluster.stages import RUN

pytestmark = pytest.mark.cluster

_CNPG = "/apis/postgresql.cnpg.io/v1"


def _pod_of(api: ControlPlane, namespace: str, app: str) -> Any:
    path = f"/api/v1/namespaces/{namespace}/pods?labelSelector=app%3D{app}"
    return api.until(f"a pod of {app}", lambda: api.get(path)["items"])[0]


def _condition(api: ControlPlane, path: str, *types: str) -> Any:
    def found() -> Any:
        conditions = api.get(path).get("status", {}).get("conditions", [])
        return [one for one in conditions if one["type"] in types and one["status"] == "True"]

    return api.until(f"{path} is one of {types}", found)[0]


def test_a_deployment_rolls_out(api: ControlPlane) -> None:
    namespace = api.namespace()
    api.create(deployment(namespace, replicas=2))
    done = api.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=120s")
    assert "successfully rolled out" in done.out
    path = f"/api/v1/namespaces/{namespace}/pods"
    assert {one["status"]["phase"] for one in api.get(path)["items"]} == {"Running"}


def test_a_deployment_that_never_gets_ready_is_told_by_its_deadline(api: ControlPlane) -> None:
    namespace = api.namespace()
    api.create(deployment(namespace, annotations={RUN: "unready"}, deadline_s=1))
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web"

    def reasons() -> bool:
        conditions = api.get(path).get("status", {}).get("conditions", [])
        return "ProgressDeadlineExceeded" in {one.get("reason") for one in conditions}

    assert api.until("the deadline is exceeded", reasons)


def test_jobs_complete_and_fail_as_asked(api: ControlPlane) -> None:
    namespace = api.namespace()
    api.create(job(namespace), job(namespace, "broken", annotations={RUN: "fail"}))
    jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    assert _condition(api, f"{jobs}/migrate", "Complete", "Failed")["type"] == "Complete"
    assert _condition(api, f"{jobs}/broken", "Complete", "Failed")["type"] == "Failed"


def test_an_agent_plays_the_pods_of_jobs_where_it_is_asked_to(api: ControlPlane) -> None:
    alone, played = api.namespace(), api.namespace()
    api.leave_jobs_to_agent(alone)
    try:
        # A finished pod of the other namespace shows that the stages were looked at.
        api.create(job(alone), job(played), deployment(alone))
        path = f"/apis/batch/v1/namespaces/{played}/jobs/migrate"
        assert _condition(api, path, "Complete", "Failed")["type"] == "Complete"
        api.kubectl("rollout", "status", "deployment/web", "-n", alone, "--timeout=120s")
        pod = _pod_of(api, alone, "migrate")
        assert pod["status"]["phase"] == "Pending" and pod["spec"]["nodeName"]
        name = pod["metadata"]["name"]
        status = {"status": {"phase": "Succeeded"}}
        patched, _ = api.call(
            "PATCH",
            f"/api/v1/namespaces/{alone}/pods/{name}/status",
            status,
            content_type="application/merge-patch+json",
        )
        assert patched == 200
        path = f"/apis/batch/v1/namespaces/{alone}/jobs/migrate"
        assert _condition(api, path, "Complete", "Failed")["type"] == "Complete"
    finally:
        api.leave_jobs_to_agent()


def test_cloudnativepg_objects_are_accepted_and_wrong_ones_refused(api: ControlPlane) -> None:
    namespace = api.namespace()
    api.create(cluster(namespace), pooler(namespace, parameters={"max_client_conn": "10"}))
    wrong = pooler(namespace, "wrong", poolMode="statement")
    status, answer = api.call("POST", f"{_CNPG}/namespaces/{namespace}/poolers", wrong)
    assert (status, answer["reason"]) == (422, "Invalid")
    assert "spec.pgbouncer.poolMode" in answer["message"]
    stored = api.get(f"{_CNPG}/namespaces/{namespace}/poolers/pooler")
    assert stored["spec"]["pgbouncer"]["paused"] is False, "the CRD's own default"


def test_two_field_managers_conflict(api: ControlPlane) -> None:
    namespace = api.namespace()
    argv = ("apply", "--server-side", "-f", "-")
    settings = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": namespace},
        "data": {"host": "old"},
    }
    api.kubectl(*argv, "--field-manager=first", stdin=json.dumps(settings))
    settings["data"] = {"host": "new"}
    done = api.kubectl(*argv, "--field-manager=second", stdin=json.dumps(settings), check=False)
    assert done.status == 1 and 'conflict with "first"' in done.err
    path = f"/api/v1/namespaces/{namespace}/configmaps/settings?fieldManager=second"
    status, _ = api.call("PATCH", path, settings, content_type="application/apply-patch+yaml")
    assert status == 409


def test_an_account_may_do_what_its_role_says(api: ControlPlane) -> None:
    namespace = api.namespace()
    meta = {"name": "reader", "namespace": namespace}
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": meta}
    subject = {"kind": "ServiceAccount", "name": "reader", "namespace": namespace}
    role = {"kind": "Role", "name": "reader", "apiGroup": "rbac.authorization.k8s.io"}
    api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
    config = api.kubeconfig_for("reader", namespace)
    asked = ("get", "configmaps", "-o", "name")

    before = api.kubectl(*asked, kubeconfig=config, check=False)
    assert before.status == 1 and "Forbidden" in before.err
    assert f"system:serviceaccount:{namespace}:reader" in before.err
    api.create(
        {**rbac, "kind": "Role", "rules": rules},
        {**rbac, "kind": "RoleBinding", "subjects": [subject], "roleRef": role},
    )
    api.until("it may", lambda: api.kubectl(*asked, kubeconfig=config, check=False).status == 0)
    secrets = api.kubectl("get", "secrets", kubeconfig=config, check=False)
    assert secrets.status == 1 and "Forbidden" in secrets.err
    # kubectl's own questions about what the API has are everybody's right, and not of a Role.
    assert api.asked_by("reader", namespace) == {("list", "", "configmaps")}


def test_a_person_has_a_certificate(api: ControlPlane) -> None:
    config = api.kubeconfig_of_user("alice")
    assert "alice" in api.kubectl("auth", "whoami", kubeconfig=config).out
    refused = api.kubectl("get", "nodes", kubeconfig=config, check=False)
    assert refused.status == 1 and 'User "alice" cannot list' in refused.err


def test_objects_outlive_the_api_server(api: ControlPlane) -> None:
    namespace = api.namespace()
    api.create(deployment(namespace))
    api.stop_apiserver()
    try:
        with pytest.raises(OSError):
            api.get("/readyz")
    finally:
        api.start_apiserver()
    # The controllers, the scheduler and kwok find it again.
    api.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=120s")


class _Greeter(socketserver.StreamRequestHandler):
    """Greets whoever asks by name, hangs up after `bye`, and knows when a caller is gone."""

    def handle(self) -> None:
        while (line := self.rfile.readline()) and line != b"bye\n":
            self.wfile.write(b"hello " + line)
        if not line:
            self.server.deserted.set()  # type: ignore[attr-defined]


@pytest.fixture
def greeter() -> Iterator[socketserver.ThreadingTCPServer]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Greeter) as server:
        server.deserted = threading.Event()  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_port_forward_reaches_a_server_on_loopback(
    api: ControlPlane, greeter: socketserver.ThreadingTCPServer
) -> None:
    namespace = api.namespace()
    api.create(
        deployment(namespace),
        service(namespace, port=80, target=8080),
        forwards(namespace, {8080: greeter.server_address[1]}),
    )
    api.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=120s")
    argv = ["port-forward", "-n", namespace, "service/web", ":80", "--address=127.0.0.1"]
    with subprocess.Popen(
        [find_tool("kubectl"), *argv], env=api.environment(), stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdout is not None
            told = re.search(r"127\.0\.0\.1:(\d+)", child.stdout.readline())
            assert told is not None
            place = ("127.0.0.1", int(told[1]))
            with socket.create_connection(place, 120) as one, one.makefile("rwb") as talk:
                talk.write(b"alice\n")
                talk.flush()
                assert talk.readline() == b"hello alice\n"
                talk.write(b"bye\n")
                talk.flush()
                assert talk.read() == b"", "the server's end is the client's"
            with socket.create_connection(place, 120) as one:
                one.sendall(b"bob\n")
                assert one.recv(100) == b"hello bob\n"
            gone = greeter.deserted.wait(120)  # type: ignore[attr-defined]
            assert gone, "the client's end is the server's"
        finally:
            child.terminate()


def test_logs_are_what_kwok_is_pointed_at(api: ControlPlane, tmp_path: Path) -> None:
    namespace = api.namespace()
    written = tmp_path / "migrate.log"
    written.write_text("2026-01-02T03:04:05Z stdout F applied 3 migrations\n")
    api.create(job(namespace))
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs/migrate"
    assert _condition(api, path, "Complete", "Failed")["type"] == "Complete"
    name = _pod_of(api, namespace, "migrate")["metadata"]["name"]
    api.create(logs_of(namespace, name, "migrate", written))
    api.until(
        "kwok knows of the log",
        lambda: api.kubectl("logs", "job/migrate", "-n", namespace, check=False).status == 0,
    )
    done = api.kubectl("logs", "job/migrate", "-n", namespace)
    assert done.out == "applied 3 migrations\n"
