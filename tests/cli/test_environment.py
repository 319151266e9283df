"""Every environment variable that the code reads is on its page, and the page names no other."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "environment.md").read_text(encoding="utf-8")
_READ = re.compile(r"""environ(?:\.get\(|\[)["'](\w+)["']|["'](_?REPOINT_[A-Z_]+)["']""")
_FOR_CHILDREN = {"LD_LIBRARY_PATH", "REPOINT_URL"}
"""Set for a program that repoint starts: a fetched server, a probe in the cluster."""

_IN_THE_CLUSTER = "verification"
"""Its Jobs get variables of their own."""


def _read() -> set[str]:
    found = set()
    for path in (ROOT / "src" / "repoint").rglob("*.py"):
        if _IN_THE_CLUSTER not in path.parts:
            text = path.read_text(encoding="utf-8")
            found |= {name for pair in _READ.findall(text) for name in pair if name}
    return found


def test_what_is_read_is_told() -> None:
    told = set(re.findall(r"`(\w+)`", PAGE))
    assert {"NO_COLOR", "PAGER", "REPOINT_CACHE", "_REPOINT_COMPLETE"} <= _read()
    assert _read() - told - _FOR_CHILDREN == set()
    own = {name for name in told if "REPOINT_" in name}
    assert own - _read() == set()
