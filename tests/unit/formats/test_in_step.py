"""What the walk in step takes, the outlines take; and it takes the edits of every day."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from repoint.errors import EditRefused
from repoint.formats.in_step import in_step
from repoint.formats.places import Places
from repoint.formats.read import read_file
from repoint.formats.verify import check_outlines
from repoint.model.source import Span

Edits = tuple[tuple[int, int, str], ...]

PATHS = ("a.yaml", "a.json", "a.hcl", ".env", "a.ini", "a.toml", "a.properties", "a.xml")
PIECES = st.sampled_from(
    (
        "a: b\n", "k:\n", "  - c: d\n", "  - |\n    e\n    f\n", "    g: 'h'\n", "l: [m, n]\n",
        "o: {p: q}\n", "r: &s t\n", "u: *s\n", "# v\n", "---\n", '"w": "x\\ty"\n', "é: ñ\n",
        '{"a": ["b", {"c": "d"}]}\n', "A=b\n", "export C='d'\n", "[e]\n", 'f = "g"\n',
        "h {\n  i = [j]\n}\n", "k: >-\n  l\n  m\n",
    )
)  # fmt: skip
WORDS = st.sampled_from(
    (
        "",
        "pg",
        "a: b",
        "\n",
        "\n  ",
        "- ",
        "'",
        '"',
        "#",
        " #",
        ": ",
        ",",
        "]",
        "é",
        "&s ",
        "*s",
        "|",
    )
)


def _verdicts(path: str, raw: str, edits: Edits) -> tuple[bool, bool]:
    """Whether the walk takes the edits, and the outlines; each edit is (start, length, text)."""
    pieces: list[str] = []
    spans: list[Span] = []
    lengths: list[int] = []
    cursor = 0
    for start, length, word in edits:
        pieces += [raw[cursor:start], word]
        cursor = start + length
        spans.append(Span(len(raw[:start].encode()), len(raw[:cursor].encode())))
        lengths.append(len(word.encode()))
    after = "".join((*pieces, raw[cursor:]))
    shifts = [
        0,
        *accumulate(length - len(span) for span, length in zip(spans, lengths, strict=True)),
    ]
    moved = [
        Span(span.start + shift, span.start + shift + length)
        for span, shift, length in zip(spans, shifts[:-1], lengths, strict=True)
    ]
    here, there = Places(spans, [0] * len(shifts)), Places(moved, shifts)
    old, new = read_file(path, raw.encode()), read_file(path, after.encode())
    try:
        check_outlines(path, old, new, here, there)
    except EditRefused:
        return in_step(old, new, here, there), False
    return in_step(old, new, here, there), True


@st.composite
def _cases(draw: st.DrawFn) -> tuple[str, str, Edits]:
    path = draw(st.sampled_from(PATHS))
    raw = "".join(draw(st.lists(PIECES, min_size=1, max_size=6)))
    places = sorted(draw(st.lists(st.integers(0, len(raw)), min_size=1, max_size=3, unique=True)))
    edits: list[tuple[int, int, str]] = []
    for start, following in zip(places, [*places[1:], len(raw)], strict=True):
        length = draw(st.integers(0, min(6, following - start)))
        edits.append((start, length, draw(WORDS)))
    return path, raw, tuple(edits)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_cases())
@example(("a.yaml", "a: b\nk: b\n", ((3, 1, "pg"),)))
@example(("a.yaml", "a: b\nk: b\n", ((0, 1, "k"),)))
@example(("a.yaml", "k:\n  - c: d\na: b\n", ((5, 2, ""),)))
@example(("a.yaml", "r: &s t\nu: *s\n", ((6, 1, "pg"),)))
def test_what_the_walk_takes_the_outlines_take(case: tuple[str, str, Edits]) -> None:
    walked, outlined = _verdicts(*case)
    assume(walked)

    assert outlined


DAILY = [
    pytest.param("a.yaml", "a:\n  - url: postgres://u@HOST/d\n    b: c\n", id="value"),
    pytest.param("a.yaml", "a: |\n  psql -h HOST -p 1\n  x\nb: c\n", id="block"),
    pytest.param("a.yaml", "a: b\n---\nHOST: c\nd: 'HOST'\n", id="key and a second document"),
    pytest.param("a.json", '{"a": ["HOST", {"b": "x HOST y"}], "c": 1}', id="json"),
    pytest.param("a.hcl", 'a "b" {\n  c = "HOST"\n  d = 1\n}\n', id="hcl"),
    pytest.param(".env", "A=HOST\nB=c\n", id="dotenv"),
    pytest.param("a.toml", '[a]\nb = "HOST"\nc = 1\n', id="toml"),
    pytest.param("a.properties", "a=b\\tHOST\nc=d\n", id="properties"),
]


@pytest.mark.parametrize(("path", "raw"), DAILY)
def test_the_edits_of_every_day_need_no_outlines(path: str, raw: str) -> None:
    places = [at for at in range(len(raw)) if raw.startswith("HOST", at)]

    assert _verdicts(path, raw, tuple((at, 4, "pg-rw.shop") for at in places)) == (True, True)


@pytest.mark.parametrize(
    "raw", ["é: HOST\n", "\ufeffa: HOST\n", "a: &b HOST\nc: *b\n"], ids=["letters", "mark", "alias"]
)
def test_it_leaves_to_the_outlines_what_it_does_not_know(raw: str) -> None:
    assert _verdicts("a.yaml", raw, ((raw.index("HOST"), 4, "pg"),)) == (False, True)


# (before, after, spans that change, spans that changed): readings that no edit gives, one
# difference each, since several conditions would hold back what an edit does.
APART = [
    pytest.param("a: b\n", "a: c\n", [], [], id="text"),
    pytest.param("a: b\n", "a:  b\n", [], [], id="begin"),
    pytest.param("a: b\n", "c: b\n", [], [], id="key"),
    pytest.param("a: b\n", "a: b\n", [(3, 4)], [(9, 9)], id="place"),
    pytest.param("a: b\nc: d\n", "a: b\nc: e\n", [(7, 7)], [(7, 7)], id="text beside a change"),
    pytest.param("a: xby\n", "a:  xy\n", [(4, 5)], [(5, 5)], id="begin of what is changed"),
    pytest.param("a: [b]\n", "a: {b: }\n", [], [], id="kind"),
    pytest.param("a: [b]\n", "a: [b, c]\n", [], [], id="length"),
    pytest.param("a: b\n", "a: b\n---\nc\n", [], [], id="documents"),
    pytest.param("---\n", "--- a\n", [], [], id="nothing before"),
]


@pytest.mark.parametrize(("before", "after", "changing", "changed"), APART)
def test_one_difference_is_enough(
    before: str, after: str, changing: list[tuple[int, int]], changed: list[tuple[int, int]]
) -> None:
    shift = sum(e - s for s, e in changed) - sum(e - s for s, e in changing)
    here = Places([Span(*one) for one in changing], [0] * (len(changing) + 1))
    there = Places([Span(*one) for one in changed], [0, *[shift] * len(changed)])
    end = "# no leaf of these stands at the end of its file\n"
    old, new = (read_file("a.yaml", (text + end).encode()) for text in (before, after))

    assert not in_step(old, new, here, there)
