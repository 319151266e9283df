"""Overlays that the own reader does not know are linked as kubectl builds them."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from repoint.adapters.filetree import FileTree
from repoint.adapters.kubectl import Kustomize
from repoint.adapters.sops import Sops
from repoint.flows.reading import read_repository
from repoint.flows.rendering_unknown import resolve_all
from repoint.flows.workspace import Workspace
from repoint.kube.resolve import Resolution
from repoint.model.source import Unreadable
from repoint.ports.work import UNWATCHED
from tests.unit.kube.trees import Tree, dedent

KUBECTL = shutil.which("kubectl") or shutil.which("kubectl", path=str(Path(sys.executable).parent))
needs_kubectl = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")

DEPLOYMENT = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: api}
    spec:
      template:
        spec:
          containers:
          - name: api
            image: api:1
            env:
            - {name: DATABASE_URL, value: "postgres://app:canary-1@old.example.org:5432/app"}
            - {name: REPORTS_URL, value: "postgres://app:canary-2@reports.example.org:5432/app"}
    """
TRANSFORMED = {
    "overlays/prod/kustomization.yaml": "resources: [api.yaml]\ntransformers: [t.yaml]\n",
    "overlays/prod/api.yaml": DEPLOYMENT,
    "overlays/prod/t.yaml": """
        apiVersion: builtin
        kind: PatchTransformer
        metadata: {name: any}
        target: {kind: Deployment}
        patch: |
          - op: replace
            path: /spec/template/spec/containers/0/env/0/value
            value: postgres://app:canary-3@new.example.org:5432/app
        """,
}


def resolved(tree: Tree, root: Path) -> tuple[Resolution, tuple[Unreadable, ...]]:
    """The tree, written below `root`, as a scan would link it."""
    for path, body in dedent(tree).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(body, encoding="utf-8")
    files = FileTree(root)
    workspace = Workspace(str(root), files, None, "", Sops(files), Kustomize(files), UNWATCHED)
    return resolve_all(workspace, read_repository(workspace), ())


def hosts(resolution: Resolution) -> set[str]:
    """The hosts that workloads read."""
    return {use.site.host.text for use in resolution.uses if use.container.workload.name == "api"}


@needs_kubectl
def test_the_consumers_are_those_of_the_render(tmp_path: Path) -> None:
    resolution, notes = resolved(TRANSFORMED, tmp_path)

    assert "reports.example.org" in hosts(resolution)
    assert "old.example.org" not in hosts(resolution)
    assert not any(build.doubtful for build in resolution.builds)
    (note,) = notes
    assert note.path == "overlays/prod"
    assert "Deployment `api`: `DATABASE_URL` names `new.example.org`" in note.reason
    assert "canary" not in note.reason


def test_without_kubectl_the_own_build_stands_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPOINT_KUBECTL", str(tmp_path / "nowhere" / "kubectl"))

    resolution, notes = resolved(TRANSFORMED, tmp_path / "tree")

    assert "old.example.org" in hosts(resolution)
    (note,) = notes
    assert note.reason.startswith("`transformers` in `overlays/prod/kustomization.yaml`")
    assert "kubectl did not build it" in note.reason


def test_kubectl_is_not_asked_where_it_would_fetch_or_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(Kustomize, "render", lambda _, overlays, __: asked.extend(overlays) or {})
    tree = {
        "remote/kustomization.yaml": """
            resources: ["https://git.example.org/base.git"]
            transformers: [t.yaml]
            """,
        "remote/t.yaml": "kind: Any\n",
        "missing/kustomization.yaml": "resources: [gone.yaml]\nvalidators: [v.yaml]\n",
        "missing/v.yaml": "kind: Any\n",
        "fetched/kustomization.yaml": """
            resources: [c.yaml]
            openapi: {path: "https://git.example.org/schema.json"}
            """,
        "fetched/c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n",
    }

    resolution, _ = resolved(tree, tmp_path)

    assert {build.overlay for build in resolution.builds if build.doubtful} == {
        "remote",
        "missing",
        "fetched",
    }
    assert asked == []


def test_what_is_known_is_not_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(Kustomize, "render", lambda _, overlays, __: asked.extend(overlays) or {})
    tree = {
        "overlays/prod/kustomization.yaml": "resources: [api.yaml]\nnamePrefix: p-\n",
        "overlays/prod/api.yaml": DEPLOYMENT,
    }

    resolution, notes = resolved(tree, tmp_path)

    assert (asked, notes, resolution.problems) == ([], (), ())
