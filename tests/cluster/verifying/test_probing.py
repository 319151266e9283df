"""Probe Jobs on a real API server: what they are made of, and that none is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from repoint.adapters.http_get import http_get
from repoint.adapters.pgclient import connect
from repoint.flows.verifying.in_cluster import verify_inside
from repoint.model.rehearsal import Verdict
from tests.cluster.verifying.town import ENCODED, PASSWORD, Town, check

pytestmark = [pytest.mark.cluster, pytest.mark.servers]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def waiting(town: Town) -> Iterator[Town]:
    """A town that moved, in which from now on nobody plays the pods of Jobs."""
    town.settings = {"verify": {"image": "example.org/psql:18", "timeout": "1s"}}
    town.moved()
    town.api.leave_jobs_to_agent(town.namespace)
    yield town
    town.api.leave_jobs_to_agent()


def jobs(town: Town) -> list[Any]:
    path = f"/apis/batch/v1/namespaces/{town.namespace}/jobs?labelSelector=repoint.dev%2Fprobe"
    return list(town.api.get(path)["items"])


def started(town: Town) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "repoint", "-C", str(town.folder), "verify", "--in-cluster"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.Popen(
        [*argv, "--env", "local", "--no-record"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_ctrl_c_leaves_no_probe_behind(waiting: Town) -> None:
    with started(waiting) as child:
        made = waiting.api.until("probes run", lambda: len(jobs(waiting)) == 2 and jobs(waiting))
        os.killpg(child.pid, signal.SIGINT)
        child.communicate(timeout=60)
    assert child.returncode == 130
    waiting.api.until("no probe is left", lambda: not jobs(waiting))
    text = json.dumps(made)
    assert PASSWORD not in text and ENCODED not in text
    assert {one["metadata"]["labels"]["app.kubernetes.io/managed-by"] for one in made} == {
        "repoint"
    }


def test_a_probe_that_is_refused_is_told_and_the_others_are_deleted(waiting: Town) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "few", "namespace": waiting.namespace},
        "spec": {"hard": {"count/jobs.batch": "2"}},
    }
    waiting.stand(quota)
    waiting.api.until("the quota is counted", lambda: _used(waiting) == "1")
    with waiting.opened() as api:
        scene = waiting.scenery(api, secrets=False)
        found = verify_inside(waiting.workspace(), api, scene, dial=connect, get=http_get)
    assert found.verdict is Verdict.UNKNOWN
    told = {check(found, "login", name).observed for name in ("web", "migrate")}
    assert any("quota" in text for text in told)
    assert jobs(waiting) == []


def _used(town: Town) -> str:
    path = f"/api/v1/namespaces/{town.namespace}/resourcequotas/few"
    return str(town.api.get(path).get("status", {}).get("used", {}).get("count/jobs.batch", ""))


def test_no_secret_is_read(waiting: Town) -> None:
    with waiting.opened() as api:
        scene = waiting.scenery(api, secrets=False)
    assert not [kind for kind, _, _ in scene.live.held if kind == "Secret"]
