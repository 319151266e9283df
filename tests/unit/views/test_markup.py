"""Markdown of strangers' text, read by a Markdown parser: nothing breaks out, pings or links."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from repoint.dsn.mask import mask
from repoint.views.markup import (
    LARGEST,
    Scope,
    Section,
    code,
    fenced,
    fit,
    folded,
    headings,
    listed,
    plain,
    prose,
    row,
    table,
)

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
HOSTILE = (
    *("`", "``` \n", "|", "\\|", "\\", "</details>", "<img src=x>", "![x](http://e.vil/x.png)"),
    *("[x](javascript:1)", "@octocat", "@org/team", "#123", "!7", "GH-9", "~bug", "&12", "$5"),
    *(
        "https://e.vil",
        "www.e.vil",
        "<!--",
        "-->",
        "**b**",
        "_i_",
        "~~s~~",
        "a@b.example",
        "&#64;x",
    ),
    *(
        "\n/merge\n",
        "\n# title",
        "\n- [ ] item",
        "\r\n",
        "\x1b[2J",
        "\u202e",
        "\udc80",
        " ",
        "é",
        "ok",
    ),
)
TEXTS = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=4)), max_size=8).map("".join)
PINGS = re.compile(r"[@#!%~&$^][\w\"']|GH-\d|://|\bwww\.", re.IGNORECASE)
ALLOWED = {"<br>", "<code>", "</code>", "<sub>", "</sub>"}


def inline(text: str) -> Iterator[Token]:
    """Every inline token of a document."""
    for token in PARSER.parse(text):
        yield from token.children or ()


def assert_harmless(text: str) -> None:
    """No link, picture or emphasis; no tag of others; no text that is linked after rendering."""
    inside = False
    for token in inline(text):
        assert token.type in ("text", "code_inline", "html_inline", "softbreak", "text_special"), (
            token
        )
        if token.type == "html_inline":
            assert token.content in ALLOWED, token.content
            inside = token.content == "<code>"
        elif token.type == "text" and not inside:
            assert not PINGS.search(token.content), token.content


@given(TEXTS)
@example("~~s~~_i_")
def test_a_row_stays_a_row(text: str) -> None:
    shown = f"{headings(('a', 'b', 'c'))}\n{row((plain(text), code(text), prose(text)))}\nend"
    tokens = PARSER.parse(shown)
    assert [token.type for token in tokens].count("td_open") in (3, 6)  # `end` is a row of its own
    assert {token.type for token in tokens if token.level == 0} == {"table_open", "table_close"}
    assert_harmless(shown)


@given(TEXTS)
def test_what_is_shown_is_what_was_there(text: str) -> None:
    clean = " ".join(text.split())
    if clean.isprintable() and len(clean) < 1_000:
        found = "".join(token.content for token in inline(f"x{plain(clean)}x"))
        assert found.replace("\u200b", "") == f"x{mask(clean)}x".replace("\u200b", "")


@given(TEXTS)
def test_code_holds_its_text_to_the_letter(text: str) -> None:
    if text.isprintable() and text == text.strip() and text:
        shown = "".join(
            token.content for token in inline(code(text)) if token.type != "html_inline"
        )
        assert shown == mask(text)


@given(st.lists(TEXTS, max_size=4))
def test_nothing_ends_a_fence(lines: list[str]) -> None:
    shown = fenced(lines)
    (token,) = PARSER.parse(shown)
    assert token.type == "fence"


@given(TEXTS)
def test_a_fold_is_closed_where_it_should_be(text: str) -> None:
    inner = listed(0, "", [f"- {prose(text)}", f"- {code(text)}"])
    shown = fit("plan", Scope(), [folded(0, text, inner), Section(0, "end")])
    blocks = [token for token in PARSER.parse(shown) if token.type == "html_block"]
    assert [len(re.findall("</?details>", block.content)) for block in blocks] == [0, 1, 1]
    assert "<summary>" in blocks[1].content


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("`a|b` @team closes #1", "<code>a&#124;b</code> @&#8203;team closes #&#8203;1"),
        ("one ` alone", "one &#96; alone"),
        ("pool_size _x_", "pool_size &#95;x&#95;"),
        ("`A` of `B`", "`A` of `B`"),
        ("two\nlines", "two lines"),
        ("", ""),
    ],
)
def test_messages(text: str, shown: str) -> None:
    assert prose(text) == shown
    assert html.unescape(shown).replace("\u200b", "").count("@") == text.count("@")


@pytest.mark.parametrize(
    ("scope", "line"),
    [
        (Scope(), "<!-- repoint: plan -->"),
        (Scope(("local", "prod")), "<!-- repoint: plan local prod -->"),
        (Scope(("x",), "apps/ä"), "<!-- repoint: plan apps/%C3%A4 x -->"),
        (
            Scope(("-->x", "é y", "a--b-")),
            "<!-- repoint: plan %2D%2D%3Ex %C3%A9%20y a%2D%2Db%2D -->",
        ),
    ],
)
def test_a_marker_is_one_comment_of_its_own(scope: Scope, line: str) -> None:
    assert scope.marker("plan") == line
    assert line[4:-3].count("--") == 0


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.lists(st.integers(0, 9_000), max_size=30)), max_size=30
    )
)
def test_a_comment_fits_and_tells_what_is_missing(shape: list[tuple[int, list[int]]]) -> None:
    sections = [
        table(
            rank,
            f"### S{n}",
            ("a",),
            [f"| {n}.{i} {'ü' * (size // 2)} |" for i, size in enumerate(sizes)],
            "row",
        )
        for n, (rank, sizes) in enumerate(shape)
    ]
    text = fit("plan", Scope(("local",)), [Section(0, "## Title"), *sections])
    assert len(text.encode()) <= LARGEST
    assert text.startswith("<!-- repoint: plan local -->\n\n## Title\n")
    shown = len(re.findall(r"^\| \d+\.\d+ ü*", text, re.MULTILINE))
    left = sum(len(sizes) for _, sizes in shape) - shown
    told = re.search(r"Left out to fit a comment: .*?(\d+) rows?", text)
    assert (int(told[1]) if told else 0) == left
    assert ("`repoint plan --env local` shows everything" in text) is ("Left out" in text)
    for n, (_, sizes) in enumerate(shape):
        numbers = [int(i) for i in re.findall(rf"^\| {n}\.(\d+) ", text, re.MULTILINE)]
        assert numbers == list(range(len(numbers)))
        assert len(numbers) <= len(sizes)


def test_the_more_important_is_kept_and_the_order_too() -> None:
    rows = [f"| {'x' * 900} |"] * 100
    parts = [table(rank, f"### {rank}", ("a",), rows, "row") for rank in (3, 1, 2)]
    text = fit("check", Scope(), parts)
    assert [text.index(f"### {n}") for n in (3, 1, 2)] == sorted(
        text.index(f"### {n}") for n in (3, 1, 2)
    )
    counts = [part.count("x" * 900) for part in text.split("### ")[1:]]
    assert counts[1] >= counts[2] > counts[0] > 0


def test_no_text_brings_a_password_along() -> None:
    url = "postgres://web:canary-1@db/web"
    shown = (plain(url), prose(f"see `{url}`, {url}"), code(url), fenced([url]))
    for text in shown:
        assert "canary" not in text and "***" in text.replace("&#42;", "*"), text
