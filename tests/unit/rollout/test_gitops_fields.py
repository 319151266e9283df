"""Which fields of a planned object a live one has not."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from repoint.rollout.gitops_fields import differing


def web(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "w"}, "spec": spec}


def box(**given: Any) -> dict[str, Any]:
    return web(template={"spec": {"containers": [{"name": "w", **given}]}})


def secret(**given: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, **given}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


CONTAINER = "spec.template.spec.containers[w]"
SAME = [
    pytest.param(web(replicas=2), web(replicas=2, paused=False), id="a default"),
    pytest.param(web(replicas=2), web(replicas=2) | {"status": {"replicas": 1}}, id="status"),
    pytest.param(box(env=[]), box(), id="empty is absent"),
    pytest.param(box(command=None), box(), id="null is absent"),
    pytest.param(box(tty=False), box(), id="false is left out"),
    pytest.param(
        box(resources={"limits": {"cpu": "1000m", "memory": "1024Mi"}}),
        box(resources={"limits": {"cpu": "1", "memory": "1Gi"}}),
        id="quantities",
    ),
    pytest.param(
        box(resources={"limits": {"cpu": 2}}), box(resources={"limits": {"cpu": "2"}}), id="number"
    ),
    pytest.param(
        web(template={"spec": {"containers": [{"name": "w"}]}}),
        web(template={"spec": {"containers": [{"name": "mesh"}, {"name": "w", "tty": True}]}}),
        id="an injected container",
    ),
    pytest.param(
        secret(stringData={"url": "canary-1"}), secret(data={"url": encoded("canary-1")}), id="text"
    ),
    pytest.param(web(host="${DB_HOST}.shop"), web(host="pg-rw.shop"), id="what Flux substitutes"),
]
OTHER = [
    pytest.param(web(replicas=2), web(replicas=1), ["spec.replicas"], id="a value"),
    pytest.param(web(replicas=2), web(), ["spec.replicas"], id="absent"),
    pytest.param(
        box(env=[{"name": "URL", "value": "canary-1"}]),
        box(env=[{"name": "URL", "value": "canary-2"}]),
        [f"{CONTAINER}.env[URL].value"],
        id="a named item",
    ),
    pytest.param(box(args=["a", "b"]), box(args=["a"]), [f"{CONTAINER}.args"], id="a shorter list"),
    pytest.param(
        box(args=["a", "b"]),
        box(args=["b", "a"]),
        [f"{CONTAINER}.args[{n}]" for n in (0, 1)],
        id="another order",
    ),
    pytest.param(
        secret(stringData={"a": "canary-1", "b": "x"}),
        secret(data={"a": encoded("canary-2"), "b": encoded("x")}),
        ["data[a]"],
        id="a key of a Secret",
    ),
    pytest.param(
        web(host="${DB_HOST}.shop"), web(host="pg-rw.other"), ["spec.host"], id="around a variable"
    ),
    pytest.param(box(tty=False), box(tty=True), [f"{CONTAINER}.tty"], id="false is not true"),
    pytest.param(box(tty=True), box(), [f"{CONTAINER}.tty"], id="true is not left out"),
    pytest.param(web(flag=True), web(flag="True"), ["spec.flag"], id="no text for a truth value"),
    pytest.param(web(replicas=1), web(replicas=True), ["spec.replicas"], id="no truth for one"),
]


@pytest.mark.parametrize(("wanted", "live"), SAME)
def test_is_as_planned(wanted: dict[str, Any], live: dict[str, Any]) -> None:
    assert differing(wanted, live) == ()


@pytest.mark.parametrize(("wanted", "live", "fields"), OTHER)
def test_tells_the_fields_and_no_value(
    wanted: dict[str, Any], live: dict[str, Any], fields: list[str]
) -> None:
    found = differing(wanted, live)
    assert list(found) == sorted(fields)
    assert "canary" not in "".join(found)


def test_labels_and_annotations_count_but_kustomizes_own() -> None:
    wanted = web()
    wanted["metadata"]["annotations"] = {"a/b": "1", "config.kubernetes.io/origin": "x"}
    assert differing(wanted, web()) == ("metadata.annotations[a/b]",)
