"""`make cluster` builds whole parts or none, and says why it could not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from scripts import cluster
from tests.cluster.fix_api import need_parts

ROOT = Path(__file__).parents[2]


def _run(**variables: str) -> subprocess.CompletedProcess[str]:
    environment: Mapping[str, str] = {**os.environ, **variables}
    argv = [sys.executable, "scripts/cluster.py"]
    return subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.mark.cluster
def test_a_second_run_needs_nothing(pytestconfig: pytest.Config) -> None:
    need_parts(pytestconfig)

    done = _run(PATH="/nonexistent")

    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("control plane: ") and done.stderr.count("\n") == 1


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, as root's cache has to be; pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="cluster-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_without_modules_nothing_is_left_but_advice(open_folder: Path) -> None:
    if shutil.which("go") is None:
        pytest.skip("needs a Go that is here already")
    cache, modules = open_folder / "cache", open_folder / "modules"

    done = _run(REPOINT_CACHE=str(cache), GOPROXY="off", GOMODCACHE=str(modules), GOFLAGS="")

    told = done.stderr.splitlines()
    assert done.returncode == 1
    assert any(line.startswith("error: Go could not build") for line in told), told
    assert sum(line.startswith("hint: ") for line in told) == 2
    assert told[-1] == "control plane: none"
    assert {path.name for path in (cache / "cluster").iterdir()} == {"lock", "tmp"}
    assert not list((cache / "cluster" / "tmp").iterdir())


def test_a_part_has_another_place_when_its_sources_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(cluster.PARTS_FOLDER, tmp_path / "parts")
    monkeypatch.setattr(cluster, "PARTS_FOLDER", tmp_path / "parts")
    part = cluster.PARTS["kwok"]
    places = [part.place]
    for file in ("go.mod", "patched/pkg/utils/net/tunnel.go"):
        with (part.source / file).open("a") as opened:
            opened.write("\n")
        places.append(part.place)
    (part.source / "more.go").write_text("package main\n")
    places.append(part.place)
    assert len(set(places)) == len(places)


def test_an_old_go_is_not_taken(tmp_path: Path) -> None:
    go = tmp_path / "go"
    for text, version in {"go1.21.3": (1, 21), "go1.26.0-custom": (1, 26), "devel": ()}.items():
        go.write_text(f"#!/bin/sh\necho 'go version {text} linux/amd64'\n")
        go.chmod(0o755)
        assert cluster._version_of(str(go)) == version
