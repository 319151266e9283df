"""Builds by the real kubectl, in a private copy."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from repoint.adapters import kubectl
from repoint.adapters.filetree import FileTree
from repoint.adapters.kubectl import Kustomize, kustomize_cmd, private_copy
from repoint.adapters.runner import find_tool
from tests.unit.flows.hand_plans import Repository, snapshot

BASE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {host: old}\n"


@pytest.fixture(autouse=True)
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Temporary folders of their own."""
    folder = tmp_path / "spool"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def overlays(repository: Repository) -> None:
    repository.write("base/x.yaml", BASE)
    repository.write("base/kustomization.yaml", "resources: [x.yaml]\n")
    for name in ("a", "b"):
        text = f"resources: [../../base]\nnamePrefix: {name}-\n"
        repository.write(f"overlays/{name}/kustomization.yaml", text)


def test_renders_with_changes_laid_over_and_leaves_nothing(
    repository: Repository, spool: Path
) -> None:
    overlays(repository)
    before = snapshot(repository.root)
    renderer = Kustomize(repository.tree)

    plain = renderer.render(["overlays/a", "overlays/b"], {})
    changed = renderer.render(["overlays/a"], {"base/x.yaml": BASE.replace("old", "new").encode()})

    assert plain["overlays/b"].text is not None and "name: b-x" in plain["overlays/b"].text
    assert "host: old" in (plain["overlays/a"].text or "")
    assert "host: new" in (changed["overlays/a"].text or "")
    assert snapshot(repository.root) == before
    assert list(spool.iterdir()) == []
    assert renderer.version.startswith("kubectl v")
    assert renderer.render([], {}) == {}


def test_a_build_that_fails_is_told_without_the_machines_paths(
    repository: Repository, spool: Path
) -> None:
    repository.write("o/kustomization.yaml", "resources: [missing.yaml]\n")

    build = Kustomize(repository.tree).render(["o", "nowhere"], {})

    assert build["o"].text is None and "missing.yaml" in build["o"].error
    assert str(spool) not in build["o"].error
    assert "nowhere" in build["nowhere"].error


def test_a_build_that_fails_is_told_alike_each_time(repository: Repository) -> None:
    merged = "configMapGenerator: [{name: absent, behavior: merge, literals: [A=b]}]\n"
    repository.write("o/kustomization.yaml", merged)

    errors = {Kustomize(repository.tree).render(["o"], {})["o"].error for _ in range(2)}

    assert len(errors) == 1 and "merging from generator" in errors.pop()


def test_a_file_from_outside_the_folder_is_allowed_and_noted(repository: Repository) -> None:
    overlays(repository)
    repository.write("o/kustomization.yaml", "resources: [../base/x.yaml]\n")

    build = Kustomize(repository.tree).render(["o"], {})["o"]

    assert build.text is not None and "host: old" in build.text
    assert "LoadRestrictionsNone" in build.note


def test_files_and_changes_are_copied_for_their_owner_alone(repository: Repository) -> None:
    overlays(repository)
    with private_copy(repository.tree, {"n/y": b"z", "base/x.yaml": b"new"}) as copy:
        names = {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()}
        assert copy.stat().st_mode & 0o777 == 0o700
        assert (copy / "base/x.yaml").read_bytes() == b"new"
    assert names == {*repository.tree.paths(), "n/y"}
    assert not copy.exists()


def test_within_its_own_files_an_overlay_sees_no_others(repository: Repository) -> None:
    overlays(repository)
    base = ("base/x.yaml", "base/kustomization.yaml")
    reads = {f"overlays/{one}": (*base, f"overlays/{one}/kustomization.yaml") for one in "ab"}
    renderer = Kustomize(repository.tree)
    whole = renderer.render(reads, {})
    assert renderer.within(reads).render(reads, {}) == whole

    less = {**reads, "overlays/a": reads["overlays/a"][1:]}
    built = renderer.within(less).render(reads, {})
    assert built["overlays/a"].text is None
    assert built["overlays/b"] == whole["overlays/b"]


