"""One text that a component puts into a runtime and into a migration: each goes its own way."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.planning.small_repository import (
    DEV_DIRECT,
    DEV_POOLED,
    Trial,
    repository,
    workload,
)

WAIT = """
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
  - target: {kind: Deployment|Job, labelSelector: wait=yes}
    patch: |-
      - op: add
        path: /spec/template/spec/initContainers
        value:
          - {name: wait, image: "postgres:18", REST}
"""
WAITS = {
    "words": "command: [pg_isready, -h, postgres]",
    "variable": "command: [pg_isready], env: [{name: PGHOST, value: postgres}]",
}
RUN = "containers:\n- name: NAME\n  image: shop/web:1\n  command: [COMMAND]\n  env:\n"
URL = "  - {name: DATABASE_URL, value: 'postgres://shop@postgres/shop'}\n"


def _files(rest: str) -> dict[str, str]:
    base = {}
    for name, kind, command in (
        ("web", "Deployment", "puma"),
        ("migrate", "Job", "atlas, migrate"),
    ):
        text = RUN.replace("NAME", name).replace("COMMAND", command)
        made = workload(kind, name, text + URL)
        base[f"{name}.yaml"] = made.replace(
            "metadata:\n  name", "metadata:\n  labels: {wait: 'yes'}\n  name", 1
        )
    files = repository(base, {})
    files["wait/kustomization.yaml"] = WAIT.replace("REST", rest)
    files["base/kustomization.yaml"] += "components: [../wait]\n"
    return files


@pytest.mark.parametrize("name", WAITS)
def test_the_wait_of_each_goes_where_it_goes(tmp_path: Path, name: str) -> None:
    trial = Trial(tmp_path, _files(WAITS[name]))
    assert [f.code for f in trial.plan("dev").findings if f.code == "RP102"] == []
    after = trial.apply("dev")
    web = after["overlays/dev/web-dev-patch.yaml"]
    migrate = after["overlays/dev/migrate-dev-patch.yaml"]
    assert (web.count(DEV_POOLED), web.count(DEV_DIRECT)) == (2, 0)
    assert (migrate.count(DEV_POOLED), migrate.count(DEV_DIRECT)) == (0, 2)
    again = trial.plan("dev")
    assert (again.changes, again.tasks) == ((), ())


def test_one_container_s_value_is_not_taken_apart(tmp_path: Path) -> None:
    """A ConfigMap that both read is one object: the migration gets a value of its own."""
    both = "  envFrom: [{configMapRef: {name: env}}]\n"
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: env}\ndata: {PGHOST: postgres}\n"
    base = {"env.yaml": config}
    for name, kind, command in (
        ("web", "Deployment", "puma"),
        ("migrate", "Job", "atlas, migrate"),
    ):
        head = RUN.partition("  env:\n")[0].replace("NAME", name).replace("COMMAND", command)
        base[f"{name}.yaml"] = workload(kind, name, head + both)
    after = Trial(tmp_path, repository(base, {})).apply("dev")
    assert f"PGHOST: {DEV_POOLED}" in after["overlays/dev/env-dev-patch.yaml"]
    assert f"value: {DEV_DIRECT}" in after["overlays/dev/migrate-dev-patch.yaml"]
