"""An edit's scalar is found again by its pointer."""

from __future__ import annotations

import pytest

from repoint.formats.base import leaves
from repoint.formats.read import read_file
from repoint.planning.undo import leaf_at

TEXT = b"""\
a: &it
  b/c: one
  ~d: two
  "": three
  0: four
  list: [five, {x: six}, [seven]]
twice: first
twice: second
again: *it
both:
  - {x: eight}
  - {x: nine}
both:
  - {y: ten}
---
a: eleven
--- twelve
"""


def test_every_leaf_is_found_by_its_pointer() -> None:
    parsed = read_file("a.yaml", TEXT)
    first: dict[str, str] = {}
    for leaf in leaves(parsed.documents):
        first.setdefault(leaf.pointer, leaf.scalar.text)

    assert len(first) == 20
    for pointer, text in first.items():
        found = leaf_at(parsed, pointer)
        assert found is not None and found.scalar.text == text, pointer


@pytest.mark.parametrize(
    "pointer",
    ["", "/", "0/a", "/0", "/0/a", "/0/a/list/00", "/0/a/list/3", "/0/a/b~1c/x", "/3", "/x/a"],
)
def test_there_is_no_leaf(pointer: str) -> None:
    assert leaf_at(read_file("a.yaml", TEXT), pointer) is None
