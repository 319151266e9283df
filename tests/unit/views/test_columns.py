"""How wide a text is on a terminal, and texts that are cut or wrapped by that."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoint.views.columns import columns, cut, cut_middle, padded
from repoint.views.layout import Page, Segment, printed, widths


@pytest.mark.parametrize(
    ("text", "wide"),
    [
        ("", 0),
        ("abc", 3),
        ("部署", 4),
        ("\uff46\uff55\uff4c\uff4c", 8),
        ("e\u0301", 1),
        ("é", 1),
        ("👍", 2),
        ("a\u200bb", 2),
        ("한국", 4),
        ("▂", 1),
    ],
)
def test_columns(text: str, wide: int) -> None:
    assert columns(text) == wide
    assert columns(padded(text, 12)) == 12


@given(st.text(max_size=40), st.integers(3, 30))
def test_what_is_cut_fits(text: str, width: int) -> None:
    for made in (cut(text, width), cut_middle(text, width)):
        assert columns(made) <= width
        assert made == text or "..." in made
    if columns(text) <= width:
        assert cut(text, width) == cut_middle(text, width) == text


def test_both_ends_stay() -> None:
    assert cut("deploy/overlays", 10) == "deploy/..."
    assert cut_middle("deploy/overlays/staging", 13) == "deplo...aging"


def test_wide_characters_keep_a_table_straight() -> None:
    rows: list[list[Segment]] = [[("部署", ""), ("x", "")], [("abcdef", ""), ("y", "")]]
    page = Page()
    for row in rows:
        page.row(row, widths(rows))
    assert printed(page, color=False) == "  部署    x\n  abcdef  y\n"


def test_wide_characters_wrap_where_the_terminal_would() -> None:
    page = Page(30)
    page.text("部署 " * 12, lead=("at ", ""))
    told = printed(page, color=False).splitlines()
    assert [columns(line) for line in told] == [27, 27, 12]
    assert told[1].startswith("   部署")


def test_a_word_that_is_too_long_stays_whole() -> None:
    page = Page(30)
    page.text(f"see {'x' * 50} there", indent=2)
    assert printed(page, color=False) == f"  see\n  {'x' * 50}\n  there\n"


def test_prose_in_the_last_column_wraps_in_its_place() -> None:
    rows: list[list[Segment]] = [[("name", ""), ("a long story " * 4, "")]]
    page = Page(50)
    page.row(rows[0], widths(rows))
    assert printed(page, color=False) == (
        "  name  a long story a long story a long story a\n        long story\n"
    )


def test_cells_that_have_no_columns_keep_their_order() -> None:
    last = "a" * 60
    rows: list[list[Segment]] = [[("check", ""), *((text, "") for text in ("ok", "", last))]]
    page = Page(40)
    page.row(rows[0], widths(rows))
    assert printed(page, color=False) == f"  check\n      ok, -,\n      {last}\n"
