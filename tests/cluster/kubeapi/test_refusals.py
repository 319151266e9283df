"""What a real API server refuses: told by names, never by values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from repoint.adapters.kubeapi import KubectlDoor
from repoint.errors import ClusterRefused
from repoint.model.cluster import ObjectRef
from repoint.ports.cluster import ClusterApi
from tests.cluster.control_plane import ControlPlane
from tests.cluster.kubeapi.samples import (
    CONTEXT,
    ENCODED,
    PASSWORD,
    bind,
    config_map,
    deployment,
    ref,
    secret,
)

pytestmark = pytest.mark.cluster


def test_a_conflict_names_manager_and_field_and_force_takes_over(
    api: ControlPlane, reached: ClusterApi
) -> None:
    namespace = api.namespace()
    theirs = json.dumps(config_map(namespace, url=PASSWORD, more=PASSWORD))
    api.kubectl("apply", "--server-side", "--field-manager=argo", "-f", "-", stdin=theirs)

    with pytest.raises(ClusterRefused) as caught:
        reached.apply(config_map(namespace, url="other", more="other"))
    error = caught.value
    assert (error.reason, error.status) == ("Conflict", 409)
    assert error.causes == (("argo", ".data.more"), ("argo", ".data.url"))
    assert "`argo` owns `.data.more`, and 1 more" in error.message
    assert PASSWORD not in str(error)

    assert reached.apply(config_map(namespace, url="other"), force=True)["data"]["url"] == "other"


def test_an_old_object_is_not_written_over(api: ControlPlane, reached: ClusterApi) -> None:
    namespace = api.namespace()
    old = reached.create(config_map(namespace, a="1"))
    reached.merge(ref(namespace), {"data": {"a": "2"}})

    with pytest.raises(ClusterRefused, match="changed by somebody else") as caught:
        reached.replace({**old, "data": {"a": "3"}})
    assert (caught.value.reason, caught.value.causes) == ("Conflict", ())
    with pytest.raises(ClusterRefused) as caught:
        reached.delete(ref(namespace), uid="another")
    assert caught.value.reason == "Conflict"
    with pytest.raises(ClusterRefused) as caught:
        reached.create(config_map(namespace))
    assert caught.value.reason == "AlreadyExists"


@pytest.mark.parametrize(
    "wrong",
    [
        {"data": {"url": PASSWORD}},
        {"stringData": {"url": [PASSWORD]}},
        {"stringData": {f"{PASSWORD}/x": ENCODED}},
        {"stringData": {f"{PASSWORD}!": ENCODED}},
        {"stringData": {"url": PASSWORD}, "type": "kubernetes.io/tls"},
        {"stringData": {"url": PASSWORD}, "what": PASSWORD},
        {PASSWORD: "what"},
        {"metadata": {"name": "s", "labels": {"a": f"{PASSWORD}!"}}},
    ],
    ids=[
        *("not base64", "no text", "a bad key", "a worse key", "lacks keys"),
        *("an unknown field", "a value for a field", "a bad label"),
    ],
)
@pytest.mark.parametrize("verb", ["apply", "create"])
def test_no_refusal_of_a_secret_holds_its_value(
    api: ControlPlane, reached: ClusterApi, wrong: dict[str, Any], verb: str
) -> None:
    document = secret("default", **wrong)
    document["metadata"] = {**document["metadata"], "namespace": "default"}

    with pytest.raises(ClusterRefused) as caught:
        getattr(reached, verb)(document)

    shown = f"{caught.value} {caught.value.hints} {caught.value.causes} {caught.value!r}"
    assert "Secret/default/s" in shown
    assert PASSWORD not in shown and ENCODED not in shown


def test_an_invalid_object_names_fields_and_reasons_only(
    api: ControlPlane, reached: ClusterApi
) -> None:
    namespace = api.namespace()
    wrong = deployment(namespace, imagePullPolicy=PASSWORD)

    with pytest.raises(ClusterRefused) as caught:
        reached.apply(wrong)
    field = "spec.template.spec.containers[0].imagePullPolicy"
    assert caught.value.reason == "Invalid"
    assert caught.value.causes == (("", field),)
    assert f"`{field}` (FieldValueNotSupported)" in caught.value.message
    assert PASSWORD not in caught.value.message

    reached.apply(deployment(namespace))
    moved = deployment(namespace)
    moved["spec"]["selector"]["matchLabels"] = {"app": "e"}
    moved["spec"]["template"]["metadata"]["labels"] = {"app": "e"}
    with pytest.raises(ClusterRefused, match=r"`spec.selector` \(it is immutable\)"):
        reached.apply(moved)
    with pytest.raises(ClusterRefused, match=r"the API knows no field `spec.replica`"):
        reached.apply({**deployment(namespace), "spec": {"replica": 1}})


def test_a_missing_namespace_is_told_as_such(reached: ClusterApi) -> None:
    with pytest.raises(ClusterRefused, match="namespace `nowhere` is not there") as caught:
        reached.apply(config_map("nowhere"))
    assert caught.value.reason == "NotFound"
    with pytest.raises(ClusterRefused, match="names no namespace"):
        reached.apply(config_map(""))


def test_what_an_object_refers_to_and_is_not_there_is_named(
    api: ControlPlane, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    namespace = api.namespace()
    group = "rbac.authorization.k8s.io"
    rule = {"apiGroups": [group], "resources": ["rolebindings"], "verbs": ["create", "patch"]}
    bind(api, namespace, "default", rule)
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig_for("default", namespace)))
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"namespace": namespace, "name": "x"},
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "nope"},
    }

    def told() -> str:
        with KubectlDoor().open(CONTEXT) as limited, pytest.raises(ClusterRefused) as caught:
            limited.apply(binding)
        return caught.value.message if caught.value.reason == "NotFound" else ""

    message = api.until("the right counts", told)
    assert message == f"`RoleBinding/{namespace}/x` needs `nope`, which is not there"


def test_a_quota_and_a_pod_security_level_are_named(api: ControlPlane, reached: ClusterApi) -> None:
    namespace = api.namespace()
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "spec": {"hard": {"configmaps": "0"}}}
    reached.apply({**quota, "metadata": {"name": "none", "namespace": namespace}})
    space = ObjectRef("v1", "Namespace", "", namespace)
    level = {"pod-security.kubernetes.io/enforce": "restricted"}
    reached.merge(space, {"metadata": {"labels": level}})

    def refused_config_map() -> str:
        try:
            reached.apply(config_map(namespace))
        except ClusterRefused as error:
            return error.message
        reached.delete(ref(namespace))
        return ""

    assert "quota `none` is used up" in api.until("the quota counts", refused_config_map)
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": namespace}}
    with pytest.raises(ClusterRefused, match="pod security level `restricted`"):
        reached.create({**pod, "spec": {"containers": [{"name": "c", "image": "x"}]}})
