"""`make torture`: nothing is torn, and it would be told if something were."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from repoint.planning.codec import encode_plan
from tests.torture.forking import in_child
from tests.torture.looking import Node, look, torn
from tests.torture.scenarios import locks, touches
from tests.torture.scenarios.base import Job, Tally
from tests.torture.scenarios.ledgers import RECEIPT, wrong_ledger
from tests.torture.small_plan import small_plan
from tests.torture.verbs import arm, run_verb
from tests.torture.world import World, make_world
from tests.unit.flows.hand_plans import new_repository, snapshot

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/torture.py"


@pytest.fixture
def world(memory: Path) -> World:
    """A repository with a plan that is not applied."""
    return make_world(memory / "world")


@pytest.mark.slow
def test_every_touch(memory: Path) -> None:
    tally = touches.run(Job(memory, Random(1), seconds=0, kills=1, stride=4))

    assert not tally.torn
    assert tally.kills > 150
    assert {"finished", "undone", "nothing left"} == set(tally.outcomes)


def test_some_touches(memory: Path) -> None:
    tally = touches.run(Job(memory, Random(1), seconds=0, kills=1, stride=31))

    assert not tally.torn and tally.kills > 20


def test_what_lies_where_the_lock_is(memory: Path) -> None:
    assert not locks.run(Job(memory, Random(1), seconds=0)).torn


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        *("random-instant", "racing", "git", "clock", "full-disk", "read-only", "power-cut"),
        "real-command",
    ],
)
def test_the_script(name: str) -> None:
    argv = [sys.executable, str(SCRIPT), "--scenario", name, "--seconds", "4", "--seed", "1"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"\n{name}" in done.stdout and " 0 torn trees" in done.stdout


def test_a_killed_run_with_a_sealed_file(memory: Path) -> None:
    repository = new_repository(memory)
    plan = small_plan(repository, sealed=True)
    (memory / "plan.json").write_bytes(encode_plan(plan))
    before = snapshot(repository.root)
    for number in (20, 32, 45, 58):
        end = in_child(lambda at=number: armed(repository.root, at))  # type: ignore[misc]
        assert end.how == "killed"
        if run_verb(repository.root, "resume") == "finished":
            run_verb(repository.root, "rollback")
        assert snapshot(repository.root) == before


def armed(root: Path, number: int) -> str:
    arm(number, "after")
    return run_verb(root, "apply")


@pytest.mark.parametrize("damage", ["mode", "link", "left over", "gone", "bytes", "folder", "lock"])
def test_the_checker_sees(world: World, damage: str) -> None:
    root = world.root
    assert not torn(look(root), world.states)
    if damage == "mode":
        (root / "d/b.env").chmod(0o644)
    elif damage == "link":
        content = (root / "link.yaml").read_bytes()
        (root / "link.yaml").unlink()
        (root / "link.yaml").write_bytes(content)
    elif damage == "left over":
        (root / "d/.b.env.repoint-00000000").touch()
    elif damage == "gone":
        (root / "README.md").unlink()
    elif damage == "bytes":
        (root / "a.yaml").write_bytes((root / "a.yaml").read_bytes()[:-1])
    elif damage == "folder":
        (root / "e").mkdir()
    else:
        (root / ".repoint/lock").chmod(0o644)
    assert torn(look(root), world.states)


def test_half_of_one_state_and_half_of_the_other_is_torn(world: World) -> None:
    mixed = {**world.before, "a.yaml": world.after["a.yaml"]}

    assert torn(mixed, world.states) and not torn(world.after, world.states)


@pytest.mark.parametrize(
    ("known", "now", "tree"),
    [
        (b"x", None, ()),
        (b'{"phase": "applied"}\n', b'{"phase": "verified"}\n', (RECEIPT,)),
        (b"", b'{"phase": "applied"}', (RECEIPT,)),
        (b"", b'{"phase": "app\n', (RECEIPT,)),
        (b"", b'{"phase": "applied"}\n', ()),
        (b"", b'{"phase": "taken-back"}\n', (RECEIPT,)),
    ],
)
def test_the_checker_sees_a_wrong_ledger(
    known: bytes, now: bytes | None, tree: tuple[str, ...]
) -> None:
    nodes = {name: Node("file", 0o644, (0, 0)) for name in tree}

    assert wrong_ledger(known, now, nodes)
    assert not wrong_ledger(b"", b'{"phase": "applied"}\n', {RECEIPT: Node("file", 0, (0, 0))})


def test_a_torn_tree_is_told_and_a_bug_is_one() -> None:
    tally = Tally("racing")
    tally.judge("run 1", "")
    tally.ended("run 2", [in_child(lambda: str(1 / 0)), in_child(lambda: os.kill(os.getpid(), 9))])  # type: ignore[arg-type,return-value]

    assert tally.kills == 1
    assert "1 torn" in tally.lines()[0] and "ZeroDivisionError" in "".join(tally.lines())
