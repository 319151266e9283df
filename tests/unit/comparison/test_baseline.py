"""What a baseline and a later state prove of each table, and what they do not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from repoint.comparison.baseline import (
    Baseline,
    Change,
    Counters,
    TableState,
    digest_of,
    key_name,
    seed_of,
    settled,
    written_since,
)
from repoint.comparison.model import SequenceValue, Server
from repoint.model.rehearsal import Verdict

C, U, Q = Change.CHANGED, Change.UNCHANGED, Change.UNKNOWN
SERVER = Server("18.4", 18, "shop", "app", "UTF8", "77")
AT = datetime(2026, 1, 1, tzinfo=UTC)


def baseline(table: TableState | None, **more: object) -> Baseline:
    tables = {} if table is None else {"t": table}
    made = Baseline(1, "local", AT, SERVER, "e1", "k", tables, {"s": SequenceValue(5, 1)})
    return replace(made, **more)  # type: ignore[arg-type]


def rows(count: int | None, digest: str = "d", inserted: int = 10, file: str = "1") -> TableState:
    return TableState(
        count, digest, Counters(inserted, 0, 0, file), "" if count is not None else "?"
    )


CASES = [
    # before, after, other things of the later state, what is judged, inserted
    (rows(3), rows(3), {}, U, 0),
    (rows(3), rows(3, "x"), {}, C, 0),
    (rows(3), rows(4, "x", 11), {}, C, 1),
    (rows(3), rows(3, "d", 15), {}, U, 5),  # rolled back, or written and taken back
    (rows(3), rows(3, "d", 10, "2"), {}, U, 0),  # rewritten by VACUUM FULL
    (rows(3), rows(3, "x"), {"epoch": "e2"}, C, None),
    (rows(3), rows(3, "d", 2), {}, U, None),  # counts that run backwards say nothing
    (rows(3), rows(3, ""), {"key": ""}, Q, 0),
    (rows(3), rows(3, "", 11), {"key": ""}, C, 1),
    (rows(3), rows(3, "", 10, "2"), {"key": ""}, C, 0),
    (rows(3), rows(3, "", 11), {"key": "", "epoch": "e2"}, Q, None),
    (rows(3), rows(4, ""), {"key": "", "epoch": "e2"}, C, None),
    (rows(3), rows(3, "", 11), {"key": "", "server": replace(SERVER, system="78")}, Q, None),
    (rows(3), rows(3, "", 11), {"key": "", "server": replace(SERVER, system="")}, Q, None),
    (rows(None), rows(3), {}, Q, 0),
    (rows(3), rows(None), {}, Q, 0),
    (rows(None), rows(None, "", 11), {}, C, 1),
    (None, rows(3), {}, C, 3),
    (None, rows(0), {}, U, 0),
    (None, rows(None), {}, Q, None),
    (rows(3), None, {}, C, None),
    (rows(0), None, {}, U, None),
]


@pytest.mark.parametrize(("before", "after", "more", "change", "inserted"), CASES)
def test_what_two_states_prove(
    before: TableState | None,
    after: TableState | None,
    more: dict[str, object],
    change: Change,
    inserted: int | None,
) -> None:
    (one,) = written_since(baseline(before), baseline(after, **more)).tables

    assert (one.change, one.inserted) == (change, inserted)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [((U,), Verdict.PASS), ((U, Q), Verdict.UNKNOWN), ((Q, C), Verdict.FAIL), ((), Verdict.PASS)],
)
def test_unknown_is_never_unwritten(changes: tuple[Change, ...], verdict: Verdict) -> None:
    made = written_since(baseline(rows(1)), baseline(rows(1)))
    (one,) = made.tables
    tables = tuple(replace(one, name=str(n), change=change) for n, change in enumerate(changes))

    assert replace(made, tables=tables).verdict is verdict


def test_sequences_that_moved_on_are_named_and_lose_nothing() -> None:
    later = baseline(rows(1), sequences={"s": SequenceValue(6, 1), "new": SequenceValue(1, 1)})

    found = written_since(baseline(rows(1)), later)

    assert found.sequences == ("s",)
    assert found.verdict is Verdict.PASS


def test_another_database_is_told() -> None:
    later = baseline(rows(1), server=replace(SERVER, database="other", system="78"))

    notes = written_since(baseline(rows(1)), later).notes

    assert "another server" in notes[0] and "`other`" in notes[-1]


def test_the_source_decides_what_is_unknown_and_nothing_else() -> None:
    found = written_since(baseline(rows(3)), baseline(rows(3, ""), key="", epoch="e2"))

    assert settled(found, {"t": True}).verdict is Verdict.PASS
    assert settled(found, {"t": False}).verdict is Verdict.FAIL
    assert settled(found, {}).verdict is Verdict.UNKNOWN
    known = written_since(baseline(rows(3)), baseline(rows(4)))
    assert settled(known, {"t": True}).verdict is Verdict.FAIL


def test_a_digest_depends_on_key_table_rows_and_sum() -> None:
    made = {
        digest_of(key, table, count, total)
        for key in (b"a" * 32, b"b" * 32)
        for table in ("t", "u")
        for count in (1, 2)
        for total in (7, -7)
    }

    assert len(made) == 16
    assert key_name(b"a" * 32) not in made
    assert 0 <= seed_of(b"a" * 32) < 2**62
