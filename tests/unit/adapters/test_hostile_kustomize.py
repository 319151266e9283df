"""An overlay that names programs and servers: building it runs none and asks none."""

from __future__ import annotations

import subprocess
import textwrap
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
    (root / "o").mkdir(parents=True, exist_ok=True)
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


_BASE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
_EVERYWHERE = [
    'resources: ["@/x.yaml"]',
    'resources: ["@/org/repo.git?ref=v1"]',
    'resources: ["\\x68ttp://127.0.0.1:PORT/x.yaml"]',
    'bases: ["@/x"]',
    'components: ["@/x"]',
    'resources: [a.yaml]\npatches: [{path: "@/x.yaml"}]',
    'resources: [a.yaml]\npatchesStrategicMerge: ["@/x.yaml"]',
    'resources: [a.yaml]\npatchesJson6902: [{path: "@/x", target: {kind: ConfigMap, name: a}}]',
    'resources: [a.yaml]\nreplacements: [{path: "@/x.yaml"}]',
    'configMapGenerator: [{name: x, files: ["@/x.yaml"]}]',
    'configMapGenerator: [{name: x, files: ["k=@/x.yaml"]}]',
    'configMapGenerator: [{name: x, envs: ["@/x.yaml"]}]',
    'secretGenerator: [{name: x, env: "@/x.yaml"}]',
    'resources: [a.yaml]\ncrds: ["@/x.yaml"]',
    'resources: [a.yaml]\nopenapi: {path: "@/x.yaml"}',
    'resources: [a.yaml]\nconfigurations: ["@/x.yaml"]',
    'resources: [a.yaml]\ntransformers: ["@/x.yaml"]',
    'resources: [a.yaml]\ngenerators: ["@/x.yaml"]',
    'resources: [a.yaml]\nvalidators: ["@/x.yaml"]',
    "generators: [plugin.yaml]",
    "generators: [inline]",
    "resources: [deep]",
    "a: &a [deep]\n<<: {resources: *a}",
]
_PLUGIN_OF_URL = """\
apiVersion: builtin
kind: ConfigMapGenerator
metadata: {name: x}
files: ["@/x.yaml"]
"""


def overlay_of(root: Path, kustomization: str, address: str) -> str:
    """A kustomization whose `@` is an address, with the files that some of them name."""
    folder = root / "o"
    (folder / "deep").mkdir(parents=True, exist_ok=True)
    (folder / "a.yaml").write_text(_BASE)
    (folder / "plugin.yaml").write_text(_PLUGIN_OF_URL.replace("@", address))
    (folder / "deep" / "kustomization.yml").write_text(f'resources: ["{address}/x.yaml"]\n')
    inline = "|\n" + textwrap.indent(_PLUGIN_OF_URL, "    ")
    text = kustomization.replace("[inline]", f"\n  - {inline}").replace("@", address)
    return text.replace("PORT", address.rpartition(":")[2]) + "\n"


@pytest.mark.parametrize("kustomization", _EVERYWHERE)
def test_no_server_is_asked_whatever_names_it(tmp_path: Path, kustomization: str) -> None:
    with server() as (address, asked):
        error = build(tmp_path, overlay_of(tmp_path, kustomization, address))
        assert error
        assert asked == []


def test_what_names_no_address_is_built(tmp_path: Path) -> None:
    text = """\
resources: [a.yaml]
commonAnnotations: {home: "https://example.com/x?ref=1"}
images: [{name: ghcr.io/a/b, newName: github.com/a/b}]
configMapGenerator:
- {name: x, literals: ["URL=http://127.0.0.1/x"], files: ["admin@example.com=a.yaml"]}
patches: [{patch: '[{"op": "add", "path": "/data", "value": {"u": "https://x/y"}}]',
           target: {kind: ConfigMap, name: a}}]
"""
    assert (
        build(tmp_path, overlay_of(tmp_path, text.replace("@", "(at)"), "").replace("(at)", "@"))
        is None
    )


