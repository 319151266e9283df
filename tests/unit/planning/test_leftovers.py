"""RP111: what a built object shows and no site explains is told, and nothing else is."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tests.unit.planning.small_repository import CONFIG, Trial, repository, workload

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


PART = WEB.replace("name: PGHOST, value: placeholder", "name: DSN, value: 'postgres://at/d'")
PARTED = REPLACED.replace('env.[name=PGHOST].value"]', 'env.[name=DSN].value"]') + (
    "        options: {delimiter: /, index: 2}\n"
)


def test_the_line_that_a_part_of_a_value_comes_from_is_told_with_what_to_put(
    tmp_path: Path,
) -> None:
    base = {"ends.yaml": ENDPOINTS, "web.yaml": PART}
    trial = Trial(tmp_path, repository(base, {"kustomization.yaml": PARTED}))

    [finding] = [one for one in trial.plan("dev").findings if one.code == "RP111"]
    assert finding.severity.value == "error"
    assert "`DSN` of Deployment/shop-dev/web/web names the source" in finding.message
    assert finding.message.endswith("kustomize takes it from `data.primary` of ConfigMap `ends`")
    assert finding.location is not None
    assert (finding.location.path, finding.location.line) == ("base/ends.yaml", 4)
    assert "pg-pooler.shop-dev.svc.cluster.local" in finding.hint
    assert "pg-rw.shop-dev.svc.cluster.local" in finding.hint


def test_a_part_that_is_a_site_by_itself_moves_and_is_told_as_that(tmp_path: Path) -> None:
    ends = ENDPOINTS.replace("primary: postgres", "DB_HOST: postgres")
    overlay = {
        "kustomization.yaml": PARTED.replace("data.primary", "data.DB_HOST").replace(
            "  - ../../base\n", "  - ../../base\n  - ends.yaml\n"
        ),
        "ends.yaml": ends,
    }
    files = repository({"web.yaml": PART}, overlay)
    config = CONFIG + "consumers: {overlays/dev/ends.yaml: {purpose: runtime}}\n"
    unnamed = [one for one in Trial(tmp_path, files).plan("dev").findings if one.code == "RP111"]
    assert [one.severity.value for one in unnamed] == ["warning"]
    assert "consumers: {overlays/dev/ends.yaml:" in unnamed[0].hint

    trial = Trial(tmp_path, files, config=config)
    assert [one.code for one in trial.plan("dev").findings if one.code == "RP111"] == []
    trial.apply("dev")
    assert trial.plan("dev").changes == ()
    assert [one.code for one in trial.check("dev") if one.code == "RP111"] == []


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


CUSTOM = """apiVersion: {group}/v1
kind: {kind}
metadata: {{name: way}}
spec:
  routes:
    - name: first
      {field}
