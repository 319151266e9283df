"""A path in a plan of somebody else: refused as such, whatever stands in it."""

from __future__ import annotations

import pytest

from repoint.errors import EditRefused
from repoint.planning.sealed import steps


@pytest.mark.parametrize(
    "pointer",
    ['["a\\x"]', f"[{'9' * 5000}]", '["a', "", '["a"]["b', '["\n"]'],
    ids=["escape", "huge index", "open", "empty", "open again", "line break"],
)
def test_what_is_no_path_is_refused(pointer: str) -> None:
    with pytest.raises(EditRefused):
        steps(pointer)
