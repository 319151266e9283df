"""A file of a ConfigMap that a runtime and a migration mount: the migration gets a copy (X7)."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import yaml

from tests.unit.planning.small_repository import (
    CONFIG,
    DEV_DIRECT,
    DEV_POOLED,
    Trial,
    repository,
    workload,
)

CONFIG_MAP = """apiVersion: v1
kind: ConfigMap
metadata: {name: db}
data:
  mode: fast
  database.yml: |
    production:
      adapter: postgresql
      host: postgres
      port: 5432
    replica:
      adapter: postgresql
      host: postgres
"""
_MOUNTS = """
  volumeMounts: [{name: conf, mountPath: /app/config}]
"""
_VOLUMES = "volumes: [{name: conf, configMap: {name: db}}]\n"
_COMMAND = "\n  command: [rails, 'db:migrate']"


def _pod(name: str, command: str = "") -> str:
    return f"containers:\n- name: {name}\n  image: shop/web:1{command}{_MOUNTS}{_VOLUMES}"


WEB = workload("Deployment", "web", _pod("web"))
MIGRATE = workload("Job", "migrate", _pod("migrate", _COMMAND))
BASE = {"db.yaml": CONFIG_MAP, "web.yaml": WEB, "migrate.yaml": MIGRATE}


def test_the_migration_mounts_a_copy_with_the_direct_host(tmp_path: Path) -> None:
    trial = Trial(tmp_path, repository(BASE, {}))
    plan = trial.plan("dev")
    assert plan.tasks == () and plan.applicable
    (row,) = (one for one in plan.consumers if one.name == "migrate")
    assert row.reasons == ("mounts a copy of the ConfigMap, since a runtime reads the first",)

    after = trial.apply("dev")
    copy = after["overlays/dev/db-direct.yaml"]
    assert "name: db-direct" in copy and "mode: fast" in copy
    assert copy.count(DEV_DIRECT) == 2 and DEV_POOLED not in copy
    assert "name: db-direct" in after["overlays/dev/migrate-dev-patch.yaml"]
    first = after["overlays/dev/db-dev-patch.yaml"]
    assert first.count(DEV_POOLED) == 2 and DEV_DIRECT not in first
    again = trial.plan("dev")
    assert again.changes == () and again.tasks == ()
    assert not [one for one in trial.check("dev") if one.code in ("RP102", "RP110", "RP120")]


def test_the_file_and_its_copy_read_back_in_braces_and_in_scripts(tmp_path: Path) -> None:
    """A `?` ends a plain value between braces for some readers, and an `&` a shell's word."""
    files = (
        "  database.yml: |\n    production: {url: postgresql://shop@postgres/shop, pool: 5}\n"
        "  env.sh: |\n    export DATABASE_URL=postgresql://shop@postgres/shop?connect_timeout=5\n"
    )
    base = {**BASE, "db.yaml": CONFIG_MAP[: CONFIG_MAP.index("  database.yml")] + files}
    config = CONFIG.replace("pooler: pg-pooler", "pooler: pg-pooler, sslmode: require")
    after = Trial(tmp_path, repository(base, {}), config=config).apply("dev")

    for name, host in (("db-dev-patch", DEV_POOLED), ("db-direct", DEV_DIRECT)):
        data = yaml.safe_load(after[f"overlays/dev/{name}.yaml"])["data"]
        url = f"postgresql://shop@{host}/shop?"
        production = yaml.safe_load(data["database.yml"])["production"]
        assert production == {"url": f"{url}sslmode=require", "pool": 5}
        words = shlex.split(data["env.sh"])
        assert words == ["export", f"DATABASE_URL={url}connect_timeout=5&sslmode=require"]
        assert f'"{url}connect_timeout=5&sslmode=require"' in data["env.sh"]


def _without(old: str, new: str, path: str) -> dict[str, str]:
    assert old in BASE[path]
    return {**BASE, path: BASE[path].replace(old, new)}


ONE_POD = workload(
    "Deployment",
    "web",
    f"init{_pod('first', _COMMAND)}{_pod('web')}".replace(
        "initcontainers", "initContainers"
    ).replace(_VOLUMES, "", 1),
)
HOOK = "metadata:\n  annotations: {argocd.argoproj.io/hook: PreSync}\n"


@pytest.mark.parametrize(
    "base",
    [
        pytest.param(_without("mode: fast", "url: 'postgres://a:canary-a@x/y'", "db.yaml"),
                     id="a password"),
        pytest.param(_without("\ndata:", "\nbinaryData: {a: eA==}\ndata:", "db.yaml"), id="bytes"),
        pytest.param({"db.yaml": CONFIG_MAP, "web.yaml": ONE_POD}, id="one pod has both"),
        pytest.param(_without("configMap: {name: db}",
                              "projected: {sources: [{configMap: {name: db}}]}", "migrate.yaml"),
                     id="a projected volume"),
        pytest.param(_without("metadata:\n", HOOK, "migrate.yaml"), id="a hook"),
        pytest.param({**BASE, "more.yaml": "apiVersion: v1\nkind: ConfigMap\n"
                      "metadata: {name: db-direct}\ndata: {a: b}\n"}, id="the name is taken"),
    ],
)  # fmt: skip
def test_what_is_not_sure_is_left_with_the_way_to_do_it(
    tmp_path: Path, base: dict[str, str]
) -> None:
    plan = Trial(tmp_path, repository(base, {})).plan("dev")
    assert plan.changes == ()
    told = [one for one in plan.findings if one.code == "RP102" and one.severity == "error"]
    assert told and f"`database.yml` with host `{DEV_DIRECT}`" in told[0].hint
    assert "a copy of `db` to mount" in told[0].hint


def test_a_hook_s_configmap_that_is_a_hook_too_is_copied_as_one(tmp_path: Path) -> None:
    base = _without("metadata:\n", HOOK, "migrate.yaml")
    base["db.yaml"] = CONFIG_MAP.replace(
        "{name: db}", "{name: db, annotations: {argocd.argoproj.io/hook: PreSync}}"
    )
    after = Trial(tmp_path, repository(base, {})).apply("dev")
    assert "argocd.argoproj.io/hook: PreSync" in after["overlays/dev/db-direct.yaml"]