"""
FAR = "postgres.shop-dev.svc.cluster.local"


@pytest.mark.parametrize(
    ("kind", "group", "field", "severity"),
    [
        ("Tunnel", "example.com", f"upstream: {FAR}", "warning"),
        ("Tunnel", "example.com", f"upstream: '{FAR}:5432'", "warning"),
        ("Tunnel", "example.com", f"upstream: tcp://{FAR}:5432", "warning"),
        ("Tunnel", "example.com", "upstream: postgres.shop-dev", "warning"),
        ("Tunnel", "example.com", f"args: [--to={FAR}:5432]", "warning"),
        ("IngressRouteTCP", "traefik.io", f"target: {FAR}", "note"),
    ],
)
def test_a_custom_resources_field_that_nobody_reads_is_told(
    tmp_path: Path, kind: str, group: str, field: str, severity: str
) -> None:
    way = CUSTOM.format(group=group, kind=kind, field=field)
    plan = Trial(tmp_path, repository({"way.yaml": way}, {})).plan("dev")
    [finding] = [one for one in plan.findings if one.code == "RP111"]

    assert finding.severity.value == severity
    assert finding.consumer == f"{kind}/shop-dev/way"
    assert finding.message.startswith("`spec.routes[first].")
    assert finding.location is not None
    assert (finding.location.path, finding.location.line) == ("base/way.yaml", 7)


@pytest.mark.parametrize(
    ("group", "field"),
    [
        pytest.param("example.com", "upstream: postgres", id="a word that may be anything"),
        pytest.param("example.com", "upstream: postgres.io", id="another domain"),
        pytest.param("example.com", "upstream: my-postgres.shop-dev.svc", id="another Service"),
        pytest.param("example.com", "upstream: postgres.else.svc", id="another namespace"),
        pytest.param("example.com", f"url: 'postgres://app@{FAR}/shop'", id="a site"),
        pytest.param("policy.k8s.io", f"upstream: {FAR}", id="Kubernetes' own"),
    ],
)
def test_a_custom_resources_field_that_is_known_or_another_is_not(
    tmp_path: Path, group: str, field: str
) -> None:
    way = CUSTOM.format(group=group, kind="Tunnel", field=field)

    assert told(tmp_path, {"way.yaml": way}, {}) == []


def encoded(text: str, times: int) -> str:
    """`text` in base64, as often as said."""
    for _ in range(times):
        text = base64.b64encode(text.encode()).decode()
    return text


@pytest.mark.parametrize(
    "manifest",
    [
        f"kind: ConfigMap\nmetadata: {{name: c}}\ndata: {{primary: {FAR}}}\n",
        f"kind: ConfigMap\nmetadata: {{name: c}}\ndata: {{primary: '{FAR}:5432'}}\n",
        f"kind: Secret\nmetadata: {{name: c}}\ndata: {{primary: {encoded(FAR, 1)}}}\n",
        f"kind: Secret\nmetadata: {{name: c}}\nstringData: {{primary: {encoded(FAR, 1)}}}\n",
        f"kind: Secret\nmetadata: {{name: c}}\ndata: {{primary: {encoded(FAR, 2)}}}\n",
    ],
)
def test_the_sources_whole_name_under_any_key_is_told(tmp_path: Path, manifest: str) -> None:
    plan = Trial(tmp_path, repository({"c.yaml": f"apiVersion: v1\n{manifest}"}, {})).plan("dev")
    [finding] = [one for one in plan.findings if one.code == "RP111"]

    assert finding.severity.value == "warning"
    assert finding.message.startswith("`primary` of ")
    assert finding.location is not None
    assert (finding.location.path, finding.location.line) == ("base/c.yaml", 4)


def test_a_connection_that_is_encoded_twice_is_told(tmp_path: Path) -> None:
    twice = encoded(f"postgres://shop:canary-x@{FAR}:5432/shop", 2)
    secret = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: c}}\ndata: {{dsn: {twice}}}\n"
    plan = Trial(tmp_path, repository({"c.yaml": secret}, {})).plan("dev")

    assert [one.severity.value for one in plan.findings if one.code == "RP111"] == ["error"]
    assert "canary-x" not in repr(plan)


@pytest.mark.parametrize(
    "value",
    ["postgres", "postgres.shop-other.svc.cluster.local", f"see {FAR}", f"# {FAR}", "postgres.io"],
)
def test_what_is_not_the_sources_whole_name_is_not(tmp_path: Path, value: str) -> None:
    data = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata: {{primary: '{value}'}}\n"

    assert told(tmp_path, {"c.yaml": data}, {}) == []


def test_a_value_of_a_chart_under_a_key_that_tells_nothing_is_told(tmp_path: Path) -> None:
    files = repository({}, {}) | {
        "charts/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
        "charts/web/values-dev.yaml": f"replicas: 1\nwriter:\n  place: {FAR}\nother: a.b\n",
    }
    plan = Trial(tmp_path, files).plan("dev")
    [finding] = [one for one in plan.findings if one.code == "RP111"]

    assert finding.severity.value == "warning"
    assert finding.message.startswith("`writer.place` of charts/web/values-dev.yaml names the")
    assert finding.location is not None
    assert (finding.location.path, finding.location.line) == ("charts/web/values-dev.yaml", 3)
    assert [
        one for one in Trial(tmp_path, files).plan("prod").findings if one.code == "RP111"
    ] == []


def test_check_tells_the_field_after_the_move(tmp_path: Path) -> None:
    way = CUSTOM.format(group="example.com", kind="Tunnel", field=f"upstream: {FAR}")
    trial = Trial(tmp_path, repository({"way.yaml": way}, {}))

    assert [one.code for one in trial.check("dev")] == ["RP111"]
