"""A container with a key for its runtime and one for its migrations: each its own way (P2, P3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoint.model.plan import Plan
from tests.unit.planning.small_repository import (
    CONFIG,
    DEV_DIRECT,
    DEV_POOLED,
    Trial,
    repository,
    scanned,
    workload,
)

OLD = "postgres.shop-{env}"
PAIRS = {
    "spring": (
        ("SPRING_DATASOURCE_URL", f"jdbc:postgresql://{OLD}:5432/shop"),
        ("SPRING_FLYWAY_URL", f"jdbc:postgresql://{OLD}:5432/shop"),
    ),
    "prisma": (
        ("DATABASE_URL", f"postgresql://shop@{OLD}:5432/shop"),
        ("DIRECT_URL", f"postgresql://shop@{OLD}:5432/shop"),
    ),
    "rails": (
        ("DATABASE_URL", f"postgres://shop@{OLD}/shop"),
        ("MIGRATION_DATABASE_URL", f"postgres://shop@{OLD}/shop"),
    ),
    "in-parts": (("PGHOST", OLD), ("LIQUIBASE_DB_HOST", OLD)),
}


def _deployment(pairs: tuple[tuple[str, str], ...], command: str = "") -> str:
    lines = "".join(
        f"    - name: {key}\n      value: {value.replace('{env}', 'dev')}\n" for key, value in pairs
    )
    argv = f"  command: [{command}]\n" if command else ""
    return workload(
        "Deployment", "web", f"containers:\n- name: web\n  image: shop/web:1\n{argv}  env:\n{lines}"
    )


def _trial(root: Path, deployment: str, config: str = CONFIG, extra: str = "") -> Trial:
    base = {"web.yaml": deployment, **({"more.yaml": extra} if extra else {})}
    return Trial(root, repository(base, {}), config=config)


def _row(plan: Plan, container: str = "web") -> tuple[str, str, str]:
    row = next(r for r in plan.consumers if r.container == container and r.environment == "dev")
    return row.purpose, row.route, row.new


@pytest.mark.parametrize("name", PAIRS)
def test_the_runtime_is_pooled_and_the_migration_is_not(tmp_path: Path, name: str) -> None:
    trial = _trial(tmp_path, _deployment(PAIRS[name]))
    patch = "\n".join(trial.apply("dev").values())
    (runtime, old), (migration, other) = PAIRS[name]
    pooled, direct = DEV_POOLED, DEV_DIRECT
    assert f"name: {runtime}\n" in patch
    assert old.replace(OLD, pooled) in patch.split(f"name: {migration}\n")[0]
    assert other.replace(OLD, direct) in patch.split(f"name: {migration}\n")[1]


def test_the_row_tells_both_ways(tmp_path: Path) -> None:
    plan = _trial(tmp_path, _deployment(PAIRS["prisma"])).plan("dev")
    pooled, direct = DEV_POOLED, DEV_DIRECT
    assert _row(plan) == ("runtime, migration", "pooled, direct", f"{pooled}, {direct}")
    assert [row.way for row in plan.consumers] == ["pooled (session), direct"]
    assert [f.code for f in plan.findings if f.code in ("RP120", "RP103", "RP101")] == []


def test_the_scan_tells_each_way_in_a_row_of_its_own(tmp_path: Path) -> None:
    found = scanned(_trial(tmp_path, _deployment(PAIRS["prisma"])))
    rows = [
        (one.purpose.value, one.route.value, len(one.sites))
        for one in found.consumers
        if one.environment == "dev"
    ]
    assert rows == [("runtime", "pooled", 1), ("migration", "direct", 1)]


def test_a_container_that_migrates_and_serves_stays_direct_whole(tmp_path: Path) -> None:
    command = 'sh, -c, "prisma migrate deploy && node server.js"'
    plan = _trial(tmp_path, _deployment(PAIRS["prisma"], command)).plan("dev")
    assert _row(plan) == ("migration", "direct", DEV_DIRECT)


@pytest.mark.parametrize("route", ["direct", "pooled"])
def test_a_route_in_repoint_yaml_holds_for_every_key(tmp_path: Path, route: str) -> None:
    config = f"{CONFIG}consumers:\n  web: {{route: {route}}}\n"
    plan = _trial(tmp_path, _deployment(PAIRS["spring"]), config).plan("dev")
    assert _row(plan)[1] == route


def test_evidence_against_the_pool_moves_the_runtime_alone_to_the_direct_service(
    tmp_path: Path,
) -> None:
    pairs = (
        ("DATABASE_URL", f"postgresql://shop@{OLD}/shop?channel_binding=require"),
        ("DIRECT_URL", f"postgresql://shop@{OLD}/shop"),
    )
    plan = _trial(tmp_path, _deployment(pairs)).plan("dev")
    assert _row(plan)[1] == "direct"
    pairs = (pairs[1], pairs[0])
    swapped = (
        ("DATABASE_URL", pairs[0][1]),
        ("DIRECT_URL", pairs[1][1]),
    )
    root = tmp_path / "swapped"
    # What only the migration asks for is no evidence against pooling the runtime.
    assert _row(_trial(root, _deployment(swapped)).plan("dev"))[1] == "pooled, direct"


def test_a_wait_loop_before_it_asks_the_pooler(tmp_path: Path) -> None:
    lines = "".join(f"    - name: {k}\n      value: {v}\n" for k, v in PAIRS["prisma"])
    text = workload(
        "Deployment",
        "web",
        "initContainers:\n- name: wait\n  image: postgres:17\n"
        f"  command: [sh, -c, 'until pg_isready -h {OLD}; do sleep 1; done']\n"
        f"containers:\n- name: web\n  image: shop/web:1\n  env:\n{lines}",
    ).replace("{env}", "dev")
    plan = _trial(tmp_path, text).plan("dev")
    assert _row(plan, "wait")[1] == "pooled"


def test_a_key_that_a_migration_reads_too_is_split_off(tmp_path: Path) -> None:
    """X7: Prisma in an init container of the same pod, with one Secret for both."""
    pods = workload(
        "Deployment",
        "web",
        "initContainers:\n- name: schema\n  image: shop/web:1\n"
        "  command: [npx, prisma, migrate, deploy]\n"
        "  envFrom: [{secretRef: {name: web-db}}]\n"
        "containers:\n- name: web\n  image: shop/web:1\n"
        "  envFrom: [{secretRef: {name: web-db}}]\n",
    )
    secret = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: web-db}\nstringData:\n"
        "  DATABASE_URL: postgresql://shop:canary-p@postgres.shop-dev/shop\n"
        "  DIRECT_URL: postgresql://shop:canary-p@postgres.shop-dev/shop\n"
    )
    plan = _trial(tmp_path, pods, extra=secret).plan("dev")
    assert _row(plan)[1] == "pooled, direct"
    assert _row(plan, "schema")[1] == "direct"
    assert plan.tasks == ()
