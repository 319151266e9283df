"""Possessive groups for Python 3.11.0 to 3.11.4, whose `re` matches some of them wrongly.

There a turn of `(?:a|b(?!c))*+` that fails does not give back what it had consumed (CPython issue
106052, mended in 3.11.5), so that readers find less than there is, and masks cover less. Debian 12
has such a Python. `(?>(?:a|b(?!c))*)` means the same and is matched rightly, so patterns are
rewritten to it after they are parsed. The parser is private to Python, but that of releases that
will never change again.
"""

from __future__ import annotations

import re
from typing import Any

LAST_WRONG = (3, 11, 4)
"""The newest release of Python that matches such groups wrongly."""


def mend() -> None:
    """Rewrite every pattern that this process compiles from now on; a second call does nothing."""
    parser: Any = vars(re)["_parser"]
    parse = parser.parse
    if getattr(parse, "is_mended", False):
        return

    def mended(text: Any, flags: int = 0, state: Any = None) -> Any:
        return rewritten(parse(text, flags, state))

    mended.is_mended = True  # type: ignore[attr-defined]  # a mark on a function
    parser.parse = mended
    re.purge()


def rewritten(pattern: Any) -> Any:
    """`pattern` as Python parsed it, its possessive groups as atomic ones around greedy ones.

    Those of a single character class are left: they have an opcode of their own, which is right.
    """
    codes: Any = vars(re)["_constants"]
    is_one: Any = vars(re)["_compiler"]._simple
    for index, (code, argument) in enumerate(pattern.data):
        for inner in _inner(argument, type(pattern)):
            rewritten(inner)
        if code is codes.POSSESSIVE_REPEAT and not is_one(argument[2]):
            greedy = type(pattern)(pattern.state, [(codes.MAX_REPEAT, argument)])
            pattern.data[index] = (codes.ATOMIC_GROUP, greedy)
    return pattern


def _inner(argument: Any, kind: type) -> list[Any]:
    """Patterns within the argument of an operation, which is one, or lists and tuples of some."""
    if isinstance(argument, kind):
        return [argument]
    if isinstance(argument, list | tuple):
        return [one for part in argument for one in _inner(part, kind)]
    return []
