"""`repoint verify` before any cluster is asked: what it refuses, and how a soak is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from repoint.cli.app import main
from repoint.cli.output import Terminal
from repoint.cli.watching import SoakScreen
from repoint.errors import RepointError, UsageError, WrongContext
from repoint.model.rehearsal import Verdict
from repoint.model.verification import PoolUse, Soak
from tests.cli.terminals import as_stderr

CONFIG = """\
source: {hosts: [postgres.shop.svc]}
target: {cluster: pg, pooler: pooler}
environments: {local: {namespace: shop, manifests: deploy}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "repoint.yaml").write_text(CONFIG)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    return tmp_path


def refusal(folder: Path, *words: str) -> RepointError:
    done = CliRunner().invoke(main, ["-C", str(folder), "verify", *words], standalone_mode=False)
    assert isinstance(done.exception, RepointError), done.output
    return done.exception


def test_no_context_is_guessed(folder: Path) -> None:
    assert isinstance(refusal(folder), WrongContext)
    assert "elsewhere" in refusal(folder, "--context", "elsewhere").message


@pytest.mark.parametrize("text", ["soon", "5", "5x", "1h 2m"])
def test_what_is_no_duration(folder: Path, text: str) -> None:
    found = refusal(folder, f"--soak={text}")
    assert isinstance(found, UsageError) and "is no duration" in found.message


def test_an_environment_that_is_not_there(folder: Path) -> None:
    assert "no environment `other`" in refusal(folder, "--env", "other").message


POOL = PoolUse(*("pooler", "shop", "web", Verdict.PASS, "", 1, 0, 0.0, 0.0, 0.2, 0.0, 1), (0.2,))
SOAK = Soak(60.0, 5.0, 1, "", (POOL,), ())


def test_a_soak_is_told_now_and_then_where_no_terminal_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with SoakScreen(Terminal(color=False, quiet=False, width=80)) as screen:
        screen.show(SOAK)
        screen.show(SOAK)
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("soaking: 5s of 1m") == 1
    assert "pooler web@shop" in told.err


def test_a_soak_is_silent_where_it_is_asked_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    with SoakScreen(Terminal(color=False, quiet=True, width=80)) as screen:
        screen.show(SOAK)
    assert capsys.readouterr().err == ""


def test_a_soak_on_a_terminal_is_redrawn_in_place_and_cleared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gaps = ("one", "an\x1b[2J escape")
    with (
        as_stderr(monkeypatch, columns=40) as screen,
        SoakScreen(Terminal(color=True, quiet=False, width=80)) as shown,
    ):
        shown.show(SOAK)
        first = screen.until("web@shop").removeprefix("\r").split("\x1b[K\r\n")
        assert first[0] == "soaking: 5s of 1m"
        assert first[1].startswith("  pooler web@shop")
        shown.show(replace(SOAK, pools=(), gaps=gaps))
        second = screen.until("escape\x1b[J").rpartition("\x1b[1A")[2]
        assert second == "soaking: 5s of 1m\x1b[K\r\n  an\\u001b[2J escape\x1b[J"
        shown.__exit__(None, None, None)
        assert screen.until("\x1b[1A\x1b[J").endswith("escape\x1b[J\r\x1b[1A\x1b[J")


@pytest.mark.parametrize("name", ["TERM", "CI"])
def test_a_terminal_that_cannot_go_back_gets_lines(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with as_stderr(monkeypatch) as screen:
        monkeypatch.setenv(name, "dumb")
        with SoakScreen(Terminal(color=False, quiet=False, width=80)) as shown:
            shown.show(SOAK)
        assert "\x1b" not in screen.until("pooler web@shop")
