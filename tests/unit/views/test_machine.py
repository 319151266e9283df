"""The scan as JSON: the fast encoder writes what the standard one would."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from repoint.planning.inventory import Inventory
from repoint.views import machine
from tests.cli.samples import inventory

_TEXTS = st.text(st.characters() | st.sampled_from('"\\/\x00\x1f\x7f\u2028\ud800'), max_size=8)


@given(_TEXTS, _TEXTS, st.booleans())
def test_it_is_what_json_dumps_writes(key: str, line: str, empty: bool) -> None:
    found = inventory()
    site = replace(found.sites[0].site, key=key)
    consumer = replace(found.consumers[0], evidence=(line, key))
    changed = replace(
        found,
        sites=() if empty else (replace(found.sites[0], site=site), *found.sites[1:]),
        consumers=(consumer, *found.consumers[1:]),
    )
    written = machine.scan(changed)
    document = json.loads(written)
    assert written == json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    assert list(document) == ["format", "sites", "consumers", "unreadable", "findings"]
    assert document["consumers"][0]["evidence"] == [line, key]
    assert [one["key"] for one in document["sites"]] == [one.site.key for one in changed.sites]


def test_nothing_found_is_empty_lists() -> None:
    written = machine.scan(Inventory("", (), (), (), (), (), 0, 0))
    assert written.splitlines()[2:] == [
        '  "sites": [],',
        '  "consumers": [],',
        '  "unreadable": [],',
        '  "findings": []',
        "}",
    ]
