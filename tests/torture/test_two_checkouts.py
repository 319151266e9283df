"""Two checkouts write one ledger: real git merges it, or what is left is explained."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from repoint.promotion.lines import MERGE_LINE
from tests.torture.forking import Child
from tests.torture.looking import LEDGER
from tests.torture.verbs import run_verb
from tests.torture.world import World, make_world


@pytest.fixture
def world(memory: Path) -> World:
    """A repository that git has, with a plan that is not applied."""
    made = make_world(memory / "here")
    git(made.root, "init", "--quiet", "--initial-branch=main")
    return made


def test_two_checkouts_apply_at_once_and_union_keeps_all_lines(world: World, memory: Path) -> None:
    (world.root / ".gitattributes").write_text(f"{MERGE_LINE}\n")
    there = second_checkout(world, memory)
    work(world.root, there, ["told-apply", "record"], ["told-apply", "record", "record"])
    lines = {*ledger(world.root), *ledger(there)}

    git(world.root, "merge", "--quiet", "--no-edit", "theirs")

    assert len(lines) == 5 and sorted(ledger(world.root)) == sorted(lines)
    assert git(world.root, "status", "--porcelain") == ""
    assert "merge=union" not in repoint(world.root, "status").stdout
    after = ledger(world.root)
    run_verb(world.root, "told-rollback")
    assert ledger(world.root)[:-1] == after
    assert last_of(world.root)["phase"] == "taken-back"


def test_without_the_line_git_stops_and_status_says_why(world: World, memory: Path) -> None:
    there = second_checkout(world, memory)
    work(world.root, there, ["told-apply"], ["told-apply"])
    lines = sorted({*ledger(world.root), *ledger(there)})

    with pytest.raises(subprocess.CalledProcessError):
        git(world.root, "merge", "--quiet", "--no-edit", "theirs")

    told = repoint(world.root, "status")
    assert told.returncode == 1
    assert f"`{LEDGER}` line 1 is a marker of a merge conflict" in told.stderr
    assert MERGE_LINE in told.stderr and "Traceback" not in told.stderr

    kept = [line for line in ledger(world.root) if not line.startswith(("<<<", "===", ">>>"))]
    (world.root / LEDGER).write_text("".join(f"{line}\n" for line in kept))
    assert sorted(kept) == lines
    assert repoint(world.root, "status").returncode == 0
    assert MERGE_LINE in repoint(world.root, "status").stdout


@pytest.mark.parametrize("seed", range(2))
def test_lines_in_any_order_and_twice_tell_the_same(world: World, memory: Path, seed: int) -> None:
    """What cherry-picks and repeated union merges make of a ledger."""
    there = second_checkout(world, memory)
    work(world.root, there, ["told-apply", "record"], ["told-apply", "told-rollback", "record"])
    lines = [*ledger(world.root), *ledger(there)]
    told = set()
    for _ in range(2):
        (world.root / LEDGER).write_text("".join(f"{line}\n" for line in lines))
        status = repoint(world.root, "status", "--format", "json")
        assert status.returncode == 0 and '"local"' in status.stdout
        told.add(status.stdout)
        lines += lines[:3]
        Random(seed).shuffle(lines)

    assert len(told) == 1


def second_checkout(world: World, memory: Path) -> Path:
    """A work tree of its own on the branch `theirs`, with the plan beside it."""
    git(world.root, "add", "--all", ".")
    git(world.root, "commit", "--quiet", "--message", "begin")
    there = memory / "there/repository"
    git(world.root, "worktree", "add", "--quiet", "-b", "theirs", str(there))
    for name in ("a.yaml", "d/real.yaml"):
        (there / name).chmod((world.root / name).stat().st_mode)
    (there.parent / "plan.json").write_bytes((world.folder / "plan.json").read_bytes())
    return there


def work(ours: Path, theirs: Path, our_verbs: Sequence[str], their_verbs: Sequence[str]) -> None:
    """Both do their verbs at the same time, and commit."""
    pairs = ((ours, our_verbs), (theirs, their_verbs))
    children = [Child(lambda at=at, verbs=verbs: all_of(at, verbs)) for at, verbs in pairs]  # type: ignore[misc]
    assert {child.wait().how for child in children} == {"done"}
    for root in (ours, theirs):
        git(root, "add", "--all", ".")
        git(root, "commit", "--quiet", "--message", "work")


def all_of(root: Path, verbs: Sequence[str]) -> str:
    return ", ".join(run_verb(root, verb) for verb in verbs)


def ledger(root: Path) -> list[str]:
    return (root / LEDGER).read_text().splitlines()


def last_of(root: Path) -> dict[str, object]:
    found = json.loads(ledger(root)[-1])
    assert isinstance(found, dict)
    return found


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout


def repoint(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(item for item in sys.path if item)
    return subprocess.run(
        [sys.executable, "-m", "repoint", *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
