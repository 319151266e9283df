"""What is called reached, met and missed, and how the table shows it."""

from __future__ import annotations

import pytest

from bench import goals
from bench.goals import GOALS, KNOWN, Goal, Row, table
from bench.measure import Ratio

GOAL = Goal("one", "ours / theirs", 1.5, 3)


@pytest.mark.parametrize(
    ("wall", "cpu", "verdict", "fails"),
    [
        pytest.param(1.5, 9.0, "reached", False, id="at the aim by the clock"),
        pytest.param(1.6, 1.4, "reached (by CPU)", False, id="at the aim by processors"),
        pytest.param(3.0, 9.0, "must met", False, id="at the must by the clock"),
        pytest.param(3.1, 3.0, "must met (by CPU)", False, id="at the must by processors"),
        pytest.param(1.6, None, "must met", False, id="the clock alone"),
        pytest.param(3.1, 3.2, "MISSED", True, id="missed by both"),
        pytest.param(3.1, None, "MISSED", True, id="missed by the clock alone"),
    ],
)
def test_the_better_figure_counts(
    wall: float, cpu: float | None, verdict: str, fails: bool
) -> None:
    row = Row(GOAL, "10k", Ratio(wall, cpu, 7))
    assert (row.verdict, row.fails) == (verdict, fails)


def test_a_known_miss_passes_the_gate_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(goals, "KNOWN", {"one": "the cache is to come"})
    row = Row(GOAL, "10k", Ratio(4.0, 4.0, 7))
    assert not row.fails
    assert row.verdict == "missed, known: the cache is to come"
    assert row.verdict in table([row])


def test_the_table_is_markdown_with_both_figures() -> None:
    rows = [
        Row(GOAL, "10k", Ratio(1.234, 0.5, 7)),
        Row(GOALS["memory"], "100k", Ratio(150.4, None, 7), note="by hand"),
    ]
    lines = table(rows).splitlines()
    assert [cell.strip() for cell in lines[0].split("|")[1:-1]] == [
        *("goal", "size", "reach", "must", "wall", "CPU", "rounds", "verdict")
    ]
    assert "ours / theirs" in lines[2] and "1.23x" in lines[2] and "0.5x" in lines[2]
    assert "150 MiB" in lines[3] and "reached; by hand" in lines[3]
    assert len({len(line) for line in lines}) == 1


def test_every_goal_is_reachable_and_every_known_miss_is_a_goal() -> None:
    assert all(0 <= goal.reach <= goal.must for goal in GOALS.values())
    assert KNOWN.keys() <= GOALS.keys()
    assert all(KNOWN.values())
