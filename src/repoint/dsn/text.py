"""What connection strings of all styles share: variables inside them, and where they end."""

from __future__ import annotations

import re

# A variable or a template action stands for an unknown text: its inner characters
# (`/`, `?`, a space) say nothing of the string around it. Every repeat is bounded.
TEMPLATE = (
    r"\{\{[^{}\n]{0,200}\}\}"
    r"|\$\{[A-Za-z_][\w.\-]*+(?:\$\{[^{}\s]{1,60}\}|[^}\s\"'`@]){0,100}\}"
    r"|\$\([^()\n@]{1,120}\)"
    r"|%\([\w.]{1,60}\)s"
    r"|<[A-Za-z][\w .\-]{0,60}>"
    r"|[#%]\{[^{}\n@]{1,100}\}"
    r"|\{[A-Za-z_][\w.]{0,60}\}"
    r"|\"\$\{?\w{1,60}\}?\"|'\$\{?\w{1,60}\}?'"
)
FILLER = "\x00"
QUOTES = "\"'`"

_TEMPLATES = re.compile(TEMPLATE)
_BLANK = re.compile(r"\s*")
_CLOSERS = {")": "(", "]": "[", "}": "{"}


def shadow(text: str) -> str:
    """`text` with every variable and template replaced by fillers; offsets survive."""
    return _TEMPLATES.sub(lambda found: FILLER * len(found.group()), text)


def trimmed(text: str) -> str:
    """`text` without the punctuation of the sentence or code around it.

    A closing bracket stays when its opening one is inside; a variable is never cut.
    """
    view = shadow(text)
    end = len(text)
    while end:
        last = view[end - 1]
        opener = _CLOSERS.get(last)
        unbalanced = opener is not None and view.count(last, 0, end) > view.count(opener, 0, end)
        if last in ".,;:!\\" or unbalanced:
            end -= 1
        else:
            break
    return text[:end]


def quote_before(text: str, start: int) -> str:
    """The quote character right before `start`, or an empty string."""
    before = text[start - 1 : start] if start else ""
    return before if before and before in QUOTES else ""


def opens_text(text: str, start: int) -> bool:
    """Whether nothing but white space stands before `start`."""
    found = _BLANK.match(text)
    return found is not None and start <= found.end()
