"""A kept answer never speaks for other knowledge than it was made with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = "source: {hosts: [main.shop]}\ntarget: {cluster: c, pooler: p}\n"
TOOL = "{name: acme-move, purpose: migration, commands: [acme-move], server: {host: [server]}}"


class Clone:
    """A committed repository with a cache of its own."""

    def __init__(self, root: Path, cache: Path) -> None:
        self.root = root
        self._env = {**os.environ, "REPOINT_CACHE": str(cache)}
        subprocess.run(["git", "init", "-q"], cwd=root, check=True)

    def write(self, path: str, text: str) -> None:
        (self.root / path).write_text(text)

    def commit(self) -> None:
        subprocess.run(["git", "add", "-A"], cwd=self.root, check=True)
        subprocess.run(["git", "commit", "-qm", "all"], cwd=self.root, check=True)

    def scan(self) -> list[tuple[str, str]]:
        """Each site's path and purpose."""
        argv = [sys.executable, "-m", "repoint", "-C", str(self.root), "scan", "--format", "json"]
        done = subprocess.run(argv, env=self._env, capture_output=True, text=True, check=True)
        return [(one["path"], one["purpose"]) for one in json.loads(done.stdout)["sites"]]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    (tmp_path / "repository").mkdir()
    (tmp_path / "cache").mkdir()
    made = Clone(tmp_path / "repository", tmp_path / "cache")
    made.write("repoint.yaml", f"{CONFIG}knowledge: {{files: [known.yaml]}}\n")
    made.write("known.yaml", f"tools: [{TOOL}]\n")
    made.write("go.sh", "#!/bin/sh\nacme-move --server main.shop up\n")
    made.write("later.sh", "#!/bin/sh\necho nothing\n")
    made.commit()
    return made


def is_kept(clone: Clone) -> bool:
    return any((clone.root.parent / "cache").rglob("scans/*"))


def test_a_file_with_knowledge_changes(clone: Clone) -> None:
    assert clone.scan() == [("go.sh", "migration")] == clone.scan()
    assert is_kept(clone)
    clone.write("known.yaml", f"tools: [{TOOL.replace('migration', 'backup')}]\n")
    assert clone.scan() == [("go.sh", "backup")] == clone.scan()
    clone.write("known.yaml", "tools: []\n")
    assert clone.scan() == [] == clone.scan()


def test_a_file_comes_to_matter_by_an_added_word_alone(clone: Clone) -> None:
    assert clone.scan() == [("go.sh", "migration")]
    assert is_kept(clone)
    clone.write("later.sh", "#!/bin/sh\nacme-move --server main.shop up\n")
    assert clone.scan() == [("go.sh", "migration"), ("later.sh", "migration")]


def test_repoint_yaml_changes(clone: Clone) -> None:
    assert clone.scan() == [("go.sh", "migration")]
    clone.write("repoint.yaml", CONFIG)
    assert clone.scan() == []
    clone.write("repoint.yaml", f"{CONFIG}knowledge: {{tools: [{TOOL}]}}\n")
    assert clone.scan() == [("go.sh", "migration")]


def test_a_file_that_is_not_there(clone: Clone) -> None:
    (clone.root / "known.yaml").unlink()
    argv = [sys.executable, "-m", "repoint", "-C", str(clone.root), "scan"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "`repoint.yaml`: `knowledge.files`: `known.yaml`" in done.stderr


def test_a_file_outside_the_repository_is_not_read(clone: Clone) -> None:
    (clone.root.parent / "outside.yaml").write_text(f"tools: [{TOOL}]\n")
    clone.write("repoint.yaml", f"{CONFIG}knowledge: {{files: [../outside.yaml]}}\n")
    argv = [sys.executable, "-m", "repoint", "-C", str(clone.root), "scan"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "knowledge.files" in done.stderr and "Traceback" not in done.stderr