def test_git_clones_nothing(tmp_path: Path) -> None:
    for number, base in enumerate(["git@h.example:a/b", "github.com/a/b", "gh:a/b", "git::x/y"]):
        error = build(tmp_path / str(number), f'resources: ["{base}"]\n')
        assert error and "from outside the repository" in error


def test_an_address_that_hides_from_the_reader_meets_a_shut_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repoint.kube.outside.first_outside", lambda *_: None)
    web = build(tmp_path / "web", 'resources: ["http://198.51.100.7/x.yaml"]\n')
    assert web and "proxyconnect" in web

    origin = tmp_path / "origin"
    (origin / "base").mkdir(parents=True)
    (origin / "base" / "a.yaml").write_text(_BASE)
    (origin / "base" / "kustomization.yaml").write_text("resources: [a.yaml]\n")
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=origin, check=True)
    overlay = f'resources: ["file://{origin}//base?ref=HEAD"]\n'
    assert build(tmp_path / "o1", overlay)
    (tmp_path / "o2" / "o").mkdir(parents=True)
    (tmp_path / "o2" / "o" / "kustomization.yaml").write_text(overlay)
    allowed = Kustomize(FileTree(tmp_path / "o2"), remote=True).render(["o"], {})["o"]
    assert allowed.text is not None, allowed.error


@pytest.mark.parametrize(
    "kustomization",
    [
        'resources: ["ELSEWHERE"]',
        'resources: ["ELSEWHERE/secret.yaml"]',
        'resources: ["../../elsewhere"]',
        'configMapGenerator: [{name: x, files: ["ELSEWHERE/secret.yaml"]}]',
        'configMapGenerator: [{name: x, files: ["k=ELSEWHERE/secret.yaml"]}]',
        'configMapGenerator: [{name: x, envs: ["ELSEWHERE/env"]}]',
        'resources: [a.yaml]\npatches: [{path: "ELSEWHERE/secret.yaml"}]',
        "generators: [own.yaml]",
    ],
)
def test_nothing_is_read_from_elsewhere_on_the_disk(tmp_path: Path, kustomization: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "secret.yaml").write_text(_BASE.replace("name: a", "name: canary"))
    (elsewhere / "env").write_text("A=canary\n")
    (elsewhere / "kustomization.yaml").write_text("resources: [secret.yaml]\n")
    root = tmp_path / "repository"
    text = overlay_of(root, kustomization.replace("ELSEWHERE", str(elsewhere)), "x")
    plugin = _PLUGIN_OF_URL.replace("@/x.yaml", f"{elsewhere}/secret.yaml")
    (root / "o" / "own.yaml").write_text(plugin)
    error = build(root, text)
    assert error and "outside the repository" in error


def test_the_users_word_lets_it_be_fetched(tmp_path: Path) -> None:
    folder = tmp_path / "o"
    folder.mkdir()
    with server() as (address, asked):
        (folder / "kustomization.yaml").write_text(f'resources: ["{address}/x.yaml"]\n')
        Kustomize(FileTree(tmp_path), remote=True).render(["o"], {})
        assert asked


def test_credentials_of_an_address_are_not_told(tmp_path: Path) -> None:
    error = build(tmp_path, 'resources: ["https://me:canary-1@h/a/b?ref=v1&token=canary-2"]\n')
    assert error and "canary" not in error
    assert "`https://h/a/b?ref=v1`" in error


@pytest.mark.parametrize("name", ["--enable-helm", "--help", "github.com/a/b", "-o=x"])
def test_a_folder_is_no_option_and_no_address(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir(parents=True)
    (folder / "a.yaml").write_text(_BASE)
    (folder / "kustomization.yaml").write_text("resources: [a.yaml]\n")
    found = Kustomize(FileTree(tmp_path)).render([name], {})[name]
    assert found.text == _BASE.replace("{name: a}", "\n  name: a").replace(": \n", ":\n")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_build_that_eats_memory_ends(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "a.yaml").write_text(_BASE + "\n".join(lines) + "\n")
    error = build(tmp_path, "resources: [a.yaml]\n")
    assert error
