"""Progress: what is drawn in place on stderr, for whom, and that nothing of it stays."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from repoint.adapters.aside import forked
from repoint.cli.progress import Region, StderrProgress, Step, ended, hidden, is_watched, told
from repoint.cli.stdout import emit
from tests.cli.terminals import as_stderr, started

A, B = "a" * 11, "b" * 12
CLEARED = "\r\x1b[J"


@pytest.mark.parametrize(
    ("step", "done", "place", "lasted", "columns", "line"),
    [
        (Step("reading"), 7, "", 0, 80, "reading"),
        (Step("reading", 9), 7, "", 0, 80, "reading 7/9"),
        (Step("reading", 9), 12, "", 0, 80, "reading 9/9"),
        (Step("reading", 9), 7, "a/b.yaml", 2.9, 80, "reading 7/9: a/b.yaml"),
        (Step("reading", 9), 7, "a/b.yaml", 12.4, 80, "reading 7/9: a/b.yaml (12 s)"),
        (
            Step("reading", 9),
            7,
            "a" * 19 + "b" * 19,
            0,
            40,
            f"reading 7/9: {A}...{B}",
        ),
        (Step("reading", 9), 7, "a/b.yaml", 0, 24, "reading 7/9"),
        (Step("an \x1b[2J escape"), 0, "\x07", 0, 80, "an \\u001b[2J escape: \\u0007"),
        (Step("reading", 9), 7, "部" * 40, 0, 40, "reading 7/9: 部部部部部...部部部部部部"),
    ],
)
def test_a_step_is_one_line_that_fits(
    step: Step, done: int, place: str, lasted: float, columns: int, line: str
) -> None:
    assert told(step, done, place, lasted, columns) == line


def test_a_step_that_lasts_is_drawn_and_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    with as_stderr(monkeypatch) as screen:
        progress = StderrProgress(quiet=False)
        progress.step("reading", 3)
        progress.advance()
        progress.at("one")
        screen.until("\rreading 1/3: one\x1b[J")
        progress.advance()
        progress.at("two")
        screen.until("\rreading 2/3: two\x1b[J")
        progress.close()
        assert screen.until(CLEARED).endswith(CLEARED)
        before = screen.read()
        progress.close()
        assert screen.read() == before
        progress.step("editing")
        screen.until("\rediting\x1b[J")
        progress.close()


def test_what_is_printed_does_not_meet_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with as_stderr(monkeypatch) as screen:
        progress = StderrProgress(quiet=False)
        progress.step("reading")
        screen.until("\rreading\x1b[J")
        with hidden():
            sys.stderr.write("note\n")
            sys.stderr.flush()
        assert f"\rreading\x1b[J{CLEARED}note\r\n" in screen.until("note\r\n\rreading\x1b[J")
        ended()
        assert screen.read().endswith(CLEARED)
        progress.close()


def test_a_result_ends_the_line_where_both_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with as_stderr(monkeypatch) as screen:
        progress = StderrProgress(quiet=False)
        progress.step("reading")
        screen.until("\rreading\x1b[J")
        monkeypatch.setattr(sys, "stdout", sys.stderr)
        emit("the result")
        assert screen.until("the result\r\n").endswith(f"{CLEARED}the result\r\n")
        progress.close()


def test_what_a_forked_copy_counts_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    with as_stderr(monkeypatch) as screen:
        progress = StderrProgress(quiet=False)
        progress.step("reading", 5)
        progress.advance()

        def count() -> int:
            progress.advance(2)
            progress.step("nothing of the copy's own", 9)
            return 1

        counted = forked([count])
        screen.until("\rreading 3/5\x1b[J")
        assert counted() == [1]
        progress.close()


@pytest.mark.parametrize("why", ["quiet", "dumb", "ci", "pipe"])
def test_progress_is_silent_where_nobody_looks(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with as_stderr(monkeypatch) as screen:
        if why == "dumb":
            monkeypatch.setenv("TERM", "dumb")
        if why == "ci":
            monkeypatch.setenv("CI", "true")
        if why == "pipe":
            monkeypatch.setattr(sys, "stderr", io.StringIO())
        assert is_watched() is (why == "quiet")
        progress = StderrProgress(quiet=why == "quiet")
        assert not progress.shows
        progress.step("reading", 1)
        progress.advance()
        progress.close()
        assert screen.read() == ""


def test_several_lines_are_drawn_over_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    with as_stderr(monkeypatch) as screen:
        region = Region()
        region.draw(["one", "two"])
        region.draw(["one", "two"])
        assert screen.until("two") == "\rone\x1b[K\r\ntwo\x1b[J"
        screen.resize(10)
        region.draw(["a long line of text", "second"])
        drawn = "\r\x1b[1Aa long...\x1b[K\r\nsecond\x1b[J"
        assert screen.until("second").endswith(drawn)
        region.clear()
        assert screen.until(f"{drawn}\r\x1b[1A\x1b[J").endswith("\x1b[J")


_WAITS = """
import sys, time
from repoint.cli.edge import guarded
from repoint.cli.progress import StderrProgress

def run():
    StderrProgress(quiet=False).step("waiting")
    time.sleep(600)

sys.exit(guarded(run))
"""


def test_ctrl_c_leaves_a_clean_line() -> None:
    with started([sys.executable, "-c", _WAITS]) as (screen, process):
        screen.until("waiting\x1b[J")
        screen.type("\x03")
        screen.until("error:")
        assert process.wait() == 130
        last = screen.read().rpartition(CLEARED)[2]
        assert "waiting" not in last and "interrupted" in last


def test_a_pipe_loads_nothing_of_it() -> None:
    code = "from repoint.cli.app import main; main(['explain', 'RP201'])"
    script = f"import sys\ntry:\n {code}\nexcept SystemExit: pass\nprint(*sys.modules)"
    argv = [sys.executable, "-c", script]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stderr == ""
    assert not {"mmap", "unicodedata"} & set(done.stdout.splitlines()[-1].split())
