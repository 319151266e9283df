"""Streams: what is a terminal, what is shown while a step takes long."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from repoint.cli.output import Terminal, check_output, write_output
from repoint.cli.stdout import emit, emit_encoded
from repoint.errors import FileRefused
from tests.unit.planning.small_repository import Trial, repository, workload


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Always."""
        return True


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


def test_a_link_leads_to_no_file_elsewhere(tmp_path: Path) -> None:
    own, other = tmp_path / "own", tmp_path / "other.txt"
    own.mkdir()
    other.write_text("theirs")
    for target in (other, tmp_path / "new.txt"):
        (own / "report.html").symlink_to(target)
        with pytest.raises(FileRefused, match="is a link to a file elsewhere"):
            write_output(own / "report.html", b"x")
        (own / "report.html").unlink()
    assert other.read_text() == "theirs" and not (tmp_path / "new.txt").exists()
    (own / "latest.html").symlink_to("first.html")
    write_output(own / "latest.html", b"x")
    assert (own / "first.html").read_bytes() == b"x"
    (own / "null").symlink_to("/dev/null")
    write_output(own / "null", b"x")


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


def test_what_is_done_is_done_where_the_list_of_it_finds_no_place(tmp_path: Path) -> None:
    """It ended with 1, which says that nothing was changed."""
    web = workload(
        "Deployment",
        "web",
        "containers:\n- {name: web, image: acme/web, env: [{name: PGHOST, value: postgres}]}",
    )
    trial = Trial(tmp_path, repository({"web.yaml": web}, {}))
    (tmp_path / "repoint.yaml").write_text(trial.config)
    before = sorted(tmp_path.rglob("overlays/**/*.yaml"))

    for verb, said in (("apply", "applied: dev"), ("rollback", "rolled back: dev")):
        command = f"{sys.executable} -m repoint {verb} --env dev --yes >/dev/full"
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "note: the result cannot be written to stdout: No space" in done.stderr
        assert said in done.stderr
        after = sorted(tmp_path.rglob("overlays/**/*.yaml"))
        assert (after == before) is (verb == "rollback")


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("text", ["é", "é\n", ""])
def test_what_is_encoded_already_is_printed_as_text_is(
    monkeypatch: pytest.MonkeyPatch, encoding: str, text: str
) -> None:
    written = []
    for print_it in (lambda: emit(text), lambda: emit_encoded(memoryview(text.encode()))):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        stream.write("before\n")
        monkeypatch.setattr("sys.stdout", stream)
        print_it()
        written.append(stream.buffer.getvalue())
    end = "é\n" if text else ""
    assert written == [f"before\n{end}".encode(encoding)] * 2
