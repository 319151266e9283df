"""The cheap look never hides a site that the closer look would find."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoint.formats.kinds import kind_of
from repoint.formats.read import read_file
from repoint.sites import detect as module
from repoint.sites.needles import may_hold_site

TOP = Path(__file__).resolve().parents[3]
FILES = [
    path
    for folder in ("examples", "tests/corpus", "tests/variants")
    for path in sorted((TOP / folder).rglob("*"))
    if path.is_file() and kind_of(path.name, b"") is not None
]


def test_every_file_with_a_site_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "may_hold_site", lambda path, text: True)
    hidden = []
    for path in FILES:
        parsed = read_file(str(path.relative_to(TOP)), path.read_bytes())
        if module.detect(parsed) and not may_hold_site(path.name, parsed.text):
            hidden.append(str(path))

    assert len(FILES) > 300
    assert hidden == []


@pytest.mark.parametrize(
    "text",
    ["nc -z data 5432", "kind: Secret\ndata: {url: eA==}", "ds.host: x", "PGHOST=x", "RDS_HOST=x"],
)
def test_one_word_is_enough(text: str) -> None:
    assert may_hold_site("deploy/x.yaml", text)


@pytest.mark.parametrize("text", ["", "host: redis\nport: 6379\n", "a: [1, 2]\n", "line: adsl\n"])
def test_a_file_without_a_word_for_a_database_is_left_alone(text: str) -> None:
    assert not may_hold_site("deploy/values.yaml", text)
