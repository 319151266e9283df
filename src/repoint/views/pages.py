"""A page of `repoint explain` laid out for a terminal: the words of its Markdown, without marks."""

from __future__ import annotations

import re
from collections.abc import Iterable

from repoint.views.layout import Page, Segment, printed

WIDEST = 88
"""Longer lines of prose are hard to read, however wide the terminal is."""

_LIST = re.compile(r"(- |\d+\. )(.*)")
_RULE = re.compile(r"RP\d{3}")


def page(markdown: str, *, width: int = 80, color: bool = False) -> str:
    """One page: headings stand out, prose is wrapped, code stays as it is."""
    made = Page(min(width, WIDEST))
    for block in markdown.strip().split("\n\n"):
        made.blank()
        _block(made, block)
    return printed(made, color=color)


def _block(made: Page, block: str) -> None:
    lines = block.splitlines()
    if block.startswith("#"):
        head, _, rest = lines[0].lstrip("# ").partition(": ")
        if _RULE.fullmatch(head) and rest:
            made.text(rest, lead=(f"{head}: ", "name"))
        else:
            made.line((lines[0].lstrip("# "), "title"))
        lines = lines[1:]
    if all(_LIST.match(line) for line in lines):
        for line in lines:
            mark, text = _LIST.fullmatch(line).groups()  # type: ignore[union-attr]  # just matched
            made.text(text, indent=2, lead=(mark, "dim"))
    elif block.startswith(("    ", "```", "|")):
        for line in lines:
            if not line.startswith("```"):
                made.line(line)
    elif lines:
        made.text(" ".join(lines), indent=2)


def titles(markdown: Iterable[str], *, width: int = 80, color: bool = False) -> str:
    """Every code with its title, and how to read more."""
    made = Page(width)
    for one in markdown:
        code, _, title = one.partition("\n")[0].removeprefix("# ").partition(": ")
        lead: Segment = (f"{code}  ", "name")
        made.text(title, lead=lead)
    made.blank()
    made.text(
        "`repoint explain CODE` tells its evidence and its remedies", lead=("next: ", "title")
    )
    return printed(made, color=color)
