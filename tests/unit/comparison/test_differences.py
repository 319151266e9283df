"""Each difference is told once, around where the texts part, and without passwords."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoint.comparison.differences import THERE, compare, compare_sequences, shown
from repoint.comparison.model import (
    Comparison,
    Difference,
    SequenceValue,
    Server,
    Side,
    State,
    TableContent,
    Unseen,
)
from repoint.model.plan import Severity
from repoint.model.rehearsal import Verdict

SERVER = Server("18.4", 18, "shop", "app", "UTF8", "1")
Objects = Mapping[str, Mapping[str, str]]


def state(unread: Mapping[str, str] | None = None, **objects: Objects) -> State:
    named = {name.replace("_", " "): found for name, found in objects.items()}
    return State(SERVER, named, unread or {})


def found(source: State, target: State) -> list[tuple[str, str, str]]:
    return [(one.family, one.name, one.aspect) for one in compare(source, target)[0]]


def column(position: int, kind: str = "text") -> dict[str, str]:
    return {"position": str(position), "type": kind}


def test_what_belongs_to_a_lone_table_is_not_told_again() -> None:
    source = state(
        tables={"s.t": {"kind": "table"}, "s.u": {"kind": "table"}},
        columns={"s.t.a": column(1), "s.u.a": column(1)},
        constraints={"s.t.t_pkey": {"definition": "PRIMARY KEY (a)"}},
        indexes={"s.i": {"table": "s.t", "definition": "..."}},
        sequences={"s.q": {"owned by": "s.t.a"}, "s.free": {}},
        owners={"table s.t": {"owner": "x"}, "table s.u": {"owner": "x"}},
        grants={"table s.t to x": {"privileges": "SELECT"}},
    )
    target = state(
        tables={"s.u": {"kind": "table"}},
        columns={"s.u.a": column(1)},
        constraints={},
        indexes={},
        sequences={"s.free": {}},
        owners={"table s.u": {"owner": "x"}},
        grants={},
    )

    assert found(source, target) == [("tables", "s.t", "")]
    assert found(target, source) == [("tables", "s.t", "")]


def test_what_belongs_to_a_lone_schema_is_not_told_again() -> None:
    source = state(schemas={"s": {}, "sx": {}}, tables={"s.t": {}, "sx.t": {}})
    target = state(schemas={"sx": {}}, tables={})

    assert found(source, target) == [("schemas", "s", ""), ("tables", "sx.t", "")]


def test_a_column_dropped_before_is_no_other_order_and_a_swap_is() -> None:
    source = state(columns={"t.a": column(1), "t.c": column(3), 't."d.e"': column(4)})
    closed = state(columns={"t.a": column(1), "t.c": column(2), 't."d.e"': column(3)})
    swapped = state(columns={"t.a": column(2), "t.c": column(1), 't."d.e"': column(3)})

    assert found(source, closed) == []
    assert found(source, swapped) == [("tables", "t", "column order")]


def test_a_family_that_a_side_did_not_see_is_unknown_and_not_alike() -> None:
    differences, unseen = compare(
        state(tables={"t": {}}), state({"tables": "permission denied (42501)"})
    )

    assert differences == ()
    assert unseen == (Unseen(Side.TARGET, "tables", "permission denied (42501)"),)


@pytest.mark.parametrize(
    ("source", "target", "severity"),
    [
        (SequenceValue(5, 1), SequenceValue(5, 1), None),
        (SequenceValue(5, 1), SequenceValue(4, 1), Severity.ERROR),
        (SequenceValue(5, 1), SequenceValue(6, 1), Severity.WARNING),
        (SequenceValue(5, -1), SequenceValue(6, -1), Severity.ERROR),
        (SequenceValue(5, -1), SequenceValue(4, -1), Severity.WARNING),
    ],
)
def test_a_sequence_that_is_behind_is_an_error_and_ahead_a_warning(
    source: SequenceValue, target: SequenceValue, severity: Severity | None
) -> None:
    told = [one.severity for one in compare_sequences({"s": source}, {"s": target, "t": target})]

    assert told == ([severity] if severity else [])


def test_passwords_are_masked_and_code_is_not_printed() -> None:
    one, other = shown("value", "host=db password=hunter2", "host=pg password=hunter2")
    lines = shown("source", "a\nsecret\nb", "a\nsecret\nc\nd")

    assert "hunter2" not in one + other and one != other
    assert lines == ("3 lines, other from line 3 on", "4 lines, other from line 3 on")


@given(st.text(max_size=900), st.text(max_size=900))
def test_what_is_shown_of_long_texts_is_short(one: str, other: str) -> None:
    assert all(len(text) <= 220 for text in shown("definition", one, other))


def test_the_window_is_where_the_texts_part() -> None:
    one, other = shown("definition", "x" * 500 + "ONE" + "y" * 500, "x" * 500 + "OTHER" + "y" * 500)

    assert "ONE" in one and "OTHER" in other
    assert one.startswith("...") and one.endswith("...")


@pytest.mark.parametrize(
    ("differences", "unseen", "tables", "verdict"),
    [
        ((), (), (), Verdict.PASS),
        ((), (), (Verdict.PASS, Verdict.SKIPPED), Verdict.PASS),
        ((Severity.WARNING, Severity.NOTE), (), (), Verdict.PASS),
        ((Severity.ERROR,), (), (), Verdict.FAIL),
        ((), ("x",), (Verdict.PASS,), Verdict.UNKNOWN),
        ((), (), (Verdict.UNKNOWN, Verdict.PASS), Verdict.UNKNOWN),
        ((), ("x",), (Verdict.FAIL,), Verdict.FAIL),
    ],
)
def test_what_nobody_saw_never_counts_as_alike(
    differences: tuple[Severity, ...],
    unseen: tuple[str, ...],
    tables: tuple[Verdict, ...],
    verdict: Verdict,
) -> None:
    made = Comparison(
        1,
        "local",
        datetime(2026, 1, 1, tzinfo=UTC),
        SERVER,
        SERVER,
        tuple(Difference("tables", "t", "", THERE, "", one) for one in differences),
        tuple(Unseen(Side.TARGET, one, "no right") for one in unseen),
        tuple(TableContent(f"t{n}", one) for n, one in enumerate(tables)),
    )

    assert made.verdict is verdict
