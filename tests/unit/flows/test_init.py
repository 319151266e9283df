"""What init proposes for environments with several namespaces, and with servers of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.unit.planning.small_repository import TARGETS, Trial, proposed, repository, workload

_WEB = "containers:\n- name: web\n  image: shop/web:1\n  envFrom: [{configMapRef: {name: db}}]\n"


def _products(root: Path, hosts: dict[str, str]) -> Trial:
    """Two products in each environment, each with a namespace and a Cluster of its own."""
    files = {
        "targets/kustomization.yaml": "resources: [targets.yaml]\n",
        "targets/targets.yaml": TARGETS,
    }
    for product in ("cart", "shop"):
        files[f"products/{product}/base/kustomization.yaml"] = "resources: [web.yaml]\n"
        files[f"products/{product}/base/web.yaml"] = workload("Deployment", product, _WEB)
        for env, host in hosts.items():
            files[f"products/{product}/envs/{env}/kustomization.yaml"] = (
                f"namespace: {product}-{env}\nresources: [../../base, ../../../../targets]\n"
                f"configMapGenerator:\n- {{name: db, literals: [PGHOST={host}]}}\n"
            )
    return Trial(root, files)


def test_each_namespace_with_a_cluster_of_its_own_is_an_environment(tmp_path: Path) -> None:
    trial = _products(tmp_path, {"dev": "postgres.data", "prod": "postgres.data"})

    config = yaml.safe_load(proposed(trial).text)
    assert config["environments"] == {
        f"{product}-{env}": {
            "namespace": f"{product}-{env}",
            "overlay": f"products/{product}/envs/{env}",
        }
        for env in ("dev", "prod")
        for product in ("cart", "shop")
    }


def test_what_the_same_key_names_elsewhere_is_moved_too(tmp_path: Path) -> None:
    trial = _products(tmp_path, {"dev": "pg.data-dev", "prod": "db.example.com"})
    other = "containers:\n- name: sync\n  image: shop/sync:1\n  env:\n"
    other += "  - {name: WAREHOUSE_URL, value: 'postgres://warehouse.bi/facts'}\n"
    (tmp_path / "products/cart/base/web.yaml").write_text(
        workload("Deployment", "cart", _WEB) + "---\n" + workload("Deployment", "sync", other)
    )

    made = proposed(trial)
    assert yaml.safe_load(made.text)["source"]["hosts"] == ["pg.data-dev", "db.example.com"]
    assert made.notes == ("other PostgreSQL hosts are left alone: warehouse.bi",)


def test_two_servers_that_one_reader_has_beside_each_other_are_two(tmp_path: Path) -> None:
    """A list of servers has the same key for each; that of one product is moved at a time."""
    trial = _products(tmp_path, {"dev": "pg-cart.data-dev", "prod": "pg-cart.data-prod"})
    for env in ("dev", "prod"):
        (tmp_path / f"bi/{env}").mkdir(parents=True)
        listed = [
            {"type": "postgres", "url": f"pg-{one}.data-{env}:5432"} for one in ("cart", "mail")
        ]
        (tmp_path / f"bi/{env}/values.yaml").write_text(yaml.safe_dump({"datasources": listed}))

    made = proposed(trial)
    hosts = ["pg-cart.data-dev", "pg-cart.data-prod"]
    assert yaml.safe_load(made.text)["source"]["hosts"] == hosts
    assert made.notes == (
        "other PostgreSQL hosts are left alone: pg-mail.data-dev, pg-mail.data-prod",
    )


def test_the_same_service_in_a_namespace_of_its_own_is_named(tmp_path: Path) -> None:
    trial = _products(tmp_path, {"dev": "pg.data-dev.svc", "prod": "pg.data-prod.svc"})

    hosts = yaml.safe_load(proposed(trial).text)["source"]["hosts"]
    assert hosts == ["pg.data-dev.svc", "pg.data-prod.svc"]


@pytest.mark.parametrize(
    ("initdb", "login"),
    [
        ("{owner: keeper, database: store}", ("keeper", "store")),
        ("{database: store}", ("store", "store")),
        ("{owner: '${owner}', database: store}", ("web", "shop")),
        ("{dataChecksums: true}", ("web", "shop")),
    ],
)
def test_the_cluster_itself_tells_user_and_database(
    tmp_path: Path, initdb: str, login: tuple[str, str]
) -> None:
    """A consumer of another database is no reason to propose that for all."""
    trial = _products(tmp_path, {"dev": "postgres.data"})
    env = "  env: [{name: DATABASE_URL, value: 'postgres://web@postgres.data/shop'}]\n"
    web = "containers:\n- name: web\n  image: shop/web:1\n" + env
    (tmp_path / "products/cart/base/web.yaml").write_text(workload("Deployment", "cart", web))
    made = TARGETS.replace("instances: 1", f"instances: 1, bootstrap: {{initdb: {initdb}}}")
    (tmp_path / "targets/targets.yaml").write_text(made)

    target = yaml.safe_load(proposed(trial).text)["target"]
    assert (target["user"], target["database"]) == login


_CHART = {
    "chart/Chart.yaml": "apiVersion: v2\nname: loom\nversion: 1.0.0\n",
    "chart/values.yaml": "replicas: 1\ndb: {host: postgres, name: loom}\n",
    "chart/templates/app.yaml": workload(
        "Deployment",
        "loom",
        "containers:\n- name: loom\n  image: mill/loom:1\n"
        "  env: [{name: DB_HOST, value: '{{ .Values.db.host }}'}]\n",
    ),
}
_RELEASE = """
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: loom, namespace: loom-{env}}
spec:
  interval: 1h
  chart:
    spec:
      chart: ./chart
      sourceRef: {kind: GitRepository, name: here}
      valuesFiles: [./chart/values.yaml, ./{file}]
