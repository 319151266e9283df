"""Objects read, written and listed through the adapter on a real API server."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoint.adapters.kubeapi import KubectlDoor
from repoint.errors import ClusterRefused
from repoint.model.cluster import ObjectRef
from repoint.ports.cluster import ClusterApi
from tests.cluster.control_plane import ControlPlane
from tests.cluster.kubeapi.samples import (
    CONTEXT,
    config_map,
    definition,
    ref,
)

pytestmark = pytest.mark.cluster


def test_contexts_and_address_come_from_the_kubeconfig(api: ControlPlane, kubeconfig: Path) -> None:
    door = KubectlDoor()

    assert (door.contexts(), door.current()) == ((CONTEXT,), CONTEXT)
    assert door.server(CONTEXT) == api.server


def test_an_object_is_applied_read_changed_and_deleted(
    api: ControlPlane, reached: ClusterApi
) -> None:
    namespace = api.namespace()
    assert reached.get(ref(namespace)) is None

    made = reached.apply(config_map(namespace, a="1"))
    merged = reached.merge(ref(namespace), {"data": {"b": "2"}})
    merged = {**merged, "data": {"c": "3"}}
    replaced = reached.replace(merged)
    reached.delete(ref(namespace), uid=made["metadata"]["uid"])

    assert made["metadata"]["managedFields"][0]["manager"] == "repoint"
    assert replaced["data"] == {"c": "3"}
    assert reached.get(ref(namespace)) is None
    reached.delete(ref(namespace))


def test_what_the_caller_gives_reaches_the_server_whole(
    api: ControlPlane, reached: ClusterApi
) -> None:
    namespace = api.namespace()
    document = config_map(namespace, odd=" ü\n{{ }} $(X) '\"")
    document["metadata"]["annotations"] = {"repoint.dev/changed": '{"a":"b"}'}

    reached.apply(document)

    found = reached.get(ref(namespace))
    assert found is not None
    assert found["data"] == document["data"]
    assert found["metadata"]["annotations"] == document["metadata"]["annotations"]


def test_a_dry_run_changes_nothing(api: ControlPlane, reached: ClusterApi) -> None:
    namespace = api.namespace()
    reached.apply(config_map(namespace, "kept", a="1"))
    kept = ref(namespace, "kept")

    assert reached.apply(config_map(namespace, "kept", a="2"), dry_run=True)["data"]["a"] == "2"
    reached.create(config_map(namespace, "new"), dry_run=True)
    reached.merge(kept, {"data": {"a": "3"}}, dry_run=True)
    reached.delete(kept, dry_run=True)

    assert reached.get(ref(namespace, "new")) is None
    assert (reached.get(kept) or {})["data"] == {"a": "1"}


def test_a_list_is_read_page_by_page_and_says_what_its_items_are(
    api: ControlPlane, reached: ClusterApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repoint.adapters.kubeapi.api._PAGE", 2)
    namespace = api.namespace()
    for number in range(5):
        document = config_map(namespace, f"one-{number}")
        document["metadata"]["labels"] = {"odd": str(number % 2)}
        reached.create(document)

    found = reached.list("v1", "ConfigMap", namespace, labels="odd")
    odd = reached.list("v1", "ConfigMap", namespace, labels="odd=1")
    named = reached.list("v1", "ConfigMap", namespace, fields="metadata.name=one-4")

    assert [one["metadata"]["name"] for one in found] == [f"one-{n}" for n in range(5)]
    assert {(one["apiVersion"], one["kind"]) for one in found} == {("v1", "ConfigMap")}
    assert [one["metadata"]["name"] for one in odd] == ["one-1", "one-3"]
    assert [one["metadata"]["name"] for one in named] == ["one-4"]


def test_a_kind_that_is_not_served_has_nothing_until_it_is_defined(
    api: ControlPlane, reached: ClusterApi
) -> None:
    namespace = api.namespace()
    api_version, kind = f"{namespace}.example.org/v1", "Thing"
    one = ObjectRef(api_version, kind, namespace, "x")
    thing = {"apiVersion": api_version, "kind": kind}
    thing["metadata"] = {"namespace": namespace, "name": "x"}  # type: ignore[assignment]

    assert reached.get(one) is None
    assert reached.list(api_version, kind, namespace) == ()
    assert not reached.allowed("get", one)
    reached.delete(one)
    with pytest.raises(ClusterRefused, match="does not know the kind `Thing`") as caught:
        reached.apply(thing)
    assert caught.value.reason == "NotFound"

    reached.apply(definition(f"{namespace}.example.org", kind))
    api.until("it is served", lambda: reached.allowed("get", one))
    reached.apply(thing)
    assert reached.get(one) is not None
