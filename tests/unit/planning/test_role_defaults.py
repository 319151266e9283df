"""A role's default instead of a key that the pool refuses: where the statement goes (SP9)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from repoint.model.plan import Plan, Severity
from repoint.planning.sealed import new_value, steps
from tests.unit.planning.small_repository import (
    CONFIG,
    DEV_DIRECT,
    DEV_POOLED,
    Trial,
    repository,
    workload,
)

NEW = CONFIG.replace("overlay:", "new_cluster: true, overlay:")
"""Both environments are yet to get their Cluster."""
OLD_CLUSTER = """apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg}
spec:
  instances: 1
  imageName: ghcr.io/cloudnative-pg/postgresql:17.6
  bootstrap:
    initdb:
      database: shop
      owner: shop
"""
POOLER = """---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: pg-pooler}
spec: {cluster: {name: pg}, type: rw, pgbouncer: {poolMode: session}}
"""
SERVICE = """---
apiVersion: v1
kind: Service
metadata: {name: postgres}
spec: {selector: {app: postgres}, ports: [{port: 5432}]}
"""
OWN = "namespace: shop-{env}\nresources:\n  - ../../base\n  - secret.yaml\n"
URL = "postgresql://shop:canary-x@postgres:5432/shop"


def secret(url: str) -> str:
    return (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData:\n"
        f"  DATABASE_URL: {url}\n"
    )


def web(kind: str = "Deployment", name: str = "web") -> str:
    return workload(
        kind,
        name,
        "containers:\n  - {name: web, image: acme/web, envFrom: [{secretRef: {name: db}}]}",
    )


PRE_CHECK = workload(
    "Job",
    "migrate",
    """
    initContainers:
      - name: pre-check
        image: postgres:17
        command:
          - sh
          - -c
          - |
            echo "checks"
            PGPASSWORD=$POSTGRES_PASSWORD psql -h postgres -U shop -d shop -c "SELECT 1;" || exit 1

            echo "fine"
    containers:
      - name: migrate
        image: acme/web
        command: [alembic, upgrade, head]
        env:
          - name: DATABASE_URL
            valueFrom: {secretKeyRef: {name: db, key: DATABASE_URL}}
    """,
)


def trial(
    root: Path,
    url: str = URL + "?search_path=shop_schema&sslmode=require",
    *,
    cluster: str = OLD_CLUSTER,
    extra: str = "",
    job: str = "",
    new: bool = True,
) -> Trial:
    """A Deployment on PostgreSQL 17 whose URL asks for a setting, and what else stands there.

    `new` says that the Clusters are yet to be made.
    """
    own = OWN + ("  - migrate.yaml\n" if job else "")
    overlay = {"kustomization.yaml": own, "secret.yaml": secret(url)}
    if job:
        overlay["migrate.yaml"] = job
    files = repository({"web.yaml": web(), **({"more.yaml": extra} if extra else {})}, overlay)
    files["base/targets.yaml"] = cluster + POOLER + SERVICE
    return Trial(root, files, config=NEW if new else CONFIG)


def routes(plan: Plan, environment: str = "dev") -> dict[str, str]:
    return {row.name: row.route for row in plan.consumers if row.environment == environment}


def _saved(text: str) -> str:
    """A plan as `repoint plan --output` saves it: `format` comes first."""
    return json.dumps({"format": 1, "tool_version": "1", "tasks": [{"put": text}]}, indent=2)


def _reported(text: str) -> str:
    return json.dumps([{"description": f"put `{text}` into a migration"}])


def _manifest(text: str) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a.sql": text}})


@pytest.mark.parametrize(
    ("written", "route"), [(_saved, "direct"), (_reported, "direct"), (_manifest, "pooled")]
)
def test_what_a_plan_asks_for_is_not_there_because_the_plan_is(
    tmp_path: Path, written: Callable[[str], str], route: str
) -> None:
    repo = trial(tmp_path, new=False)
    statement = "ALTER ROLE shop IN DATABASE shop SET search_path = 'shop_schema';"
    (tmp_path / "plan.json").write_text(written(statement))
    assert routes(repo.plan("dev")) == {"web": route}


def test_a_clusters_bootstrap_sql_carries_the_default_and_the_key_goes(tmp_path: Path) -> None:
    repo = trial(tmp_path)
    plan = repo.plan("dev")
    assert routes(plan) == {"web": "pooled"}
    assert plan.applicable and plan.blocking == ()
    assert plan.tasks == ()
    statement = "ALTER ROLE shop IN DATABASE shop SET search_path = 'shop_schema';"
    warning = next(f for f in plan.findings if f.code == "RP211")
    assert warning.severity is Severity.WARNING and statement in warning.hint
    assert "new server connections only" in warning.message

    written = repo.apply("dev")
    host = DEV_POOLED
    assert f"@{host}:5432/shop?sslmode=require\n" in written["overlays/dev/secret.yaml"]
    patch = written["overlays/dev/pg-dev-patch.yaml"]
    assert f'postInitApplicationSQL:\n        - "{statement}"' in patch
    again = repo.plan("dev")
    assert again.is_empty and again.tasks == ()
    assert routes(again) == {}


def test_bootstrap_sql_that_is_there_stays(tmp_path: Path) -> None:
    own = OLD_CLUSTER + "      postInitApplicationSQL:\n        - CREATE EXTENSION citext\n"

    patch = trial(tmp_path, cluster=own).apply("dev")["overlays/dev/pg-dev-patch.yaml"]

    assert patch.index("CREATE EXTENSION citext") < patch.index("ALTER ROLE shop")


def test_on_a_cluster_that_may_stand_bootstrap_sql_carries_nothing(tmp_path: Path) -> None:
    repo = trial(tmp_path, new=False)
    plan = repo.plan("dev")
    assert routes(plan) == {"web": "direct"}
    (task,) = plan.tasks
    assert task.put == "ALTER ROLE shop IN DATABASE shop SET search_path = 'shop_schema';"
    assert "`environments.dev.new_cluster`" in task.reason
    written = repo.apply("dev")
    assert "search_path=shop_schema" in written["overlays/dev/secret.yaml"]
    assert not any("postInitApplicationSQL" in text for text in written.values())


def test_what_one_environment_writes_is_no_default_of_another(tmp_path: Path) -> None:
    repo = trial(tmp_path)
    repo.apply("dev")
    prod = repo.plan("prod")
    assert {change.environment for change in prod.changes} == {"prod"}
    assert any("postInitApplicationSQL" in e.after for c in prod.changes for e in c.edits)


def test_a_migration_jobs_pre_check_carries_it_on_a_cluster_that_stands_too(
    tmp_path: Path,
) -> None:
    repo = trial(tmp_path, job=PRE_CHECK)
    plan = repo.plan("dev")
    assert routes(plan)["web"] == "pooled"
    assert plan.tasks == () and plan.applicable
    written = repo.apply("dev")
    direct = DEV_DIRECT
    lines = [line.strip() for line in written["overlays/dev/migrate.yaml"].splitlines()]
    start = lines.index('echo "checks"')
    head = f"PGPASSWORD=$POSTGRES_PASSWORD psql -h {direct} -U shop -d shop -c"
    assert lines[start + 1 : start + 4] == [
        f'{head} "SELECT 1;" || exit 1',
        f"{head} \"ALTER ROLE shop IN DATABASE shop SET search_path = 'shop_schema';\" || exit 1",
        "",
    ]
    assert repo.plan("dev").is_empty
    assert not any("initdb" in text for text in written.values())


OTHERWISE = [
    pytest.param(PRE_CHECK.replace("kind: Job", "kind: Deployment"), id="no Job"),
    pytest.param(PRE_CHECK.replace("          - |\n", "          - >\n"), id="a folded text"),
    pytest.param(
        PRE_CHECK.partition("          - |\n")[0]
        + "          - 'psql -h postgres -U shop -d shop -c \"SELECT 1;\"'\n"
        + "    containers:"
        + PRE_CHECK.partition("    containers:")[2],
        id="a quoted text",
    ),
    pytest.param(PRE_CHECK.replace("psql -h postgres", "psql"), id="a host that it does not name"),
    pytest.param(PRE_CHECK.replace("-U shop", ""), id="a role that it does not name"),
    pytest.param(PRE_CHECK.replace("|| exit 1", "\\"), id="a command that goes on"),
    pytest.param(
        PRE_CHECK.replace("          - |\n", "          - &script |\n").replace(
            "command: [alembic, upgrade, head]", "command: [sh, -c, *script]"
        ),
        id="a text that is used twice",
    ),
]


@pytest.mark.parametrize("job", OTHERWISE)
def test_a_script_that_is_written_otherwise_carries_nothing(tmp_path: Path, job: str) -> None:
    repo = trial(tmp_path, job=job, new=False)

    assert routes(repo.plan("dev"))["web"] == "direct"


def test_a_script_that_every_environment_shares_carries_nothing(tmp_path: Path) -> None:
    assert routes(trial(tmp_path, extra=PRE_CHECK, new=False).plan("dev"))["web"] == "direct"


def test_a_statement_is_quoted_for_the_shell_and_keeps_the_line_ends(tmp_path: Path) -> None:
    url = URL.replace("shop:canary", "my-app:canary") + "?search_path=a"
    repo = trial(tmp_path, url, job=PRE_CHECK.replace("-U shop", "-U my-app"), new=False)
    path = tmp_path / "overlays/dev/migrate.yaml"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    repo.apply("dev")

    raw = path.read_bytes()
    [line] = [one for one in raw.splitlines() if b"ALTER" in one]
    assert b'-c "ALTER ROLE \\"my-app\\" IN DATABASE shop SET' in line
    assert raw.count(b"\n") == raw.count(b"\r\n")


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("?search_path=a", id="the only parameter"),
        pytest.param("?search_path=a&sslmode=require", id="the first"),
        pytest.param("?sslmode=require&search_path=a", id="the last"),
        pytest.param("?statement_timeout=5s", id="a timeout"),
        pytest.param("?options=-csearch_path%3Da%20-c%20TimeZone%3DUTC", id="in options"),
        pytest.param("?search_path=a&lock_timeout=1s&sslmode=require", id="two of them"),
    ],
)
def test_the_key_leaves_the_url_and_nothing_else_does(tmp_path: Path, query: str) -> None:
    written = trial(tmp_path, URL + query).apply("dev")
    host = DEV_POOLED
    assert f"@{host}:5432/shop?sslmode=require\n" in written["overlays/dev/secret.yaml"]


def test_base64_loses_the_key_and_the_proof_holds(tmp_path: Path) -> None:
    url = URL + "?sslmode=require&search_path=a"
    repo = trial(tmp_path, url)
    coded = base64.b64encode(url.encode()).decode()
    for env in ("dev", "prod"):
        (tmp_path / f"overlays/{env}/secret.yaml").write_text(
            "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\ndata:\n"
            f"  DATABASE_URL: {coded}\n"
        )
    written = repo.apply("dev")
    value = written["overlays/dev/secret.yaml"].rpartition(": ")[2]
    host = DEV_POOLED
    assert base64.b64decode(value).decode() == url.replace("postgres:", f"{host}:").replace(
        "&search_path=a", ""
    )


def test_a_sealed_value_loses_the_key_by_meaning(tmp_path: Path) -> None:
    url = URL + "?search_path=a&sslmode=require"
    sealed = secret("ENC[AES256_GCM,data:x,iv:x,tag:x,type:str]") + (
        "sops:\n  mac: x\n  encrypted_regex: ^(stringData)$\n  version: 3.9.0\n"
    )
    repo = trial(tmp_path)
    for env in ("dev", "prod"):
        repo.clear[f"overlays/{env}/secret.yaml"] = secret(url)
        (tmp_path / f"overlays/{env}/secret.yaml").write_text(sealed)
    (edit,) = (e for c in repo.plan("dev").changes for e in c.edits if c.sealed)
    made = new_value("secret.yaml", edit, {steps('["stringData"]["DATABASE_URL"]'): url})
    host = DEV_POOLED
    assert made == URL.replace("postgres:5", f"{host}:5") + "?sslmode=require"


@pytest.mark.parametrize(
    "cluster",
    [
        pytest.param(
            OLD_CLUSTER.replace("      owner: shop\n", "      owner: admin\n"),
            id="a role that is not there when the SQL runs",
        ),
        pytest.param(
            OLD_CLUSTER.replace("database: shop", "database: other"),
            id="a database that is not there when the SQL runs",
        ),
        pytest.param(
            OLD_CLUSTER.partition("  bootstrap")[0] + "  bootstrap:\n    recovery: {source: old}\n",
            id="a Cluster made from a backup runs none",
        ),
    ],
)
def test_without_a_place_the_consumer_stays_direct_with_a_task(
    tmp_path: Path, cluster: str
) -> None:
    repo = trial(tmp_path, cluster=cluster)
    plan = repo.plan("dev")
    assert routes(plan) == {"web": "direct"}
    (task,) = plan.tasks
    assert task.put == "ALTER ROLE shop IN DATABASE shop SET search_path = 'shop_schema';"
    assert "stays direct" in task.reason
    written = repo.apply("dev")
    assert "search_path=shop_schema" in written["overlays/dev/secret.yaml"]


def test_X4_two_schemas_under_one_role_never_get_a_default(tmp_path: Path) -> None:
    other = workload(
        "Deployment",
        "auth",
        """
        containers:
          - name: auth
            image: acme/auth
            env:
              - {name: DSN, value: "postgresql://shop@postgres:5432/shop?search_path=auth"}
        """,
    )
    plan = trial(tmp_path, extra=other, job=PRE_CHECK).plan("dev")
    assert {k: v for k, v in routes(plan).items() if k != "migrate"} == {
        "web": "direct",
        "auth": "direct",
    }
    assert plan.tasks == ()
    assert not any("ALTER ROLE" in e.after for c in plan.changes for e in c.edits)
    assert any("one default cannot separate them" in f.message for f in plan.findings)


@pytest.mark.parametrize(
    ("sql", "route"),
    [
        pytest.param("CREATE SCHEMA IF NOT EXISTS shop_schema;", "pooled", id="a schema"),
        pytest.param("CREATE SCHEMA IF NOT EXISTS a; SELECT 1", "pooled", id="two of them"),
        pytest.param("CREATE TABLE IF NOT EXISTS t (n int)", "direct", id="a table goes elsewhere"),
        pytest.param("CREATE EXTENSION IF NOT EXISTS citext", "direct", id="so does an extension"),
        pytest.param("SELECT 1 FROM t", "direct", id="a table is looked up"),
        pytest.param("CREATE SCHEMA a; CREATE TABLE t (n int)", "direct", id="one of two"),
    ],
)
def test_a_pre_check_carries_the_default_unless_its_own_sql_would_mind(
    tmp_path: Path, sql: str, route: str
) -> None:
    repo = trial(tmp_path, job=PRE_CHECK.replace("SELECT 1;", sql), new=False)

    assert routes(repo.plan("dev"))["web"] == route


@pytest.mark.parametrize(
    ("defaults", "query", "route"),
    [
        ("", "?search_path=shop_schema", "direct"),
        ("ALTER ROLE shop SET search_path = 'shop_schema';", "?search_path=shop_schema", "direct"),
        ("", "", "pooled"),
    ],
    ids=["refused by the pool", "a default that cannot replace the key", "no key"],
)
def test_a_composed_url_goes_direct_for_a_key_that_no_edit_can_take_out(
    tmp_path: Path, defaults: str, query: str, route: str
) -> None:
    pods = (
        "containers:\n- name: web\n  image: shop/web:1\n  env:\n"
        "  - {name: DB_HOST, value: postgres}\n"
        f"  - {{name: DATABASE_URL, value: 'postgres://shop@$(DB_HOST):5432/shop{query}'}}\n"
    )
    files = repository({"web.yaml": workload("Deployment", "web", pods)}, {})
    files["base/targets.yaml"] = OLD_CLUSTER + POOLER + SERVICE
    files["migrations/1.sql"] = defaults
    plan = Trial(tmp_path, files).plan("dev")
    assert routes(plan) == {"web": route}


def test_spring_resolves_its_own_placeholders_and_what_the_url_asks_for_counts(
    tmp_path: Path,
) -> None:
    pods = (
        "containers:\n- name: web\n  image: shop/web:1\n  env:\n"
        "  - name: SPRING_DATASOURCE_URL\n"
        "    value: jdbc:postgresql://${DB_HOST}:5432/shop?currentSchema=shop_schema\n"
        "  - {name: DB_HOST, value: postgres}\n"
    )
    files = repository({"web.yaml": workload("Deployment", "web", pods)}, {})
    files["base/targets.yaml"] = OLD_CLUSTER + POOLER + SERVICE
    plan = Trial(tmp_path, files).plan("dev")
    assert routes(plan) == {"web": "direct"}
    assert plan.blocking == ()
