"""Every overlay of the examples, the corpus, the variants and a generated tree."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from bench import generate
from bench.consumers import different, own_builds
from repoint.adapters.filetree import FileTree
from repoint.adapters.kubectl import Kustomize

TOP = Path(__file__).parents[2]
ROOTS = sorted(
    path
    for pattern in ("examples/*", "tests/corpus/*/repo", "tests/variants/*")
    for path in TOP.glob(pattern)
    if any(path.rglob("kustomization.y*ml"))
)
KUBECTL = shutil.which("kubectl") or shutil.which("kubectl", path=str(Path(sys.executable).parent))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed"),
]


def differing(root: Path) -> tuple[int, list[str]]:
    """How many overlays kubectl builds, and what the own reader builds otherwise."""
    tree = FileTree(root)
    own, _ = own_builds(tree)
    theirs = Kustomize(tree).render(own, {})
    texts = {overlay: build.text for overlay, build in theirs.items()}
    return sum(text is not None for text in texts.values()), different(own, texts)


@pytest.mark.parametrize("root", ROOTS, ids=lambda path: str(path.relative_to(TOP)))
def test_every_overlay_that_builds_is_built_alike(root: Path) -> None:
    count, found = differing(root)

    assert found == []
    assert count or "examples" not in root.parts


def test_every_overlay_of_a_generated_tree_is_built_alike(tmp_path: Path) -> None:
    generate.write(tmp_path / "tree", 1000)

    count, found = differing(tmp_path / "tree")

    assert count >= 9
    assert found == []
