"""What a page shows of an output: all of it, or parts with `...` and `…` for the rest."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

ANY_LINES = "..."
"""A line of shown output that stands for any lines, none too."""

ANY_TEXT = "…"
"""What differs from run to run within a line: a time, a digest, a fresh name."""

_ALIKE = 0.6


def matches(shown: str, output: str) -> bool:
    """Whether output is what is shown; `...` is any lines, `…` any text within one.

    Blanks at the ends of lines and blank lines at both ends count for nothing.
    """
    pattern = "".join(
        r"(?:[^\n]*\n)*?" if line == ANY_LINES else f"{_pattern(line)}\n" for line in lines(shown)
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in lines(output))) is not None


def renewed(shown: str, output: str) -> list[str]:
    """The lines to show of a new output, with the old omissions where they can stay.

    They cannot where a line that was shown has nothing like it any more: all is shown then.
    """
    old, new = lines(shown), lines(output)
    if ANY_LINES in old or any(ANY_TEXT in line for line in old):
        kept = list(_kept(old, new))
        if len(kept) >= len(old) and matches("\n".join(kept), output):
            return kept
    return new


def lines(text: str) -> list[str]:
    """The lines without blanks at their ends, and without blank ones at both ends."""
    stripped = "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")
    return stripped.split("\n") if stripped else []


def _kept(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """Lines of the old that still hold, new ones in place of those that changed a little."""
    blurred = [next((one for one in old if _blurs(one, line)), line) for line in new]
    for tag, i, j, k, m in difflib.SequenceMatcher(None, old, blurred, False).get_opcodes():
        gone, come = old[i:j], blurred[k:m]
        if tag == "equal":
            yield from gone
        elif ANY_LINES not in gone:
            # Beside an omission more lines are more of what is left out.
            if gone or ANY_LINES not in (*old[i - 1 : i], *old[j : j + 1]):
                yield from come
        else:
            yield from _around(gone, come)


def _around(gone: Sequence[str], come: Sequence[str]) -> Iterator[str]:
    """Omissions as they were, and between them what became of the lines that were shown."""
    rest = list(come)
    for line in gone:
        if line == ANY_LINES:
            yield line
        elif close := difflib.get_close_matches(line, rest, 1, _ALIKE):
            rest = rest[rest.index(close[0]) + 1 :]
            yield close[0]


def _blurs(shown: str, line: str) -> bool:
    return ANY_TEXT in shown and re.fullmatch(_pattern(shown), line) is not None


def _pattern(line: str) -> str:
    return "[^\n]*".join(map(re.escape, line.split(ANY_TEXT)))
