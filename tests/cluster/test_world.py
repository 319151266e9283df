"""The world of the end-to-end tests runs the example as it is, before anything moved."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from repoint.adapters.runner import find_tool
from tests.cluster.world.example import ROOT, copy_example

if TYPE_CHECKING:
    from tests.cluster.world.databases import Databases
    from tests.cluster.world.world import World

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

_NAMESPACE, _AUTH = "naytife", "naytife-auth"
_POOLER = "naytife-postgres-pooler-rw"
_IMAGE = "ghcr.io/cloudnative-pg/postgresql:18.1"


@pytest.fixture(scope="module")
def local(world: World) -> World:
    from tests.cluster.world.databases import Databases

    world.deploy("local")
    Databases(world, "local").seed()
    return world


@pytest.fixture
def databases(local: World) -> Databases:
    from tests.cluster.world.databases import Databases

    return Databases(local, "local")


@contextlib.contextmanager
def _forwarded(world: World, namespace: str, target: str, port: int) -> Iterator[str]:
    """A real `kubectl port-forward`; gives the URL of the port."""
    argv = ["port-forward", "-n", namespace, target, f":{port}", "--address=127.0.0.1"]
    with subprocess.Popen(
        [find_tool("kubectl"), *argv],
        env=world.plane.environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        try:
            assert child.stdout is not None
            told = re.search(r"127\.0\.0\.1:(\d+)", child.stdout.readline())
            assert told is not None
            yield f"http://127.0.0.1:{told[1]}"
        finally:
            child.terminate()


def _get(url: str, **headers: str) -> str:
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        body: bytes = answer.read()
    return body.decode()


def _psql_job(name: str, query: str, *, dsn: str) -> dict[str, Any]:
    """A Job that logs in with a string of the environment and asks."""
    variables = [
        {
            "name": "PGPASSWORD",
            "valueFrom": {"secretKeyRef": {"name": "backend-secret", "key": "POSTGRES_PASSWORD"}},
        },
        {"name": "QUERY", "value": query},
        {"name": "HOST", "value": f"{_POOLER}.{_NAMESPACE}.svc.cluster.local"},
        {"name": "DSN", "value": dsn},
    ]
    container = {
        "name": "psql",
        "image": _IMAGE,
        "command": ["sh", "-c", 'psql "$DSN" -X -A -t -c "$QUERY"'],
        "env": variables,
        "volumeMounts": [{"name": "ca", "mountPath": "/ca"}],
    }
    volumes = [{"name": "ca", "secret": {"secretName": "naytife-postgres-ca"}}]
    spec = {"restartPolicy": "Never", "containers": [container], "volumes": volumes}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": _NAMESPACE},
        "spec": {"backoffLimit": 0, "template": {"spec": spec}},
    }


def _finished(world: World, name: str) -> str:
    """The log of a Job, once it has succeeded."""
    world.kubectl(
        "wait", "--for=condition=complete", f"job/{name}", "-n", _NAMESPACE, "--timeout=60s"
    )
    return world.kubectl("logs", f"job/{name}", "-n", _NAMESPACE).out


def test_the_backend_answers_through_kubectl(local: World) -> None:
    with _forwarded(local, _NAMESPACE, "service/backend", 8000) as url:
        assert _get(f"{url}/health") == "ok\n"
        tenant = "00000000-0000-0000-0000-000000000002"
        products = json.loads(_get(f"{url}/products", **{"X-Tenant": tenant}))
        assert len(products) == 20, "row-level security shows the tenant's own"
        with pytest.raises(urllib.error.HTTPError, match="401"):
            _get(f"{url}/products")


def test_hydra_is_ready(local: World) -> None:
    with _forwarded(local, _AUTH, "service/hydra-public", 4444) as url:
        assert "ok" in _get(f"{url}/health/ready")
    with _forwarded(local, _AUTH, "service/hydra-admin", 4445) as url:
        assert "ok" in _get(f"{url}/health/alive")


def test_the_migration_jobs_said_what_they_did(local: World) -> None:
    told = local.kubectl("logs", "job/backend-migrate", "-n", _NAMESPACE).out
    assert "Executed Files: 5 of 5" in told
    checked = local.kubectl(
        "logs", "job/backend-migrate", "-c", "migration-pre-check", "-n", _NAMESPACE
    )
    assert "PostgreSQL 15" in checked.out
    # Its first try may have come before the schema that the other Job makes.
    (pod,) = [
        one for one in local.pods_of(_AUTH, "hydra-migrate") if not one.containers[0].exit_code
    ]
    told = local.kubectl("logs", pod.pod["metadata"]["name"], "-n", _AUTH).out
    assert "applied" in told


def test_cluster_and_pooler_say_that_they_are_ready(local: World) -> None:
    waiting = ("wait", "--for=condition=Ready", "cluster/naytife-postgres", "-n", _NAMESPACE)
    local.kubectl(*waiting, "--timeout=60s")
    local.kubectl("rollout", "status", f"deployment/{_POOLER}", "-n", _NAMESPACE, "--timeout=60s")
    got = local.kubectl("get", "cluster,pooler", "-n", _NAMESPACE, "-o", "json").out
    cluster, pooler = json.loads(got)["items"]
    assert cluster["status"]["currentPrimary"] == "naytife-postgres-1"
    assert cluster["status"]["phase"] == "Cluster in healthy state"
    assert pooler["status"]["instances"] == 1


def test_only_the_old_server_has_clients(local: World, databases: Databases) -> None:
    def all_are_there() -> bool:
        # A pod that came before its server is started again ever later.
        return {"backend", "hydra", "writer"} <= set(databases.clients_of_source())

    local.plane.until("the old server has its clients", all_are_there)
    assert not databases.clients_of_target()


def test_a_pod_logs_in_through_the_pooler_with_tls(local: World) -> None:
    query = "SELECT version(), ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    dsn = (
        f"host={_POOLER}.{_NAMESPACE}.svc.cluster.local user=naytife dbname=naytifedb"
        " sslmode=verify-ca sslrootcert=/ca/ca.crt"
    )
    local.plane.create(_psql_job("through-pooler", query, dsn=dsn))
    assert re.match(r"PostgreSQL 18\..*\|t\n", _finished(local, "through-pooler"))


def test_a_pause_holds_a_client_until_it_ends(local: World) -> None:
    from tests.cluster.world.pooler_manager import console

    patch = ("patch", "pooler", _POOLER, "-n", _NAMESPACE, "--type=merge", "-p")
    (pod,) = local.pooler_pods(_NAMESPACE)

    with contextlib.closing(console(pod)) as session:
        local.kubectl(*patch, '{"spec":{"pgbouncer":{"paused":true}}}')

        def paused() -> bool:
            return ("paused", "yes") in _pairs(session.query("SHOW STATE"))

        local.plane.until("PgBouncer is paused", paused)
        dsn = f"host={_POOLER}.{_NAMESPACE}.svc.cluster.local user=naytife dbname=naytifedb"
        local.plane.create(_psql_job("held", "SELECT 41 + 1", dsn=dsn))

        def waits() -> bool:
            # One whose password is still to be looked up has no name yet.
            return bool({row[1] for row in session.query("SHOW CLIENTS")} - {"pgbouncer"})

        local.plane.until("a client waits", waits)
    job = local.plane.get(f"/apis/batch/v1/namespaces/{_NAMESPACE}/jobs/held")
    assert "succeeded" not in job["status"]
    local.kubectl(*patch, '{"spec":{"pgbouncer":{"paused":false}}}')
    assert _finished(local, "held") == "42\n"


def _pairs(rows: Any) -> set[tuple[str, str]]:
    return {(row[0], row[1]) for row in rows}


def test_the_exporter_shows_the_pools(local: World) -> None:
    (pod,) = local.pooler_pods(_NAMESPACE)
    with _forwarded(local, _NAMESPACE, f"pod/{pod.pod['metadata']['name']}", 9127) as url:
        assert "cnpg_pgbouncer_pools_cl_waiting" in _get(f"{url}/metrics")


def test_new_parameters_reach_pgbouncer(local: World) -> None:
    from tests.cluster.world.pooler_manager import console

    (pod,) = local.pooler_pods(_NAMESPACE)
    patch = '{"spec":{"pgbouncer":{"parameters":{"default_pool_size":"31"}}}}'
    local.kubectl("patch", "pooler", _POOLER, "-n", _NAMESPACE, "--type=merge", "-p", patch)

    def size() -> str:
        with contextlib.closing(console(pod)) as session:
            return dict(_pairs(session.query("SHOW CONFIG")))["default_pool_size"]

    assert local.plane.until("the size is taken", lambda: size() == "31")


def test_a_killed_pgbouncer_comes_back(local: World) -> None:
    (pod,) = local.pooler_pods(_NAMESPACE)
    path = f"/api/v1/namespaces/{_NAMESPACE}/pods/{pod.pod['metadata']['name']}"
    pod.containers[0].tell(signal.SIGKILL)

    def again() -> bool:
        (found,) = local.plane.get(path)["status"]["containerStatuses"]
        return found["restartCount"] == 1 and found["ready"]

    assert local.plane.until("it runs again", again)


def test_nothing_answers_behind_a_service_without_pods(local: World, databases: Databases) -> None:
    local.kubectl("scale", "deployment/writer", "--replicas=0", "-n", _NAMESPACE)
    local.plane.until("the writer is gone", lambda: not local.pods_of(_NAMESPACE, "writer"))
    local.plane.until("its sessions are gone", lambda: not databases.clients_of_source()["writer"])
    local.kubectl("scale", "deployment/writer", "--replicas=1", "-n", _NAMESPACE)
    local.kubectl("rollout", "status", "deployment/writer", "-n", _NAMESPACE, "--timeout=60s")
    assert databases.clients_of_source()["writer"]


def test_the_database_outlives_its_pod(local: World, databases: Databases) -> None:
    before = databases.source("SELECT count(*) FROM naytife_schema.products")
    local.kubectl("delete", "pod", "postgres-0", "-n", _NAMESPACE)
    waiting = ("rollout", "status", "statefulset/postgres", "-n", _NAMESPACE, "--timeout=90s")
    local.kubectl(*waiting)
    local.plane.until("the Service leads to it", lambda: _reachable(databases))
    assert databases.source("SELECT count(*) FROM naytife_schema.products") == before


def _reachable(databases: Databases) -> bool:
    try:
        return databases.source_port > 0
    except AssertionError:
        return False


_KILLED = """
import signal, os, sys
from pathlib import Path
from tests.cluster.world.world import World
with World(Path(sys.argv[1])) as world:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "it", "namespace": "default"},
           "spec": {"containers": [{"name": "it", "image": "redis:7"}]}}
    world.plane.create(pod)
    world.plane.kubectl("wait", "--for=condition=Ready", "pod/it", "--timeout=60s")
    print(world.plane.folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_world_leaves_nothing(local: World, tmp_path: Path) -> None:
    example = copy_example(tmp_path / "naytife")
    argv = [sys.executable, "-c", _KILLED, str(example)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode == -signal.SIGKILL, done.stderr
    folder = Path(done.stdout.strip())
    local.plane.until("its folder is gone", lambda: not folder.exists())
    assert not [one for one in Path("/proc").glob("[0-9]*") if _names(one, str(folder))]


def _names(process: Path, text: str) -> bool:
    with contextlib.suppress(OSError):
        return text in (process / "cmdline").read_bytes().decode(errors="replace")
    return False
