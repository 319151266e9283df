"""YAML: the awkward files, and what each value's span is."""

from __future__ import annotations

import pytest

from repoint.formats.base import MAX_REPEATS, Document, Mapping, Scalar, expanded_size, leaves
from repoint.formats.base import Sequence as Items
from repoint.formats.read import MAX_BYTES, read_file
from repoint.formats.yaml_marks import MAX_DEPTH
from tests.unit.formats.reading import leaf, read, token, values

TOKENS = [
    pytest.param("a: b # c\n", "/0/a", "b", "b", id="plain"),
    pytest.param("a: 'it''s'\n", "/0/a", "it's", "'it''s'", id="single quotes"),
    pytest.param('a: "x\\ty"\n', "/0/a", "x\ty", '"x\\ty"', id="double quotes"),
    pytest.param("a: &x b\n", "/0/a", "b", "b", id="anchor is not in the span"),
    pytest.param("a: !!str b\n", "/0/a", "b", "b", id="tag is not in the span"),
    pytest.param("a: &x !t  b\n", "/0/a", "b", "b", id="anchor and tag"),
    pytest.param("a: !<x:y> &z 'b'\n", "/0/a", "b", "'b'", id="verbatim tag"),
    pytest.param("a: &x # c\n  b\n", "/0/a", "b", "b", id="anchor on the line above"),
    pytest.param("[&x a, b]\n", "/0/0", "a", "a", id="anchor in a flow list"),
    pytest.param("a: |\n  x\n  y\n\n\nb: 1\n", "/0/a", "x\ny\n", "|\n  x\n  y\n", id="literal"),
    pytest.param("a: |-\n  x\nb: 1\n", "/0/a", "x", "|-\n  x\n", id="literal, stripped"),
    pytest.param("a: |+\n  x\n\nb: 1\n", "/0/a", "x\n\n", "|+\n  x\n\n", id="literal, kept"),
    pytest.param("a: |\n 4\n  ", "/0/a", "4\n ", "|\n 4\n  ", id="literal, blanks at the very end"),
    pytest.param("a: |1\n  x\n", "/0/a", " x\n", "|1\n  x\n", id="indentation indicator"),
    pytest.param("a: | # c\n\n   x\n", "/0/a", "\nx\n", "| # c\n\n   x\n", id="leading blank line"),
    pytest.param("a: >\n  x\n  y\n", "/0/a", "x y\n", ">\n  x\n  y\n", id="folded"),
    pytest.param("a: |\n  x", "/0/a", "x", "|\n  x", id="no newline at the end"),
    pytest.param("a: x\n  y\n", "/0/a", "x y", "x\n  y", id="plain over two lines"),
    pytest.param("a: é\nb: 'ü'\n", "/0/b", "ü", "'ü'", id="after non-ASCII"),
    pytest.param("a: 😀\nb: x\n", "/0/b", "x", "x", id="after astral"),
    pytest.param("\ufeffa: é\nb: x\n", "/0/b", "x", "x", id="after a byte order mark"),
    pytest.param("\ufeff\ufeffa: 1\nb: x\n", "/0/b", "x", "x", id="after two byte order marks"),
    pytest.param("a: b\r\nc: d\r\n", "/0/c", "d", "d", id="carriage returns"),
    pytest.param(
        "a: |\r\n  x\r\n  y\r\n", "/0/a", "x\ny\n", "|\r\n  x\r\n  y\r\n", id="crlf block"
    ),
    pytest.param("a: b\rc: d\r", "/0/c", "d", "d", id="lone carriage returns"),
    pytest.param("a: b\x85c: d\n", "/0/c", "d", "d", id="next line character"),
    pytest.param("a: b\u2028c: d\n", "/0/c", "d", "d", id="line separator"),
    pytest.param("a: b\u2029c: d\n", "/0/c", "d", "d", id="paragraph separator"),
    pytest.param("a:\tb\n", "/0/a", "b", "b", id="tab after a colon"),
    pytest.param("a:\nb: 1\n", "/0/a", "", "", id="no value"),
    pytest.param("a: ''\n", "/0/a", "", "''", id="empty quotes"),
    pytest.param("{a: b, c: [d]}\n", "/0/c/0", "d", "d", id="flow"),
    pytest.param('{"a":"b"}\n', "/0/a", "b", '"b"', id="JSON in YAML"),
    pytest.param("? k\n: v\n", "/0/k", "v", "v", id="explicit key"),
    pytest.param("? [a, b]\n: v\n", "/0/[a, b]", "v", "v", id="a list as a key"),
    pytest.param("%YAML 1.2\n---\na: b\n", "/0/a", "b", "b", id="directive"),
    pytest.param("---\n---\na: b\n", "/1/a", "b", "b", id="empty document first"),
    pytest.param("a: 1\n...\n---\nb: 2\n", "/1/b", "2", "2", id="document end mark"),
]


@pytest.mark.parametrize(("raw", "pointer", "text", "raw_token"), TOKENS)
def test_value_and_its_bytes(raw: str, pointer: str, text: str, raw_token: str) -> None:
    parsed = read(raw)

    assert parsed.problem == ""
    assert values(parsed)[pointer] == text
    assert token(raw, parsed, pointer) == raw_token


