"""Streams: what is a terminal, what is shown while a step takes long."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from repoint.cli.output import StderrProgress, Terminal, check_output, write_output
from repoint.cli.stdout import emit
from repoint.errors import FileRefused


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Always."""
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that progress sees."""
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setenv("TERM", "xterm")
    return now


def test_progress_shows_after_half_a_second_and_clears_its_line(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    progress = StderrProgress(quiet=False)
    progress.step("reading", 3)
    progress.advance()
    assert screen.getvalue() == ""
    clock[0] += 1
    progress.advance()
    assert screen.getvalue() == "\r\x1b[Kreading 2/3"
    progress.advance()
    assert screen.getvalue() == "\r\x1b[Kreading 2/3"
    progress.close()
    assert screen.getvalue().endswith("\r\x1b[K")
    progress.close()
    assert screen.getvalue().count("\x1b[K") == 2


@pytest.mark.parametrize(("stream", "quiet"), [(Screen, True), (io.StringIO, False)])
def test_progress_is_silent_when_nobody_looks(
    stream: type[io.StringIO],
    quiet: bool,
    clock: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = stream()
    monkeypatch.setattr(sys, "stderr", screen)
    progress = StderrProgress(quiet=quiet)
    clock[0] += 9
    progress.step("reading")
    progress.advance()
    progress.close()
    assert screen.getvalue() == ""


@pytest.mark.parametrize(
    ("env", "no_color", "color"),
    [
        ({}, False, True),
        ({"NO_COLOR": "1"}, False, False),
        ({}, True, False),
        ({"TERM": "dumb"}, False, False),
    ],
)
def test_color_needs_a_terminal_that_wants_it(
    env: dict[str, str], no_color: bool, color: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", Screen())
    terminal = Terminal.detect(no_color=no_color, quiet=False)
    assert (terminal.color, terminal.width) == (color, 80)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert not Terminal.detect(no_color=no_color, quiet=False).color


def test_data_ends_with_one_newline(capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("", "a", "b\n"):
        emit(text)
    assert capsys.readouterr().out == "a\nb\n"


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="`/dev/full` cannot be written: No space left"):
        write_output(Path("/dev/full"), b"x")
    with pytest.raises(FileRefused, match="is no folder"):
        check_output(tmp_path / "nowhere" / "x")
    check_output(tmp_path / "x")
    check_output(None)


@pytest.mark.parametrize(
    ("streams", "status"), [(">&-", 0), ("<&- >&- 2>&-", 0), (">/dev/full", 1), ("| head -c 1", 0)]
)
def test_streams_that_are_closed_or_full(streams: str, status: int) -> None:
    script = f"set -o pipefail; {sys.executable} -m repoint explain RP201 {streams}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)

    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr and "bug" not in done.stderr
    if status:
        assert done.stderr.startswith("error: the result cannot be written to stdout: No space")
