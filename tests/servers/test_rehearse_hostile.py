"""Names that mean something elsewhere are names, and what a repository may not do it cannot."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.acceptance.example import Checkout
from tests.servers.fix_lab import Servers
from tests.servers.rehearsing import add, change, rehearse, variant

pytestmark = [pytest.mark.servers, pytest.mark.slow]

BASE = "deploy/base"
TAKEN = ["o'quote", 'd"quote', "new\nline", "per%cent", "ünï", "-dash", "$(id)", "postgres", "@all"]
RESERVED = ["public", "pg_monitor", "cnpg_pooler_pgbouncer", "repoint_superuser"]


@pytest.fixture
def shop(real_servers: Servers, tmp_path: Path) -> Checkout:
    real_servers.need()
    return variant(tmp_path, "x15-verify-full")


def consumers(*logins: tuple[str, str]) -> str:
    """Deployments `h0`, `h1` .. that log in as a role at a database."""
    return "".join(_deployment(number, *login) for number, login in enumerate(logins))


def _deployment(number: int, user: str, database: str) -> str:
    host = "postgres.shop.svc.cluster.local"
    who, where = quote(user, safe=""), quote(database, safe="")
    url = json.dumps(f"postgresql://{who}:geheim@{host}:5432/{where}?sslmode=require")
    container = f"{{name: h, image: h, env: [{{name: DATABASE_URL, value: {url}}}]}}"
    return (
        "---\napiVersion: apps/v1\nkind: Deployment\n"
        f"metadata: {{name: h{number}, namespace: shop}}\n"
        "spec:\n  selector: {matchLabels: {app: h}}\n  template:\n"
        f"    metadata: {{labels: {{app: h}}}}\n    spec: {{containers: [{container}]}}\n"
    )


def test_names(shop: Checkout) -> None:
    logins = [*((name, "shop") for name in TAKEN), *(("shop", name) for name in TAKEN)]
    reserved = [*((name, "shop") for name in RESERVED), ("shop", "template0")]
    add(shop, f"{BASE}/hostile.yaml", consumers(*logins, *reserved))
    change(shop, f"{BASE}/kustomization.yaml", "  - web.yaml\n", "  - web.yaml\n  - hostile.yaml\n")

    found = rehearse(shop, status=1)

    for number, login in enumerate(logins):
        verdicts = found.verdicts(f"Deployment/shop/h{number}/h")
        assert set(verdicts.values()) <= {"pass", "skipped"}, login
        assert verdicts["read-write"] == "pass", login
    for number in range(len(logins), len(logins) + len(reserved)):
        verdict, observed = found.check(f"Deployment/shop/h{number}/h", "login")
        assert verdict == "unknown" and observed.startswith("no PostgreSQL lets `DATABASE_URL` in")


def test_what_a_manifest_may_not_reach(shop: Checkout, tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    initdb = f"""\
      owner: shop
      postInitApplicationSQL:
        - COPY (SELECT 1) TO PROGRAM 'touch {drop}'
        - "DO $$ BEGIN RAISE EXCEPTION 'geheim'; END $$"
  managed:
    roles: [{{name: shop, superuser: true}}]
  postgresql:
    parameters: {{session_preload_libraries: "{drop}.so", "a = 'b'\\ninclude": /etc/passwd}}
"""
    change(shop, f"{BASE}/cnpg.yaml", "      owner: shop\n", initdb)
    add(shop, "db/migrations/1.sql", f"COPY (SELECT 1) TO PROGRAM 'touch {drop}';\n")
    add(shop, "repoint.yaml", "migrations:\n  - files: [db/migrations/*, /etc/passwd, ../*]\n")

    found = rehearse(shop, status=1)

    assert not drop.exists()
    notes = "\n".join(found.document["fidelity"])
    assert "postInitApplicationSQL was refused: permission denied to COPY" in notes
    assert "postInitApplicationSQL was refused: SQLSTATE P0001" in notes
    assert "geheim" not in json.dumps(found.document)
    verdict, observed = found.check("Job/shop/web-migrate/web-migrate", "migrations")
    assert verdict == "fail"
    assert observed.startswith("`db/migrations/1.sql`: permission denied to COPY")
    assert found.verdicts("Deployment/shop/web/web")["login"] == "pass"
