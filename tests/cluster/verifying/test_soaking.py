"""B2: a soak on CloudNativePG's own exporter before a real PgBouncer, and what ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from repoint.adapters.http_get import http_get
from repoint.flows.verifying.soaking import soak, watched
from repoint.model.rehearsal import Verdict
from repoint.model.sensitive import Sensitive
from repoint.model.verification import Soak
from repoint.ports.connecting import Conversation
from repoint.wire.refusals import ConnectionLost
from tests.cluster.exporting import metrics_of
from tests.cluster.verifying.town import PASSWORD, Town

pytestmark = [pytest.mark.cluster, pytest.mark.servers]
ROOT = Path(__file__).parents[3]
QUICK = {"duration": "2s", "every": "200ms"}


@contextmanager
def exporter(town: Town) -> Iterator[None]:
    """The Pooler's metrics, where the town's port-forwards lead."""
    port = town.ground.lab.address(town.pool.host)[1]
    [socket] = town.ground.lab.folder.glob(f"*/.s.PGSQL.{port}")
    with metrics_of(socket.parent, port) as address:
        town.metrics = urlsplit(address).port or 0
        yield


def connected(town: Town) -> Conversation:
    return town.pool.connect(
        user=town.role, database=town.ground.database, password=Sensitive(PASSWORD)
    )


@contextmanager
def traffic(town: Town) -> Iterator[None]:
    """A client that asks through the Pooler until the block ends."""
    stop = threading.Event()

    def ask() -> None:
        with closing(connected(town)) as session:
            while not stop.wait(0.05):
                session.query("SELECT 1")

    worker = threading.Thread(target=ask)
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join()


def soaked(town: Town, wanted_s: float = 2.0) -> Soak:
    with town.opened() as api:
        scene = town.scenery(api)
        return soak(api, scene.config, watched(scene), wanted_s=wanted_s, get=http_get)


def test_a_quiet_pool_passes(town: Town) -> None:
    town.settings = {"verify": {"soak": QUICK}}
    with exporter(town), traffic(town):
        town.moved()
        found = soaked(town)
    assert found.verdict is Verdict.PASS, found
    [pool] = [one for one in found.pools if one.user == town.role]
    assert pool.queries > 0 and pool.readings == found.readings
    assert {one.consumer for one in found.restarts} == {"Pooler/pooler", "Deployment/web"}


def test_a_pool_that_nobody_uses_proves_nothing(town: Town) -> None:
    town.settings = {"verify": {"soak": QUICK}}
    with exporter(town):
        town.moved()
        found = soaked(town)
    assert found.verdict is Verdict.UNKNOWN
    [pool] = [one for one in found.pools if one.user == town.role]
    assert "no query" in pool.observed


def test_clients_that_wait_end_it_early(town: Town) -> None:
    town.settings = {"verify": {"soak": {**QUICK, "max_wait": "500ms"}}}
    with exporter(town):
        town.moved()
        sessions = [connected(town) for _ in range(5)]
        for one in sessions:
            one.query("BEGIN")
        waiting = connected(town)
        worker = threading.Thread(target=_ask_and_wait, args=(waiting,))
        worker.start()
        found = soaked(town, 60.0)
        for one in sessions:
            one.close()
        worker.join()
    assert (found.verdict, found.ended) == (Verdict.FAIL, "failed")
    [pool] = [one for one in found.pools if one.user == town.role]
    assert pool.verdict is Verdict.FAIL and pool.waiting == 1 and pool.max_used == 1.0
    assert "a client waited" in pool.observed
    assert found.lasted_s < 60


def _ask_and_wait(session: Conversation) -> None:
    try:
        session.query("SELECT 1")
    except ConnectionLost:  # The client's own patience may be shorter than the soak.
        return


def _restart(town: Town) -> None:
    """Have the consumer's container restarted, as its kubelet would tell it."""
    path = f"/api/v1/namespaces/{town.namespace}/pods"
    [pod] = town.api.get(f"{path}?labelSelector=app%3Dweb")["items"]
    [status] = pod["status"]["containerStatuses"]
    last = {"terminated": {"reason": "OOMKilled", "exitCode": 137, "containerID": "x://y"}}
    changed = {**status, "restartCount": 1, "lastState": last}
    done, _ = town.api.call(
        "PATCH",
        f"{path}/{pod['metadata']['name']}/status",
        {"status": {"containerStatuses": [changed]}},
        content_type="application/merge-patch+json",
    )
    assert done == 200


def test_a_consumer_that_restarts_ends_it_early(town: Town) -> None:
    town.settings = {"verify": {"soak": QUICK}}
    with exporter(town), traffic(town), town.opened() as api:
        town.moved()
        scene = town.scenery(api)
        what, seen = watched(scene), []

        def told(soak: Soak) -> None:
            if not seen:
                _restart(town)
            seen.append(soak)

        found = soak(api, scene.config, what, wanted_s=60, get=http_get, seen=told)
    assert (found.verdict, found.ended) == (Verdict.FAIL, "failed")
    [web] = [one for one in found.restarts if one.consumer == "Deployment/web"]
    assert web.observed == "1 restarts; `web` ended: OOMKilled (exit status 137)"
    assert seen[0].verdict is not Verdict.FAIL


def test_metrics_that_cannot_be_had(town: Town) -> None:
    town.settings = {"verify": {"soak": QUICK}}
    town.metrics = 1
    town.moved()
    found = soaked(town)
    assert found.verdict is Verdict.UNKNOWN
    assert found.gaps and "metrics" in found.gaps[0]


def test_an_interrupted_soak_is_unknown_and_says_how_long_it_looked(town: Town) -> None:
    town.settings = {"verify": {"soak": QUICK}}
    subprocess.run(["git", "init", "-q"], cwd=town.folder, check=True)
    argv = [sys.executable, "-m", "repoint", "-C", str(town.folder), "verify", "--soak", "10m"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with exporter(town), traffic(town):
        town.moved()
        with subprocess.Popen(
            [*argv, "--env", "local"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as child:
            assert child.stderr is not None and child.stdout is not None
            for line in child.stderr:
                if "soaking" in line:
                    break
            child.send_signal(signal.SIGINT)
            out, _ = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "interrupted" in out and "soaked for" in out and "verify: ??" in out
    ledger = (town.folder / ".repoint" / "ledger.jsonl").read_text()
    assert '"soaked"' in ledger and '"unknown"' in ledger
