"""Versions that somebody asks for."""

from __future__ import annotations

import pytest

from repoint.model.version import VersionWish, dotted


@pytest.mark.parametrize(
    ("wish", "met", "unmet"),
    [
        ("1.24", [(1, 24), (1, 24, 1)], [(1, 2), (1, 23, 9), (1, 25), (1, 240), (2, 24)]),
        ("1.24+", [(1, 24), (1, 24, 1), (1, 25), (2,)], [(1, 23, 9), (1,), (0, 24)]),
        ("1.25.1", [(1, 25, 1)], [(1, 25), (1, 25, 2), (1, 25, 10)]),
    ],
)
def test_a_wish_is_met_by_the_versions_it_names(
    wish: str, met: list[tuple[int, ...]], unmet: list[tuple[int, ...]]
) -> None:
    asked = VersionWish.parse(wish)
    assert [asked.meets(version) for version in met] == [True] * len(met)
    assert [asked.meets(version) for version in unmet] == [False] * len(unmet)
    assert str(asked) == wish


@pytest.mark.parametrize("text", ["", "+", "1.", "1.x", "1.24++", "-1", "1.²"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no version"):
        VersionWish.parse(text)


def test_a_version_is_written_with_dots() -> None:
    assert dotted((1, 24, 1)) == "1.24.1"
