"""An overlay that names programs and servers: building it runs none and asks none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from repoint.adapters.filetree import FileTree
from repoint.adapters.kubectl import Kustomize

_PLUGIN = """\
apiVersion: example.org/v1
kind: Evil
metadata:
  name: evil
  annotations:
    config.kubernetes.io/function: |
      {function}
"""


@contextmanager
def server() -> Iterator[tuple[str, list[str]]]:
    """A web server on this machine, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_address[1]}", asked
        http.shutdown()


def build(root: Path, kustomization: str) -> str | None:
    """The error of building an overlay; None when it builds."""
    (root / "o").mkdir(exist_ok=True)
    (root / "o" / "kustomization.yaml").write_text(kustomization)
    found = Kustomize(FileTree(root)).render(["o"], {})["o"]
    return found.error if found.text is None else None


@pytest.mark.parametrize("kind", ["generators", "transformers", "validators"])
@pytest.mark.parametrize(
    "function", ["exec: {path: ./evil.sh}", "container: {image: evil, network: true}"]
)
def test_no_plugin_runs(tmp_path: Path, kind: str, function: str) -> None:
    folder = tmp_path / "o"
    folder.mkdir()
    (folder / "plugin.yaml").write_text(_PLUGIN.format(function=function))
    (folder / "evil.sh").write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran'\n")
    (folder / "evil.sh").chmod(0o755)
    (folder / "a.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")

    error = build(tmp_path, f"resources: [a.yaml]\n{kind}: [plugin.yaml]\n")

    assert error and "plugin" in error
    assert not (tmp_path / "ran").exists()


def test_no_chart_is_inflated(tmp_path: Path) -> None:
    with server() as (address, asked):
        chart = f'{{name: x, repo: "{address}", version: "1", releaseName: x}}'
        assert build(tmp_path, f"helmCharts: [{chart}]\n")
        assert asked == []


@pytest.mark.xfail(strict=True, reason="kubectl fetches remote bases, which are to be refused")
def test_no_server_is_asked_for_a_base(tmp_path: Path) -> None:
    with server() as (address, asked):
        assert build(tmp_path, f'resources: ["{address}/x.yaml"]\n')
        assert asked == []
