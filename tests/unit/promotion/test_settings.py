"""Which decisions of repoint.yaml make two plans the same or not."""

from __future__ import annotations

import pytest

from repoint.planning.config import load_config
from repoint.promotion.settings import settings_digest

BASE = """
source: {hosts: [postgres]}
target: {cluster: pg, pooler: pg-pooler}
environments: {local: {namespace: shop}, staging: {namespace: shop-staging}}
consumers: {api: {pool: session}, worker: {route: direct}}
"""


def digest(text: str) -> str:
    return settings_digest(load_config(text))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pool: session", "pool: transaction"),
        ("route: direct", "route: pooled"),
        ("hosts: [postgres]", "hosts: [postgres, db]"),
        ("pooler: pg-pooler", "pooler: pg-pooler-rw"),
        ("consumers: {api", "exclude: [legacy]\nconsumers: {api"),
    ],
)
def test_a_decision_makes_another(old: str, new: str) -> None:
    assert old in BASE
    assert digest(BASE) != digest(BASE.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{namespace: shop}", "{namespace: shop, context: kind}"),
        ("route: direct}", "route: direct, health: http://worker/health, pool_size: 5}"),
        ("consumers: {api", "gates: {rollout: []}\nverify: {timeout: 1s}\nconsumers: {api"),
        (
            "api: {pool: session}, worker: {route: direct}",
            "worker: {route: direct}, api: {pool: session}",
        ),
        ("\nenv", "\naccept: [{code: RP233, reason: no certificates}]\nenv"),
    ],
)
def test_what_is_an_environments_own_does_not(old: str, new: str) -> None:
    assert old in BASE
    assert digest(BASE) == digest(BASE.replace(old, new))
