"""The power fails: what a disk keeps that keeps no more than it promised can be recovered."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from random import Random

import pytest

from repoint.adapters import journal, journal_file, lock
from tests.torture.disk import Recording, after_power_loss, listing, recorded, write_out
from tests.torture.looking import look
from tests.torture.scenarios import power
from tests.torture.scenarios.base import Job, Tally
from tests.torture.verbs import run_verb
from tests.torture.world import make_world


def outages(folder: Path, *, stride: int = 1, until_torn: bool = False) -> Tally:
    """Every `stride`-th outage, of a run that is the same each time."""
    return power.run(Job(folder, Random(1), 0, kills=1, stride=stride, until_torn=until_torn))


def test_every_state_that_a_disk_may_keep_is_recovered(memory: Path) -> None:
    tally = outages(memory, stride=3)

    assert not tally.torn
    assert {"finished", "undone", "nothing left"} <= set(tally.outcomes)


@pytest.mark.parametrize("omitted", ["any", "folders", "made folders", "contents", "order"])
def test_the_model_sees_what_a_journal_forgets(
    memory: Path, monkeypatch: pytest.MonkeyPatch, omitted: str
) -> None:
    real = Recording.on_fsync
    if omitted == "any":
        monkeypatch.setattr(Recording, "on_fsync", lambda *_: None)
    elif omitted == "contents":
        monkeypatch.setattr(
            Recording, "on_fsync", lambda self, _, fd: real(self, _, fd) if is_folder(fd) else None
        )
    elif omitted == "folders":
        monkeypatch.setattr(journal, "_sync_folders", lambda *_: None)
    elif omitted == "made folders":
        monkeypatch.setattr(journal, "_sync_folders", sync_targets_alone)
    else:
        # The journal goes first, and what it tells of is synced when it is gone.
        monkeypatch.setattr(journal, "_undo", undo_without_care)

    assert outages(memory, until_torn=True).torn


def is_folder(fd: int) -> bool:
    return stat.S_ISDIR(os.fstat(fd).st_mode)


def sync_targets_alone(root: Path, steps: list[journal_file.Step]) -> None:
    for step in steps:
        with contextlib.suppress(FileNotFoundError):
            lock.sync_folder((root / step.target).parent)


def undo_without_care(root: Path, log: Path, steps: list[journal_file.Step]) -> None:
    log.unlink(missing_ok=True)
    for step in steps:
        (root / step.staged).unlink(missing_ok=True)
        for folder in reversed(step.made_dirs):
            if (root / folder).is_dir():
                (root / folder).rmdir()


def test_a_recording_is_what_was_done(memory: Path) -> None:
    """The model and the disk agree on the end of a run, so the model misses no call."""
    world = make_world(memory / "world", used=False)
    for number, verb in enumerate(("told-apply", "record", "told-rollback", "told-apply")):
        with recorded(world.root) as recording:
            run_verb(world.root, verb)
        copy = memory / str(number)
        write_out(listing(after_power_loss(recording.first, recording.operations, {})), copy)
        assert look(copy) == look(world.root)
