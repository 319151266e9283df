"""The desired state of an environment, from overlays, sops files and plain manifests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repoint.adapters.filetree import FileTree
from repoint.adapters.kubectl import Kustomize
from repoint.adapters.sops import Sops
from repoint.cli.progress import StderrProgress
from repoint.errors import FileRefused, RepointError, SealedFile, ToolFailed, UsageError
from repoint.flows.desired import Desired, desired_state
from repoint.flows.workspace import Workspace
from repoint.planning.config import load_config
from tests.unit.kube.trees import dedent

EXAMPLE = Path(__file__).parents[3] / "examples" / "naytife-migrated"
PASSWORD = "postgres"


def _workspace(root: Path, environment: str, files: Mapping[str, str] = {}) -> Workspace:
    for path, text in dedent(files).items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    tree = FileTree(root)
    text = (
        "source: {hosts: [old]}\ntarget: {cluster: pg, pooler: pool}\n"
        f"environments:\n  test: {{{environment}}}\n"
    )
    return Workspace(
        root=str(root),
        tree=tree,
        config=load_config(text),
        config_text=text,
        secrets=Sops(tree),
        renderer=Kustomize(tree),
        progress=StderrProgress(quiet=True),
    )


def _names(desired: Desired) -> list[str]:
    return [f"{one.ref} from {one.source}" for one in desired.objects]


def test_the_example_is_opened_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(EXAMPLE / "keys" / "local.txt"))
    tree = FileTree(EXAMPLE)
    config = load_config((EXAMPLE / "repoint.yaml").read_text())
    quiet = StderrProgress(quiet=True)
    workspace = Workspace(str(EXAMPLE), tree, config, "", Sops(tree), Kustomize(tree), quiet)
    desired = desired_state(workspace, "local")
    secret = desired.get("Secret", "naytife", "backend-secret")
    assert secret is not None
    assert secret.source == "deploy/secrets/local/backend-secret.yaml"
    assert secret.document["stringData"]["POSTGRES_PASSWORD"] == PASSWORD
    assert "sops" not in secret.document
    assert "hunter2" not in repr(desired) and "JWT" not in f"{desired!r}{secret!r}"
    assert desired.namespaces == ("naytife", "naytife-auth")
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(EXAMPLE / "keys" / "staging.txt"))
    other_run = replace(workspace, secrets=Sops(tree))
    with pytest.raises(SealedFile, match="no key at hand fits"):
        desired_state(other_run, "local")


def test_lists_namespaces_and_client_side_files(tmp_path: Path) -> None:
    workspace = _workspace(
        tmp_path,
        "namespace: shop, manifests: [deploy], secrets: [secrets/one.yaml]",
        {
            "deploy/all.yaml": """
                apiVersion: v1
                kind: List
                items:
                - {apiVersion: v1, kind: Service, metadata: {name: web}}
                - {apiVersion: v1, kind: Service, metadata: {name: web, namespace: other}}
                ---
                {apiVersion: v1, kind: Namespace, metadata: {name: shop}}
                """,
            "deploy/kustomization.yaml": "resources: [all.yaml]\n",
            "deploy/values.yaml": "replicas: 2\n",
            "deploy/chart.yaml": "kind: {{ .Values.kind }}\n",
            "secrets/one.yaml": "{apiVersion: v1, kind: Secret, metadata: {name: s}}\n",
            "secrets/two.yaml": "{apiVersion: v1, kind: Secret, metadata: {name: t}}\n",
        },
    )
    assert _names(desired_state(workspace, "test")) == [
        "Secret/shop/s from secrets/one.yaml",
        "Service/shop/web from deploy/all.yaml",
        "Service/other/web from deploy/all.yaml",
        "Namespace/shop from deploy/all.yaml",
    ]


_CLAIM = "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {type: %s}}\n"


@pytest.mark.parametrize(
    ("environment", "files", "error", "told"),
    [
        pytest.param("values: [v.yaml]", {}, UsageError, "Helm values", id="Helm alone"),
        pytest.param("namespace: n", {}, UsageError, "names no objects", id="nothing named"),
        pytest.param("overlay: away", {}, ToolFailed, "`away` does not build", id="no overlay"),
        pytest.param("manifests: away", {}, FileRefused, "`away` holds no", id="an empty place"),
        pytest.param(
            "manifests: m",
            {"m/a.yaml": _CLAIM % "ClusterIP"},
            FileRefused,
            "names no namespace",
            id="no namespace at all",
        ),
        pytest.param(
            "namespace: n, manifests: [m, o]",
            {"m/a.yaml": _CLAIM % "ClusterIP", "o/a.yaml": _CLAIM % "NodePort"},
            FileRefused,
            "not the same in `m/a.yaml` and `o/a.yaml`",
            id="two that differ",
        ),
        pytest.param(
            "namespace: n, manifests: m, secrets: s",
            {"m/a.yaml": _CLAIM % "ClusterIP", "s/b.yaml": "password: hunter2\n"},
            FileRefused,
            "`s/b.yaml` holds something that is no object",
            id="no object among the secrets",
        ),
        pytest.param(
            "namespace: n, manifests: m, secrets: s",
            {"m/a.yaml": _CLAIM % "ClusterIP", "s/b.yaml": "a: : hunter2\n"},
            FileRefused,
            "`s/b.yaml`: line 1 is not valid YAML",
            id="a damaged secret",
        ),
        pytest.param(
            "namespace: n, overlay: o",
            {
                "o/kustomization.yaml": """
                    secretGenerator:
                    - {name: s, envs: [sealed.env]}
                    """,
                "o/sealed.env": "URL=ENC[AES256_GCM,data:eA==,iv:eA==,tag:eA==,type:str]\n",
            },
            SealedFile,
            "is still sealed at `data.URL`",
            id="a generator over a sealed file",
        ),
    ],
)
def test_what_cannot_be_read_is_told_without_values(
    tmp_path: Path, environment: str, files: Any, error: type[RepointError], told: str
) -> None:
    with pytest.raises(error) as caught:
        desired_state(_workspace(tmp_path, environment, files), "test")
    assert told in caught.value.message
    assert "hunter2" not in caught.value.message


def test_the_same_object_in_two_places_is_one(tmp_path: Path) -> None:
    files = {"m/a.yaml": _CLAIM % "ClusterIP", "o/a.yaml": _CLAIM % "ClusterIP"}
    workspace = _workspace(tmp_path, "namespace: n, manifests: [m, o]", files)
    assert _names(desired_state(workspace, "test")) == ["Service/n/web from m/a.yaml"]


def test_a_patch_beside_a_secret_is_no_object(tmp_path: Path) -> None:
    """As `apply` leaves an overlay in which Secrets lie that nothing lists."""
    files = {
        "o/kustomization.yaml": """
            resources: [web.yaml]
            patches: [{path: web-patch.yaml}]
            """,
        "o/web.yaml": _CLAIM % "ClusterIP",
        "o/web-patch.yaml": _CLAIM % "NodePort",
        "o/sealed/s.yaml": "{apiVersion: v1, kind: Secret, metadata: {name: s}}\n",
    }
    workspace = _workspace(tmp_path, "namespace: n, overlay: o, secrets: o", files)
    found = desired_state(workspace, "test")

    assert _names(found) == ["Service/n/web from o", "Secret/n/s from o/sealed/s.yaml"]
    web = found.get("Service", "n", "web")
    assert web is not None and web.document["spec"] == {"type": "NodePort"}


def test_what_a_kustomization_of_its_own_lists_beside_an_overlay_is_applied(tmp_path: Path) -> None:
    """No overlay reads it: somebody builds it by itself, as a GitOps controller does."""
    secret = "{apiVersion: v1, kind: Secret, metadata: {name: %s}}\n"
    files = {
        "o/kustomization.yaml": "resources: [../base]\n",
        "base/kustomization.yaml": "resources: [web.yaml, in.yaml]\n",
        "base/web.yaml": _CLAIM % "ClusterIP",
        "base/in.yaml": secret % "in",
        "s/kustomization.yaml": "resources: [out.yaml]\npatches: [{path: patch.yaml}]\n",
        "s/out.yaml": secret % "out",
        "s/patch.yaml": secret % "other",
    }
    workspace = _workspace(
        tmp_path, "namespace: n, overlay: ./o/, secrets: [s, base/in.yaml]", files
    )
    assert sorted(_names(desired_state(workspace, "test"))) == [
        "Secret/n/in from o",
        "Secret/n/out from s/out.yaml",
        "Service/n/web from o",
    ]


def test_a_sealed_object_in_an_overlay_is_opened_with_its_rendered_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(EXAMPLE / "keys" / "staging.txt"))
    sealed = (EXAMPLE / "deploy/secrets/staging/hydra-secret.yaml").read_text()
    kustomization = "namePrefix: blue-\nnamespace: sea\nresources: [hydra.yaml]\n"
    files = {"o/kustomization.yaml": kustomization, "o/hydra.yaml": sealed}
    desired = desired_state(_workspace(tmp_path, "overlay: o", files), "test")
    (one,) = desired.objects
    assert (str(one.ref), one.source, one.sealed) == (
        "Secret/sea/blue-hydra-secret",
        "o",
        "o/hydra.yaml",
    )
    assert one.document["stringData"]["dsn"].startswith("postgresql://")
