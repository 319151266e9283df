"""What the error of a step that failed says; tests/cluster has those of real pods."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from repoint.flows.rolling_out.failing import stopped
from repoint.flows.rolling_out.locking import Hold
from repoint.flows.rolling_out.situation import Hooks, Running, Settings
from repoint.model.cluster import ObjectRef
from repoint.ports.cluster import ClusterApi
from repoint.rollout.steps import Event

JOB = ObjectRef("batch/v1", "Job", "shop", "migrate")
DOCUMENT = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "migrate", "namespace": "shop", "uid": "job"},
    "spec": {"selector": {"matchLabels": {"job": "migrate"}}},
}


def _pod(**state: Any) -> dict[str, Any]:
    owner = [{"uid": "job"}]
    status = {"containerStatuses": [{"name": "dbmate", **state}]}
    return {"metadata": {"name": "migrate-x", "ownerReferences": owner}, "status": status}


@pytest.mark.parametrize(
    ("state", "ending"),
    [
        (
            {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}},
            "; Pod/migrate-x dbmate: ImagePullBackOff",
        ),
        ({"ready": True, "state": {"running": {}}}, ""),
    ],
)
def test_the_error_names_what_a_pod_waits_for(state: dict[str, Any], ending: str) -> None:
    answers = {"Pod": (_pod(**state),), "Event": ()}
    api = cast(ClusterApi, SimpleNamespace(list=lambda version, kind, *where, **how: answers[kind]))
    said: list[Event] = []
    running = Running(api, cast(Hold, None), said.append, Settings(), Hooks())

    error = stopped(running, JOB, DOCUMENT, "no progress in time: 1 pod runs, 0 failed")

    assert error.message == (
        f"{JOB} is not ready: no progress in time: 1 pod runs, 0 failed{ending}"
    )
    assert any("no such image" in one.text for one in said) is bool(ending)
