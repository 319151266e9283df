"""Whoever leaves `verify` in the middle is let go at once, and nothing of it stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.hostile.canaries import watched
from tests.cluster.kubeapi.samples import children
from tests.cluster.verifying.conftest import town  # noqa: F401
from tests.cluster.verifying.town import ENCODED, PASSWORD, Town

pytestmark = [pytest.mark.cluster, pytest.mark.servers]
ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("way", ["soak", "in-cluster"])
def test_nothing_is_left(
    town: Town,  # noqa: F811
    way: str,
    sent: signal.Signals,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    town.moved()
    subprocess.run(["git", "init", "-q"], cwd=town.folder, check=True)
    temporary = tmp_path_factory.mktemp("t")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "TMPDIR": str(temporary)}
    more = ["--soak", "10m"] if way == "soak" else ["--in-cluster"]
    if way == "in-cluster":
        town.settings = {"verify": {"image": "example.org/none:1"}}
        town.write()
        town.api.leave_jobs_to_agent(town.namespace)
    jobs = f"/apis/batch/v1/namespaces/{town.namespace}/jobs?labelSelector=repoint.dev/probe"
    argv = [sys.executable, "-m", "repoint", "-C", str(town.folder), "verify", *more]
    with (
        subprocess.Popen(
            argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process,
        watched(process.pid) as seen,
    ):
        if way == "soak":
            assert process.stderr is not None
            for line in process.stderr:
                if "soak" in line:
                    break
        else:
            town.api.until("a probe is there", lambda: town.api.get(jobs)["items"])
        process.send_signal(sent)
        out, err = process.communicate(timeout=60)
    town.api.leave_jobs_to_agent()
    assert process.returncode == 130, (out, err)
    assert children(process.pid, "") == []
    assert list(temporary.iterdir()) == []
    town.api.until("no probe is left", lambda: not town.api.get(jobs)["items"])
    assert not [one for one in (out, err, *seen) if PASSWORD in one or ENCODED in one]
