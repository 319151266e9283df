"""The same torture where a run brings everything to the disk at once, as with many files."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from random import Random

import pytest

from repoint.adapters import journal, settling
from repoint.errors import FileRefused
from tests.torture.looking import look, torn
from tests.torture.scenarios import failing, power
from tests.torture.scenarios.base import Job
from tests.torture.verbs import run_verb
from tests.torture.world import make_world


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few are many, and `syncfs` is what the model of a disk knows as `sync`."""
    monkeypatch.setattr(settling, "MANY", 1)
    monkeypatch.setattr(settling, "_is_trusted", lambda _: True)
    monkeypatch.setattr(os, "sync", lambda: None)
    monkeypatch.setattr(settling, "sync_file_system", lambda *_: os.sync())
    # The model counts calls; they have to come in the same order each time.
    monkeypatch.setattr(journal, "PARALLEL", 1)


def test_every_state_that_a_disk_may_keep_is_recovered(memory: Path) -> None:
    tally = power.run(Job(memory, Random(1), seconds=0, kills=1, stride=5))

    assert not tally.torn
    assert {"finished", "undone", "nothing left"} <= set(tally.outcomes)


@pytest.mark.parametrize("omitted", ["contents", "names"])
def test_the_model_sees_what_is_not_settled(
    memory: Path, monkeypatch: pytest.MonkeyPatch, omitted: str
) -> None:
    real, calls = journal._settle, []

    def forgetful(*given: object) -> None:
        calls.append(given)
        if (len(calls) % 2 == 1) != (omitted == "contents"):
            real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(journal, "_settle", forgetful)
    tally = power.run(Job(memory, Random(1), seconds=0, kills=1, until_torn=True))

    assert calls and tally.torn


def test_some_errors_at_some_touches(memory: Path) -> None:
    assert not failing.run(Job(memory, Random(1), seconds=0, kills=1, stride=29)).torn


@pytest.mark.parametrize("number", [1, 2])
def test_a_disk_that_cannot_settle(
    memory: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    world = make_world(memory / "world")
    calls = []

    def fail(_: int, name: str) -> None:
        calls.append(name)
        if len(calls) == number:
            raise OSError(errno.EIO, os.strerror(errno.EIO), name)

    monkeypatch.setattr(settling, "sync_file_system", fail)
    with pytest.raises(FileRefused, match="Input/output error"):
        run_verb(world.root, "apply")

    assert not torn(look(world.root), [world.before])


def test_a_rename_that_fails_in_one_of_several_threads(
    memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(memory / "world")
    monkeypatch.setattr(journal, "PARALLEL", 3)
    real, calls = os.replace, []

    def replace(*given: object) -> None:
        calls.append(given)
        if len(calls) == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO), *given[:1])
        real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(FileRefused):
        run_verb(world.root, "apply")

    assert not torn(look(world.root), [world.before])
