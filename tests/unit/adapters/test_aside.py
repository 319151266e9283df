"""Work shared with a forked copy: its results, its errors, and what happens without one."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from repoint.adapters.aside import MOST_PIECES, forked
from repoint.cli.wiring import machine
from repoint.errors import FileRefused

HERE = os.getpid()


def _whether_here() -> bool:
    return os.getpid() == HERE


def _children() -> set[str]:
    """Those of this thread, which other tests of this process may have left running."""
    return set(Path("/proc/thread-self/children").read_text().split())


def _until(there: Callable[[], bool]) -> None:
    while not there():
        time.sleep(0.001)


@pytest.fixture
def two() -> None:
    if threading.active_count() > 1 or len(os.sched_getaffinity(0)) < 2:
        pytest.skip("a fork is not safe or of no use here")


@pytest.mark.usefixtures("two")
def test_the_other_process_begins_at_once(tmp_path: Path) -> None:
    mark = tmp_path / "begun"

    def begin() -> bool:
        mark.touch()
        return _whether_here()

    before = _children()
    results = forked([begin])
    _until(mark.exists)
    assert results() == [False]
    assert results() == [False]
    assert _children() == before


@pytest.mark.usefixtures("two")
def test_both_take_part_and_each_piece_is_done_once(tmp_path: Path) -> None:
    def piece(number: int) -> tuple[int, bool]:
        (tmp_path / str(number)).touch(exist_ok=False)
        # Neither goes on before the other has taken a piece, too.
        _until(lambda: len(list(tmp_path.iterdir())) > 1)
        return number, _whether_here()

    found = forked([partial(piece, number) for number in range(40)])()
    assert [number for number, _ in found] == list(range(40))
    assert {here for _, here in found} == {True, False}


@pytest.mark.usefixtures("two")
def test_what_the_copy_changes_stays_there() -> None:
    changed: list[bool] = []

    def change() -> bool:
        changed.append(_whether_here())
        return _whether_here()

    here = forked([change] * 10)()
    assert changed == [True] * sum(here)


def test_a_refusal_comes_back() -> None:
    def refuse() -> None:
        raise FileRefused("`a` cannot be read", hint="look at it")

    results = forked([lambda: None, refuse])
    for _ in range(2):
        with pytest.raises(FileRefused, match="`a` cannot be read") as caught:
            results()
    assert caught.value.hints == ("look at it",)


def test_pieces_of_a_copy_that_ends_without_results_are_done_here() -> None:
    def end_elsewhere() -> bool:
        if os.getpid() != HERE:
            os._exit(9)
        return True

    assert forked([end_elsewhere] * 5)() == [True] * 5


def test_a_bug_shows_itself_in_this_process() -> None:
    def stumble() -> bool:
        raise ZeroDivisionError

    before = _children()
    with pytest.raises(ZeroDivisionError):
        forked([stumble])()
    assert _children() == before


def test_with_other_threads_it_is_done_here() -> None:
    release = threading.Event()
    thread = threading.Thread(target=release.wait)
    thread.start()
    try:
        assert forked([_whether_here])() == [True]
    finally:
        release.set()
        thread.join()


def test_large_results_pass() -> None:
    assert [len(one) for one in forked([lambda: bytes(3_000_000)] * 3)()] == [3_000_000] * 3


def test_nothing_to_do_gives_nothing() -> None:
    assert forked([])() == []


def test_more_pieces_than_can_be_told_apart_are_refused() -> None:
    assert len(forked([_whether_here] * MOST_PIECES)()) == MOST_PIECES
    with pytest.raises(ValueError, match="257 pieces"):
        forked([_whether_here] * (MOST_PIECES + 1))


def test_processors_are_counted_where_the_system_tells_of_the_machine_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert machine().startswith(f"{len(os.sched_getaffinity(0))} processors, ")
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    assert machine().startswith("12 processors, ")
