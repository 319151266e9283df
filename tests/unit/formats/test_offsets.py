"""Offsets in a text and in its bytes, and the maps that are made of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from repoint.formats.base import TextMap
from repoint.formats.offsets import CodePoints, byte_offsets

TEXTS = st.text("ab\né😀", max_size=12) | st.text("aé", min_size=1, max_size=3).map(
    lambda text: text * 400
)


@given(TEXTS)
def test_offsets_are_those_of_the_encoded_text(text: str) -> None:
    to_bytes, to_text = byte_offsets(text), CodePoints(text)

    for offset in range(len(text) + 1):
        assert to_bytes[offset] == len(text[:offset].encode())
        assert to_text[to_bytes[offset]] == offset


@st.composite
def maps(draw: st.DrawFn) -> TextMap:
    """Pieces of a text with and without gaps, each somewhere further on in the file."""
    runs = []
    at = place = 0
    for piece in draw(st.lists(st.text("abé", min_size=1, max_size=4), max_size=5)):
        at += draw(st.integers(0, 2))
        place += draw(st.integers(0, 3))
        runs.append((at, place, piece))
        at += len(piece)
        place += len(piece.encode())
    return TextMap(tuple(runs))


@given(maps(), st.integers(0, 12), st.integers(0, 12))
def test_a_window_maps_what_the_whole_maps(whole: TextMap, start: int, length: int) -> None:
    window = whole.window(start, start + length)

    for offset in range(length):
        assert window.span(offset, offset + 1) == whole.span(start + offset, start + offset + 1)
    assert all(at >= 0 and at + len(piece) <= length for at, _, piece in window.runs)
