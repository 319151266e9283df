"""An umbrella chart: subcharts beside it, charts from elsewhere, and defaults of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.planning.small_repository import TARGETS, Trial

CONFIG = """
source: {hosts: [postgres]}
target: {cluster: pg, pooler: pg-pooler}
environments:
  dev: {namespace: shop-dev, values: umbrella/values-dev.yaml}
  prod: {namespace: shop-prod, values: umbrella/values-prod.yaml}
"""
ONE_ENVIRONMENT = CONFIG[: CONFIG.index("  prod:")]
UMBRELLA = """
apiVersion: v2
name: umbrella
version: 1.0.0
dependencies:
  - {name: orders, version: 1.x, repository: "file://../parts/orders"}
  - {name: idp, alias: login, version: 2.0.0, repository: "oci://charts.example/idp"}
"""
DEFAULTS = """
orders:
  db: {host: postgres}
login:
  externalDatabase:
    host: postgres
    database: idp
"""
ORDERS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders}
spec:
  selector: {matchLabels: {app: orders}}
  template:
    metadata: {labels: {app: orders}}
    spec:
      containers:
        - name: orders
          image: shop/orders:1
          env:
            - name: DB_HOST
              value: {{ .Values.db.host }}
"""


def _repository(**more: str) -> dict[str, str]:
    files = {
        "umbrella/Chart.yaml": UMBRELLA,
        "umbrella/values.yaml": DEFAULTS,
        "umbrella/values-dev.yaml": "orders: {replicas: 1}\n",
        "umbrella/values-prod.yaml": "orders:\n  db:\n    host: postgres.shop-prod.svc\n",
        "parts/orders/Chart.yaml": "apiVersion: v2\nname: orders\nversion: 1.0.0\n",
        "parts/orders/templates/app.yaml": ORDERS,
    }
    for env in ("dev", "prod"):
        named = TARGETS.replace("metadata: {", f"metadata: {{namespace: shop-{env}, ")
        files[f"database/{env}/targets.yaml"] = named
    return files | more


def test_defaults_are_overridden_where_an_environment_uses_them(tmp_path: Path) -> None:
    trial = Trial(tmp_path, _repository(), config=CONFIG)
    after = trial.apply("dev")["umbrella/values-dev.yaml"]
    assert after.count("pg-pooler.shop-dev.svc.cluster.local") == 2
    after = trial.apply("prod")["umbrella/values-prod.yaml"]
    assert after.count("pg-pooler.shop-prod.svc.cluster.local") == 2
    assert "postgres.shop-prod.svc" not in after


def test_a_subchart_beside_it_tells_who_reads_its_values(tmp_path: Path) -> None:
    plan = Trial(tmp_path, _repository(), config=CONFIG).plan("prod")
    names = {(row.kind, row.name.removeprefix("umbrella-")) for row in plan.consumers}
    assert names == {("Deployment", "orders"), ("HelmRelease", "umbrella")}


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        (
            "parts/orders/templates/app.yaml",
            ORDERS.replace("{{ .Values.db.host }}", "postgres"),
            "a chart's template is the same in every environment",
        ),
        (
            "umbrella/values.yaml",
            "orders: {url: 'postgres://orders:canary-x@postgres/orders'}\n",
            "the default holds a password",
        ),
    ],
)
def test_what_cannot_be_overridden_is_a_task_with_its_reason(
    tmp_path: Path, path: str, text: str, told: str
) -> None:
    plan = Trial(tmp_path, _repository(**{path: text}), config=CONFIG).plan("dev")
    assert [task.reason.partition(";")[0].partition(",")[0] for task in plan.tasks] == [told]


def test_without_a_values_file_the_task_asks_for_one(tmp_path: Path) -> None:
    config = CONFIG.replace("values: umbrella/values-dev.yaml", "manifests: umbrella")
    plan = Trial(tmp_path, _repository(), config=config).plan("dev")
    assert any("name a values file under `values:`" in task.reason for task in plan.tasks)


def test_a_default_is_read_by_nobody_whose_values_replace_what_names_it(tmp_path: Path) -> None:
    """The environments' `orders.db.host` stands for the default that spelled the global one."""
    more = {
        "umbrella/values.yaml": "global: {postgresql: {host: postgres}}\n",
        "parts/orders/values.yaml": "db: {host: '{{ .Values.global.postgresql.host }}'}\n",
        "parts/orders/templates/app.yaml": ORDERS.replace(
            "{{ .Values.db.host }}", "{{ tpl .Values.db.host . }}"
        ),
    }
    own = "orders: {db: {host: postgres}}\n"
    values = {f"umbrella/values-{env}.yaml": own for env in ("dev", "prod")}
    trial = Trial(tmp_path, _repository(**more, **values), config=CONFIG)
    before = [one for one in trial.check() if one.code == "RP110"]
    places = {one.location.path for one in before if one.blocks and one.location}
    assert places == {*values, "umbrella/values.yaml"}
    for env in ("dev", "prod"):
        trial.apply(env)
    after = [one for one in trial.check() if one.code == "RP110"]
    assert [str(one.severity) for one in after] == ["note"]
    assert "every environment overrides it" in after[0].message


@pytest.mark.parametrize("envs", [("dev",), ("dev", "prod")], ids=" and ".join)
def test_a_default_is_told_of_once(tmp_path: Path, envs: tuple[str, ...]) -> None:
    """It was read and overridden at once, and overridden and nobody's."""
    config = CONFIG if len(envs) == 2 else ONE_ENVIRONMENT
    trial = Trial(tmp_path, _repository(), config=config)
    codes = ("RP110", "RP111")
    before = [one for one in trial.check() if one.code in codes]
    read = {one.location for one in before if one.blocks}
    assert read and not read & {one.location for one in before if not one.blocks}
    assert {one.code for one in before} == {"RP110"}

    for env in envs:
        assert [one for one in trial.plan(env).findings if one.code == "RP111"] == []
        trial.apply(env)

    after = [one for one in trial.check() if one.code in codes]
    assert {(one.code, str(one.severity)) for one in after} <= {("RP110", "note")}
    assert all("every environment overrides it" in one.message for one in after)
    spots = [one.location for one in after]
    assert len(spots) == len(set(spots))
    assert [one for one in trial.plan(*envs).findings if one.code == "RP111"] == []
