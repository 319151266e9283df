"""What a plan says of values that several read, and of another environment's server."""

from __future__ import annotations

from pathlib import Path

from tests.unit.planning.small_repository import CONFIG, Trial, repository, workload

WEB = (
    "containers:\n- name: web\n  image: shop/web:1\n  env:\n"
    "  - name: DATABASE_URL\n    value: postgres://shop@%s/shop\n"
)


def _codes(root: Path, host: str, *environments: str) -> list[tuple[str, str]]:
    files = repository({"web.yaml": workload("Deployment", "web", WEB % host)}, {})
    plan = Trial(root, files).plan(*environments)
    return [(f.code, f.environment) for f in plan.findings if f.code in ("RP102", "RP105")]


def test_the_server_of_another_environment_is_told(tmp_path: Path) -> None:
    assert _codes(tmp_path, "postgres.shop-dev.svc", "dev", "prod") == [("RP105", "prod")]


def test_it_is_told_once_for_all_who_read_a_base_and_not_of_a_wait_loop(tmp_path: Path) -> None:
    wait = (
        "initContainers:\n- name: wait\n  image: postgres:18\n"
        "  command: [pg_isready, -h, postgres.shop-dev.svc]\n"
    )
    host = "postgres.shop-dev.svc"
    both = "".join(
        workload("Deployment", name, wait + (WEB % host)) + "---\n" for name in ("web", "api")
    )
    only = workload("Deployment", "slow", wait + (WEB % "postgres.shop-{env}.svc"))
    plan = Trial(tmp_path, repository({"web.yaml": both}, {"slow.yaml": only})).plan("prod")

    (finding,) = (one for one in plan.findings if one.code == "RP105")
    assert "DATABASE_URL" in finding.message
    assert finding.message.endswith("(and 1 more: Deployment/shop-prod/api/web)")


def test_environments_of_one_namespace_each_in_a_cluster_of_its_own_are_no_neighbours(
    tmp_path: Path,
) -> None:
    config = CONFIG.replace("shop-dev", "data").replace("shop-prod", "data")
    config = config.replace("[postgres]", "[postgres.data.svc]")
    web = {"web.yaml": workload("Deployment", "web", WEB % "postgres.data.svc")}
    files = repository(web, {"kustomization.yaml": "namespace: data\nresources: [../../base]\n"})
    plan = Trial(tmp_path, files, config=config).plan()
    assert "RP105" not in {f.code for f in plan.findings} and plan.changes


def test_a_server_of_its_own_or_of_everybodys_is_not(tmp_path: Path) -> None:
    assert _codes(tmp_path / "bare", "postgres", "dev", "prod") == []
    files = repository({"web.yaml": workload("Deployment", "web", WEB % "postgres.data")}, {})
    config = CONFIG.replace("[postgres]", "[postgres.data]")
    plan = Trial(tmp_path / "shared", files, config=config).plan()
    assert "RP105" not in {f.code for f in plan.findings} and plan.changes


def test_the_only_server_of_another_environment_is_told_where_it_is_one_of_two(
    tmp_path: Path,
) -> None:
    report = (WEB % "pg.data").replace("web", "report")
    base = {"report.yaml": workload("Deployment", "report", report)}
    own = workload("Deployment", "web", WEB % "HOST")
    overlay = "namespace: shop-{env}\nresources: [../../base, web.yaml]\n"
    files = repository(base, {"kustomization.yaml": overlay})
    files["overlays/dev/web.yaml"] = own.replace("HOST", "pg.data")
    files["overlays/prod/web.yaml"] = own.replace("HOST", "db.example.com")
    config = CONFIG.replace("[postgres]", "[pg.data, db.example.com]")
    plan = Trial(tmp_path, files, config=config).plan()

    (finding,) = (one for one in plan.findings if one.code == "RP105")
    assert finding.environment == "prod"
    assert "of Deployment/shop-prod/report/report names the server of `dev`" in finding.message


def _shared(root: Path, config: str, environment: str = "dev") -> list[tuple[str, str]]:
    pods = "".join(
        workload(
            kind,
            name,
            f"containers:\n- name: {name}\n  image: shop/web:1\n  command: [{command}]\n"
            "  env:\n  - name: DATABASE_URL\n"
            "    valueFrom: {secretKeyRef: {name: db, key: url}}\n",
        )
        + "---\n"
        for kind, name, command in (
            ("Deployment", "web", "serve"),
            ("Job", "schema", "'alembic', 'upgrade', 'head'"),
        )
    )
    secret = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\n"
        "stringData:\n  url: postgres://shop:canary-q@postgres/shop\n"
    )
    files = repository({"web.yaml": pods, "secret.yaml": secret}, {})
    plan = Trial(root, files, config=config).plan(environment)
    return [(f.environment, f.consumer) for f in plan.findings if f.code == "RP102"]


def test_a_shared_value_is_told_where_the_plan_splits_it(tmp_path: Path) -> None:
    for name in ("dev", "prod"):
        told = [(name, f"Job/shop-{name}/schema/schema")]
        assert _shared(tmp_path / name, CONFIG, name) == told
    direct = f"{CONFIG}consumers:\n  web: {{route: direct}}\n"
    assert _shared(tmp_path / "direct", direct) == []
