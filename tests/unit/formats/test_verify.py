"""After a splice: what must be accepted, and what must be refused, without values."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from repoint.errors import EditRefused
from repoint.formats.base import leaves
from repoint.formats.read import read_file
from repoint.formats.verify import check_splice
from repoint.model.source import Span
from tests.unit.formats.test_yaml_property import files


def _splice(path: str, raw: str, *edits: tuple[str, str]) -> None:
    """Replace each first `old` by `new` in `raw`, and check; `old` may hold `|` to insert at."""
    before = raw.encode()
    changed: list[tuple[Span, int]] = []
    pieces: list[bytes] = []
    cursor = 0
    for old, new in edits:
        head, bar, tail = old.partition("¦")
        found = before.index((head + tail).encode(), cursor)
        start = found + len(head.encode()) if bar else found
        end = start if bar else found + len(old.encode())
        changed.append((Span(start, end), len(new.encode())))
        pieces += before[cursor:start], new.encode()
        cursor = end
    check_splice(path, before, b"".join((*pieces, before[cursor:])), changed)


ACCEPTED = [
    pytest.param("a.yaml", "a: x@old:1/d\nb: c\n", [("old", "né.w")], id="host"),
    pytest.param("a.yaml", "a: old\nb: old\n", [("old", "n"), ("old", "new")], id="two edits"),
    pytest.param("a.yaml", "a: &x old\nb: *x\n", [("old", "new")], id="aliased value"),
    pytest.param("a.yaml", "a: |\n  psql -h old\n  x\nb: c\n", [("old", "longer")], id="block"),
    pytest.param("a.yaml", "l:\n- a\n- b\n", [("¦- b", "- new\n")], id="item inserted"),
    pytest.param("a.yaml", "l:\n- a\n", [("- a\n¦", "- new\n")], id="item appended"),
    pytest.param("a.yaml", "a: 1\nb: 2\n", [("¦b:", "c:\n  d: e\n")], id="pair inserted"),
    pytest.param("a.yaml", "a: |\n  x\nb: 2\n", [("¦b:", "c: d\n")], id="pair after a block"),
    pytest.param("a.yaml", "a: 1\nb: 2\n", [("b: 2\n", "")], id="pair removed"),
    pytest.param("a.yaml", "a: old\n", [("old¦", "?x=y")], id="appended to a value"),
    pytest.param("a.yaml", "a: 'old'\n", [("'old¦", "?x=y")], id="appended inside quotes"),
    pytest.param("a.yaml", "old:\n  b: c\n", [("old", "new")], id="key renamed"),
    pytest.param("a.yaml", "a: b\n---\nc: [\n", [("b", "new")], id="a problem that was there"),
    pytest.param("a.json", '{"a": "old", "b": [1]}', [("old", "new")], id="json"),
    pytest.param("a.hcl", 'a = "old"\nb {\n}\n', [("old", "new")], id="hcl"),
    pytest.param("a.hcl", 'b "x" {\n}\n', [("}\n¦", '\nb "y" {\n  c = 1\n}\n')], id="hcl block"),
    pytest.param(".env", "A=old\nB=c\n", [("old", "new")], id="dotenv"),
    pytest.param("Makefile", "a:\n\told\n", [("old", "new")], id="no tree"),
    pytest.param("t/templates/a.yaml", "a: {{ .x }}@old\nb: c\n", [("old", "new")], id="template"),
]


@pytest.mark.parametrize(("path", "raw", "edits"), ACCEPTED)
def test_a_planned_change_is_accepted(path: str, raw: str, edits: list[tuple[str, str]]) -> None:
    _splice(path, raw, *edits)


REFUSED = [
    pytest.param("a.yaml", "a: old\nb: c\n", [("old", "x: y")], "", id="no longer parses"),
    pytest.param("a.yaml", "a: old c\nb: d\n", [("old", "'")], "", id="opens a quote"),
    pytest.param("a.yaml", "a: 'old'\nb: 'c'\n", [("old", "x' #")], "", id="closes a quote"),
    pytest.param("a.yaml", "a: 1\nb: 2\n", [("¦b:", "c:\n ")], "/0/b", id="takes a pair in"),
    pytest.param("a.yaml", "a: |\n  x\nb: 2\n", [("¦b:", "  y\n")], "/0/a", id="grows a block"),
    pytest.param("a.yaml", "a: 1\nb: 2\n", [("¦b:", "---\n")], "/0/b", id="splits the document"),
    pytest.param(
        "a.yaml", "a: &x 1\nb: &y 2\nc: *x\n", [("&y", "&x")], "/0/c", id="moves an alias"
    ),
    pytest.param("a.yaml", "a: 1\nb: &y 2\nc: *y\n", [("&y ", "")], "", id="loses an anchor"),
    pytest.param("a.json", '{"a": "old", "b": 1}', [("old", '"')], "", id="json"),
    pytest.param("a.hcl", 'a = "old"\nb = "c"\n', [("old", '"')], "", id="hcl"),
    pytest.param(".env", "A=old\nB=c\n", [("old\n", "old")], "/0/B", id="dotenv"),
    pytest.param("a.ini", "[a]\nb = old\nc = d\n", [("= old", "\n[x]")], "/0/a", id="ini"),
    pytest.param("a.yaml", "a: x old y\n", [("old", "n #")], "/0/a", id="cuts a value short"),
    pytest.param("a.yaml", 'a: "old\\ty"\n', [("old", "n\\")], "/0/a", id="undoes an escape"),
    pytest.param("a.toml", "a = 1\nb = 2\n", [("¦b", "c d\n")], "line 2", id="a new problem"),
    pytest.param("a.hcl", 'a = "old b"\n', [("old", 'n" # ')], "/0/a", id="hcl comment"),
]


@pytest.mark.parametrize(("path", "raw", "edits", "pointer"), REFUSED)
def test_a_change_of_anything_else_is_refused(
    path: str, raw: str, edits: list[tuple[str, str]], pointer: str
) -> None:
    with pytest.raises(EditRefused) as refused:
        _splice(path, raw, *edits)

    assert f"`{path}`" in refused.value.message
    assert pointer in refused.value.message


BYTES = [
    pytest.param(b"a: b\nc: d\n", b"a: x\nc: e\n", [(Span(3, 4), 1)], "line 2", id="another byte"),
    pytest.param(b"a: b\nc: d\n", b"a: x\nc: d", [(Span(3, 4), 1)], "line 2", id="lost newline"),
    pytest.param(b"a: b\n", b"a: xy\n", [(Span(3, 4), 1)], "line 1", id="wrong length"),
    pytest.param(b"a: b\r\n", b"a: x\n", [(Span(3, 4), 1)], "line 1", id="line ending"),
    pytest.param(b"x", b"y", [], "line 1", id="nothing was planned"),
    pytest.param(b"abcd", b"xy", [(Span(0, 3), 1), (Span(2, 4), 1)], "overlap", id="overlap"),
    pytest.param(b"ab", b"ab", [(Span(0, 5), 2)], "line 1", id="beyond the end"),
]


@pytest.mark.parametrize("path", ["a.yaml", "Makefile"])
@pytest.mark.parametrize(("before", "after", "changed", "told"), BYTES)
def test_a_byte_outside_the_spans_is_refused(
    path: str, before: bytes, after: bytes, changed: list[tuple[Span, int]], told: str
) -> None:
    with pytest.raises(EditRefused, match=told):
        check_splice(path, before, after, changed)


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        pytest.param("a.json", '{"a": "pg"}', id="JSON"),
        pytest.param("a.toml", 'a = "pg"\n', id="TOML"),
    ],
)
def test_what_strict_readers_take_they_take_afterwards(path: str, raw: str) -> None:
    at = raw.index("g")
    after = raw[:at] + "\\q" + raw[at + 1 :]
    with pytest.raises(EditRefused, match="would not be valid"):
        check_splice(path, raw.encode(), after.encode(), [(Span(at, at + 1), 2)])


def test_a_refusal_shows_no_value() -> None:
    for path in ("a.yaml", "a.json", ".env", "a.hcl"):
        with pytest.raises(EditRefused) as refused:
            check_splice(path, b'{"canary-1": "canary-2"}', b'{"canary-1": "canary-3"}', [])
        assert "canary-2" not in str(refused.value)
        assert "canary-3" not in str(refused.value)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(files(), st.data())
def test_an_unplanned_change_of_a_value_is_always_refused(raw: bytes, data: st.DataObject) -> None:
    parsed = read_file("a.yaml", raw)
    assume(not parsed.problem)
    places = [
        place
        for leaf in leaves(parsed.documents)
        for _, place, piece in leaf.scalar.map.runs
        if piece[:1].isalpha() and piece[:1].isascii()
    ]
    assume(len(places) >= 2)
    planned, other = data.draw(st.permutations(places))[:2]

    after = bytearray(raw)
    after[planned : planned + 1] = b"Q"
    check_splice("a.yaml", raw, bytes(after), [(Span(planned, planned + 1), 1)])
    after[other : other + 1] = b"Q"
    with pytest.raises(EditRefused):
        check_splice("a.yaml", raw, bytes(after), [(Span(planned, planned + 1), 1)])


def test_a_value_beside_an_insertion_stays_a_value() -> None:
    with pytest.raises(EditRefused, match="would change with the edit"):
        check_splice("a.yaml", b"e 1\n", b"e 1: \n", [(Span(3, 3), 2)])
    with pytest.raises(EditRefused, match="would change with the edit"):
        check_splice("a.yaml", b"b: 1\n", b"b: \n- 1\n", [(Span(3, 3), 3)])
    check_splice("a.yaml", b"e 1\n", b"e 12\n", [(Span(3, 3), 1)])
    check_splice("a.yaml", b"a:\nb: c\n", b"a: x\nb: c\n", [(Span(2, 2), 2)])


def test_insertions_at_one_place_stay_in_their_order() -> None:
    raw = "a:\n  - b: |\n      old\n"
    _splice("a.yaml", raw, ("old", "new"), ("\n¦", "      a longer line\n"), ("¦", "  - c\n"))


def test_what_is_no_template_becomes_none() -> None:
    before, after = b"a: x [{{~ }}, b\n", b"a: x [{{: }}, b\n"
    with pytest.raises(EditRefused, match="would be a template"):
        check_splice("a.yaml", before, after, [(Span(8, 9), 1)])
    check_splice("a.yaml", before, before.replace(b"x", b"y"), [(Span(3, 4), 1)])


def test_json_keeps_its_number_of_values() -> None:
    with pytest.raises(EditRefused, match="another number of values"):
        check_splice("a.json", b"word", b"word\n- ", [(Span(4, 4), 3)])
