"""JSON, HCL, TOML, ini, properties and env files: values, spans, comments, problems."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repoint.formats.base import leaves
from repoint.formats.read import read_file
from tests.unit.formats.reading import leaf, read, token, values

JSON = [
    pytest.param(
        '{"a": {"b": [1, true, null, "x"]}}',
        {"/0/a/b/0": "1", "/0/a/b/1": "true", "/0/a/b/2": "null", "/0/a/b/3": "x"},
        id="nested",
    ),
    pytest.param('{"a": "x\\n\\u00e9\\ud83d\\ude00\\/"}', {"/0/a": "x\né😀/"}, id="escapes"),
    pytest.param('{"a": "\\ud800"}', {"/0/a": "\ufffd"}, id="a lone surrogate"),
    pytest.param('{"a": 1, "a": 2}', {"/0/a": "2"}, id="duplicate keys"),
    pytest.param('// c\n{"a": "b", /* d */ }', {"/0/a": "b"}, id="comments and trailing comma"),
    pytest.param('{"a": "b"}\n{"c": "d"}\n', {"/0/a": "b", "/1/c": "d"}, id="lines"),
    pytest.param('"x"', {"/0": "x"}, id="a string alone"),
    pytest.param("{}", {}, id="empty object"),
    pytest.param("", {}, id="empty file"),
    pytest.param('\ufeff{"é": "b"}', {"/0/é": "b"}, id="byte order mark"),
]

HCL = [
    pytest.param(
        'env "local" {\n  url = "postgres://u:p@h/d"\n}\n',
        {"/0/env/local/url": "postgres://u:p@h/d"},
        id="block",
    ),
    pytest.param('a = "x${var.y}z"\n', {"/0/a": "x${var.y}z"}, id="template"),
    pytest.param('a = "x\\ty\\"z"\n', {"/0/a": 'x\ty"z'}, id="escapes"),
    pytest.param(
        "a = var.b\nc = 1\nd = true\n",
        {"/0/a": "var.b", "/0/c": "1", "/0/d": "true"},
        id="expressions",
    ),
    pytest.param(
        'a = ["b", "é"]\nc = { d = "e", "f" : 2 }\n',
        {"/0/a/0": "b", "/0/a/1": "é", "/0/c/d": "e", "/0/c/f": "2"},
        id="collections",
    ),
    pytest.param(
        "a = <<-X\n    b\n      c\n  X\nd = <<X\n  e\nX\n",
        {"/0/a": "b\n  c\n", "/0/d": "  e\n"},
        id="here-documents",
    ),
    pytest.param(
        'b {\n c = "1"\n}\nd = ""\nb {\n c = "2"\n}\n',
        {"/0/b/0/c": "1", "/0/b/1/c": "2", "/0/d": ""},
        id="repeated blocks",
    ),
    pytest.param(
        'e "l" {\n u = "1"\n}\ne "p" {\n u = "2"\n}\ne "l" {\n u = "3"\n}\n',
        {"/0/e/l/0/u": "1", "/0/e/p/u": "2", "/0/e/l/1/u": "3"},
        id="repeated labels",
    ),
    pytest.param(
        'r "a" "b" {\n  s {\n    t = ""\n  }\n}\n', {"/0/r/a/b/s/t": ""}, id="labels and nesting"
    ),
    pytest.param("# c\n// d\n/* e */\n", {}, id="comments only"),
    pytest.param('a = f("b", "c")\n', {"/0/a": 'f("b", "c")'}, id="call"),
]

DOTENV = [
    pytest.param("A=b\nexport C = d\n", {"/0/A": "b", "/0/C": "d"}, id="pairs"),
    pytest.param('A=\'b # c\'\nD="e\\"f\\n"\n', {"/0/A": "b # c", "/0/D": 'e"f\n'}, id="quotes"),
    pytest.param(
        "A=b # c\nD=e#f\nG= # h\n", {"/0/A": "b", "/0/D": "e#f", "/0/G": ""}, id="comments"
    ),
    pytest.param('A="b\nc"\nD=e\n', {"/0/A": "b\nc", "/0/D": "e"}, id="quotes over lines"),
    pytest.param('A="b\nC=d\n', {"/0/A": '"b', "/0/C": "d"}, id="a quote that never ends"),
    pytest.param("A='b\nC='d'\n", {"/0/A": "'b", "/0/C": "d"}, id="a quote that ends elsewhere"),
    pytest.param("A\n# B=c\nD=e=f\n", {"/0/D": "e=f"}, id="no pair, comment, second equals"),
    pytest.param(
        "A=postgres://u:p#q@h:5/d?x=y\r\nB=c\r\n",
        {"/0/A": "postgres://u:p#q@h:5/d?x=y", "/0/B": "c"},
        id="crlf",
    ),
    pytest.param("A=${B:-c}$D\n", {"/0/A": "${B:-c}$D"}, id="variables as written"),
]

INI = [
    pytest.param(
        "a=1\n[s]\nb = 2\nc: 3\n[t u]\nd=\n",
        {"/0/a": "1", "/0/s/b": "2", "/0/s/c": "3", "/0/t u/d": ""},
        id="sections",
    ),
    pytest.param(
        "[databases]\nx = host=h port=5 ; note\n* = host=z\n",
        {"/0/databases/x": "host=h port=5", "/0/databases/*": "host=z"},
        id="pgbouncer",
    ),
    pytest.param("; a=1\n# b=2\nc=3 # d\ne=f;g#h\n", {"/0/c": "3", "/0/e": "f;g#h"}, id="comments"),
    pytest.param("a = \"b\"\nc = 'd'\n", {"/0/a": "b", "/0/c": "d"}, id="quotes"),
    pytest.param("a =\n  b\n  c\nd = e\n", {"/0/a": "\nb\nc", "/0/d": "e"}, id="continued lines"),
    pytest.param("server {\n  listen 80;\n}\n", {}, id="not ini"),
]

TOML = [
    pytest.param(
        "a = \"b\" # c\n[d.e]\nf = 1\n[[g]]\nh = 'i'\n",
        {"/0/a": "b", "/0/d.e/f": "1", "/0/g/h": "i"},
        id="tables",
    ),
    pytest.param(
        'a = "x\\ty\\u00e9"\nb = """\nc\\\n   d"""\ne = \'\'\'f\'\'\'\n',
        {"/0/a": "x\tyé", "/0/b": "cd", "/0/e": "f"},
        id="strings",
    ),
    pytest.param(
        'a = [1, "b", # c\n  { d = "e" }, ]\nf = {g.h = 2, i = []}\n',
        {"/0/a/0": "1", "/0/a/1": "b", "/0/a/2/d": "e", "/0/f/g.h": "2"},
        id="arrays and inline tables",
    ),
    pytest.param(
        '"a b" = 1\nc.d = 2\ne = 1979-05-27 07:32:00Z\n',
        {"/0/a b": "1", "/0/c.d": "2", "/0/e": "1979-05-27 07:32:00Z"},
        id="keys and dates",
    ),
]

PROPERTIES = [
    # Java splits at a space, a tab and a form feed, and at no other white space.
    pytest.param("a\x0bb:c\nd\fe\n", {"/0/a\x0bb": "c", "/0/d": "e"}, id="white space"),
    pytest.param(
        "a=b\nc : d\ne f\ng\n", {"/0/a": "b", "/0/c": "d", "/0/e": "f", "/0/g": ""}, id="pairs"
    ),
    pytest.param(
        "a=jdbc\\:postgresql\\://h\\:5/d\n", {"/0/a": "jdbc:postgresql://h:5/d"}, id="escapes"
    ),
    pytest.param("a=b\\\n   c\\u00e9\n! d=e\n# f=g\n", {"/0/a": "bcé"}, id="continued, comments"),
    pytest.param("a=b#c\r\nd = e=f \r\n", {"/0/a": "b#c", "/0/d": "e=f"}, id="crlf"),
]

TABLES = [
    *[pytest.param("a.json", *case.values, id=f"json {case.id}") for case in JSON],
    *[pytest.param("a.hcl", *case.values, id=f"hcl {case.id}") for case in HCL],
    *[pytest.param(".env", *case.values, id=f"dotenv {case.id}") for case in DOTENV],
    *[pytest.param("a.ini", *case.values, id=f"ini {case.id}") for case in INI],
    *[pytest.param("a.toml", *case.values, id=f"toml {case.id}") for case in TOML],
    *[
        pytest.param("a.properties", *case.values, id=f"properties {case.id}")
        for case in PROPERTIES
    ],
]


@pytest.mark.parametrize(("path", "raw", "expected"), TABLES)
def test_values(path: str, raw: str, expected: dict[str, str]) -> None:
    parsed = read(raw, path)

    assert parsed.problem == ""
    assert values(parsed) == expected


def test_repeated_blocks_and_keys_keep_every_pair() -> None:
    for path, raw in (
        ("a.hcl", "b {\n c = 1\n}\nb {\n c = 2\n}\n"),
        ("a.json", '{"b":{"c":1},"b":{"c":2}}'),
    ):
        assert [found.scalar.text for found in leaves(read(raw, path).documents)] == ["1", "2"]


TOKENS = [
    pytest.param("a.json", '{"é": "x\\ty"}', "/0/é", '"x\\ty"', id="json"),
    pytest.param("a.hcl", 'é = "a"\nb = "x"\n', "/0/b", '"x"', id="hcl after non-ASCII"),
    pytest.param("a.hcl", "# é\na = <<X\n é\nX\n", "/0/a", "<<X\n é\nX", id="here-document"),
    pytest.param(".env", "A='é'\n", "/0/A", "'é'", id="dotenv"),
    pytest.param("a.ini", "[é]\na = b ; c\n", "/0/é/a", "b", id="ini"),
    pytest.param("a.toml", "a = 'é'\nb = '''x'''\n", "/0/b", "'''x'''", id="toml"),
    pytest.param("a.properties", "a = é\\\n  b \n", "/0/a", "é\\\n  b", id="properties"),
]


@pytest.mark.parametrize(("path", "raw", "pointer", "expected"), TOKENS)
def test_tokens(path: str, raw: str, pointer: str, expected: str) -> None:
    assert token(raw, read(raw, path), pointer) == expected


WORDS = [
    pytest.param("a.json", '{"a": "x\\n\\u00e9h y"}', id="json"),
    pytest.param("a.hcl", 'a = "x\\n${v}h y"\n', id="hcl"),
    pytest.param("a.hcl", "a = <<-X\n    é\n      h y\n  X\n", id="here-document"),
    pytest.param(".env", 'A="x\\"\\nh y"\n', id="dotenv"),
    pytest.param("a.toml", 'a = """\né\\\n   h y"""\n', id="toml"),
    pytest.param("a.properties", "a=x\\:\\\n   h y\n", id="properties"),
    pytest.param("a.ini", "a =\n  x\n  h y\n", id="ini"),
]


@pytest.mark.parametrize(("path", "raw"), WORDS)
def test_a_word_behind_escapes_and_folds_maps(path: str, raw: str) -> None:
    parsed = read(raw, path)
    scalar = next(iter(leaves(parsed.documents))).scalar

    at = scalar.text.index("h y")
    span = scalar.map.span(at, at + 3)
    assert span is not None
    assert span.start == raw.encode().index(b"h y")


PROBLEMS = [
    pytest.param("a.json", '{"a": 1,\n "b": }', "line 2: not valid JSON", id="json"),
    pytest.param("a.json", '{"a": [1', "line 1: unexpected end", id="json end"),
    pytest.param("a.json", '{"a" 1}', "line 1: not valid JSON", id="json colon"),
    pytest.param("a.json", "[1}", "line 1: not valid JSON", id="json brackets"),
    pytest.param("a.json", "[" * 300, "line 1: nested deeper than 200 levels", id="json deep"),
    pytest.param("a.json", "[" * 300 + "]" * 300, "line 1: nested deeper", id="json deep, closed"),
    pytest.param("a.hcl", 'a = "b"\nc = = 1\n', "line 2: not valid HCL", id="hcl"),
    pytest.param("a.hcl", "a = " + "[" * 300 + "]" * 300, "line 1: nested deeper", id="hcl deep"),
    pytest.param(
        "a.hcl", "b {\n" * 300 + "}\n" * 300, "line 1: nested deeper", id="hcl blocks deep"
    ),
    pytest.param("a.toml", "a = 1\nb c\nd = 2\n", "line 2: not valid TOML", id="toml"),
    pytest.param("a.toml", "a = " + "[" * 300, "line 1: not valid TOML", id="toml deep"),
]


@pytest.mark.parametrize(("path", "raw", "problem"), PROBLEMS)
def test_problems_name_the_line(path: str, raw: str, problem: str) -> None:
    assert read(raw, path).problem.startswith(problem)


def test_hcl_and_toml_are_read_around_an_error() -> None:
    assert values(read("a = 1\nb c\nd = 2\n", "a.toml")) == {"/0/a": "1", "/0/d": "2"}
    assert values(read('a = "b"\nc = = 1\nd = "e"\n', "a.hcl"))["/0/a"] == "b"


COMMENTS = [
    pytest.param("a.json", '// é\n{"a": "/* x */"} /* b */', ["// é", "/* b */"], id="json"),
    pytest.param("a.hcl", '# é\na = "# x" // b\n', ["# é", "// b"], id="hcl"),
    pytest.param(".env", "# é\nA=b # c\nD='# x'\n", ["# é", "# c"], id="dotenv"),
    pytest.param("a.ini", "; é\na = b # c\n", ["; é", "# c"], id="ini"),
    pytest.param("a.toml", "# é\na = '# x' # c\n", ["# é", "# c"], id="toml"),
    pytest.param("a.properties", "! é\na = b # x\n", ["! é"], id="properties"),
    pytest.param("Makefile", "# é\na:\n\t# b\n\tc # d\n", ["# é", "# b"], id="makefile"),
    pytest.param("Dockerfile", "# é\nRUN a # b\n", ["# é"], id="dockerfile"),
    pytest.param("a.xml", "<a><!-- é\n --></a>", ["<!-- é\n -->"], id="xml"),
    pytest.param("a.sh", "# é\na '# x' # b\n", ["# é", "# b"], id="shell"),
    pytest.param("Procfile", "# a\n", [], id="text"),
]


@pytest.mark.parametrize(("path", "raw", "expected"), COMMENTS)
def test_comments(path: str, raw: str, expected: list[str]) -> None:
    found = [raw.encode()[span.start : span.end].decode() for span in read(raw, path).comments]

    assert found == expected


@pytest.mark.parametrize("path", ["Makefile", "a.sh", "Dockerfile", "a.xml", "Procfile"])
def test_files_without_a_tree_have_text_and_map(path: str) -> None:
    raw = "\ufeffé: host\r\n\tx\r\n"
    parsed = read(raw, path)

    assert (parsed.documents, parsed.problem, parsed.text) == ((), "", raw[1:])
    span = parsed.map.span(3, 7)
    assert span is not None
    assert raw.encode()[span.start : span.end] == b"host"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text('aé"\\', max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None)
@given(JSON_VALUES, st.booleans(), st.sampled_from([None, 2]))
def test_json_reads_as_the_standard_library_reads_it(
    value: object, ascii_only: bool, indent: int | None
) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    texts = [found.scalar.text for found in leaves(read(raw, "a.json").documents, keys=True)]

    assert texts == list(_texts(value))


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for key, inner in value.items() for text in (str(key), *_texts(inner))]
    if isinstance(value, list):
        return [text for inner in value for text in _texts(inner)]
    return [value if isinstance(value, str) else json.dumps(value)]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["a.json", "a.hcl", ".env", "a.ini", "a.toml", "a.properties", "a.yaml"]),
    st.text("ab é😀=:#;\"'\\[]{}()<>,.\n\r\t$u0!&*|-`%", max_size=60),
)
def test_no_text_fails_and_what_is_mapped_is_there(path: str, text: str) -> None:
    read(text, path)


def test_lines_and_columns() -> None:
    scalar = leaf(read("[é]\nü = 'x'\n", "a.ini"), "/0/é/ü").scalar

    assert (scalar.line, scalar.column, scalar.style) == (2, 5, "single")


def test_bytes_that_are_no_text_are_told_for_every_format() -> None:
    for path in ("a.json", "a.hcl", ".env", "a.ini", "a.toml", "a.properties", "Makefile", "a.sh"):
        assert read_file(path, b"a\n\xff").problem == "line 2: not UTF-8"
