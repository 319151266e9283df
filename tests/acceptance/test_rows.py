"""The rows of the migration plan, one by one, on the worked example. Row ids are in the names."""

from __future__ import annotations

import re
from ast import literal_eval
from difflib import SequenceMatcher
from typing import Any

import pytest
import yaml

from repoint.model.plan import Plan
from tests.acceptance.example import (
    AUTH,
    ENVIRONMENTS,
    NAMESPACE,
    PREFIX,
    SECRETS,
    Checkout,
    difference,
    direct,
    fields,
    hosts_of,
    objects,
    password_of,
    pooled,
)

each = pytest.mark.parametrize("environment", ENVIRONMENTS)
CODE = (".go", ".sql", ".mod", ".sum", "Dockerfile", ".md", ".gitignore", ".sops.yaml")
PLAN_STRING = (
    "postgresql://naytife:{}@naytife-postgres-pooler-rw.{}.svc.cluster.local:5432/naytifedb"
    "?sslmode=require&search_path={}"
)
HASHED = ("metadata.name", "spec.template.spec.containers[backend].envFrom")


def secret_of(app: str, environment: str) -> str:
    return f"deploy/secrets/{environment}/{app}-secret.yaml"


def workload(checkout: Checkout, kind: str, name: str, environment: str) -> Any:
    namespace = (AUTH if name.startswith("hydra") else NAMESPACE)[environment]
    found = objects(checkout.render(environment))
    return found[f"{kind}/{namespace}/{PREFIX[environment]}{name}"]["spec"]["template"]["spec"]


def container(pod: Any, name: str) -> Any:
    every = [*pod.get("initContainers", ()), *pod["containers"]]
    return next(one for one in every if one["name"] == name)


def script(pod: Any, name: str) -> str:
    return str(container(pod, name)["command"][-1])


