"""The quick reading of a render says what the reader of files says, or leaves it to that one."""

from __future__ import annotations

import pytest

from repoint.planning import render_diff
from repoint.planning.composed import composed
from repoint.planning.render_diff import objects_of

PLAIN = [
    "kind: Secret\nmetadata: {name: s, namespace: n}\ndata:\n  A: |\n    two\n    lines\n  B: ''\n",
    "kind: D\nmetadata:\n  name: d\nspec:\n  l:\n  - name: a\n    v: 1\n  - name: b\n  empty: {}\n",
    "kind: D\nmetadata:\n  name: d\nspec:\n  l:\n  - name: a\n  - name: a\n  m: []\n  n: null\n",
    "kind: A\nmetadata:\n  name: x\n---\nkind: A\nmetadata:\n  name: x\n---\n---\n- 1\n",
    'kind: A\nmetadata: {name: x}\ndata: {a: "1", b: yes, c: "\\u00e4\\n", a: 2, d: 0x1f}\n',
    "kind: A\nmetadata: {name: x}\ndata:\n  long: 'a\n\n    b'\n  ä: >-\n    c\n    d\n",
    "",
]


@pytest.mark.parametrize("text", PLAIN)
def test_both_readers_say_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = composed(text)
    assert quick is not None
    monkeypatch.setattr(render_diff, "composed", lambda _: None)
    assert quick == objects_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "kind: A\nmetadata: &m {name: x}\nother: *m\n",
        "kind: A\nloop: &m [*m]\n",
        "kind: A\n? [complex]\n: 1\n",
        "kind: A\ndata: {a: '{{ .x }}'}\n",
        "kind: A\n---\n{broken\n",
    ],
)
def test_what_is_not_plain_is_left_to_the_reader_of_files(text: str) -> None:
    assert composed(text) is None


def test_a_render_too_large_for_a_manifest_is_compared_all_the_same() -> None:
    filler = "x" * 1000
    lines = "".join(f"  k{number}: {filler}\n" for number in range(21_000))
    assert len(objects_of(f"kind: A\nmetadata: {{name: a}}\ndata:\n{lines}")["A/a"]) == 21_002
