"""A comparison as a comment: names of a database are the text of whoever made its tables."""

from __future__ import annotations

from datetime import UTC, datetime

from repoint.comparison.model import (
    Comparison,
    Difference,
    Server,
    Side,
    TableContent,
    Unseen,
)
from repoint.model.plan import Severity
from repoint.model.rehearsal import Verdict
from repoint.views.comparison import markdown
from repoint.views.markup import LARGEST, Scope

NAME = "x|@team <b>#1 ![x](http://e.vil/)"


def compared(*differences: Difference, unseen: tuple[Unseen, ...] = ()) -> Comparison:
    """A comparison of two servers that differ."""
    server = Server("17.2", 17, NAME, "web", "UTF8")
    rows = (TableContent(NAME, Verdict.FAIL, 5, 4, why=NAME), TableContent("fine", Verdict.PASS))
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Comparison(1, "local", now, server, server, differences, unseen, rows)


def test_no_name_of_a_database_acts_in_a_comment() -> None:
    one = Difference("tables", NAME, "owner", NAME, "postgres://u:canary-1@h/d", Severity.ERROR)
    page = markdown([compared(one, unseen=(Unseen(Side.TARGET, NAME, NAME),))], Scope(("local",)))
    assert page.startswith("<!-- repoint: data compare local -->\n\n## local: x&#124;@&#8203;te")
    for acting in ("<b>", "@team", "![", "](", "canary", "#1 "):
        assert acting not in page
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert [line.count(" |") for line in rows] == [4, 4, 4, 5, 5, 5]
    assert "fine" not in page and "**fail**" in page


def test_a_comment_is_never_too_long() -> None:
    many = [Difference("tables", f"t{n}", "", "there", "", Severity.NOTE) for n in range(9_000)]
    page = markdown([compared(*many)], Scope(("local",)))
    assert len(page.encode()) <= LARGEST
    assert "`repoint data compare --env local` shows everything" in page
