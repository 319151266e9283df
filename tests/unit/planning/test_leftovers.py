"""RP111: what a built object shows and no site explains is told, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.planning.small_repository import Trial, repository, workload

WEB = workload(
    "Deployment",
    "web",
    """
    containers:
      - name: web
        image: acme/web
        env: [{name: PGHOST, value: placeholder}, {name: USER_NAME, value: postgres}]
    """,
)
ENDPOINTS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ends}\ndata: {primary: postgres}\n"
REPLACED = """namespace: shop-{env}
resources:
  - ../../base
replacements:
  - source: {kind: ConfigMap, name: ends, fieldPath: data.primary}
    targets:
      - select: {kind: Deployment, name: web}
        fieldPaths: ["spec.template.spec.containers.[name=web].env.[name=PGHOST].value"]
"""


def told(root: Path, base: dict[str, str], overlay: dict[str, str]) -> list[tuple[str, str, str]]:
    plan = Trial(root, repository(base, overlay)).plan("dev")
    return [
        (f.severity.value, f.environment, f.consumer) for f in plan.findings if f.code == "RP111"
    ]


def test_a_host_that_comes_by_a_replacement_is_told(tmp_path: Path) -> None:
    base = {"web.yaml": WEB, "ends.yaml": ENDPOINTS}

    assert told(tmp_path, base, {"kustomization.yaml": REPLACED}) == [
        ("error", "dev", "Deployment/shop-dev/web/web")
    ]


def test_a_variable_that_may_be_anything_is_not(tmp_path: Path) -> None:
    web = WEB.replace("PGHOST", "UPSTREAM_HOST")
    overlay = {"kustomization.yaml": REPLACED.replace("PGHOST", "UPSTREAM_HOST")}

    assert told(tmp_path, {"web.yaml": web, "ends.yaml": ENDPOINTS}, overlay) == []


@pytest.mark.parametrize(
    "web",
    [
        pytest.param(WEB.replace("placeholder", "postgres"), id="a site that moves"),
        pytest.param(WEB.replace("placeholder", "redis"), id="another host"),
        pytest.param(WEB.replace("PGHOST", "REDIS_HOST").replace("placeholder", "postgres"),
                     id="another engine's variable"),
        pytest.param(WEB, id="a user of that name"),
    ],
)  # fmt: skip
def test_what_is_known_or_none_of_it_is_not(tmp_path: Path, web: str) -> None:
    assert told(tmp_path, {"web.yaml": web}, {}) == []
