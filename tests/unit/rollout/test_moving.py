"""Which change moves a consumer to the target."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from repoint.rollout.moving import moves, reads_anew

TARGET = ("pooler", "pg-rw")
OLD, NEW, OTHER = "postgres://a:b@old/x", "postgres://a:b@pooler.shop/x", "postgres://a:b@pg-rw/x"


def secret(**values: str) -> dict[str, Any]:
    data = {key: base64.b64encode(text.encode()).decode() for key, text in values.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": data}


def web(*command: str, **env: str) -> dict[str, Any]:
    variables = [{"name": name, "value": value} for name, value in env.items()]
    container = {"name": "c", "command": list(command), "env": variables}
    spec = {"template": {"spec": {"initContainers": [container]}}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "w"}, "spec": spec}


@pytest.mark.parametrize(
    ("live", "wanted", "expected"),
    [
        (secret(url=OLD), secret(url=NEW), True),
        (None, secret(url=NEW), True),
        (secret(url=OLD), secret(url=OLD, direct=OTHER), True),
        (secret(url=NEW), secret(url=NEW), False),
        (secret(url=NEW), secret(url=OTHER), False),  # from one Service of it to another
        (secret(url=NEW), secret(url=OLD), False),
        (secret(url=OLD), secret(url=OLD, color="blue"), False),
        (web("pg_isready -h old"), web("pg_isready -h pooler"), True),
        (web(PGHOST="old"), web(PGHOST="pg-rw.shop.svc"), True),
        (web(PGHOST="pg-rw"), web(PGHOST="pg-rw", COLOR="blue"), False),
        (web(NAME="old"), web(NAME="the pooler"), False),
    ],
)
def test_a_place_that_names_the_target_anew_moves(live: Any, wanted: Any, expected: bool) -> None:
    assert moves(live, wanted, TARGET) is expected


def test_a_workload_that_reads_a_secret_of_another_name() -> None:
    """What a generator makes has a new name with each change."""

    def reading(name: str) -> dict[str, Any]:
        ref = {"secretRef": {"name": name}}
        spec = {"template": {"spec": {"containers": [{"envFrom": [ref]}]}}}
        metadata = {"name": "web", "namespace": "n"}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}

    def held(name: str, host: str) -> dict[tuple[str, str, str], Any]:
        secret = {"kind": "Secret", "stringData": {"URL": f"postgres://u:p@{host}/d"}}
        return {("Secret", "n", name): secret}

    old, new = reading("db-1"), reading("db-2")
    here, there = next(iter(TARGET)), "elsewhere"
    assert reads_anew(old, held("db-1", there), new, held("db-2", here), TARGET)
    assert not reads_anew(old, held("db-1", here), new, held("db-2", here), TARGET)
    assert not reads_anew(old, held("db-1", there), new, held("db-2", there), TARGET)
