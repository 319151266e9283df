"""Which loads a pool is compared with, and what they say."""

from __future__ import annotations

import json
import sys

import pytest

from repoint.model.benchmark import Benchmark, Measured, Pair, Workload
from repoint.rehearsal.workloads import order, workloads
from repoint.views import benchmark as views


def clients(mode: str, pool_size: int, max_connections: int) -> dict[str, int]:
    return {one.id: one.clients for one in workloads(mode, pool_size, max_connections)}


@pytest.mark.parametrize(
    ("mode", "pool_size", "most", "expected"),
    [
        pytest.param(
            "session", 20, 100, {"many": 20, "connect-many": 40}, id="session holds a pool"
        ),
        pytest.param(
            "transaction", 20, 100, {"many": 50, "connect-many": 40}, id="transaction shares"
        ),
        pytest.param(
            "transaction", 80, 60, {"many": 50, "connect-many": 25}, id="server is the limit"
        ),
    ],
)
def test_no_load_asks_for_more_than_both_sides_hold(
    mode: str, pool_size: int, most: int, expected: dict[str, int]
) -> None:
    found = clients(mode, pool_size, most)
    assert {name: found[name] for name in expected} == expected


def test_a_tiny_session_pool_has_no_load_of_many() -> None:
    assert "many" not in clients("session", 4, 100)


def test_routes_take_turns() -> None:
    assert [order(n)[0] for n in range(4)] == ["direct", "pooled", "direct", "pooled"]


def measured(*ratios: float, reconnect: bool = False) -> Measured:
    load = Workload("few", "persistent connections, few clients", 4, reconnect)
    return Measured(load, tuple(Pair(100.0, 100.0 * ratio, "direct") for ratio in ratios))


@pytest.mark.parametrize(
    ("ratios", "outcome"),
    [
        pytest.param((1.9, 2.1), "faster", id="every pair is faster"),
        pytest.param((0.5, 0.6), "slower", id="every pair is slower"),
        pytest.param((0.9, 1.3), "unclear", id="pairs disagree"),
        pytest.param((1.0, 1.2), "unclear", id="one pair is equal"),
    ],
)
def test_an_outcome_needs_every_pair(ratios: tuple[float, ...], outcome: str) -> None:
    assert measured(*ratios).outcome == outcome


def run(*rows: Measured) -> Benchmark:
    return Benchmark(
        "local", "pg-pooler", "session", "18.4", "1.24.1", "18.6", "2 processors", 2, 10, (), rows
    )


def test_a_pool_that_costs_is_said_so() -> None:
    text = views.human(run(measured(0.5, 0.6)))
    assert "the pool costs: 0.55 (0.50 to 0.60)" in " ".join(text.split())
    assert "pays for the way through the Pooler" in " ".join(text.split())


def test_a_pool_that_helps_has_no_warning() -> None:
    text = " ".join(views.human(run(measured(1.9, 2.1, reconnect=True))).split())
    assert "the pool gives 2.00 (1.90 to 2.10) times" in text
    assert "pays for" not in text


def test_the_lines_fit_eighty_columns() -> None:
    assert max(map(len, views.human(run(measured(0.9, 1.3))).splitlines())) <= 80


def test_the_json_has_raw_pairs_and_figures() -> None:
    row = json.loads(views.machine(run(measured(0.5, 0.7))))["measured"][0]
    assert row["pairs"][1] == {"direct": 100.0, "pooled": 70.0, "first": "direct"}
    assert row["ratio"] == {"median": 0.6, "min": 0.5, "max": 0.7, "outcome": "slower"}


def test_the_chart_is_an_svg_without_script_or_comment() -> None:
    pytest.importorskip("pygal")
    text = views.chart(run(measured(0.5, 0.7)))
    assert text.startswith("<svg")
    assert "<script" not in text
    assert "<!--" not in text
    assert "4 clients" in text
    assert all(hasattr(finder, "find_spec") for finder in sys.meta_path)
