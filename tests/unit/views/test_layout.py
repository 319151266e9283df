"""A page says the same in color and without; only the escapes differ."""

from __future__ import annotations

import re

import pytest

from repoint.views.layout import STYLES, Page, Segment, printed


def _page(*lines: tuple[Segment | str, ...]) -> Page:
    page = Page()
    for line in lines:
        page.line(*line)
    return page


@pytest.mark.parametrize(
    ("line", "colored"),
    [
        pytest.param(("plain",), "plain", id="no style"),
        pytest.param((("no", "bad"), " ok"), "\x1b[1;31mno\x1b[0m ok", id="a style ends"),
        pytest.param((("x", "dim"), ("y", "dim")), "\x1b[2mx\x1b[0m\x1b[2my\x1b[0m", id="two"),
        pytest.param((("x", "name"), "  "), "\x1b[36mx\x1b[0m", id="blanks at the end"),
        pytest.param((("x  ", "name"), ("", "bad")), "\x1b[36mx\x1b[0m", id="styled blanks"),
        pytest.param((("  ", "good"), "x"), "\x1b[32m  \x1b[0mx", id="blanks at the start"),
        pytest.param(((" ", "good"),), "", id="nothing but blanks"),
        pytest.param(("[bold]x[/bold] :smile:",), "[bold]x[/bold] :smile:", id="no markup"),
        pytest.param(("a\tb", "x" * 200), "a\tb" + "x" * 200, id="neither tabs nor long lines"),
    ],
)
def test_a_style_is_an_escape_before_and_after(line: tuple[Segment | str], colored: str) -> None:
    assert printed(_page(line), color=True) == f"{colored}\n"


def test_the_words_are_the_same() -> None:
    page = _page(("a", ("b ", "title"), " "), (), *([(style, style)] for style in STYLES))
    plain = printed(page, color=False)
    assert re.sub("\x1b\\[[0-9;]+m", "", printed(page, color=True)) == plain
    assert plain.startswith("ab\n\ntitle\n")
