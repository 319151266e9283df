"""Files inside files: the inner tree's spans are bytes of the outer file."""

from __future__ import annotations

import pytest

from repoint.formats.base import FileKind, TextMap, leaves
from repoint.formats.read import read_embedded
from tests.unit.formats.reading import check_runs, leaf, read

OUTER = [
    pytest.param("d: |\n    INNER\n", "a: é\n    b:\n      c: host\n", FileKind.YAML, id="yaml"),
    pytest.param("d: |\r\n    INNER\r\n", "a: é\r\n    b: host\r\n", FileKind.YAML, id="crlf"),
    pytest.param("d: |\n  INNER\n", '{"é": ["host"]}', FileKind.JSON, id="json"),
    pytest.param("d: 'INNER'\n", '{"é\'\'": ["host"]}', FileKind.JSON, id="json in quotes"),
    pytest.param('d: "INNER"\n', "é=\\u00e9\\nb=host\\n", FileKind.DOTENV, id="env with escapes"),
    pytest.param("d: |\n  INNER\n", "[é]\n  url = host\n", FileKind.INI, id="ini"),
    pytest.param("d: |\n  INNER\n", "é = 'x'\n  url = 'host'\n", FileKind.TOML, id="toml"),
    pytest.param("d: |\n  INNER\n", "é = x\n  url: host\n", FileKind.PROPERTIES, id="properties"),
    pytest.param("d: |\n  INNER\n", 'b "é" {\n    url = "host"\n  }\n', FileKind.HCL, id="hcl"),
    pytest.param("d: >-\n  INNER\n", "a: é\n\n  b: host\n", FileKind.YAML, id="folded"),
    pytest.param("\ufeffé: 1\nd: |\n  INNER\n", "a: é\n  b: host\n", FileKind.YAML, id="bom"),
]


@pytest.mark.parametrize(("outer", "inner", "kind"), OUTER)
def test_spans_are_of_the_outer_file(outer: str, inner: str, kind: FileKind) -> None:
    raw = outer.replace("INNER", inner.rstrip("\n")).encode()
    scalar = leaf(read(raw), "/0/d").scalar

    parsed = read_embedded("a.yaml", scalar.text, scalar.map, kind)

    assert parsed.problem == ""
    check_runs(parsed, raw)
    host = next(found.scalar for found in leaves(parsed.documents) if found.scalar.text == "host")
    span = host.map.span(0, 4)
    assert span is not None
    assert raw[span.start : span.end] == b"host"
    assert scalar.span.start < host.span.start <= span.start <= span.end <= host.span.end
    assert parsed.map.span(*_place(parsed.text, "host")) == span


def _place(text: str, word: str) -> tuple[int, int]:
    return text.index(word), text.index(word) + len(word)


def test_a_file_inside_a_file_inside_a_file() -> None:
    raw = "d: |\n  é: |\n    [s]\n    x = é host\n".encode()
    outer = leaf(read(raw), "/0/d").scalar
    middle = read_embedded("a.yaml", outer.text, outer.map, FileKind.YAML)
    scalar = next(leaves(middle.documents)).scalar
    inner = next(leaves(read_embedded("a.yaml", scalar.text, scalar.map, FileKind.INI).documents))

    span = inner.scalar.map.span(2, 6)
    assert span is not None
    assert raw[span.start : span.end] == b"host"


def test_lines_are_the_outer_ones_when_the_first_is_told() -> None:
    raw = "a: 1\nd: |\n  b:\n    c: x\n"
    scalar = leaf(read(raw), "/0/d").scalar

    parsed = read_embedded(
        "a.yaml", scalar.text, scalar.map, FileKind.YAML, first_line=scalar.line + 1
    )
    assert next(leaves(parsed.documents)).scalar.line == 4


def test_a_text_without_bytes_has_a_tree_but_no_places() -> None:
    parsed = read_embedded("a.yaml", "a: b\nc: 'd'\n", TextMap(()), FileKind.YAML)

    assert [found.scalar.text for found in leaves(parsed.documents)] == ["b", "d"]
    assert all(found.scalar.map.span(0, 1) is None for found in leaves(parsed.documents))
    assert parsed.map.span(0, 1) is None


def test_a_token_around_an_escape_of_the_outer_scalar_is_in_pieces() -> None:
    raw = b'd: "{\\"a\\": \\"x\\\\ny host\\"}"\n'
    scalar = leaf(read(raw), "/0/d").scalar
    parsed = read_embedded("a", scalar.text, scalar.map, FileKind.JSON)
    inner = next(leaves(parsed.documents)).scalar

    assert inner.text == "x\ny host"
    assert inner.map.span(0, len(inner.text)) is None
    span = inner.map.span(*_place(inner.text, "host"))
    assert span is not None
    assert raw[span.start : span.end] == b"host"


def test_a_token_at_the_start_of_an_outer_line_begins_there() -> None:
    raw = b"d: |\n    a: b\n    host: c\n"
    scalar = leaf(read(raw), "/0/d").scalar
    parsed = read_embedded("a.yaml", scalar.text, scalar.map, FileKind.YAML)

    keys = [found.scalar for found in leaves(parsed.documents, keys=True) if found.is_key]
    assert [raw[key.span.start : key.span.end] for key in keys] == [b"a", b"host"]


def test_a_token_that_begins_inside_an_escape_spans_what_is_mapped() -> None:
    raw = b'd: "\\x61b=c"\n'
    scalar = leaf(read(raw), "/0/d").scalar
    parsed = read_embedded("a.yaml", scalar.text, scalar.map, FileKind.DOTENV)
    key = next(leaves(parsed.documents, keys=True)).scalar

    assert key.text == "ab"
    assert raw[key.span.start : key.span.end] == b"b"
    assert key.map.span(0, 2) is None
