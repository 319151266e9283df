"""A disk that fails once or for good: refused and untouched, or half done and recovered."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from repoint.adapters import journal_file, lock
from repoint.errors import FileRefused, HalfDone
from tests.torture.forking import in_child
from tests.torture.looking import look, torn
from tests.torture.scenarios import failing
from tests.torture.scenarios.base import Job
from tests.torture.verbs import run_verb
from tests.torture.world import World, make_world


@pytest.fixture
def world(memory: Path) -> World:
    """A repository with a plan that is not applied."""
    return make_world(memory / "world")


def refuse(code: int) -> Callable[..., Any]:
    """What raises an error instead of what was asked for."""

    def call(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    return call


@pytest.mark.slow
def test_every_error_at_every_touch(memory: Path) -> None:
    tally = failing.run(Job(memory, Random(1), seconds=0, kills=1, stride=3))

    assert not tally.torn
    assert {"FileRefused", "HalfDone", "done"} == set(tally.outcomes)


def test_some_errors_at_some_touches(memory: Path) -> None:
    assert not failing.run(Job(memory, Random(1), seconds=0, kills=1, stride=29)).torn


def test_a_run_whose_journal_was_deleted_for_good_or_not_is_done(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was taken back, and what took it back was itself left over."""
    with monkeypatch.context() as patched:
        real = journal_file.delete

        def delete(log: Path) -> None:
            patched.setattr(lock, "sync_folder", refuse(errno.EIO))
            real(log)

        patched.setattr(journal_file, "delete", delete)
        run_verb(world.root, "apply")

    assert not torn(look(world.root), [world.after])


def test_an_undo_that_fails_is_half_done_and_no_bug(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        real = os.fchmod

        def fchmod(fd: int, mode: int) -> None:
            patched.setattr("os.unlink", refuse(errno.EROFS))
            patched.setattr("os.fsync", refuse(errno.EROFS))
            real(fd, mode)

        patched.setattr("os.fchmod", fchmod)
        with pytest.raises(HalfDone, match="Read-only"):
            run_verb(world.root, "apply")

    assert run_verb(world.root, "resume") == "undone"
    assert not torn(look(world.root), [world.before])


def test_a_commit_that_failed_and_an_undo_that_was_killed(world: World) -> None:
    """The line may be on disk though it could not be synced; its staged files are going."""

    def doomed() -> str:
        def fail_then_die(*_: object) -> None:
            lock.sync_folder = refuse(errno.EIO)
            os.unlink = dying(os.unlink)

        real = journal_file.append

        def append(log: Path, state: str) -> None:
            if state == "commit":
                fail_then_die()
            real(log, state)

        journal_file.append = append
        return run_verb(world.root, "apply")

    assert in_child(doomed).how == "killed"
    assert run_verb(world.root, "resume") == "undone"
    assert not torn(look(world.root), [world.before])


def dying(real: Callable[..., Any]) -> Callable[..., Any]:
    """Dies when it was called twice."""
    calls = []

    def call(*given: Any, **rest: Any) -> None:
        real(*given, **rest)
        calls.append(given)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    return call


def test_old_contents_that_were_staged_for_a_way_back_that_was_not_taken_go(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        real, calls = os.replace, []

        def replace(*given: Any) -> None:
            calls.append(given)
            if len(calls) == 2:
                patched.setattr(journal_file, "append", refuse(errno.ENOSPC))
                refuse(errno.EIO)()
            real(*given)

        patched.setattr("os.replace", replace)
        with pytest.raises(HalfDone):
            run_verb(world.root, "apply")

    assert run_verb(world.root, "resume") == "finished"
    assert not torn(look(world.root), [world.after])


@pytest.mark.parametrize(
    "line", ["{}", "[]", "x", '{"state": "commit"}', '{"state": "begin", "steps": [{"path": 1}]}']
)
def test_a_journal_that_nobody_wrote_is_left_to_a_person(world: World, line: str) -> None:
    log = world.root / ".repoint/journal"
    log.write_text(f"{line}\n")

    with pytest.raises(HalfDone, match="cannot be read") as caught:
        run_verb(world.root, "apply")

    assert any("delete `.repoint/journal`" in hint for hint in caught.value.hints)
    assert log.read_text() == f"{line}\n"
    log.unlink()
    assert not torn(look(world.root), [world.before])


def test_a_journal_that_somebody_deleted_meanwhile_is_not_made_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `git clean -dfx` does; the files that it tells of are not known any more."""
    with monkeypatch.context() as patched:
        real = journal_file.append

        def append(log: Path, state: str) -> None:
            log.unlink()
            real(log, state)

        patched.setattr(journal_file, "append", append)
        with pytest.raises(FileRefused):
            run_verb(world.root, "apply")

    assert not torn(look(world.root), [world.before])
