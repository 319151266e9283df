"""Generated YAML: bytes map back to text, and a splice changes exactly one value."""

from __future__ import annotations

from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from repoint.formats.base import leaves
from repoint.formats.read import read_file
from repoint.formats.verify import check_splice
from repoint.model.source import Span
from tests.unit.formats.reading import check_runs, values

WORDS = st.text("abé😀 \t'\"#:,\\-{}[]&*!|>%@`?~=", min_size=1, max_size=12)
SAFE = st.text("abé😀", min_size=1, max_size=6)
SENTINEL = "Zsentinel"


@st.composite
def _plain(draw: st.DrawFn) -> str:
    words = draw(st.lists(SAFE, min_size=1, max_size=4))
    return draw(st.sampled_from([" ", "\n      ", "\n\n      "])).join(words)


@st.composite
def _single(draw: st.DrawFn) -> str:
    return "'" + draw(WORDS).replace("'", "''").replace("\t", " ") + "'"


@st.composite
def _double(draw: st.DrawFn) -> str:
    escapes = st.sampled_from(
        ["\\n", "\\t", "\\x41", "\\u00e9", "\\\\", '\\"', "\\\n      ", "\n  "]
    )
    parts = draw(st.lists(SAFE | escapes, max_size=6))
    return '"' + "".join(parts) + '"'


@st.composite
def _block(draw: st.DrawFn) -> str:
    header = draw(st.sampled_from(["|", "|-", "|+", ">", ">-", ">+"]))
    lines = draw(st.lists(st.sampled_from(["", "é x", "a: b", "# c", "  deep", "y "]), max_size=5))
    first = draw(SAFE)
    return header + "\n" + "".join(f"      {line}\n" if line else "\n" for line in [first, *lines])


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A mapping of lists with every style, anchors, comments, CRLF and a BOM."""
    values_of = _plain() | _single() | _double() | _block()
    lines: list[str] = []
    for number, value in enumerate(draw(st.lists(values_of, min_size=1, max_size=6))):
        prefix = draw(st.sampled_from(["", f"&a{number} ", "!t ", f"&a{number} !!str "]))
        ends = "" if value.endswith("\n") else draw(st.sampled_from(["\n", " # é\n", "\n\n"]))
        key = draw(st.sampled_from([f"k{number}", f"'é{number}'", f'"k\\t{number}"']))
        lines.append(f"{key}:\n  - x: {prefix}{value}{ends}")
    text = "".join(lines)
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return (b"\xef\xbb\xbf" if draw(st.booleans()) else b"") + text.encode()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(files())
@example(b'k0:\n  - x: "a\\\n      \n  "\n')
def test_every_mapped_piece_is_its_bytes(raw: bytes) -> None:
    parsed = read_file("a.yaml", raw)
    assume(not parsed.problem)

    check_runs(parsed, raw)
    for leaf in leaves(parsed.documents):
        # No escape of the generated files gives these letters: they stand somewhere.
        assert leaf.scalar.map.runs or not set("ab😀") & set(leaf.scalar.text), leaf.pointer


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(files(), st.data())
def test_a_spliced_word_changes_exactly_one_value(raw: bytes, data: st.DataObject) -> None:
    before = read_file("a.yaml", raw)
    assume(not before.problem)
    mapped = [
        (leaf, at, piece)
        for leaf in leaves(before.documents)
        for at, _, piece in leaf.scalar.map.runs
        if piece.strip().isalpha()
    ]
    assume(mapped)
    leaf, at, piece = data.draw(st.sampled_from(mapped))
    low = at + len(piece) - len(piece.lstrip())
    high = at + len(piece.rstrip())
    span = leaf.scalar.map.span(low, high)
    assert span is not None

    after_raw = raw[: span.start] + SENTINEL.encode() + raw[span.end :]
    after = read_file("a.yaml", after_raw)

    expected = values(before)
    expected[leaf.pointer] = leaf.scalar.text[:low] + SENTINEL + leaf.scalar.text[high:]
    assert values(after) == expected
    check_splice("a.yaml", raw, after_raw, [(Span(span.start, span.end), len(SENTINEL))])
