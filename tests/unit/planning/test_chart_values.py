"""A chart's default is overridden in a values file of that chart, under the key it has there."""

from __future__ import annotations

from pathlib import Path

from tests.unit.planning.small_repository import TARGETS, Trial

CONFIG = """
source: {hosts: [postgres]}
target: {cluster: pg, pooler: pg-pooler}
environments:
  dev: {namespace: shop-dev, values: %s}
  prod: {namespace: shop-prod, manifests: database/prod}
"""
DEFAULTS = "db: {host: postgres}\n"


def chart(directory: str) -> dict[str, str]:
    """A chart whose Deployment reads `db.host`, by its path."""
    name = directory.rpartition("/")[2]
    return {
        f"{directory}/Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: 1.0.0\n",
        f"{directory}/values.yaml": DEFAULTS,
        f"{directory}/templates/app.yaml": f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  template:
    spec:
      containers:
        - name: {name}
          image: shop/{name}:1
          env: [{{name: DB_HOST, value: "{{{{ .Values.db.host }}}}"}}]
""",
    }


CART = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: cart-dev}
spec:
  source: {path: charts/cart, helm: {valuesObject: {replicas: 2}}}
  destination: {namespace: shop-dev}
"""


def trial(root: Path, values: str, files: dict[str, str]) -> Trial:
    """A repository with the targets of two environments and `files`."""
    for env in ("dev", "prod"):
        named = TARGETS.replace("metadata: {", f"metadata: {{namespace: shop-{env}, ")
        files[f"database/{env}/targets.yaml"] = named
    return Trial(root, files, config=CONFIG % values)


def test_each_chart_takes_its_override_in_its_own_values_file(tmp_path: Path) -> None:
    own = {f"charts/{name}/values-dev.yaml": "replicas: 1\n" for name in ("cart", "mail")}
    after = trial(
        tmp_path, f"[{', '.join(own)}]", chart("charts/cart") | chart("charts/mail") | own
    ).apply("dev")
    for path in own:
        assert after[path].count("pg-pooler.shop-dev.svc.cluster.local") == 1


def test_a_values_file_of_the_environment_needs_no_name_where_others_are(tmp_path: Path) -> None:
    own = {f"charts/{name}/values-dev.yaml": "replicas: 1\n" for name in ("cart", "mail")}
    files = chart("charts/cart") | chart("charts/mail") | own
    after = trial(tmp_path, "charts/cart/values-dev.yaml", files).apply("dev")
    assert "pg-pooler.shop-dev" in after["charts/mail/values-dev.yaml"]


def test_an_inner_charts_default_is_overridden_under_its_key(tmp_path: Path) -> None:
    outer = {
        "shop/Chart.yaml": """
apiVersion: v2
name: shop
version: 1.0.0
dependencies: [{name: cart, alias: till, version: 1.x, repository: "file://../charts/cart"}]
""",
        "shop/values-dev.yaml": "replicas: 1\n",
    }
    after = trial(tmp_path, "shop/values-dev.yaml", outer | chart("charts/cart")).apply("dev")
    assert "till:\n  db:\n    host: pg-pooler.shop-dev" in after["shop/values-dev.yaml"]


def test_without_a_values_file_of_the_chart_a_person_gets_the_task(tmp_path: Path) -> None:
    files = chart("charts/cart") | chart("charts/mail")
    files["charts/mail/values-dev.yaml"] = "replicas: 1\n"
    files["apps/cart.yaml"] = CART
    plan = trial(tmp_path, "charts/mail/values-dev.yaml", files).plan("dev")
    assert [change.path for change in plan.changes] == ["charts/mail/values-dev.yaml"]
    (task,) = plan.tasks
    assert task.path == "charts/cart/values.yaml"
    assert "name a values file of this chart under `values:`" in task.reason
