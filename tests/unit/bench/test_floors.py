"""What a scan cannot be faster than is measured on the real programs, beside ripgrep."""

from __future__ import annotations

import subprocess
from pathlib import Path

from bench import floors
from bench.generate import Truth
from bench.measure import Meter
from bench.trees import Tree


def test_each_floor_is_told_in_ripgreps(tmp_path: Path) -> None:
    tree = Tree("2", tmp_path, Truth(2, [], []))
    tree.root.mkdir()
    (tree.root / "a.yaml").write_text("url: postgres://db\n")
    (tree.root / "empty").touch()
    for argv in (["init", "--quiet"], ["add", "."]):
        subprocess.run(["git", *argv], cwd=tree.root, check=True)

    with Meter() as meter:
        notes = floors.notes(meter, tree, 1)

    assert [note.split(": ")[1].split()[0] for note in notes] == ["Python", "git", "git"]
    assert all(note.startswith("floor, 2: ") and "1 rounds" in note for note in notes)
