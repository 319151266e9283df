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


def test_what_a_replacement_makes_a_part_of_is_told_at_its_object(tmp_path: Path) -> None:
    web = WEB.replace("name: PGHOST, value: placeholder", "name: DSN, value: 'pg://placeholder/d'")
    part = REPLACED.replace('env.[name=PGHOST].value"]', 'env.[name=DSN].value"]') + (
        "        options: {delimiter: /, index: 2}\n"
    )
    ends = {"aaa.yaml": ENDPOINTS.replace("ends}", "zzz}"), "ends.yaml": ENDPOINTS}
    base = {**ends, "web.yaml": web.replace("pg://", "postgres://")}
    plan = Trial(tmp_path, repository(base, {"kustomization.yaml": part})).plan("dev")

    [finding] = [one for one in plan.findings if one.code == "RP111"]
    assert finding.location is not None
    assert finding.location.path == "base/web.yaml"


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


def test_a_password_in_clear_text_is_told_where_it_moves(tmp_path: Path) -> None:
    url = "postgres://shop:canary-a@postgres.shop-{env}.svc/shop"
    web = WEB.replace("name: PGHOST, value: placeholder", "name: DATABASE_URL, value: set")
    patch = web.replace("value: set", f"value: '{url}'").replace("image: acme/web\n", "\n")
    overlay = {
        "kustomization.yaml": (
            "namespace: shop-{env}\nresources: [../../base]\npatches: [{path: web.yaml}]\n"
        ),
        "web.yaml": patch,
    }
    trial = Trial(tmp_path, repository({"web.yaml": web}, overlay))
    told = {
        env: [f.location.path for f in trial.plan(env).findings if f.code == "RP303" and f.location]
        for env in ("dev", "prod")
    }

    assert told == {"dev": ["overlays/dev/web.yaml"], "prod": ["overlays/prod/web.yaml"]}
