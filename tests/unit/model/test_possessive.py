"""Patterns with possessive groups mean the same after they are rewritten for an old Python."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from repoint.model import possessive

CASES = [
    (r"(?:a|b(?!c))*+bc", "abc", "abc"),
    (r"/\*(?:[^*]|\*(?!/))*+\*/", "/* a\n* */ b", "/* a\n* */"),
    (r"\{\{(?:\"(?:\\.|[^\"])*+\"|[^}\"]|\}(?!\})){0,80}+\}\}", '{{ f "}}" }}', '{{ f "}}" }}'),
    (r"[^:\n]*+(?::(?![ \n])[^:\n]*+)*+", "a:b: c", "a:b"),
    (r"(?:(?:ab|a)b?)*+c", "ababc", "ababc"),
    (r"(x)?+(?(1)(?:y|z(?!w))*+|n)zw", "xyyzw", "xyyzw"),
    (r"(?=(?:a|b(?!c))*+bc)a", "abc", "a"),
    (r"(?:ab|a)*+ab", "aab", None),
    (r"(?:a|ab)?+c", "abc", None),
    (r"a*+a", "aa", None),
]


@pytest.mark.parametrize(("pattern", "text", "found"), CASES)
def test_a_rewritten_pattern_matches_the_same(pattern: str, text: str, found: str | None) -> None:
    parsed = possessive.rewritten(re._parser.parse(pattern, 0))
    match = re._compiler.compile(parsed, 0).match(text)
    assert (match and match.group()) == found


def test_only_groups_are_rewritten() -> None:
    codes = re._constants
    (one,) = possessive.rewritten(re._parser.parse("[^x]*+", 0))
    assert one[0] is codes.POSSESSIVE_REPEAT
    (two,) = possessive.rewritten(re._parser.parse("(?:a(?:bc)++|d)*+", 0))
    assert two[0] is codes.ATOMIC_GROUP
    assert "POSSESSIVE" not in repr(two)


def test_a_python_that_is_wrong_is_mended_before_any_pattern_of_repoint() -> None:
    """On a right one nothing is touched."""
    code = (
        "import sys; sys.version_info = {version}\n"
        "import repoint, re\n"
        "print(hasattr(re._parser.parse, 'is_mended'))\n"
        "print(re.match('(?:a|b(?!c))*+bc', 'abc').group())"
    )
    wrong, right = possessive.LAST_WRONG, (3, 11, 5)
    for version, said in ((wrong, "True\nabc\n"), (right, "False\nabc\n")):
        argv = [sys.executable, "-c", code.format(version=version)]
        if version == right and sys.version_info <= wrong:
            continue
        assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == said


def test_a_second_mending_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(re._parser, "parse", re._parser.parse)
    possessive.mend()
    mended = re._parser.parse
    possessive.mend()
    assert re._parser.parse is mended
