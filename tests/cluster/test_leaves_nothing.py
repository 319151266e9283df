"""However a test run ends, no process and no file of its control plane stays behind."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.cluster.fix_api import need_parts
from tests.servers.leavings import ROOT, Watched, watched

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_after_a_signal(pytestconfig: pytest.Config, number: signal.Signals) -> None:
    need_parts(pytestconfig)
    with watched(Watched) as child:
        path = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
        argv = [sys.executable, "-m", "tests.cluster.plane_child"]
        process = child.start(argv, env={**os.environ, "PYTHONPATH": path})
        assert process.stdout is not None
        assert Path(process.stdout.readline().strip()).parent == child.tmp
        running = " ".join(child.processes().values())
        for program in ("etcd", "kube-apiserver", "kube-scheduler", "kwok"):
            assert program in running

        process.send_signal(number)

        assert process.wait() != 0
        assert child.gone(), child.left()
