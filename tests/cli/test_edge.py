"""The error edge: statuses, hints, the log of a bug, and no secret anywhere."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from repoint import errors
from repoint.cli import main
from repoint.errors import ExitCode, FileRefused, RepointError

CANARY = "canary-hunter2"


def family(top: type[RepointError] = RepointError) -> Iterator[type[RepointError]]:
    """`top` and every class below it."""
    yield top
    for child in top.__subclasses__():
        yield from family(child)


@pytest.fixture
def run_raising(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], Result]:
    """Run a command that raises what it is given."""

    def run(error: BaseException) -> Result:
        @click.command()
        def fail() -> None:
            """Fail."""
            raise error

        monkeypatch.setitem(main.commands, "fail", fail)
        return CliRunner().invoke(main, ["fail"])

    return run


@pytest.mark.parametrize("kind", sorted(set(family()), key=repr))
def test_an_expected_error_is_a_line_with_a_hint_and_its_status(
    kind: type[RepointError], run_raising: Callable[[BaseException], Result]
) -> None:
    result = run_raising(kind("`a.yaml` line 3 is not right"))
    assert result.exit_code == kind.exit_code
    assert result.stdout == ""
    assert result.stderr == f"error: `a.yaml` line 3 is not right\nhint: {kind.default_hint}\n"


def test_every_error_has_a_code_of_its_own() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = [kind.code for kind in kinds if issubclass(kind, RepointError)]
    assert len(codes) == len(set(codes))


def test_hints_are_printed_once_each(run_raising: Callable[[BaseException], Result]) -> None:
    result = run_raising(RepointError("no", hint=("first", "second", "first")))
    assert result.stderr == "error: no\nhint: first\nhint: second\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interrupt_ends_with_130(
    error: BaseException, run_raising: Callable[[BaseException], Result]
) -> None:
    result = run_raising(error)
    assert result.exit_code == ExitCode.INTERRUPTED
    assert result.stderr.lstrip("\n") == "error: interrupted\n"


def test_an_interrupt_while_files_are_written_names_the_way_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @click.command()
    def stopped() -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(main.commands, "apply", stopped)
    told = CliRunner().invoke(main, ["apply"]).stderr
    assert told.lstrip("\n") == (
        "error: interrupted\n"
        "hint: `repoint apply --resume` finishes or undoes a run that was writing\n"
    )


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        (["--env", "local", "plan"], "it belongs behind the command: `repoint plan --env`"),
        (["--yes", "apply"], "it belongs behind the command: `repoint apply --yes`"),
        (["plan", "-C", "x"], "it belongs before the command: `repoint -C ROOT plan`"),
        (["data", "written", "-q"], "it belongs before the command: `repoint -q data written`"),
        (["--nonsense", "plan"], "run `repoint --help`"),
        (["plan", "nowhere"], "an environment is named with `--env`; ROOT is a folder"),
    ],
)
def test_what_stands_in_a_wrong_place_is_shown_its_own(
    typed: list[str], hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["repoint", *typed])
    result = CliRunner().invoke(main, typed)
    assert result.exit_code == ExitCode.USAGE
    assert f"hint: {hint}" in result.stderr.splitlines()[1]
    assert "Directory" not in result.stderr


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, "free some space on its disk"),
        (errno.EROFS, "its file system is mounted read-only"),
        (errno.EACCES, FileRefused.default_hint),
    ],
)
def test_what_the_system_refused_has_a_remedy(number: int, hint: str) -> None:
    error = FileRefused.by("`a.json` cannot be written", OSError(number, os.strerror(number)))
    assert error.message == f"`a.json` cannot be written: {os.strerror(number)}"
    assert error.hints[0].startswith(hint)
    assert FileRefused.by("x", OSError(errno.EACCES, "no"), hint="ask").hints == ("ask",)


def test_a_bug_names_a_log_file_that_holds_frames_and_no_value(
    run_raising: Callable[[BaseException], Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["repoint", "fail", f"--dsn={CANARY}", CANARY])
    try:
        raise KeyError(CANARY)
    except KeyError as cause:
        error = ValueError(f"invalid value: {CANARY}")
        error.__cause__ = cause
    result = run_raising(error)
    assert result.exit_code == ExitCode.BUG
    assert result.stderr.startswith("error: repoint met a bug of its own: ValueError in ")
    (log,) = (tmp_path / "repoint").iterdir()
    assert str(log) in result.stderr
    assert CANARY not in result.stderr + log.read_text()
    assert "KeyError: message withheld" in log.read_text()
    assert "command fail --dsn\n" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


def test_a_bug_without_a_place_for_its_log_still_ends_with_3(
    run_raising: Callable[[BaseException], Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(blocked))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    result = run_raising(ValueError(CANARY))
    assert result.exit_code == ExitCode.BUG
    assert "no log file could be written" in result.stderr
    assert CANARY not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["scna"], "no such command `scna`", "did you mean `scan` or `schema`?"),
        (["scan", "--evn", "x"], "no such option `--evn`", "did you mean `--env`?"),
        (["scan", "--format", "xml"], "invalid value for `--format`", "run `repoint scan --help`"),
        (["scan", "no-such-folder"], "invalid value for `[ROOT]`", "run `repoint scan --help`"),
        (["completion"], "missing argument", "run `repoint completion --help`"),
    ],
)
def test_wrong_usage_ends_with_2_and_a_hint(arguments: list[str], message: str, hint: str) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == ExitCode.USAGE
    assert result.stdout == ""
    first, *rest = result.stderr.splitlines()
    assert first.startswith(f"error: {message}")
    assert not first.endswith(".")
    assert f"hint: {hint}" in rest


def test_no_arguments_show_the_help_and_end_with_2() -> None:
    result = CliRunner().invoke(main, [])
    assert result.exit_code == ExitCode.USAGE
    assert "Look and plan:" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "env"), [(["--no-color", "x"], {}), (["x"], {"NO_COLOR": "1"})]
)
def test_color_can_be_turned_off(arguments: list[str], env: dict[str, str]) -> None:
    assert "\x1b" in CliRunner().invoke(main, ["x"], color=True).stderr
    assert "\x1b" not in CliRunner(env=env).invoke(main, arguments, color=True).stderr


@pytest.mark.skipif(resource.getrlimit(resource.RLIMIT_CORE)[1] == 0, reason="no core anyway")
def test_a_crash_leaves_no_image_of_memory(tmp_path: Path) -> None:
    """The limit is told by a program that repoint starts, in bytes by Python."""
    tool = tmp_path / "sops"
    code = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE)[0])"
    tool.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{code}' > {tmp_path}/limit\n")
    tool.chmod(0o755)
    argv = ["sh", "-c", 'ulimit -S -c 1000 && exec "$0" -m repoint doctor', sys.executable]

    subprocess.run(argv, env={**os.environ, "REPOINT_SOPS": str(tool)}, capture_output=True)

    assert (tmp_path / "limit").read_text() == "1\n"


def test_a_reader_that_goes_away_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "repoint", "schema"],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_current_folder_that_is_gone_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    result = CliRunner().invoke(main, ["status"])

    assert result.exit_code == ExitCode.USAGE, result.stderr
    assert result.stderr.startswith("error: the current folder is not there any more\nhint: ")
