"""A transaction Pooler and three runtimes: the whole way there and back, as a user walks it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from repoint.dsn.parse import find
from tests.acceptance.example import Checkout, objects, render

pytestmark = pytest.mark.parametrize("variant", ["pool-modes"], indirect=True, ids=["pool-modes"])
PREFIX = {"local": "", "staging": "staging-"}
NAMESPACE = {"local": "shop", "staging": "shop-staging"}
each = pytest.mark.parametrize("environment", ["local", "staging"])


def named(environment: str) -> str:
    return f"{PREFIX[environment]}shop-postgres-pooler-rw"


def host(environment: str, beside: str = "") -> str:
    return f"{named(environment)}{beside}.{NAMESPACE[environment]}.svc.cluster.local"


def overlay(variant: Checkout, environment: str) -> Any:
    return objects(render(variant.root / f"deploy/overlays/{environment}"))


@each
def test_row_x5_each_runtime_goes_where_it_can_live_and_the_plan_says_why(
    variant: Checkout, environment: str
) -> None:
    plan = variant.json("plan")
    rows = {r["container"]: r for r in plan["consumers"] if r["environment"] == environment}
    ways = {
        name: (rows[name]["pool_mode"], rows[name]["new"]) for name in rows if "wait" not in name
    }
    assert ways == {
        "tenants": ("session", host(environment, "-session")),
        "catalog": ("transaction", host(environment)),
        "ledger": ("transaction", host(environment)),
    }
    (told, _) = rows["tenants"]["reasons"]
    assert f"goes through the session Pooler `{named(environment)}-session`" in told
    assert "(RP221, apps/tenants/db.py:10)" in told
    assert "`binary_parameters=yes`" in rows["ledger"]["reasons"][0]
    assert rows["catalog"]["reasons"] == []
    severities = {
        (f["code"], f["severity"])
        for f in plan["findings"]
        if f["environment"] == environment and f["code"] in ("RP221", "RP227")
    }
    assert severities == {("RP221", "warning"), ("RP227", "note")}
    mended = [f["message"] for f in plan["findings"] if f["code"] == "RP202"]
    assert mended == [one for one in mended if named("staging") + "`" in one]


@each
def test_rows_x3_x10_x15_the_render_shows_the_pooler_once_with_the_right_names(
    variant: Checkout, environment: str
) -> None:
    variant.run("apply", "--env", environment, "--yes")
    found = overlay(variant, environment)
    space, name = NAMESPACE[environment], named(environment)
    poolers = {one for one in found if one.startswith("Pooler/")}
    assert poolers == {f"Pooler/{space}/{name}", f"Pooler/{space}/{name}-session"}
    main = found[f"Pooler/{space}/{name}"]["spec"]
    made = found[f"Pooler/{space}/{name}-session"]["spec"]
    assert made["cluster"] == main["cluster"] == {"name": f"{PREFIX[environment]}shop-postgres"}
    assert made["instances"] == 2
    assert made["pgbouncer"]["pg_hba"] == main["pgbouncer"]["pg_hba"]
    assert made["template"]["spec"]["containers"] == main["template"]["spec"]["containers"]
    assert name + "-session" in yaml.safe_dump(made["template"]["spec"]["affinity"])
    assert (main["pgbouncer"]["poolMode"], made["pgbouncer"]["poolMode"]) == (
        "transaction",
        "session",
    )
    # Two replicas and the one of a rollout, 12 connections each, over two pods.
    assert made["pgbouncer"]["parameters"] == {
        "max_client_conn": "400",
        "server_login_retry": "1",
        "default_pool_size": "18",
    }
    cluster = found[f"Cluster/{space}/{PREFIX[environment]}shop-postgres"]["spec"]
    names = cluster["certificates"]["serverAltDNSNames"]
    assert {host(environment), host(environment, "-session")} <= set(names)


@each
def test_rows_x7_and_3_1_the_key_is_split_and_the_wait_loop_follows(
    variant: Checkout, environment: str
) -> None:
    before = variant.text(f"deploy/secrets/{environment}/shop-db.yaml")
    variant.run("apply", "--env", environment, "--yes")
    shop, ledger = yaml.safe_load_all(variant.text(f"deploy/secrets/{environment}/shop-db.yaml"))
    hosts = {key: find(url)[0].host for key, url in shop["stringData"].items()}
    assert hosts == {"url": host(environment), "url_session": host(environment, "-session")}
    (dsn,) = find(ledger["stringData"]["url"])
    assert (dsn.host, dsn.params[-1].name, dsn.params[-1].value.text) == (
        host(environment),
        "binary_parameters",
        "yes",
    )
    assert before.count("canary-modes") + 1 == variant.text(
        f"deploy/secrets/{environment}/shop-db.yaml"
    ).count("canary-modes")
    found = overlay(variant, environment)
    pods = found[f"Deployment/{NAMESPACE[environment]}/{PREFIX[environment]}tenants"]
    template = pods["spec"]["template"]["spec"]
    assert host(environment, "-session") in str(template["initContainers"])
    key = template["containers"][0]["env"][0]["valueFrom"]["secretKeyRef"]["key"]
    assert key == "url_session"


def test_row_x10_staging_admits_each_client_to_its_own_pooler(variant: Checkout) -> None:
    variant.run("apply", "--env", "staging", "--yes")
    found = overlay(variant, "staging")
    admitted = {
        policy["spec"]["podSelector"]["matchLabels"].get("cnpg.io/poolerName", "cluster"): sorted(
            next(iter(one["podSelector"]["matchLabels"].values()))
            for one in policy["spec"]["ingress"][0]["from"]
        )
        for policy in found.values()
        if policy["kind"] == "NetworkPolicy" and policy["spec"].get("ingress")
    }
    assert admitted == {
        named("staging"): ["catalog", "ledger"],
        f"{named('staging')}-session": ["tenants"],
        "cluster": [named("staging"), f"{named('staging')}-session"],
    }


@each
def test_one_environment_moves_alone_stays_moved_and_goes_back(
    variant: Checkout, environment: str
) -> None:
    other = "staging" if environment == "local" else "local"
    start, untouched = variant.files(), render(variant.root / f"deploy/overlays/{other}")
    variant.run("apply", "--env", environment, "--yes")
    assert render(variant.root / f"deploy/overlays/{other}") == untouched
    variant.commit("moved")
    assert variant.json("plan", "--env", environment)["changes"] == []
    errors = [
        one
        for one in variant.json("check", "--env", environment)["findings"]
        if one["severity"] == "error"
    ]
    assert errors == []
    variant.run("rollback", "--env", environment, "--yes")
    assert variant.files() == start


def test_what_moved_is_no_source_of_a_new_configuration(variant: Checkout) -> None:
    variant.run("apply", "--yes")
    (variant.root / "repoint.yaml").unlink()
    variant.run("init")
    hosts = yaml.safe_load(variant.text("repoint.yaml"))["source"]["hosts"]
    assert not [one for one in hosts if "pooler" in one]


def test_a_migration_through_the_session_pooler_does_not_pass_the_check(
    variant: Checkout,
) -> None:
    variant.run("apply", "--yes")
    path = variant.root / "deploy/base/tenants.yaml"
    job = path.read_text().replace("kind: Deployment", "kind: Job").replace("apps/v1", "batch/v1")
    job = job.replace("key: url\n", "key: url_session\n").replace("tenants", "tenants-migrate")
    (variant.root / "deploy/overlays/local/migrate.yaml").write_text(job)
    listing = variant.root / "deploy/overlays/local/kustomization.yaml"
    listing.write_text(
        listing.read_text().replace("  - ../../base", "  - ../../base\n  - migrate.yaml")
    )
    found = variant.json("check", "--env", "local", status=1)["findings"]
    assert "RP120" in {one["code"] for one in found}
