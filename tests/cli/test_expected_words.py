"""What tests of the slower tiers expect to be told is still a text of repoint's own.

Those tests run late in CI, and a sentence is changed in a minute. This compares without running
them: each text that such a test looks for in what a command said must fit into a string of the
source, whose `{...}` stand for anything. Words of other programs are listed in words-of-others.txt.

A test of any tier that looks for a text to be absent passes for ever once nothing says it: such
a text has to fit as well, and the code of a rule to exist. A single word says too little here.
"""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from repoint.rules.catalog import pages

ROOT = Path(__file__).parents[2]
OTHERS = Path(__file__).with_name("words-of-others.txt")
SLOW = ("browser", "cluster", "servers", "torture")
HOLE = "\0"
_SAID = re.compile(r"\b(std)?(err|out|output)\b|\b(told|said|summary|observed)\b")
_WORD = re.compile(r"[A-Za-z]{3,}")
_PLAIN = re.compile(r"(?<!\S)[A-Za-z]{3,}(?=[,.;:]?(\s|$))")
_VALUE = re.compile(r"`[^`]*(`|$)")
_CODE = re.compile(r"\bRP\d{3}\b")
_MOST = 0.5
"""So much of the words of an expected text has to stand in one string of the source."""


def text_of(node: ast.expr | None) -> str | None:
    """A string as it is written, with holes for what is filled in."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(one) or HOLE for one in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = text_of(node.left), text_of(node.right)
        return None if parts == (None, None) else "".join(one or HOLE for one in parts)
    return None


@cache
def strings() -> dict[str, list[str]]:
    """The strings of the source by each word in them."""
    found = set()
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp):
                found.add(text_of(node) or "")
    for path in sorted((ROOT / "src/repoint/data").rglob("*.toml")):
        found.update(path.read_text("utf-8").splitlines())
    by_word = defaultdict(list)
    for one in sorted(found):
        for word in set(_WORD.findall(one)):
            by_word[word].append(one)
    return by_word


def expected() -> Iterator[tuple[str, str]]:
    """Each place where a slow test looks for a text, and the text."""
    for folder in SLOW:
        for path in sorted((ROOT / "tests" / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In):
                    if _SAID.search(ast.unparse(node.comparators[0])):
                        found = [text_of(node.left)]
                    else:
                        continue
                elif isinstance(node, ast.keyword) and node.arg == "match":
                    found = [*_alternatives(text_of(node.value) or "")]
                else:
                    continue
                where = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
                yield from ((where, one) for one in found if one)


@cache
def denied() -> tuple[tuple[str, str], ...]:
    """Each place where a test looks for a text to be absent, and the text."""
    return tuple(_denied())


def _denied() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.NotIn):
                found = [text_of(node.left)]
            elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
                found = [*_looked_for(node.operand)]
            else:
                continue
            where = f"{path.relative_to(ROOT)}:{node.lineno}"
            yield from ((where, one) for one in found if one)


def _looked_for(node: ast.expr) -> Iterator[str | None]:
    for one in ast.walk(node):
        if isinstance(one, ast.Compare) and isinstance(one.ops[0], ast.In):
            yield text_of(one.left)


def _alternatives(pattern: str) -> Iterator[str]:
    """The texts that a plain pattern stands for, with holes."""
    for one in pattern.split("|"):
        text = re.sub(r"\(\?i\)|^\^|\$$", "", one)
        yield re.sub(r"\\(.)", r"\1", re.sub(r"(?<!\\)\.[*+]\??", HOLE, text))


def words_of(text: str) -> list[re.Match[str]]:
    """The plain words outside of what is quoted; names, paths and numbers are values."""
    blank = _VALUE.sub(lambda found: "`" * len(found[0]), text)
    return [*_PLAIN.finditer(blank)]


def fits(text: str, string: str) -> bool:
    """Whether a text may be a part of what a string becomes, most of its words as they stand."""
    plain = {place for word in words_of(text) for place in range(*word.span())}
    reached: dict[int, int] = dict.fromkeys(range(len(string) + 1), 0)
    for at, letter in enumerate(text):
        after: dict[int, int] = {}
        for place, score in reached.items():
            if letter == HOLE:
                goes = range(place, len(string) + 1)
            elif place < len(string) and string[place] == HOLE:
                goes = range(place, place + 2)
            elif place < len(string) and string[place] == letter:
                goes, score = range(place + 1, place + 2), score + (at in plain)
            else:
                continue
            for one in goes:
                after[one] = max(score, after.get(one, 0))
        for place in sorted(after):
            if place < len(string) and string[place] == HOLE:  # which may stand for nothing
                after[place + 1] = max(after[place], after.get(place + 1, 0))
        reached = after
    return max(reached.values(), default=-1) >= _MOST * len(plain)


def is_told(text: str) -> bool:
    """Whether strings of the source may tell it, one for each part; two words say something."""
    return all(_part_is_told(part) for part in re.split(r"(?<=[:;,]) | \(|\| ", text))


def _part_is_told(text: str) -> bool:
    words = {word[0] for word in words_of(text)}
    if not words or (len(words) == 1 and "`" not in text):
        return True
    shared: Counter[str] = Counter()
    for word in words:
        shared.update(dict.fromkeys(strings().get(word, ()), len(word)))
    least = _MOST * sum(map(len, words))
    return any(fits(text, one) for one, letters in shared.items() if letters >= least)


def of_others() -> list[str]:
    """The listed words of other programs."""
    lines = OTHERS.read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_what_slow_tests_expect_is_told_by_some_string_of_the_source() -> None:
    known = of_others()
    gone = [
        f"{where}: {text!r}"
        for where, text in expected()
        if not any(one in text for one in known) and not is_told(text)
    ]
    assert not gone, f"nothing says this (any more?), see {OTHERS.name}:\n" + "\n".join(gone)


def test_what_tests_expect_to_be_absent_could_be_told() -> None:
    known, codes = of_others(), pages().keys()
    gone = [
        f"{where}: {text!r}"
        for where, text in denied()
        if not (is_told(text) and codes >= {*_CODE.findall(text)})
        and not any(one in text for one in known)
    ]
    assert not gone, f"nothing says this (any more?), see {OTHERS.name}:\n" + "\n".join(gone)


def test_what_is_listed_is_expected_somewhere_and_not_repoints_own() -> None:
    texts = [text for _, text in (*expected(), *denied())]
    assert len(texts) > 150
    for one in of_others():
        found = [text for text in texts if one in text]
        assert found, f"no test expects {one!r}"
        assert not all(map(is_told, found)), f"repoint says {one!r} itself"


@pytest.mark.parametrize(
    ("text", "string", "fit"),
    [
        ("`ada` holds Lease/", f"`{HOLE}` holds {HOLE}; it is free", True),
        ("`ada` holds `Lease/", f"`{HOLE}` holds `{HOLE}` for {HOLE} s", True),
        ("`ada` holds Lease/", f"`{HOLE}` holds `{HOLE}` for {HOLE} s", False),
        ("`ada` holds `Lease/", f"`{HOLE}` holds {HOLE}", True),
        ("3 rows are gone", f"{HOLE} rows are gone", True),
        ("3 rows are away", f"{HOLE} rows are gone", False),
        ("rows are gone", HOLE, False),
        (f"of {HOLE} to the end", f"3 of 4 to the {HOLE}", True),
    ],
)
def test_a_text_fits_into_a_string(text: str, string: str, fit: bool) -> None:
    assert fits(text, string) is fit
