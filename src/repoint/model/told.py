"""Names that others chose, as an error or a table may show them."""

from __future__ import annotations

_LONGEST = 120
"""Characters of a name in an error: enough to find it, too few to fill a screen."""


def printable(text: str) -> str:
    """`text` with `?` for what is no sign on a screen: a file of others obeys no terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def told(name: str, longest: int = _LONGEST) -> str:
    """A name for the middle of an error: one line, no backtick, at most `longest` characters."""
    line = printable(name).replace("`", "?")
    return line if len(line) <= longest else f"{line[: longest - 3]}..."


def count(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {noun if number == 1 else noun + 's'}"