"""
_APPLICATION = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: loom-{env}, namespace: argocd}
spec:
  destination: {namespace: loom-{env}}
  sources:
    - repoURL: https://charts.example.test
      chart: loom
      helm: {valueFiles: ['$here/{file}']}
    - {repoURL: https://git.example.test/loom.git, ref: here}
"""


@pytest.mark.parametrize(
    ("file", "object_"),
    [
        ("chart/{env}.yaml", ""),
        ("chart/environments/{env}.yaml", ""),
        ("env/{env}/app.yaml", ""),
        ("deploy/{env}/loom.yaml", _RELEASE),
        ("deploy/{env}/settings.yaml", _APPLICATION),
    ],
)
def test_values_files_of_any_name_are_no_secrets(tmp_path: Path, file: str, object_: str) -> None:
    files = {} if object_ == _APPLICATION else dict(_CHART)
    for env in ("dev", "prod"):
        own = file.replace("{env}", env)
        files[own] = f"replicas: 2\ndb: {{host: postgres.loom-{env}.svc, name: loom}}\n"
        if object_:
            text = object_.replace("{env}", env).replace("{file}", own)
            files[f"clusters/{env}/loom.yaml"] = text
    config = yaml.safe_load(proposed(Trial(tmp_path, files)).text)
    told = {
        name: (one.get("values"), one.get("secrets"))
        for name, one in config["environments"].items()
    }
    assert told == {env: (file.replace("{env}", env), None) for env in ("dev", "prod")}


def test_a_file_of_other_keys_is_no_values_file(tmp_path: Path) -> None:
    files = dict(_CHART)
    for env in ("dev", "prod"):
        files[f"chart/{env}.yaml"] = "replicas: 2\n"
        files[f"secrets/{env}/db.yaml"] = f"sync: {{dsn: postgres://s@postgres.loom-{env}/s}}\n"
    config = yaml.safe_load(proposed(Trial(tmp_path, files)).text)
    assert config["environments"]["dev"]["secrets"] == "secrets/dev"


def test_secrets_beside_an_overlays_own_files_are_named_apart(tmp_path: Path) -> None:
    """The overlay's folder holds its patches as well, which nobody applies."""
    files = repository(
        {"web.yaml": workload("Deployment", "web", _WEB.replace("configMap", "secret"))}, {}
    )
    for env in ("dev", "prod"):
        files[f"overlays/{env}/sealed/db.yaml"] = (
            f"apiVersion: v1\nkind: Secret\nmetadata: {{name: db, namespace: shop-{env}}}\n"
            "stringData: {DATABASE_URL: postgres://shop@postgres/shop}\n"
        )

    config = yaml.safe_load(proposed(Trial(tmp_path, files)).text)

    assert config["environments"]["dev"]["secrets"] == "overlays/dev/sealed"


_MADE = """
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: {cluster}
spec:
  instances: {{{{ .Values.replicas }}}}
"""
_POOLED = """---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata:
  name: {pooler}
spec:
  cluster: {{name: {cluster}}}
  type: rw
"""


@pytest.mark.parametrize(
    ("cluster", "pooler", "target", "asked"),
    [
        ("loom-pg", "loom-pool", ("loom-pg", "loom-pool"), 0),
        ("loom-pg", "", ("loom-pg", "loom-pg-pooler-rw"), 1),
        ("{{ .Values.db.name }}-pg", "pool", ("loom-pg", "pool"), 1),
        ("{{ .Release.Name }}-pg", "{{ .Release.Name }}-pool", ("loom-pg", "loom-pool"), 2),
        ('{{ include "loom.db" . }}', "pool", ("CHANGE-ME", "pool"), 1),
        ("{{ .Values.elsewhere }}", "{{ .Values.other }}", ("CHANGE-ME", "CHANGE-ME"), 2),
    ],
)
def test_the_target_that_a_chart_makes_is_named(
    tmp_path: Path, cluster: str, pooler: str, target: tuple[str, str], asked: int
) -> None:
    made = _MADE.format(cluster=cluster)
    made += _POOLED.format(cluster=cluster, pooler=pooler) if pooler else ""
    trial = Trial(tmp_path, {**_CHART, "chart/templates/pg.yaml": made})
    found = proposed(trial)

    shown = yaml.safe_load(found.text)["target"]
    assert (shown["cluster"], shown["pooler"]) == target
    assert len([one for one in found.questions if "target" in one]) == asked
    commented = [one for one in found.text.splitlines() if "pg.yaml calls the" in one]
    assert len(commented) == asked - (not pooler)
