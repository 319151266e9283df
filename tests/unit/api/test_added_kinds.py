"""Own kinds in a whole repository: who reads the Secret that one makes, and what one wants."""

from __future__ import annotations

from pathlib import Path

import pytest

import repoint

CONFIG = """\
source: {hosts: [main.shop]}
target: {cluster: db, pooler: db-pool}
environments:
  local: {namespace: shop, manifests: deploy}
"""
KNOWN = """\
knowledge:
  kinds:
    - kind: AcmeSecret
      secret: {name: spec.into, keys: spec.fetch, key: as, remote: from, template: spec.clear}
    - {kind: AcmeMove, purpose: migration}
    - {kind: AcmeApp, runs: serves}
"""
SECRET = """\
apiVersion: acme.dev/v1
kind: AcmeSecret
metadata: {name: source, namespace: shop}
spec:
  into: shop-db
  fetch: [{as: REPORTS_DATABASE_URL, from: vault/shop}]
  clear: {DATABASE_URL: "postgres://app@main.shop:5432/app"}
"""
MOVE = """\
apiVersion: acme.dev/v1
kind: AcmeMove
metadata: {name: now, namespace: shop}
spec: {url: "postgres://app@main.shop:5432/app"}
"""
APP = """\
apiVersion: acme.dev/v1
kind: AcmeApp
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      containers:
      - name: web
        image: acme/web
        env:
        - {name: DATABASE_URL, valueFrom: {secretKeyRef: {name: shop-db, key: DATABASE_URL}}}
        - name: REPORTS_DATABASE_URL
          valueFrom: {secretKeyRef: {name: shop-db, key: REPORTS_DATABASE_URL}}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "deploy").mkdir()
    for name, text in (("secret", SECRET), ("move", MOVE), ("app", APP)):
        (tmp_path / "deploy" / f"{name}.yaml").write_text(text)
    return tmp_path


def told(root: Path, text: str) -> list[tuple[str, str, str]]:
    """Each use of a site: the reader, how it comes to it, and what for."""
    (root / "repoint.yaml").write_text(text)
    found = repoint.Repository(root).scan()
    uses = (use for site in found.sites for use in site.uses)
    return sorted((use.workload.id, use.via, str(use.purpose)) for use in uses)


def test_with_what_is_known_of_the_kinds(root: Path) -> None:
    assert told(root, CONFIG + KNOWN) == [
        ("AcmeApp/shop/web/web", "env DATABASE_URL <- secret shop-db/DATABASE_URL", "runtime"),
        ("AcmeApp/shop/web/web", "secret shop-db/REPORTS_DATABASE_URL, by AcmeSecret", "runtime"),
        ("AcmeMove/shop/now", "spec.url", "migration"),
    ]


def test_without_it(root: Path) -> None:
    plain = told(root, CONFIG)
    assert not [one for one in plain if one[0].startswith("AcmeApp") or one[2] == "migration"]


def test_a_value_that_lives_elsewhere_is_a_finding(root: Path) -> None:
    (root / "repoint.yaml").write_text(CONFIG + KNOWN)
    plan = repoint.Repository(root).plan()
    (found,) = [one for one in plan.findings if one.code == "RP315"]
    assert "REPORTS_DATABASE_URL" in found.message and "AcmeSecret" in found.message
