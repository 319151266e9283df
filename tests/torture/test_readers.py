"""Who only reads sees no staged file: neither of a run at work nor of one that was killed."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from repoint.adapters import journal_file
from repoint.adapters.filetree import FileTree
from repoint.flows.receipts import load_receipts
from tests.torture.forking import in_child
from tests.torture.looking import look
from tests.torture.verbs import run_verb
from tests.torture.world import make_world


@pytest.mark.parametrize("git", [False, True])
def test_a_run_that_was_killed_before_its_commit_wrote_nothing(memory: Path, git: bool) -> None:
    root = make_world(memory / "world").root
    if git:
        subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    known = FileTree(root).paths()

    def stop_at_the_commit() -> str:
        journal_file.append = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        return run_verb(root, "apply")

    assert in_child(stop_at_the_commit).how == "killed"

    staged = [name for name in look(root) if ".repoint-" in name]
    assert len(staged) == 5 and any(name.startswith(".repoint/receipts/.") for name in staged)
    assert FileTree(root).paths() == known
    assert load_receipts(FileTree(root)) == {}