def code_of(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def secret_key(pod: Any, name: str, variable: str) -> str:
    entry = next(one for one in container(pod, name)["env"] if one["name"] == variable)
    return str(entry["valueFrom"]["secretKeyRef"]["key"])


def only_inserts(before: Checkout, moved: Checkout, path: str) -> bool:
    """Whether a file kept every line it had, in order."""
    lines = (one.text(path).splitlines() for one in (before, moved))
    return {op[0] for op in SequenceMatcher(None, *lines).get_opcodes()} == {"equal", "insert"}


# Principles


def test_row_p1_only_planned_files_change_and_no_application_code(
    before: Checkout, moved: Checkout, plan: Plan
) -> None:
    old, new = before.files(), moved.files()
    changed = {path for path in {*old, *new} if old.get(path) != new.get(path)}
    assert changed == {change.path for change in plan.changes}
    assert not [path for path in changed if path.endswith(CODE)]
    assert {path for path in changed if path.startswith("backend/")} == {
        "backend/atlas.hcl",
        "backend/Makefile",
    }


@each
def test_row_p1_the_application_keeps_its_variables(moved: Checkout, environment: str) -> None:
    job = workload(moved, "Job", "backend-migrate", environment)
    assert secret_key(job, "backend-migrate", "DATABASE_URL") == "DATABASE_URL_DIRECT"
    backend = workload(moved, "Deployment", "backend", environment)
    sources = container(backend, "backend")["envFrom"]
    assert "backend-secret" in str(sources)
    assert secret_key(workload(moved, "Deployment", "hydra", environment), "hydra", "DSN") == "dsn"


@each
def test_row_p2_migration_jobs_are_direct_by_evidence(plan: Plan, environment: str) -> None:
    jobs = [c for c in plan.consumers if c.kind == "Job" and c.environment == environment]
    assert {one.container for one in jobs if one.purpose == "migration"} == {
        "backend-migrate",
        "hydra-migrate",
    }
    for one in jobs:
        assert (one.route, one.new) == ("direct", direct(environment)), one.id
        assert one.evidence


def test_row_p2_a_migration_through_the_pool_is_refused(moved: Checkout, tmp_path: Any) -> None:
    wrong = moved.copy(tmp_path / "wrong")
    path = "deploy/overlays/local/backend-migrate-local-patch.yaml"
    text = wrong.text(path).replace("DATABASE_URL_DIRECT", "DATABASE_URL")
    (wrong.root / path).write_text(text)
    found = wrong.json("check", status=1)["findings"]
    errors = [one for one in found if one["severity"] == "error"]
    assert {one["code"] for one in errors} == {"RP120"}
    assert {one["consumer"] for one in errors} == {"Job/naytife/backend-migrate/backend-migrate"}


@each
def test_row_p3_runtime_is_pooled(plan: Plan, environment: str) -> None:
    runtime = [c for c in plan.consumers if c.purpose == "runtime" and c.environment == environment]
    assert {one.container for one in runtime} == {"backend", "hydra"}
    for one in runtime:
        assert (one.route, one.new) == ("pooled", pooled(environment)), one.id


def test_row_p4_atlas_local_stays_for_development(before: Checkout, moved: Checkout) -> None:
    assert only_inserts(before, moved, "backend/atlas.hcl")
    assert "localhost:5432" in moved.text("backend/atlas.hcl")


# Consumers


@pytest.mark.parametrize(
    ("row", "kind", "name", "route", "update"),
    [
        ("C1", "Deployment", "backend", "pooled", "ConfigMap and Secret"),
        ("C2", "Deployment", "hydra", "pooled", "Secret only"),
        ("C3", "Job", "backend-migrate", "direct", "Job config only"),
        ("C4", "Job", "hydra-migrate", "direct", "Job config only"),
    ],
    ids=["C1", "C2", "C3", "C4"],
)
@each
def test_row_c_scan_prints_the_table_of_consumers(
    before: Checkout, environment: str, row: str, kind: str, name: str, route: str, update: str
) -> None:
    table = before.json("scan", "--env", environment)["consumers"]
    namespace = (AUTH if name.startswith("hydra") else NAMESPACE)[environment]
    wanted = (kind, namespace, PREFIX[environment] + name, name)
    (found,) = [
        one
        for one in table
        if (one["kind"], one["namespace"], one["name"], one["container"]) == wanted
        and one["environment"] == environment
    ]
    # C1: the example's ConfigMap names the host a second time (X12), so its row says more
    assert (found["route"], found["update_required"]) == (route, update), row
    assert found["purpose"] == ("runtime" if route == "pooled" else "migration")
    sealed = secret_of(name.removesuffix("-migrate"), environment)
    assert [site for site in found["sites"] if site.startswith(f"{sealed}:")]


# Phase 1 and the connection strings


@each
def test_row_1_1_backend_secret_is_pooled(
    before: Checkout, moved: Checkout, environment: str
) -> None:
    path = secret_of("backend", environment)
    old, new = before.secret(path), moved.secret(path)
    assert new["DATABASE_URL"] == PLAN_STRING.format(
        password_of(old["DATABASE_URL"]), NAMESPACE[environment], "naytife_schema"
    )
    kept = {key: value for key, value in new.items() if not key.startswith("DATABASE_URL")}
    assert kept == {key: value for key, value in old.items() if key != "DATABASE_URL"}
    assert set(new) - set(old) == {"DATABASE_URL_DIRECT"}


@each
def test_row_1_2_hydra_secret_is_pooled(
    before: Checkout, moved: Checkout, environment: str
) -> None:
    path = secret_of("hydra", environment)
    old, new = before.secret(path), moved.secret(path)
    assert new["dsn"] == PLAN_STRING.format(
        password_of(old["dsn"]), NAMESPACE[environment], "hydra"
    )
    assert {k: v for k, v in new.items() if not k.startswith("dsn")} == {
        k: v for k, v in old.items() if k != "dsn"
    }
    assert set(new) - set(old) == {"dsn_direct"}


def test_row_e_all_six_connection_strings_with_their_own_passwords(
    before: Checkout, moved: Checkout
) -> None:
    strings = set()
    for path, environment in SECRETS.items():
        key, schema = ("dsn", "hydra") if "hydra" in path else ("DATABASE_URL", "naytife_schema")
        password = password_of(before.secret(path)[key])
        value = moved.secret(path)[key]
        assert value == PLAN_STRING.format(password, NAMESPACE[environment], schema), path
        copy = moved.secret(path)[f"{key}_{'direct' if key == 'dsn' else 'DIRECT'}"]
        assert copy == value.replace(pooled(environment), direct(environment))
        strings.add(value)
    assert len(strings) == 6
    # the bytes as they stand in the files: lower-case escapes, a raw @, an escaped %
    assert password_of(before.secret(secret_of("hydra", "staging"))["dsn"]) == (
        "st%40ging%2540%2fNay%23tife-Z%c3%bcrich"
    )
    assert "Pr%2540d@Lagos" in moved.secret(secret_of("hydra", "production"))["dsn"]


def test_row_1_reencryption_touches_the_changed_values_alone(
    before: Checkout, moved: Checkout
) -> None:
    for path in SECRETS:
        old, new = before.text(path).splitlines(), moved.text(path).splitlines()
        gone = [line.split(":")[0].strip() for line in old if line not in new]
        key = "dsn" if "hydra" in path else "DATABASE_URL"
        assert sorted(gone) == sorted([key, "lastmodified", "mac"]), path
        assert len(new) == len(old) + 1


# Phases 2 and 3


@each
def test_row_2_1_backend_migrate_waits_checks_and_migrates_direct(
    moved: Checkout, environment: str
) -> None:
    job = workload(moved, "Job", "backend-migrate", environment)
    wait = code_of(script(job, "wait-for-postgres"))
    assert f"pg_isready -h {direct(environment)} -p 5432 -U naytife" in wait
    check = script(job, "migration-pre-check")
    for sql in (
        "SELECT version();",
        "CREATE SCHEMA IF NOT EXISTS naytife_schema;",
        "CREATE SCHEMA IF NOT EXISTS hydra;",
    ):
        assert f'psql -h {direct(environment)} -U naytife -d naytifedb -c "{sql}"' in check
    assert secret_key(job, "backend-migrate", "DATABASE_URL") == "DATABASE_URL_DIRECT"
    url = moved.secret(secret_of("backend", environment))["DATABASE_URL_DIRECT"]
    assert hosts_of(url) == [direct(environment)]
    assert url.endswith("?sslmode=require&search_path=naytife_schema")


@each
def test_row_2_2_hydra_migrate_waits_and_migrates_direct(moved: Checkout, environment: str) -> None:
    job = workload(moved, "Job", "hydra-migrate", environment)
    wait = code_of(script(job, "wait-for-postgres"))
    assert f"pg_isready -h {direct(environment)} -p 5432 -U naytife" in wait
    assert secret_key(job, "hydra-migrate", "DSN") == "dsn_direct"
    dsn = moved.secret(secret_of("hydra", environment))["dsn_direct"]
    assert hosts_of(dsn) == [direct(environment)]


@each
def test_row_2_files_stand_where_the_plan_says(moved: Checkout, environment: str) -> None:
    for name in ("backend-migrate", "hydra-migrate", "backend"):
        patch = f"{name}-{environment}-patch.yaml"
        assert (moved.root / f"deploy/overlays/{environment}" / patch).is_file()
        listed = yaml.safe_load(moved.text(f"deploy/overlays/{environment}/kustomization.yaml"))
        assert patch in [one["path"] for one in listed["patches"]]


@pytest.mark.parametrize("name", ["backend", "hydra"])
@each
def test_row_3_1_deployments_wait_for_the_pooler(
    moved: Checkout, environment: str, name: str
) -> None:
    pod = workload(moved, "Deployment", name, environment)
    wait = code_of(script(pod, "wait-for-postgres"))
    assert f"pg_isready -h {pooled(environment)} -p 5432 -U naytife" in wait


# Phase 4


def test_row_4_1_atlas_gets_local_cnpg_beside_what_was_there(
    before: Checkout, moved: Checkout
) -> None:
    old, new = before.text("backend/atlas.hcl"), moved.text("backend/atlas.hcl")
    added = [line for line in new.splitlines() if line not in old.splitlines()]
    block = re.search(r'env "local_cnpg" \{.*?^\}', new, re.DOTALL | re.MULTILINE)
    assert block is not None
    assert (
        "postgres://naytife:postgres@naytife-postgres-rw.naytife.svc.cluster.local:5432/naytifedb"
        "?search_path=naytife_schema&sslmode=require"
    ) in block[0]
    assert 'dir = "file://internal/db/migrations"' in block[0]
    assert len(added) == 3  # the comment, the header and the url; the rest reads as in `local`
    assert only_inserts(before, moved, "backend/atlas.hcl")
    for name in ("local", "prod"):
        assert f'env "{name}" {{' in new


def test_row_4_2_the_makefile_gets_targets_in_its_own_style(
    before: Checkout, moved: Checkout
) -> None:
    new = moved.text("backend/Makefile")
    assert only_inserts(before, moved, "backend/Makefile")
    for target, verb in (("migrate-up-cnpg", "apply"), ("migrate-status-cnpg", "status")):
        rule = rf"^\.PHONY: {target}\n{target}: ## [^\n]+\n\tatlas migrate {verb} --env local_cnpg$"
        assert re.search(rule, new, re.MULTILINE), target


# What does not change


def expected(environment: str) -> set[tuple[str, str]]:
    """Every field of a render that may differ, written down by hand."""
    app, auth, prefix = NAMESPACE[environment], AUTH[environment], PREFIX[environment]
    pod = "spec.template.spec."
    command = pod + "initContainers[wait-for-postgres].command[2]"
    result = {
        (f"ConfigMap/{app}/{prefix}backend-config-HASH", "data.DATABASE_HOST"),
        (f"Deployment/{app}/{prefix}backend", command),
        (f"Deployment/{auth}/{prefix}hydra", command),
        (f"Job/{app}/{prefix}backend-migrate", command),
        (f"Job/{auth}/{prefix}hydra-migrate", command),
        (
            f"Job/{app}/{prefix}backend-migrate",
            pod + "initContainers[migration-pre-check].command[2]",
        ),
        (
            f"Job/{app}/{prefix}backend-migrate",
            pod + "containers[backend-migrate].env[DATABASE_URL].valueFrom.secretKeyRef.key",
        ),
        (
            f"Job/{auth}/{prefix}hydra-migrate",
            pod + "containers[hydra-migrate].env[DSN].valueFrom.secretKeyRef.key",
        ),
        (
            f"Pooler/{app}/naytife-postgres-pooler-rw",
            "spec.pgbouncer.parameters.track_extra_parameters",
        ),
    }
    if environment == "production":
        exporter = "containers[postgres-exporter].env[DATA_SOURCE_URI].value"
        result.add((f"Deployment/{app}/postgres-exporter", pod + exporter))
    return result


SIZES = "spec.pgbouncer.parameters.default_pool_size"
NEW_POLICIES = re.compile(r"NetworkPolicy/naytife-production/allow-naytife-postgres[a-z-]*clients")


@each
def test_row_n_every_other_rendered_field_is_identical(
    before: Checkout, moved: Checkout, environment: str
) -> None:
    old, new = fields(before.render(environment)), fields(moved.render(environment))
    changed = difference(old, new)
    others = {field: changed[field] for field in set(changed) - expected(environment)}
    assert expected(environment) <= set(changed)
    for (name, field), (was, now) in others.items():
        policy = environment == "production" and NEW_POLICIES.fullmatch(name)
        size = name.startswith("Pooler/") and field == SIZES  # X11
        assert (policy and was == "") or size, (name, field, was, now)


@each
def test_row_n_changed_fields_change_in_the_host_alone(
    before: Checkout, moved: Checkout, environment: str
) -> None:
    old, new = fields(before.render(environment)), fields(moved.render(environment))
    source = re.compile(r"(?:staging-|prod-)?postgres\.naytife[a-z-]*\.svc\.cluster\.local")
    for (name, field), (was, now) in difference(old, new).items():
        if was and not field.endswith((".key", "_size")):
            to_direct = name.startswith("Job/") or "exporter" in name
            host = direct(environment) if to_direct else pooled(environment)
            wanted = source.sub(host, code_of(literal_eval(was)))
            assert code_of(literal_eval(now)) == wanted.replace("=disable", "=require"), name


def test_row_n_the_source_server_itself_stays(before: Checkout, moved: Checkout) -> None:
    for environment in ENVIRONMENTS:
        old, new = objects(before.render(environment)), objects(moved.render(environment))
        name = f"/{NAMESPACE[environment]}/{PREFIX[environment]}postgres"
        for kind in ("Service", "StatefulSet"):
            assert new[kind + name] == old[kind + name]


def test_after_the_move_check_passes_and_nothing_is_left_to_plan(moved: Checkout) -> None:
    assert not [f for f in moved.json("check")["findings"] if f["severity"] == "error"]
    assert moved.json("plan", "--detailed-exitcode")["changes"] == []
