from __future__ import annotations

from fnmatch import fnmatchcase

from hypothesis import example, given
from hypothesis import strategies as st

from repoint.model.globs import fits


@given(st.text("ab/\n", max_size=8), st.text("ab/*?[]!\n", max_size=6))
@example("a", "a*a")
@example("aba", "a*a")
@example("abab", "*b*b")
@example("ab", "*b*b")
@example("", "")
@example("", "**")
def test_it_is_what_fnmatch_says(text: str, pattern: str) -> None:
    assert fits(text, pattern) == fnmatchcase(text, pattern)
