"""Runtimes that read the Secret which CloudNativePG makes, and so go past the Pooler (CN12, P3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoint.flows.scanning import scan
from repoint.model.plan import Plan, Severity
from tests.unit.planning.small_repository import (
    CONFIG,
    DEV_POOLED,
    Trial,
    repository,
    workload,
)

_HOST = DEV_POOLED


def _pods(env: str) -> str:
    return f"containers:\n- name: stock\n  image: depot/stock:3\n{env}"


def _keyed(variable: str, key: str) -> str:
    return _pods(
        "  env:\n  - name: REGION\n    value: north\n"
        f"  - name: {variable}\n    valueFrom:\n      secretKeyRef:\n        name: pg-app\n"
        f"        key: {key}\n"
    )


def _trial(root: Path, pods: str, kind: str = "Deployment", config: str = CONFIG) -> Trial:
    files = repository({"stock.yaml": workload(kind, "stock", pods)}, {})
    return Trial(root, files, config=config)


def _told(plan: Plan) -> list[tuple[Severity, str]]:
    return [(one.severity, one.hint) for one in plan.findings if one.code == "RP219"]


def test_a_host_becomes_a_literal_beside_the_secrets_other_keys(tmp_path: Path) -> None:
    trial = _trial(tmp_path, _keyed("DB_HOST", "host"))
    plan = trial.plan("dev")
    (row,) = plan.consumers
    assert (row.name, row.route, row.new) == ("stock", "pooled", _HOST)
    assert _told(plan) == [(Severity.NOTE, "review the new variables")]
    assert plan.applicable and plan.tasks == ()

    after = trial.apply("dev")
    patch = after["overlays/dev/stock-dev-patch.yaml"]
    assert f"value: {_HOST}\n" in patch and "valueFrom: null" in patch
    assert trial.plan("dev").changes == ()
    assert trial.plan("prod").changes != ()


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (
            "uri",
            f"postgresql://$(DSN_USERNAME):$(DSN_PASSWORD)@{_HOST}:5432/$(DSN_DBNAME)?sslmode=require",
        ),
        (
            "fqdn-jdbc-uri",
            f"jdbc:postgresql://{_HOST}:5432/$(DSN_DBNAME)"
            "?password=$(DSN_PASSWORD)&user=$(DSN_USERNAME)&sslmode=require",
        ),
    ],
)
def test_a_whole_string_is_composed_of_the_secrets_parts(
    tmp_path: Path, key: str, text: str
) -> None:
    trial = _trial(tmp_path, _keyed("DSN", key))
    after = trial.apply("dev")["overlays/dev/stock-dev-patch.yaml"]
    assert after.index("DSN_USERNAME") < after.index("DSN_PASSWORD") < after.index(text)
    again = trial.plan("dev")
    assert again.changes == () and _told(again) == []


def test_what_only_this_environment_reads_is_changed_where_it_stands(tmp_path: Path) -> None:
    files = repository({}, {"stock.yaml": workload("Deployment", "stock", _keyed("DSN", "uri"))})
    for env in ("dev", "prod"):
        files[f"overlays/{env}/kustomization.yaml"] += "  - stock.yaml\n"
    trial = Trial(tmp_path, files)
    before = files["overlays/dev/stock.yaml"]
    after = trial.apply("dev")
    assert list(after) == ["overlays/dev/stock.yaml"]
    new = after["overlays/dev/stock.yaml"]
    assert "key: uri" not in new and new.index("DSN_DBNAME") < new.index("- name: DSN\n")
    kept = [line for line in before.splitlines() if "pg-app" not in line and "Ref" not in line]
    assert all(line in new.splitlines() for line in kept if "uri" not in line)
    assert trial.plan("dev").changes == ()


@pytest.mark.parametrize("anchored", ["env", "valueFrom"])
def test_what_a_migration_takes_by_an_alias_stays_for_it(tmp_path: Path, anchored: str) -> None:
    pods = _keyed("DSN", "uri").replace(f"{anchored}:\n", f"{anchored}: &them\n")
    alias = "env: *them" if anchored == "env" else "env: [{name: DSN, valueFrom: *them}]"
    pods += f"initContainers:\n- name: up\n  image: migrate/migrate:4\n  args: [up]\n  {alias}\n"
    own = "namespace: shop-dev\nresources: [../../base, stock.yaml]\n"
    files = repository({}, {}) | {"overlays/dev/kustomization.yaml": own}
    files["overlays/dev/stock.yaml"] = workload("Deployment", "stock", pods)
    trial = Trial(tmp_path, files)
    assert trial.plan("dev").applicable
    after = trial.apply("dev")
    assert "overlays/dev/stock.yaml" not in after
    patch = after["overlays/dev/stock-dev-patch.yaml"]
    assert _HOST in patch and "initContainers" not in patch


@pytest.mark.parametrize(
    ("given", "way"),
    [
        ("  envFrom: [{secretRef: {name: pg-app}}]\n", "`envFrom`"),
        (
            "  volumeMounts: [{name: s, mountPath: /run/db}]\n"
            "volumes: [{name: s, secret: {secretName: pg-app}}]\n",
            "the volume at `/run/db`",
        ),
    ],
)
def test_every_key_at_once_is_told_with_what_to_write(tmp_path: Path, given: str, way: str) -> None:
    plan = _trial(tmp_path, _pods(given)).plan("dev")
    (finding,) = [one for one in plan.findings if one.code == "RP219"]
    assert finding.severity is Severity.WARNING
    assert way in finding.message and f"`PGHOST` with the value `{_HOST}`" in finding.hint
    assert plan.changes == ()


@pytest.mark.parametrize(
    ("kind", "pods", "config"),
    [
        ("Job", _keyed("DSN", "uri"), CONFIG),
        ("Deployment", _keyed("DB_PASSWORD", "password"), CONFIG),
        ("Deployment", _keyed("DSN", "uri"), CONFIG + "consumers: {stock: {route: direct}}\n"),
        (
            "Deployment",
            _pods(
                "  env: [{name: PGHOST, value: pg-pooler}]\n"
                "  envFrom: [{secretRef: {name: pg-app}}]\n"
            ),
            CONFIG,
        ),
        ("Deployment", _keyed("DSN", "uri").replace("pg-app", "other-app"), CONFIG),
    ],
    ids=["migration", "password", "meant", "host-elsewhere", "another-secret"],
)
def test_silence(tmp_path: Path, kind: str, pods: str, config: str) -> None:
    if kind == "Job":
        pods = pods.replace("depot/stock:3", "migrate/migrate:v4")
    plan = _trial(tmp_path, pods, kind, config).plan("dev")
    assert _told(plan) == [] and plan.changes == ()


def test_a_secret_that_bootstrap_names_is_not_the_operators(tmp_path: Path) -> None:
    files = repository({"stock.yaml": workload("Deployment", "stock", _keyed("DSN", "uri"))}, {})
    files["base/targets.yaml"] = files["base/targets.yaml"].replace(
        "spec: {instances: 1,",
        "spec: {bootstrap: {initdb: {database: d, owner: o, secret: {name: own}}}, instances: 1,",
    )
    assert _told(Trial(tmp_path, files).plan("dev")) == []


@pytest.mark.parametrize(
    ("kind", "more", "environments", "told"),
    [
        ("Deployment", "", (), ["dev", "prod"]),
        ("Deployment", "", ("dev",), ["dev"]),
        ("Deployment", "consumers: {stock: {route: direct}}\n", (), []),
        ("Job", "", (), []),
    ],
)
def test_a_scan_tells_who_goes_past_the_pooler(
    tmp_path: Path, kind: str, more: str, environments: tuple[str, ...], told: list[str]
) -> None:
    moves = _keyed("DB_HOST", "host").replace("stock:3", "stock:3\n  command: [alembic, upgrade]")
    pods = moves if kind == "Job" else _keyed("DB_HOST", "host")
    trial = _trial(tmp_path, pods, kind, CONFIG + more)

    found = [one for one in scan(trial.workspace(), environments).findings if one.code == "RP219"]

    assert [one.environment for one in found] == told
    assert all(one.consumer == f"Deployment/shop-{one.environment}/stock/stock" for one in found)
    assert [one.location.path for one in found if one.location] == ["base/stock.yaml"] * len(told)