def test_within_its_own_files_changes_and_new_files_of_its_folders_are_seen(
    repository: Repository,
) -> None:
    repository.write("o/kustomization.yaml", "resources: [x.yaml]\n")
    repository.write("o/x.yaml", BASE)
    reads = {"o": ("o/kustomization.yaml", "o/x.yaml")}
    changed = {
        "o/kustomization.yaml": b"resources: [x.yaml]\npatches: [{path: deep/new.yaml}]\n",
        "o/deep/new.yaml": BASE.replace("old", "patched").encode(),
        "far/away.yaml": b"x",
    }
    build = Kustomize(repository.tree).within(reads).render(["o"], changed)["o"]
    assert build.text is not None and "host: patched" in build.text


class Told:
    """A progress that remembers what it is told of."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.done = 0

    def at(self, name: str) -> None:
        self.names.append(name)

    def advance(self, count: int = 1) -> None:
        self.done += count

    def step(self, name: str, total: int | None = None) -> None:
        raise AssertionError


def test_what_reads_most_begins_first_and_the_answer_is_in_the_order_asked(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kubectl, "PARALLEL", 1)
    reads = {}
    for size in (1, 3, 2):
        own = [f"o{size}/{number}.yaml" for number in range(size)]
        for number, name in enumerate(own):
            repository.write(name, BASE.replace("name: x", f"name: x{number}"))
        names = ", ".join(name.rpartition("/")[2] for name in own)
        repository.write(f"o{size}/kustomization.yaml", f"resources: [{names}]\n")
        reads[f"o{size}"] = (*own, f"o{size}/kustomization.yaml")
    told = Told()
    built = Kustomize(repository.tree, reads=reads, progress=told).render(reads, {})

    assert told.names == ["o3", "o2", "o1"] and told.done == 3
    assert list(built) == ["o1", "o3", "o2"]
    assert all(build.text is not None for build in built.values())


def test_the_mark_is_of_the_program_and_its_environment(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mark() -> str:
        return Kustomize(repository.tree).mark

    first = mark()
    assert mark() == first
    monkeypatch.setenv("LANG", "other")
    assert mark() != first
    monkeypatch.setenv("NOT_FOR_KUBECTL", "x")
    second = mark()
    script = tmp_path / "kubectl"
    script.write_text(f'#!/bin/sh\nexec "{find_tool("kubectl")}" "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("REPOINT_KUBECTL", str(script))
    third = mark()
    os.utime(script)
    assert mark() == third != second
    script.write_text(script.read_text() + "\n")
    assert mark() != third


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_the_copy_goes_when_the_process_ends_or_is_killed(
    tmp_path: Path, sign: signal.Signals
) -> None:
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from repoint.adapters.filetree import FileTree\n"
        "from repoint.adapters.kubectl import private_copy\n"
        "with private_copy(FileTree(Path(sys.argv[1])), {'a': b'x'}) as copy:\n"
        "    print(copy, flush=True)\n"
        "    time.sleep(60)\n"
    )
    path = os.pathsep.join(item for item in sys.path if item)
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path},
    )
    with child:
        assert child.stdout is not None
        copy = Path(child.stdout.readline().decode().strip())
        assert (copy / "a").read_bytes() == b"x"
        child.send_signal(sign)
    assert child.returncode != 0
    until = time.monotonic() + 30
    while copy.exists() and time.monotonic() < until:
        time.sleep(0.01)
    assert not copy.exists()


def test_the_commands() -> None:
    assert kustomize_cmd("kubectl", "o/x") == ["kubectl", "kustomize", "./o/x"]
    assert kustomize_cmd("k", "o", restricted=False)[-1] == "--load-restrictor=LoadRestrictionsNone"


def test_a_repr_holds_no_render(repository: Repository) -> None:
    repository.write("base/x.yaml", BASE.replace("old", "canary-1"))
    repository.write("base/kustomization.yaml", "resources: [x.yaml]\n")
    build = Kustomize(FileTree(repository.root)).render(["base"], {})["base"]

    assert "canary" in (build.text or "") and "canary" not in repr(build)
