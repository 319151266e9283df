"""The figures that the bench takes of own builds beside kubectl's."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from bench import generate
from bench.consumers import compare, different, own_builds
from repoint.adapters.filetree import FileTree
from tests.kustomize.test_features import answer, kustomizer

KUBECTL = shutil.which("kubectl") or shutil.which("kubectl", path=str(Path(sys.executable).parent))


@pytest.mark.slow
@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")
def test_all_overlays_of_a_tree_are_counted_and_alike(tmp_path: Path) -> None:
    generate.write(tmp_path / "tree", 400)
    own, views = own_builds(FileTree(tmp_path / "tree"))

    found = compare(tmp_path / "tree")

    assert (found["overlays"], found["containers"]) == (len(own), views)
    assert views > len(own) > 0
    assert found["differences"] == 0


def test_a_difference_in_one_leaf_is_counted() -> None:
    known = answer("images") or ""

    build = kustomizer().build("images/over")

    assert different({"over": build}, {"over": known}) == []
    assert different({"over": build}, {"over": known.replace(":2.0", ":2.1")}) != []


def test_what_is_not_known_is_a_difference_and_what_is_refused_is_none() -> None:
    build = kustomizer().build("images/over")
    unknown = replace(build, unsupported=("a feature",))

    assert different({"over": unknown}, {"over": answer("images")}) == ["over: a feature"]
    assert different({"over": unknown}, {"over": None}) == []
