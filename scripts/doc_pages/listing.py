"""The list of what the documentation shows and no test can run, which may not grow unseen."""

from __future__ import annotations

from collections import Counter

from scripts.doc_pages import kinds
from scripts.doc_pages.blocks import ROOT, pages
from scripts.doc_pages.running import commands_of, kind_of

LISTING = ROOT / "tests" / "docs" / "not-run.txt"
HEAD = """# Commands of the documentation that no test runs, by class; their arguments are parsed.
# Written by `make docs`; a line more here is a claim that nobody tries: look at it in review.
"""


def counted() -> Counter[str]:
    """How many commands each class has, those that run too."""
    return Counter(kind_of(command) for page in pages() for command in commands_of(page))


def listing() -> str:
    """The file: for each class its count and its commands, with the pages that show them."""
    found = [
        (kind_of(command), page, command.text.replace("\\\n", " "))
        for page in pages()
        for command in commands_of(page)
    ]
    parts = [HEAD]
    for kind, why in kinds.NOT_RUN.items():
        lines = [f"{page}: {' '.join(text.split())}\n" for own, page, text in found if own == kind]
        parts.append(f"\n# {kind}: {len(lines)} ({why})\n{''.join(lines)}")
    return "".join(parts)
