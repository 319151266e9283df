"""Work in a forked copy: its result, its errors, and what happens without one."""

from __future__ import annotations

import os
import threading

import pytest

from repoint.adapters.aside import forked
from repoint.errors import FileRefused

HERE = os.getpid()


def _whether_here() -> bool:
    return os.getpid() == HERE


def test_the_work_is_done_in_another_process_once() -> None:
    if threading.active_count() > 1 or len(os.sched_getaffinity(0)) < 2:
        pytest.skip("a fork is not safe or of no use here")
    result = forked(_whether_here)
    assert result() is False
    assert result() is False
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_what_it_changes_stays_there() -> None:
    if threading.active_count() > 1 or len(os.sched_getaffinity(0)) < 2:
        pytest.skip("a fork is not safe or of no use here")
    changed: list[int] = []
    assert forked(lambda: changed.append(1))() is None
    assert changed == []


def test_a_refusal_comes_back() -> None:
    def refuse() -> None:
        raise FileRefused("`a` cannot be read", hint="look at it")

    result = forked(refuse)
    for _ in range(2):
        with pytest.raises(FileRefused, match="`a` cannot be read") as caught:
            result()
    assert caught.value.hints == ("look at it",)


def test_a_copy_that_ends_without_a_result_is_done_without() -> None:
    def end_elsewhere() -> bool:
        if os.getpid() != HERE:
            os._exit(9)
        return True

    assert forked(end_elsewhere)() is True


def test_a_bug_shows_itself_in_this_process() -> None:
    def stumble() -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        forked(stumble)()


def test_with_other_threads_it_is_done_here() -> None:
    release = threading.Event()
    thread = threading.Thread(target=release.wait)
    thread.start()
    try:
        assert forked(_whether_here)() is True
    finally:
        release.set()
        thread.join()


def test_a_large_result_passes() -> None:
    assert len(forked(lambda: bytes(3_000_000))()) == 3_000_000
