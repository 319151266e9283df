"""A database that was moved by pg_dump is found alike, whatever it holds."""

from __future__ import annotations

import pytest

from repoint.comparison.model import Side
from repoint.model.plan import Severity
from repoint.model.rehearsal import Verdict
from tests.servers.comparing.conftest import Twins

pytestmark = pytest.mark.servers

TOLD = {("database", "max_identifier_length"), ("database", "collation")}


def test_what_pg_dump_moved_is_alike_on_a_server_three_versions_on(twins: Twins) -> None:
    found = twins.pair().compare()

    assert [one for one in found.differences if one.severity is not Severity.NOTE] == []
    assert found.unseen == ()
    assert {one.name: one.verdict for one in found.tables if one.verdict is not Verdict.PASS} == {}
    assert found.verdict is Verdict.PASS
    assert (found.source.major, found.target.major) == (15, 18)
    (revision,) = found.revisions
    assert (revision.tool, revision.source, revision.target) == (
        "golang-migrate",
        "20240202000000",
        "20240202000000",
    )
    rows = {one.name: (one.source_rows, one.order) for one in found.tables}
    assert rows["shop.big"] == (2000, "key")
    assert rows["shop.heap"] == (90, "hash")
    assert rows["shop.parent"] == (2, "key")  # without the rows of its child
    assert "shop.orders" not in rows  # its leaves hold the rows
    assert sum(rows[f"shop.orders_{one}"][0] or 0 for one in ("2024", "rest")) == 535


def test_two_hundred_thousand_rows_in_chunks_are_alike(twins: Twins) -> None:
    twins.templates(200_000, "rich_large")
    pair = twins.pair("rich_large")
    for half in (pair.source, pair.target):
        twins.made.append((half.lab, "rich_large"))

    found = pair.compare(chunk_rows=7_000, parallel=2)

    assert found.verdict is Verdict.PASS
    assert {one.name: one.source_rows for one in found.tables}["shop.big"] == 200_000
    assert Side.SOURCE.other is Side.TARGET
