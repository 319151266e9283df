"""The reader of strict JSON reads nothing differently than the one of any JSON."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repoint.formats.json_rows import read_rows
from repoint.formats.json_text import read_tolerant
from tests.unit.formats.reading import outlines, source

ROOT = Path(__file__).parents[3]
PIECES = (
    "{", "}", "[", "]", ",", ":", " ", "\n", "\t", "\r\n", '"', "'", "\\", '"a"', '"b c"', '"é"',
    '"\\n"', '"\\u00e9"', '"a": ', '"a":1', "1", "-2.5e3", "true", "null", "a", "//c\n", "/*c*/",
    "#", "\ufeff", "\x0c", "\xa0", "\x00", "{}", "[]", "[1, 2]", '{"a": "b"}',
)  # fmt: skip


def taken(text: str) -> bool:
    """Whether the reader takes `text`; then the other one must read the same."""
    found = read_rows(source(text))
    if found is None:
        return False
    other = read_tolerant(source(text))
    assert (other.problem, other.comments) == ("", [])
    assert outlines(found) == outlines(other.documents)
    return True


TAKEN = [
    pytest.param("", id="nothing"),
    pytest.param('{"a": "b", "c": 1}', id="mapping"),
    pytest.param(' [\n\t1,\r\n "b" , null ] ', id="sequence"),
    pytest.param('{"a": {}, "b": [], "c": [{}, [[]]]}', id="empty ones"),
    pytest.param('{"a\\n": "b\\u00e9\\"", "é": "\U0001f600"}', id="escapes"),
    pytest.param('{"a": 1}\n{"b": 2}\n[3]\n', id="a value a line"),
    pytest.param('{"a":1,"a":2}', id="the same key twice"),
    pytest.param('{"a": tru3}', id="a word that is no value"),
]

LEFT = [
    pytest.param('{"a": 1,}', id="trailing comma"),
    pytest.param('{"a": 1} // b', id="comment"),
    pytest.param("{'a': 1}", id="single quotes"),
    pytest.param("{a: 1}", id="bare key"),
    pytest.param('"a"', id="a text alone"),
    pytest.param('{"a": \ufeff1}', id="byte order mark before a word"),
    pytest.param('{"a"}', id="key alone"),
    pytest.param('"a": {}', id="key at the top"),
    pytest.param('{"a": }', id="value missing"),
    pytest.param('["a": 1]', id="key in a list"),
    pytest.param('["a" "b"]', id="comma missing"),
    pytest.param("[1,, 2]", id="comma twice"),
    pytest.param("[, 1]", id="comma first"),
    pytest.param("[ , 1]", id="comma first, after a blank"),
    pytest.param('{"a": [\r\n, {}]}', id="comma first, on its own line"),
    pytest.param("[1], [2]", id="comma between values"),
    pytest.param('{"a": [1}', id="the wrong end"),
    pytest.param("[1", id="no end"),
    pytest.param("[1]]", id="two ends"),
    pytest.param('{"a": "b\n"}', id="line break in a text"),
    pytest.param("[" * 150 + "]" * 150, id="deep"),
    pytest.param("[" + "1, " * 400_000 + "1]", id="large"),
]


@pytest.mark.parametrize("text", TAKEN)
def test_strict_json_is_taken(text: str) -> None:
    assert taken(text)


@pytest.mark.parametrize("text", LEFT)
def test_anything_else_is_left(text: str) -> None:
    assert not taken(text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(VALUES, st.sampled_from([None, 0, 2, "\t"]), st.booleans())
def test_what_a_writer_writes_is_taken(
    value: object, indent: int | str | None, plain: bool
) -> None:
    text = json.dumps([value], indent=indent, ensure_ascii=plain)

    assert taken(text)


@cache
def files() -> list[str]:
    found = [*ROOT.glob("tests/corpus/**/*.json"), *ROOT.glob("tests/variants/**/*.json")]
    return [path.read_text() for path in sorted(found)]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_no_soup_of_json_is_read_differently(text: str) -> None:
    taken(text)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_damaged_file_is_read_differently(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(files()))
    for _ in range(data.draw(st.integers(0, 2))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 3))
        text = text[:at] + data.draw(st.sampled_from(("", *PIECES))) + text[at + cut :]
    taken(text)