def test_a_document_after_a_broken_one_keeps_its_bytes_behind_a_byte_order_mark() -> None:
    raw = "a: [\n\ufeff---\nb: é\nc: x\n"
    assert token(raw, read(raw), "/1/c") == "x"


MAPPED = [
    pytest.param("a: 'it''s h y'\n", "h", id="single quotes"),
    pytest.param('a: "q\\"\\u00e9\\x41 h\\n"\n', "h", id="double quotes"),
    pytest.param('a: "x\\\n   h\\\n  y"\n', "h", id="escaped line break"),
    pytest.param('a: "h\\\n  \n  "\n', "h", id="escaped line break, then a blank line"),
    pytest.param('a: "x\\\n\n \t\n\t h\n\n\n  y"\n', "h", id="escaped, then several with tabs"),
    pytest.param('a: "x\\\r\n  \r\n\r\n  h"\r\n', "h", id="escaped, then several, crlf"),
    pytest.param('a: "x\\\u2028\n\u2029 h"\n', "h", id="escaped separator, then others"),
    pytest.param('a: "x\n\n   h\n  y"\n', "h", id="double quotes over lines"),
    pytest.param('a: "x \t\n\t\n \t h\t\n y"\n', "h", id="double quotes, tabs around the ends"),
    pytest.param("a: 'x\u2028  h\n\u2028\n y'\n", "h", id="single quotes over separators"),
    pytest.param("a: x\u2029  h\r\n\r\n  y\n", "h", id="plain over separators"),
    pytest.param("a: x\n\n  h y\n", "h", id="plain over lines"),
    pytest.param("a: >-\n  x\n  y h\n\n   more\n  z\n", "h", id="folded"),
    pytest.param("a: |\n  é\n    h\n\n  y\n", "h", id="literal"),
    pytest.param("a: |\r\n  é\r\n    h\r\n  y\r\n", "h", id="literal, crlf"),
    pytest.param("a: |\n  é\x85  h\n", "h", id="literal with next line character"),
    pytest.param(
        "a: |2\n   \n   \t\n  h\n", "h", id="literal, a blank line longer than its margin"
    ),
    pytest.param("a: >2\n   \n  h\n   y\n", "h", id="folded, a blank line longer than its margin"),
    pytest.param("a: >\n  x\u2028  h\u2029  y\n", "h", id="folded over separators"),
]


@pytest.mark.parametrize(("raw", "word"), MAPPED)
def test_a_word_inside_a_value_maps_to_its_bytes(raw: str, word: str) -> None:
    scalar = leaf(read(raw), "/0/a").scalar

    at = scalar.text.index(word)
    span = scalar.map.span(at, at + len(word))
    assert span is not None
    assert raw.encode()[span.start : span.end] == word.encode()
    assert span.start == raw.encode().index(word.encode())


PROBLEMS = [
    pytest.param(b"\tfoo: bar\n", "line 1: found character that cannot start any token", id="tab"),
    pytest.param(b"a: 1\nb: c: d\n", "line 2: mapping values are not allowed", id="colon"),
    pytest.param(b"a: \xff\n", "line 1: not UTF-8", id="not UTF-8"),
    pytest.param("a: b".encode("utf-16"), "line 1: UTF-16, not UTF-8", id="UTF-16"),
    pytest.param(b"a: 1\nb: \0\n", "line 2: a NUL byte", id="NUL"),
    pytest.param("a: é\nb: \x07\n".encode(), "line 2: a control character", id="bell"),
    pytest.param(b"a: 1\nb: *x\n", "line 2: an alias without its anchor", id="unknown alias"),
    pytest.param(b"a: 1\nb: &x [*x]\n", "line 2: an alias inside its own", id="recursive alias"),
    pytest.param(b"[" * (MAX_DEPTH + 1), "line 1: nested deeper than 200", id="deep"),
    pytest.param(b"{" * 100_000, "line 1: nested deeper than 200", id="very deep"),
    pytest.param(b" " * (MAX_BYTES + 1), "larger than 20 MB", id="large"),
]


@pytest.mark.parametrize(("raw", "problem"), PROBLEMS)
def test_what_cannot_be_read_is_told_with_its_line(raw: bytes, problem: str) -> None:
    parsed = read_file("a.yaml", raw)

    assert parsed.problem.startswith(problem)
    assert not values(parsed)


def test_problems_never_show_content() -> None:
    for raw in (
        "a: canary-1: b\n",
        "a: *canary-1\n",
        "'canary-1",
        "- a\ncanary-1: [\n",
        "&canary-1 *x",
    ):
        parsed = read_file("a.yaml", raw.encode())
        assert parsed.problem
        assert "canary-1" not in parsed.problem


def test_a_broken_document_leaves_the_others_readable() -> None:
    parsed = read("a: 1\n---\nb: {\n---\nc: é\n---\nd: 4\n")

    assert parsed.problem.startswith("line 4:")
    assert values(parsed) == {"/0/a": "1", "/2/c": "é", "/3/d": "4"}
    assert [document.root is not None for document in parsed.documents] == [True, False, True, True]
    assert leaf(parsed, "/3/d").scalar.line == 7


