"""Readings held against limits, and the text of CloudNativePG's exporter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from repoint.model.rehearsal import Verdict
from repoint.model.verification import PoolUse, Restarts, Soak
from repoint.verification.metrics import PodMetrics, PoolState, read_metrics
from repoint.verification.soaking import (
    ContainerState,
    Limits,
    Reading,
    containers_in,
    is_lost,
    judge,
    pool_size,
    restarts_of,
)

LIMITS = Limits(max_waiting=0, max_wait_s=1.0, max_used=0.9, max_restarts=0, expected=20)
POOL = ("pooler", "shop", "web")
TEXT = (Path(__file__).parent / "exporter.txt").read_text(encoding="utf-8")


def state(active: int = 1, waiting: int = 0, wait_s: float = 0.0) -> PoolState:
    return PoolState("shop", "web", active, waiting, wait_s)


def reading(*states: PoolState, queries: int = 0, failed: bool = False, gap: str = "") -> Reading:
    pod = PodMetrics(states, (("shop", queries),), failed)
    return Reading({("pooler", "pod-1"): pod}, {"pooler": gap} if gap else {})


def busy(count: int = 20) -> list[Reading]:
    return [reading(state(), queries=number) for number in range(count)]


def judged(readings: Sequence[Reading], pools: Any = (POOL,), **given: Any) -> Soak:
    settings = {"restarts": (), "wanted_s": 100.0, "lasted_s": 100.0, **given}
    return judge(readings, LIMITS, pools=pools, sizes={"pooler": 5}, **settings)


def pool_of(soak: Soak) -> PoolUse:
    [one] = soak.pools
    return one


def spoilt(count: int, one: Reading) -> list[Reading]:
    """20 readings, the last `count` of them spoilt."""
    return [*busy(20 - count), *[one] * count]


@pytest.mark.parametrize(
    ("readings", "verdict"),
    [
        (busy(), Verdict.PASS),
        (busy(2), Verdict.UNKNOWN),
        ([], Verdict.UNKNOWN),
        ([reading(state(), queries=7)] * 20, Verdict.UNKNOWN),
        (spoilt(2, reading(state(waiting=1), queries=30)), Verdict.PASS),
        (spoilt(3, reading(state(waiting=1), queries=30)), Verdict.FAIL),
        (spoilt(2, reading(state(active=5), queries=30)), Verdict.PASS),
        (spoilt(3, reading(state(active=5), queries=30)), Verdict.FAIL),
        (spoilt(1, reading(state(wait_s=1.5), queries=30)), Verdict.FAIL),
        (spoilt(1, reading(state(wait_s=1.0), queries=30)), Verdict.PASS),
        (spoilt(2, reading(gap="gone")), Verdict.PASS),
        (spoilt(3, reading(gap="gone")), Verdict.UNKNOWN),
        ([reading(gap="gone")] * 20, Verdict.UNKNOWN),
    ],
)
def test_a_pool(readings: list[Reading], verdict: Verdict) -> None:
    assert pool_of(judged(readings)).verdict is verdict


def test_a_failure_is_only_sure_once_the_rest_cannot_mend_it() -> None:
    waiting = reading(state(waiting=1), queries=30)
    assert not is_lost(judged([waiting, waiting], lasted_s=10.0))
    assert is_lost(judged([waiting, waiting, waiting], lasted_s=10.0))


def test_a_pool_of_nobody_of_ours_may_idle_but_not_wait() -> None:
    idle = judged([reading(state())] * 20, pools=())
    assert pool_of(idle).verdict is Verdict.PASS
    late = judged([reading(state(wait_s=9.0))] * 20, pools=())
    assert pool_of(late).verdict is Verdict.FAIL


def test_a_pool_that_is_never_seen_is_unknown() -> None:
    soak = judged(busy(), pools=[("pooler", "other", "web")])
    assert {one.database: one.verdict for one in soak.pools} == {
        "other": Verdict.UNKNOWN,
        "shop": Verdict.PASS,
    }


def test_two_pods_wait_together_and_the_fuller_one_counts() -> None:
    pods = {
        ("pooler", name): PodMetrics((state(active=active, waiting=1),), (("shop", 5),), False)
        for name, active in (("pod-1", 1), ("pod-2", 4))
    }
    one = pool_of(judged([Reading(pods, {})]))
    assert (one.waiting, one.max_used) == (2, 0.8)


def test_queries_of_a_pod_that_began_anew_count_from_zero() -> None:
    counts = (10, 15, 2, 4)
    soak = judged([reading(state(), queries=count) for count in counts])
    assert pool_of(soak).queries == 5 + 2 + 2


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({}, Verdict.PASS),
        ({"lasted_s": 50.0}, Verdict.UNKNOWN),
        ({"ended": "interrupted"}, Verdict.UNKNOWN),
        ({"restarts": [Restarts("x", Verdict.FAIL, 1, "")]}, Verdict.FAIL),
        ({"restarts": [Restarts("x", Verdict.UNKNOWN, 0, "")]}, Verdict.UNKNOWN),
    ],
)
def test_the_whole(given: Any, verdict: Verdict) -> None:
    assert judged(busy(), **given).verdict is verdict


def container(restarts: int, pod: str = "u1", reason: str = "OOMKilled") -> ContainerState:
    return ContainerState(pod, "web", restarts, reason)


@pytest.mark.parametrize(
    ("before", "now", "count", "verdict"),
    [
        ([container(3)], [container(3)], 0, Verdict.PASS),
        ([container(3)], [container(4)], 1, Verdict.FAIL),
        ([container(3)], [container(0, "u2")], 0, Verdict.PASS),
        ([container(3)], [container(2, "u2")], 2, Verdict.FAIL),
        ([container(3)], [], 0, Verdict.PASS),
        (None, [container(4)], 0, Verdict.UNKNOWN),
        ([container(3)], None, 0, Verdict.UNKNOWN),
    ],
)
def test_restarts(before: Any, now: Any, count: int, verdict: Verdict) -> None:
    found = restarts_of("Deployment/web", before, now, 0)
    assert (found.count, found.verdict) == (count, verdict)


def test_why_a_container_ended() -> None:
    last = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    status = {"name": "web", "restartCount": 1, "lastState": last}
    pod = {"metadata": {"uid": "u1"}, "status": {"containerStatuses": [status]}}
    [one] = containers_in([pod])
    assert one == ContainerState("u1", "web", 1, "OOMKilled (exit status 137)")
    assert "OOMKilled" in restarts_of("x", [], [one], 0).observed


def test_what_the_exporter_says() -> None:
    found = read_metrics(TEXT)
    assert found.pools == (PoolState("shop_1", "web_3", 5, 1, 2.25),)
    assert dict(found.queries)["shop_1"] == 7
    assert not found.failed


def test_an_exporter_that_cannot_read_pgbouncer() -> None:
    text = TEXT.replace("last_collection_error 0", "last_collection_error 1")
    assert read_metrics(text).failed


@pytest.mark.parametrize(
    "text", ["", "go_goroutines 7\n", "<html>", TEXT.replace("maxwait", "max")]
)
def test_what_is_no_exporter(text: str) -> None:
    with pytest.raises(ValueError):
        read_metrics(text)


@pytest.mark.parametrize(
    ("parameters", "size"),
    [
        ({}, 20),
        ({"default_pool_size": "5"}, 5),
        ({"default_pool_size": "50", "max_db_connections": "30"}, 30),
        ({"max_db_connections": "0"}, 20),
        ({"default_pool_size": "many"}, 20),
    ],
)
def test_the_size_of_a_pool(parameters: dict[str, str], size: int) -> None:
    assert pool_size(parameters) == size
