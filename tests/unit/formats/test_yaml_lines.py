"""The reader of plain YAML takes nothing that libyaml refuses, and reads it no differently."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repoint.formats.yaml_lines import read_lines
from repoint.formats.yaml_marks import read_stream
from tests.unit.formats.reading import outlines, source

ROOT = Path(__file__).parents[3]
FOLDERS = ("tests/corpus", "tests/variants", "tests/acceptance", "examples")
PIECES = (
    " ", "  ", "\n", "\n\n", "\n  ", "\n    ", "- ", "-", "-\n", "- - ", "- |\n", ": ", ":", "#",
    " #", '"', "'", "[", "]", "{", "}", "[]", "{}", "[a, b]", "{a: b}", "{a: [b, {c: d}]}", "|",
    ">", "|\n", ">-\n", "|2\n", "|+\n", "---", "--- ", "---\n", "...", "&a ", "*a", "!t ", "<<: ",
    "\t", "\r\n", "\r", "\x85", "\u2028", "\ufeff", "\xa0", "\x7f", "\ud7ff", "\ufffe",
    "\U0001f600", "é", "%", "@", "`", "?", "? ", "\\", "~", ",", ", ", "a", "a: b", "x:\n", "key:",
    '"a": ', "''", '""', "-a", "--", "?a", ":a", "a:b", "a #b", "a#b", ".", "..", "$", "(", "=",
    "!",
)  # fmt: skip


def taken(text: str) -> bool:
    """Whether the reader takes `text`; then libyaml must read the same."""
    found = read_lines(source(text))
    if found is None:
        return False
    stream = read_stream(source(text))
    assert (stream.problem, stream.template) == ("", False)
    assert outlines(found) == outlines(stream.documents)
    return True


TAKEN = [
    pytest.param("", id="nothing"),
    pytest.param("\n  \n# c\n", id="comments only"),
    pytest.param("a: b\nc: d", id="no line break at the end"),
    pytest.param("a: b c  \nd: e   # f\n", id="blanks and a comment after a value"),
    pytest.param("a: x:y#z\nhttp://h:1: 'q'\n", id="colons and hashes inside"),
    pytest.param("'a': \"b\"\n\"c d\": 'e'\n", id="quotes"),
    pytest.param("a:\nb: ''\nc:\n  d:\ne:\n", id="missing values"),
    pytest.param("a:\n- b\n-\n- c: d\n  e: f\ng: h\n", id="items at the column of their key"),
    pytest.param("a:\n  - b\n  - - c\n    - d\n  - e: f\n\n    g: h\n", id="items deeper"),
    pytest.param("- a\n-\n  b: c\n-   d: 1\n    e: 2\n", id="items at the top"),
    pytest.param("  a: b\n  c: d\n", id="all indented"),
    pytest.param("a: -x\nb: --y\nc: ?z\nd: :e\n", id="indicators that begin a word"),
    pytest.param("a: |\n  x\n\n    y #z\n  # w\n# c\nb: |-\n  q: [\n\n\nc: d\n", id="literal"),
    pytest.param("a: >\n  x\n  y \nb: >-\n  z\n  w\n", id="folded"),
    pytest.param("- |\n  x\n- a: |\n    y\n  b: c\n", id="literal in a list"),
    pytest.param("a:\n- |\n x\n", id="literal in items at the column of their key"),
    pytest.param("---\na: b\n---\n# c\n---\nc: d\n---\n", id="documents"),
    pytest.param("# c\n--- # d\na: b\n", id="document marks with a comment"),
    pytest.param("a: [b, \"c\", 'd', -e, f g]\nh: []\ni: {}\n", id="flow sequence"),
    pytest.param("a: {b: c, \"d\": [e], 'f':g:h, i: {j: k}} # l\n", id="flow mapping"),
    pytest.param("é: ü\nb: '\U0001f600' # é\nc: [d]\n", id="not ASCII"),
]

LEFT = [
    pytest.param("a: &x b\n", id="anchor"),
    pytest.param("a: !t b\n", id="tag"),
    pytest.param('a: "b\\n"\n', id="escape"),
    pytest.param("a: 'b''c'\n", id="escaped quote"),
    pytest.param("a: b\n  c\n", id="over two lines"),
    pytest.param("a: 'b\n  c'\n", id="quoted over two lines"),
    pytest.param("a: b\n  c: d\n", id="deeper after a value"),
    pytest.param("a:\n    b: c\n  d: e\n", id="between two columns"),
    pytest.param("a: b: c\n", id="two keys on a line"),
    pytest.param("a: - b\n", id="item on the line of a key"),
    pytest.param("a:\n- b\n c: d\n", id="key deeper than an item"),
    pytest.param("a: b\n- c\n", id="item after a key"),
    pytest.param("- a\nb: c\n", id="key after an item"),
    pytest.param("a\n", id="a scalar alone"),
    pytest.param("a: |+\n  b\n\n", id="kept blank lines"),
    pytest.param("a: |2\n   b\n", id="indentation indicator"),
    pytest.param("a: |\n\n  b\n", id="blank line first"),
    pytest.param("a: |\n  b", id="block without a line break at the end"),
    pytest.param("a: |\n  b\n    \n", id="blanks after a block"),
    pytest.param("- a: |\n  b\n", id="block no deeper than its key"),
    pytest.param("a: >\n  b\n   c\n", id="folded with a deeper line"),
    pytest.param("--- a\n", id="value on the line of a mark"),
    pytest.param("--- a: b\n", id="key on the line of a mark"),
    pytest.param("a: b\n...\n", id="document end"),
    pytest.param("... a: b\n", id="key on the line of a document end"),
    pytest.param("%YAML 1.2\n---\na: b\n", id="directive"),
    pytest.param("a:\tb\n", id="tab"),
    pytest.param("a: b\r\n", id="carriage return"),
    pytest.param("a: b\x07\n", id="bell"),
    pytest.param("a: \ufeffb\n", id="byte order mark inside"),
    pytest.param("? a\n: b\n", id="explicit key"),
    pytest.param("a: [b, [c]\n", id="flow without an end"),
    pytest.param("a: [b]]\n", id="flow with two ends"),
    pytest.param("a: [b}\n", id="flow with the wrong end"),
    pytest.param("a: [[b}]\n", id="flow with the wrong end inside"),
    pytest.param("a: [b: c]\n", id="pair in a flow sequence"),
    pytest.param("a: {b}\n", id="key alone in a flow mapping"),
    pytest.param("a: [b,, c]\n", id="nothing between commas"),
    pytest.param("a: {b: c #d\n}\n", id="flow over two lines"),
    pytest.param("a: " + "[" * 30 + "]" * 30 + "\n", id="deep flow"),
    pytest.param("".join(f"{' ' * n}a:\n" for n in range(150)), id="deep"),
    pytest.param("a" * 1100 + ": b\n", id="long key"),
    pytest.param("'" + "a" * 1100 + "': b\n", id="long quoted key"),
    pytest.param("a: {" + "b" * 1100 + ": c}\n", id="long key in flow"),
    pytest.param("a: b\n" * 300_000, id="large"),
]


@pytest.mark.parametrize("text", TAKEN)
def test_plain_yaml_is_taken_and_read_as_libyaml_reads_it(text: str) -> None:
    assert taken(text)


@pytest.mark.parametrize("text", LEFT)
def test_anything_else_is_left_to_libyaml(text: str) -> None:
    assert not taken(text)


@cache
def manifests() -> list[str]:
    found = [path for name in FOLDERS for path in sorted(ROOT.joinpath(name).rglob("*.y*ml"))]
    return [path.read_bytes().decode(errors="replace") for path in found]


def test_nearly_every_manifest_of_the_repository_is_taken() -> None:
    plain = [text for text in manifests() if "{{" not in text]

    assert sum(map(taken, plain)) > 0.9 * len(plain) > 100


@st.composite
def soups(draw: st.DrawFn) -> str:
    """Pieces of YAML in any order, some of them indented."""
    lines = st.lists(st.sampled_from(PIECES), max_size=5).map("".join)
    indents = st.sampled_from(["", "", "", " ", "  ", "    "])
    made = draw(st.lists(st.tuples(indents, lines), min_size=1, max_size=7))
    return "\n".join(indent + line for indent, line in made) + draw(st.sampled_from(["", "\n"]))


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A piece of a manifest of the repository with a few changes."""
    lines = draw(st.sampled_from(manifests())).split("\n")
    low = draw(st.integers(0, len(lines) - 1))
    lines = lines[low : low + draw(st.integers(1, 25))]
    for _ in range(draw(st.integers(0, 3))):
        at, other = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        change = draw(st.sampled_from(["swap", "copy", "shift", "unshift", "insert", "cut"]))
        if change == "swap":
            lines[at], lines[other] = lines[other], lines[at]
        elif change == "copy":
            lines.insert(at, lines[other])
        elif change == "shift":
            lines[at] = " " * draw(st.integers(1, 3)) + lines[at]
        elif change == "unshift":
            lines[at] = lines[at].removeprefix(" " * draw(st.integers(1, 3)))
        else:
            place = draw(st.integers(0, len(lines[at])))
            end = place if change == "insert" else place + draw(st.integers(1, 4))
            piece = draw(st.sampled_from(PIECES)) if change == "insert" else ""
            lines[at] = lines[at][:place] + piece + lines[at][end:]
    return "\n".join(lines)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(soups())
def test_no_soup_of_yaml_is_read_differently(text: str) -> None:
    taken(text)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damaged())
def test_no_damaged_manifest_is_read_differently(text: str) -> None:
    if "{{" not in text:
        taken(text)
