"""A PgBouncer of one's own: it ends at a parameter of its databases that it does not know."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.planning.small_repository import DEV_DIRECT, Trial, repository, workload

LINE = "shop = host=HOST port=5432 dbname=shop\n"
POOLER = workload(
    "Deployment",
    "web",
    "containers:\n- name: pgbouncer\n  image: edoburu/pgbouncer:v1.23.1\n"
    "  volumeMounts: [{name: ini, mountPath: /etc/pgbouncer}]\n"
    "volumes:\n- name: ini\n  configMap: {name: ini}\n",
)
INI = f"""
apiVersion: v1
kind: ConfigMap
metadata: {{name: ini}}
data:
  KEY: |
    [databases]
    {LINE}    [pgbouncer]
    listen_addr = 127.0.0.1
    listen_port = 6432
"""


@pytest.mark.parametrize("key", ["pgbouncer.ini", "databases.ini"])
def test_the_host_moves_and_no_mode_is_added(tmp_path: Path, key: str) -> None:
    ini = INI.replace("HOST", "postgres").replace("KEY", key)
    files = repository({"web.yaml": POOLER, "ini.yaml": ini}, {})
    patch = Trial(tmp_path, files).apply("dev")["overlays/dev/ini-dev-patch.yaml"]
    assert f"    {LINE.replace('HOST', DEV_DIRECT)}" in patch


def test_a_file_of_its_own_is_read_alike(tmp_path: Path) -> None:
    generator = "configMapGenerator:\n  - name: ini\n    files: [pgbouncer.ini]\n"
    own = "namespace: shop-{env}\nresources:\n  - ../../base\n" + generator
    overlay = {
        "kustomization.yaml": own,
        "pgbouncer.ini": f"[databases]\n{LINE.replace('HOST', 'postgres')}[pgbouncer]\n",
    }
    after = Trial(tmp_path, repository({"web.yaml": POOLER}, overlay)).apply("dev")
    assert after["overlays/dev/pgbouncer.ini"].splitlines()[1] == LINE.replace(
        "HOST", DEV_DIRECT
    ).rstrip("\n")
