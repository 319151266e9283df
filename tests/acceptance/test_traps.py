"""The traps X1 to X17: each is detected, the plan's intent is implemented, and repoint says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from repoint.dsn.parse import find
from repoint.model.plan import Plan
from tests.acceptance.example import (
    ENVIRONMENTS,
    NAMESPACE,
    PREFIX,
    SECRETS,
    Checkout,
    objects,
    pooled,
    render,
)

each = pytest.mark.parametrize("environment", ENVIRONMENTS)
POOLED = "shop-postgres-pooler-rw.shop.svc.cluster.local"
DIRECT = "shop-postgres-rw.shop.svc.cluster.local"


def on(name: str) -> pytest.MarkDecorator:
    """Run a test on a variant."""
    return pytest.mark.parametrize("variant", [name], indirect=True, ids=[name])


def findings(plan: Any, code: str, environment: str | None = None) -> list[Any]:
    return [
        one
        for one in plan["findings"]
        if one["code"] == code and environment in (None, one["environment"])
    ]


def severities(plan: Any, code: str) -> set[str]:
    return {one["severity"] for one in findings(plan, code)}


def routes(plan: Any) -> dict[str, tuple[str, str]]:
    """Route and new host by container."""
    return {one["container"]: (one["route"], one["new"]) for one in plan["consumers"]}


def refused(checkout: Checkout, code: str) -> None:
    """Apply says which finding stands in its way and writes nothing."""
    done = checkout.run("apply", "--yes", status=1)
    assert done.stdout == ""
    assert code in done.stderr
    assert checkout.git("status", "--porcelain", "--", ".", ":!.repoint") == ""


@pytest.fixture(scope="session")
def told(plan_file: Path) -> Any:
    """The plan of the example as JSON."""
    return json.loads(plan_file.read_text())


def pooler(checkout: Checkout, environment: str) -> Any:
    found = objects(checkout.render(environment))
    return found[f"Pooler/{NAMESPACE[environment]}/naytife-postgres-pooler-rw"]["spec"]


@each
def test_row_x1_the_pooler_is_told_to_track_search_path(
    told: Any, moved: Checkout, environment: str
) -> None:
    assert {one["severity"] for one in findings(told, "RP211", environment)} == {"note"}
    tracked = pooler(moved, environment)["pgbouncer"]["parameters"]["track_extra_parameters"]
    assert tracked == "IntervalStyle,search_path"  # PgBouncer's own default is kept


@on("x01-transaction-pg17-shared-role")
def test_row_x1_x4_what_cannot_be_tracked_goes_direct(variant: Checkout) -> None:
    plan = variant.json("plan")
    assert severities(plan, "RP211") == {"warning"}
    assert set(routes(plan).values()) == {("direct", DIRECT)}
    variant.run("apply", "--yes")
    secrets = yaml.safe_load_all(variant.text("deploy/base/secrets.yaml"))
    values = [text for one in secrets for text in one["stringData"].values() if "://" in text]
    for value in values:
        (dsn,) = find(value)
        assert dsn.host == DIRECT
        assert dsn.schema  # the parameter stays, direct servers take it
    assert values


@on("x02-shell-password")
def test_row_x2_a_password_that_nothing_expands_is_refused(variant: Checkout) -> None:
    plan = variant.json("plan", status=1)
    assert severities(plan, "RP302") == {"error"}
    assert {one["path"] for one in map(_place, findings(plan, "RP302"))} == {
        "deploy/base/secret.yaml",
        "deploy/base/web.yaml",
    }
    refused(variant, "RP302")


@on("composed-env")
def test_row_x2_what_kubernetes_does_expand_is_no_finding(variant: Checkout) -> None:
    plan = variant.json("plan")
    assert not findings(plan, "RP302")
    assert routes(plan)["web"] == ("pooled", POOLED)
    assert routes(plan)["web-migrate"] == ("direct", DIRECT)
    assert routes(plan)["pg-dump"] == ("direct", DIRECT)


@on("x03-prefixed-pooler")
def test_row_x3_prefixed_objects_get_the_names_they_render_to(variant: Checkout) -> None:
    plan = variant.json("plan")
    edits = [e for c in plan["changes"] if c["environment"] == "staging" for e in c["edits"]]
    assert "RP202" in {edit["rule"] for edit in edits}
    (told,) = findings(plan, "RP202", "staging")
    assert told["severity"] == "note"
    variant.run("apply", "--yes")
    found = objects(render(variant.root / "deploy/overlays/staging"))
    spec = found["Pooler/shop-staging/staging-shop-postgres-pooler-rw"]["spec"]
    assert f"Cluster/shop-staging/{spec['cluster']['name']}" in found
    secret = variant.text("deploy/secrets/staging/shop-db.yaml")
    assert "@staging-shop-postgres-pooler-rw.shop-staging.svc.cluster.local:" in secret


@each
def test_row_x3_hosts_in_text_exist_in_the_render(moved: Checkout, environment: str) -> None:
    found = objects(moved.render(environment))
    namespace = NAMESPACE[environment]
    assert f"Cluster/{namespace}/naytife-postgres" in found
    assert pooler(moved, environment)["cluster"]["name"] == "naytife-postgres"
    assert pooled(environment).startswith(f"naytife-postgres-pooler-rw.{namespace}.")


@each
def test_row_x4_one_role_for_two_schemas_is_told(told: Any, environment: str) -> None:
    (one,) = findings(told, "RP215", environment)
    assert one["severity"] != "error"  # tracking keeps the two apart
    assert "`hydra`" in one["message"] and "`naytife_schema`" in one["message"]


@each
def test_row_x5_the_session_setting_is_seen_and_the_pool_stays_in_session_mode(
    told: Any, moved: Checkout, environment: str
) -> None:
    (one,) = findings(told, "RP221", environment)
    assert one["severity"] == "note"
    assert one["location"]["path"].startswith("backend/internal/db/")
    assert pooler(moved, environment)["pgbouncer"]["poolMode"] == "session"


@on("x05-transaction-rls")
def test_row_x5_row_level_security_is_kept_off_a_transaction_pool(variant: Checkout) -> None:
    plan = variant.json("plan")
    assert severities(plan, "RP221") == {"warning"}
    session = POOLED.replace("pooler-rw", "pooler-rw-session")
    assert routes(plan)["web"] == ("pooled", session)
    variant.run("apply", "--yes")
    web, *_ = yaml.safe_load_all(variant.text("deploy/base/secrets.yaml"))
    (dsn,) = find(web["stringData"]["url"])
    assert dsn.host == session
    found = objects(render(variant.root / "deploy/overlays/local"))
    made = found["Pooler/shop/shop-postgres-pooler-rw-session"]["spec"]
    assert made["pgbouncer"]["poolMode"] == "session"
    assert made["cluster"]["name"] == "shop-postgres"


@each
def test_row_x6_nothing_that_is_deployed_names_the_source(
    moved: Checkout, environment: str
) -> None:
    old = f"{PREFIX[environment]}postgres"
    for name, one in objects(moved.render(environment)).items():
        text = "\n".join(
            line for line in yaml.safe_dump(one, width=10**6).splitlines() if "docs/" not in line
        )
        commands = text.replace("# postgres.naytife.svc.cluster.local", "")
        for host in (old, "postgres"):
            assert f"{host}.naytife" not in commands.replace(f"-{host}.", ""), name


def test_row_x6_scan_tells_which_base_files_every_overlay_shares(before: Checkout) -> None:
    sites = before.json("scan")["sites"]
    base = {s["path"]: set(s["environments"]) for s in sites if "deploy/base/" in s["path"]}
    assert base["deploy/base/hydra/deployment.yaml"] == set(ENVIRONMENTS)
    assert base["deploy/base/backend/migrate-job.yaml"] == {"staging", "production"}


@each
def test_row_x7_a_shared_key_is_split(told: Any, environment: str) -> None:
    found = findings(told, "RP102", environment)
    assert {one["severity"] for one in found} == {"warning"}
    assert {one["location"]["path"] for one in found} == {
        path for path, name in SECRETS.items() if name == environment
    }


@on("anchors")
def test_row_x7_an_anchor_is_never_moved_for_one_of_its_readers(variant: Checkout) -> None:
    plan = variant.json("plan", status=1)
    assert "error" in severities(plan, "RP102")
    assert "deploy/base/shop.yaml" not in {change["path"] for change in plan["changes"]}
    (task,) = plan["tasks"]
    assert task["put"] == f"host {DIRECT}"
    refused(variant, "RP102")


@each
def test_row_x8_waiting_on_the_pooler_is_told_to_prove_nothing(told: Any, environment: str) -> None:
    found = findings(told, "RP261", environment)
    assert len(found) == 2
    assert all("select 1" in one["hint"] for one in found)


@on("gitops-hooks")
def test_row_t2_a_controller_brings_the_migration_in_the_wrong_order(variant: Checkout) -> None:
    plan = variant.json("plan", status=1)
    hook, job = (findings(plan, code) for code in ("RP290", "RP293"))
    assert [(one["environment"], one["severity"]) for one in hook] == [("local", "error")]
    assert [(one["environment"], one["severity"]) for one in job] == [("staging", "error")]
    assert {one["environment"] for one in findings(plan, "RP296")} == {"staging"}
    assert {one["environment"] for one in findings(plan, "RP297")} == {"local", "staging"}
    refused(variant, "RP290")


@on("x09-source-removed")
def test_row_x9_a_source_that_leaves_with_the_change_is_told(variant: Checkout) -> None:
    (one,) = findings(variant.json("plan"), "RP130")
    assert (one["environment"], one["severity"]) == ("staging", "warning")


def test_row_x9_the_example_keeps_its_source_and_is_not_blamed(told: Any) -> None:
    assert not findings(told, "RP130")


def test_row_x10_production_admits_the_clients_to_the_new_pods(moved: Checkout) -> None:
    found = objects(moved.render("production"))
    policies = [one["spec"] for one in found.values() if one["kind"] == "NetworkPolicy"]
    pods = {
        "pooler": {"cnpg.io/poolerName": "naytife-postgres-pooler-rw"},
        "cluster": {"cnpg.io/cluster": "naytife-postgres", "cnpg.io/podRole": "instance"},
    }
    mine, auth = NAMESPACE["production"], "naytife-auth-production"
    for target, namespace, client in (
        ("pooler", mine, _labels(found, f"Deployment/{mine}/prod-backend")),
        ("pooler", auth, _labels(found, f"Deployment/{auth}/prod-hydra")),
        ("cluster", mine, _labels(found, f"Job/{mine}/prod-backend-migrate")),
        ("cluster", auth, _labels(found, f"Job/{auth}/prod-hydra-migrate")),
        ("cluster", mine, _labels(found, f"Deployment/{mine}/postgres-exporter")),
        ("cluster", mine, pods["pooler"]),
    ):
        assert _admits(policies, pods[target], mine, namespace, client), (target, client)
    stranger = {"app": "mailer"}
    assert not _admits(policies, pods["pooler"], mine, mine, stranger)
    assert not _admits(policies, pods["cluster"], mine, mine, stranger)


def _labels(found: Any, name: str) -> dict[str, str]:
    return dict(found[name]["spec"]["template"]["metadata"]["labels"])


def _admits(
    policies: list[Any], pod: dict[str, str], home: str, namespace: str, client: dict[str, str]
) -> bool:
    """Whether some policy lets `client` of `namespace` reach `pod` on port 5432."""
    for policy in policies:
        if _selects(policy["podSelector"], pod):
            for rule in policy.get("ingress", ()):
                ports = [one.get("port") for one in rule.get("ports", [{"port": 5432}])]
                if 5432 in ports and any(_peer(p, home, namespace, client) for p in rule["from"]):
                    return True
    return False


def _peer(peer: Any, home: str, namespace: str, client: dict[str, str]) -> bool:
    if "namespaceSelector" in peer:
        if not _selects(peer["namespaceSelector"], {"kubernetes.io/metadata.name": namespace}):
            return False
    elif namespace != home:
        return False
    return _selects(peer.get("podSelector", {}), client)


def _selects(selector: Any, labels: dict[str, str]) -> bool:
    assert set(selector) <= {"matchLabels"}
    return dict(selector.get("matchLabels", {})).items() <= labels.items()


@each
def test_row_x11_the_pool_holds_what_the_applications_open(
    told: Any, moved: Checkout, environment: str
) -> None:
    found = objects(moved.render(environment))
    name = f"{NAMESPACE[environment]}/{PREFIX[environment]}backend"
    replicas = int(found[f"Deployment/{name}"]["spec"]["replicas"])
    per_replica = int(found[f"ConfigMap/{name}-config-HASH"]["data"]["DB_MAX_CONNS"])
    spec = pooler(moved, environment)
    size = int(spec["pgbouncer"]["parameters"]["default_pool_size"])
    assert size * int(spec["instances"]) >= replicas * per_replica
    assert "hydra" in " ".join(one["message"] for one in findings(told, "RP241", environment))


@each
def test_row_x12_the_generator_literal_moves_too(moved: Checkout, environment: str) -> None:
    name = f"ConfigMap/{NAMESPACE[environment]}/{PREFIX[environment]}backend-config-HASH"
    found = objects(moved.render(environment))
    assert found[name]["data"]["DATABASE_HOST"] == pooled(environment)


def test_row_x12_a_script_that_prints_the_dsn_is_told(told: Any) -> None:
    (one,) = findings(told, "RP131")
    assert one["location"]["path"] == "scripts/show-db-url.sh"


@on("base64-and-generators")
def test_row_x12_base64_keeps_its_newline_and_generator_files_move(variant: Checkout) -> None:
    before = {path: variant.text(path) for path in ("deploy/base/secret.yaml",)}
    variant.run("apply", "--yes")
    old, new = (
        _decoded(text, "url")
        for text in (before["deploy/base/secret.yaml"], variant.text("deploy/base/secret.yaml"))
    )
    moved = old.replace("@postgres.shop.svc.cluster.local", f"@{POOLED}")
    assert new == moved.replace("disable", "require")
    assert new.endswith("\n")
    assert DIRECT in variant.text("deploy/base/jobs.env")
    assert POOLED in variant.text("deploy/base/kustomization.yaml")


@on("base64-and-generators")
def test_row_x13_an_encoded_host_is_no_password_and_an_encoded_url_is(variant: Checkout) -> None:
    found = [_place(one) for one in findings(variant.json("plan"), "RP303")]
    lines = {one["line"] for one in found if one["path"] == "deploy/base/secret.yaml"}
    assert lines == {9}


def _decoded(text: str, key: str) -> str:
    return yaml.safe_load(text.replace(f"{key}: ", f"{key}: !!binary "))["data"][key].decode()


@on("helm-values")
def test_row_x12_helm_values_are_read_for_every_environment(variant: Checkout) -> None:
    sites = variant.json("scan")["sites"]
    paths = {site["path"] for site in sites}
    assert {
        "chart/values.yaml",
        "chart/values-staging.yaml",
        "chart/values-production.yaml",
    } & paths


@on("compose-dotenv")
def test_row_x12_a_host_of_the_compose_file_stays(variant: Checkout) -> None:
    paths = {change["path"] for change in variant.json("plan", status=None)["changes"]}
    assert not {"docker-compose.yml", ".env"} & paths


@on("x13-cleartext")
def test_row_x13_clear_text_that_should_be_sealed_is_an_error(variant: Checkout) -> None:
    plan = variant.json("plan", status=1)
    assert severities(plan, "RP301") == {"error"}
    assert "secrets/local/shop-db.yaml" in {_place(f)["path"] for f in findings(plan, "RP301")}
    assert "secrets/local/auth-db.yaml" not in {_place(f)["path"] for f in findings(plan, "RP301")}
    refused(variant, "RP301")
    found = variant.json("check", status=1)["findings"]
    assert "RP301" in {one["code"] for one in found if one["severity"] == "error"}


@on("x14-broken-overlay")
def test_row_x14_overlays_that_do_not_build_are_told_and_read_all_the_same(
    variant: Checkout,
) -> None:
    plan = variant.json("plan")
    assert {f["environment"] for f in findings(plan, "RP311")} == {"staging", "production"}
    assert {c["environment"] for c in plan["consumers"]} == set(ENVIRONMENTS)
    methods = {
        proof["overlay"]: (proof["method"], bool(proof["reason"]))
        for proof in plan["proofs"]
        if proof["environment"] == proof["applied"] and proof["overlay"]
    }
    assert methods == {
        "deploy/overlays/local": ("render", False),
        "deploy/overlays/staging": ("sources", True),
        "deploy/overlays/production": ("sources", True),
    }
    unreadable = variant.json("scan")["unreadable"]
    assert {"deploy/overlays/staging", "deploy/overlays/production"} <= {
        one["path"] for one in unreadable
    }


@on("x15-verify-full")
def test_row_x15_the_certificate_gets_the_poolers_name(variant: Checkout) -> None:
    plan = variant.json("plan")
    assert "RP231" in {edit["rule"] for change in plan["changes"] for edit in change["edits"]}
    variant.run("apply", "--yes")
    found = objects(render(variant.root / "deploy/overlays/local"))
    names = found["Cluster/shop/shop-postgres"]["spec"]["certificates"]["serverAltDNSNames"]
    assert POOLED in names
    values = found["Secret/shop/shop-db"]["stringData"]
    for key, host in (("url", POOLED), ("url_direct", DIRECT), ("dsn", POOLED)):
        (dsn,) = find(values[key])
        assert dsn.host == host
        (mode,) = [p.value.text for p in dsn.params if p.name == "sslmode"]
        assert mode == "verify-full", key


def test_row_x16_urls_that_libpq_rejects_are_read(before: Checkout, plan: Plan) -> None:
    sites = {s["path"]: s for s in before.json("scan")["sites"] if s["path"] in SECRETS}
    assert set(sites) == set(SECRETS)
    for path, site in sites.items():
        assert site["schema"] == ("hydra" if "hydra" in path else "naytife_schema")
        assert (site["database"], site["user"], site["port"]) == ("naytifedb", "naytife", 5432)
    assert not plan.unreadable


@on("x17-wrong-pooler-name")
def test_row_x17_a_pooler_that_nothing_renders_is_refused(variant: Checkout) -> None:
    (one,) = findings(variant.json("plan", status=1), "RP201")
    assert one["severity"] == "error"
    assert "did you mean `shop-postgres-pooler-rw" in one["hint"]
    refused(variant, "RP201")


def _place(finding: Any) -> Any:
    return finding["location"]