def test_duplicate_keys_are_all_kept_and_the_first_is_found() -> None:
    parsed = read("a: 1\na: 2\n")
    root = parsed.documents[0].root

    assert isinstance(root, Mapping)
    assert [value.text for _, value in root.pairs if isinstance(value, Scalar)] == ["1", "2"]
    assert root.text("a") == "1"


def test_a_duplicate_anchor_is_valid_and_the_alias_names_the_last() -> None:
    parsed = read("a: &x 1\nb: &x 2\nc: *x\n")

    assert parsed.problem == ""
    assert leaf(parsed, "/0/c").scalar is leaf(parsed, "/0/b").scalar
    assert leaf(parsed, "/0/b").scalar.aliased
    assert not leaf(parsed, "/0/a").scalar.aliased


def test_anchors_end_with_their_document() -> None:
    assert read("a: &x 1\n---\nb: *x\n").problem


def test_an_alias_shares_the_mapping_and_marks_its_scalars() -> None:
    parsed = read("base: &b\n  h: x\n  l: [y]\nother:\n  <<: *b\n  z: 1\n")
    root = parsed.documents[0].root

    assert isinstance(root, Mapping)
    assert root.mapping("other", "<<") is root.mapping("base")
    assert leaf(parsed, "/0/base/l/0").scalar.aliased
    assert not leaf(parsed, "/0/other/z").scalar.aliased


def test_anchor_and_tag_are_told() -> None:
    scalar = leaf(read("a: &x !t b\n"), "/0/a").scalar

    assert (scalar.anchor, scalar.tag, scalar.style) == ("x", "!t", "plain")


def test_collections_span_from_their_first_to_their_last_value() -> None:
    raw = "a: &m\n  b: c\n\n# x\nd: [1, 2]\ne:\n- f\n"
    root = read(raw).documents[0].root

    assert isinstance(root, Mapping)
    spans = {key.text: value.span for key, value in root.pairs}
    assert {key: raw[span.start : span.end] for key, span in spans.items()} == {
        "a": "b: c",
        "d": "[1, 2]",
        "e": "- f",
    }


def test_lines_and_columns_count_from_one() -> None:
    parsed = read("é:\n  - x: 'y'\n    z: &a w\n")

    places = {at.pointer: (at.scalar.line, at.scalar.column) for at in leaves(parsed.documents)}
    assert places == {"/0/é/0/x": (2, 8), "/0/é/0/z": (3, 11)}


def test_lines_are_those_of_git_whatever_yaml_breaks_at() -> None:
    assert leaf(read("a: b\x85c: d\ne: f\n"), "/0/e").scalar.line == 2


def test_comments_are_found_and_hashes_in_values_are_not() -> None:
    raw = "# é\na: b#c # d\ne: 'x # y'\nf: |\n  # z\n# g\n"
    parsed = read(raw)

    found = [raw.encode()[span.start : span.end].decode() for span in parsed.comments]
    assert found == ["# é", "# d", "# g"]


def test_comments_only_is_an_empty_file() -> None:
    parsed = read("# a\n# b\n")

    assert (parsed.documents, parsed.problem, len(parsed.comments)) == ((), "", 2)


def _laughs(levels: int) -> str:
    lines = ["a0: &a0 [l, l, l, l, l, l, l, l, l]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


def test_an_alias_bomb_is_refused_not_expanded() -> None:
    parsed = read_file("a.yaml", _laughs(40).encode())

    assert "through its aliases" in parsed.problem
    assert parsed.documents[0].root is None


def test_leaves_end_soon_even_on_a_tree_that_expands() -> None:
    item = read("x").documents[0].root
    assert isinstance(item, Scalar)
    node: Items = Items((item, item), item.span, 1)
    for _ in range(100):
        node = Items((node, node), item.span, 1)

    assert expanded_size(node) > 10**20
    assert 2 <= sum(1 for _ in leaves((Document(0, node),))) <= 2 * MAX_REPEATS


SEALED = [
    pytest.param("a.yaml", "a: b\nsops:\n  mac: x\n", True, id="yaml"),
    pytest.param("a.yaml", "a: b\nsops:\n  lastmodified: x\n", True, id="yaml, lastmodified"),
    pytest.param("a.yaml", "a: b\nsops: yes\n", False, id="a key that is named sops"),
    pytest.param("a.yaml", "a: {sops: {mac: x}}\n", False, id="not at the top"),
    pytest.param("a.json", '{"sops": {"mac": "x"}}', True, id="json"),
    pytest.param("b.env", "A=b\nsops_mac=x\n", True, id="dotenv"),
    pytest.param("a.ini", "[a]\nb=c\n[sops]\nmac=x\n", True, id="ini"),
    pytest.param("a.ini", "[a]\nsops=c\n", False, id="ini, a key"),
]


@pytest.mark.parametrize(("path", "raw", "sealed"), SEALED)
def test_sops_files_are_known(path: str, raw: str, sealed: bool) -> None:
    assert read(raw, path).sealed is sealed
