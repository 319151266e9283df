"""Who asks: rights, credentials, credential plugins, kubeconfigs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from repoint.adapters.kubeapi import KubectlDoor
from repoint.errors import ClusterLost, ClusterRefused, ToolFailed, ToolMissing, WrongContext
from repoint.model.cluster import ObjectRef
from tests.cluster.control_plane import ControlPlane
from tests.cluster.kubeapi.samples import (
    CONTEXT,
    PASSWORD,
    bind,
    changed_config,
    ref,
    use,
)

pytestmark = pytest.mark.cluster


def test_what_a_user_may_not_is_refused_with_their_name_and_asked_beforehand(
    api: ControlPlane, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    namespace = api.namespace()
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig_for("default", namespace)))
    with KubectlDoor().open(CONTEXT) as limited:
        user = f"system:serviceaccount:{namespace}:default"
        told = f"`{user}` may not get `secrets` in namespace `{namespace}`"
        with pytest.raises(ClusterRefused) as caught:
            limited.get(ref(namespace, kind="Secret"))
        assert (caught.value.message, caught.value.reason) == (told, "Forbidden")
        assert not limited.allowed("get", ref(namespace, kind="Secret"))
        with pytest.raises(ClusterRefused, match="may not list"):
            next(limited.watch("v1", "Pod", namespace, timeout_s=5))

        rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}
        bind(api, namespace, "default", rule)
        api.until("the right counts", lambda: limited.allowed("get", ref(namespace)))
        assert limited.get(ref(namespace)) is None
        with pytest.raises(ClusterRefused, match="may not watch"):
            list(limited.watch("v1", "ConfigMap", namespace, timeout_s=5))


def test_a_token_that_is_not_taken_says_log_in_again(
    kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(changed_config(kubeconfig, tmp_path, token=PASSWORD), tmp_path, monkeypatch)

    with pytest.raises(ClusterRefused) as caught, KubectlDoor().open(CONTEXT):
        pass

    assert (caught.value.reason, caught.value.status) == ("Unauthorized", 401)
    assert "log in again" in caught.value.hints[0]
    assert PASSWORD not in str(caught.value)


def plugin(folder: Path, script: str) -> dict[str, Any]:
    program = folder / "log-in"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": str(program),
        "interactiveMode": "IfAvailable",
    }


def test_a_credential_plugin_that_fails_is_named_and_its_words_are_not(
    kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = plugin(tmp_path, f"echo {PASSWORD} >&2; exit 1")
    use(changed_config(kubeconfig, tmp_path, exec=failing), tmp_path, monkeypatch)
    with (
        pytest.raises(ClusterRefused, match=r"`log-in`, which logs in to .*, failed") as caught,
        KubectlDoor().open(CONTEXT),
    ):
        pass
    assert caught.value.reason == "Unauthorized"
    assert PASSWORD not in f"{caught.value} {caught.value.hints}"

    use(
        changed_config(kubeconfig, tmp_path, exec={**failing, "command": "nope-x"}),
        tmp_path,
        monkeypatch,
    )
    with (
        pytest.raises(ClusterRefused, match=r"`nope-x`, which .* is not installed"),
        KubectlDoor().open(CONTEXT),
    ):
        pass


def test_a_credential_plugin_gets_its_variables_and_renews_what_expired(
    api: ControlPlane, kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first token is not taken; the plugin is asked again, and the request goes through."""
    token = json.loads(kubeconfig.read_text())["users"][0]["user"]["token"]
    (tmp_path / "good").write_text(token)
    answer = (
        '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":'
        '{"token":"%s"}}'
    )
    script = f"""
printenv > {tmp_path}/environment
if [ -e {tmp_path}/asked ]; then token=$(cat {tmp_path}/good); else token=expired; fi
touch {tmp_path}/asked
printf '{answer}' "$token"
"""
    use(changed_config(kubeconfig, tmp_path, exec=plugin(tmp_path, script)), tmp_path, monkeypatch)
    monkeypatch.setenv("SOME_CLOUD_PROFILE", "team")
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    monkeypatch.setenv("SOPS_AGE_KEY", PASSWORD)
    monkeypatch.setenv("SOURCE_URL", f"postgresql://u:{PASSWORD}@db/x")

    with KubectlDoor().open(CONTEXT) as opened:
        assert opened.get(ObjectRef("v1", "Namespace", "", "default")) is not None

    environment = (tmp_path / "environment").read_text()
    assert "SOME_CLOUD_PROFILE=team" in environment
    assert PASSWORD not in environment


def test_a_certificate_of_another_authority_is_not_waited_for(
    kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = changed_config(kubeconfig, tmp_path)
    del config["clusters"][0]["cluster"]["certificate-authority"]
    use(config, tmp_path, monkeypatch)

    with pytest.raises(ClusterLost, match="not one that context"), KubectlDoor().open(CONTEXT):
        pass


# The kubeconfig.


def test_an_unknown_context_names_those_that_are_there(kubeconfig: Path) -> None:
    with pytest.raises(WrongContext) as caught, KubectlDoor().open("nope"):
        pass
    assert caught.value.hints == (f"the kubeconfig has: {CONTEXT}",)


@pytest.mark.parametrize(
    "text",
    [
        f"users:\n- name: x\n  user: {{token: {PASSWORD}\n",
        f"apiVersion: v1\nkind: Config\nusers:\n- name: x\n  user: {PASSWORD}\n",
        f"apiVersion: v1\nkind: Config\nclusters: {PASSWORD}\n",
        f"{PASSWORD}\n",
        f"apiVersion: v1\nkind: Config\nusers:\n- name: x\n"
        f"  user: {{client-key-data: {PASSWORD}}}\n",
    ],
    ids=["no YAML", "a word for a user", "a word for clusters", "a word", "no base64"],
)
def test_a_damaged_kubeconfig_is_told_without_its_content(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))

    with pytest.raises(ToolFailed, match="kubeconfig cannot be read") as caught:
        KubectlDoor().contexts()

    assert PASSWORD not in f"{caught.value} {caught.value.hints}"


def test_no_kubeconfig_has_no_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))

    assert KubectlDoor().contexts() == ()
    assert KubectlDoor().current() == ""


def test_without_kubectl_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPOINT_KUBECTL", "/nope")

    with pytest.raises(ToolMissing):
        KubectlDoor().contexts()
