"""What others wrote is shown, and never obeyed by a terminal."""

from __future__ import annotations

import json
import re
import sys

import pytest

from repoint.cli.output import Terminal
from repoint.cli.stdout import emit
from repoint.model.plan import FileChange, Plan, PlannedConsumer
from repoint.rollout.steps import Event, Tone
from repoint.views import markdown
from repoint.views.layout import Page, printed
from repoint.views.rollout import line
from repoint.views.visible import harmless, on_one_line, spoken, visible
from tests.cli.test_output import Screen

HOSTILE = "\x1b]0;owned\x07 \x9b2J \x1b[8mhidden\r\x7f ‮evil \ud800"
"""Sets a title, clears the screen, hides text, goes back to the left, turns writing round."""
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f‪-‮\ud800-\udfff]")


def test_nothing_of_it_is_left_and_nothing_is_lost() -> None:
    shown = visible(HOSTILE)
    assert not _OBEYED.search(shown)
    assert json.loads(f'"{shown}"') == HOSTILE
    assert visible("naïve 表\t🙂\nnext") == "naïve 表\t🙂\nnext"


def test_a_page_shows_it_and_keeps_its_own_colors() -> None:
    page = Page()
    page.text(HOSTILE, lead=("note: ", "warn"))
    page.row([(HOSTILE, "bad"), ("x", "")], [4, 1])
    assert not _OBEYED.search(printed(page, color=False).replace("\n", ""))
    colored = harmless(printed(page, color=True))
    assert not _OBEYED.search(re.sub("\x1b\\[[0-9;]+m", "", colored))
    assert "\x1b[33mnote: \x1b[0m" in colored and "\x1b[8m" not in colored


@pytest.mark.parametrize("tone", list(Tone))
def test_an_event_is_one_line_that_is_not_obeyed(tone: Tone) -> None:
    told = line(Event(tone, f"{HOSTILE}\nerror: everything is lost", 1, 2))
    assert not _OBEYED.search(told) and "\n" not in told


def test_a_terminal_gets_no_escapes_of_others_and_a_file_every_byte(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = HOSTILE.rstrip("\ud800")
    emit(text)
    assert capsys.readouterr().out == f"{text}\n"
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    emit(text)
    assert not _OBEYED.search(screen.getvalue())
    Terminal(color=False, quiet=False, width=80).notice(text)
    assert not _OBEYED.search(capsys.readouterr().err)


def test_a_comment_on_a_pull_request_holds_no_markup_of_others() -> None:
    name = "a`|\n| ✅ all fine | x\r\x1b[2J<img src=x>"
    row = PlannedConsumer(
        *("id", "Deployment", "shop", name, name, "dev", "runtime", "pooled", name, name, "no"),
        evidence=(),
    )
    change = FileChange(name, "dev", "", "", ())
    plan = Plan(1, "1", ("dev",), (row,), (change,), (), (), (), (), (), "f")
    told = markdown.plan(plan)

    assert "<code>Deployment/a&#96;&#124;&#92;n&#124; &#9989; all fine" in told
    assert "\n| ✅" not in told
    assert not _OBEYED.search(told.replace("\n", ""))


def test_no_line_of_an_error_is_a_command_to_a_runner() -> None:
    shown = spoken("`a\n::add-mask::x\n \t::error::y` is a::b")
    assert shown == "`a\n\\u003a:add-mask::x\n \t\\u003a:error::y` is a::b"
    assert spoken("::error::z").startswith("\\u003a")


def test_what_has_one_line_to_itself_stays_on_it() -> None:
    assert on_one_line("`a\n::b` is\tgone\x1b") == r"`a\u000a::b` is" + "\tgone" + r"\u001b"
    page = Page()
    page.line("  ", ("a\nplan: nothing changes", "name"))
    page.row([("a\nb", ""), ("c\nd", "")], [8, 8])
    assert printed(page, color=False).splitlines() == [
        r"  a\u000aplan: nothing changes",
        r"  a\u000ab  c\u000ad",
    ]
