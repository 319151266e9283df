"""Rehearsals of the variants: one trap each, on real servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers.rehearsing import Told, add, apply, change, rehearse, variant

pytestmark = [pytest.mark.servers, pytest.mark.slow]

WEB = "Deployment/shop/web/web"
MIGRATE = "Job/shop/web-migrate/web-migrate"
FORCED = "consumers:\n  web: {route: pooled, pool: transaction}\n"
GO_MOD = "module shop\n\nrequire github.com/lib/pq v1.10.9\n"


def test_row_x1_the_letter_is_refused_where_nobody_is_pooled(tmp_path: Path) -> None:
    """PostgreSQL 17 reports no search_path, and two applications share a role."""
    made = variant(tmp_path, "x01-transaction-pg17-shared-role")

    told = rehearse(made, status=0)

    assert told.consumer(WEB)["route"] == "direct"
    assert told.check(WEB, "current-schema") == ("pass", "shop_schema")
    [letter] = told.controls("letter")
    assert letter["verdict"] == "pass"
    assert letter["observed"] == "FATAL: unsupported startup parameter: search_path (08P01)"


def test_row_x2_a_variable_that_nothing_expands_is_sent_as_it_stands(tmp_path: Path) -> None:
    made = variant(tmp_path, "x02-shell-password")

    told = rehearse(made, status=1)

    verdict, observed = told.check(WEB, "login")
    assert verdict == "fail"
    assert "SASL authentication failed (08P01); `${PASSWORD}` was sent as it stands" in observed
    verdict, observed = told.check(MIGRATE, "login")
    assert verdict == "fail" and "password authentication failed" in observed

    change(made, "deploy/base/secret.yaml", "shop:${PASSWORD}@", "shop:canary-x02@")
    assert rehearse(made).check(WEB, "login")[0] == "pass"


def test_row_x5_a_session_pooler_beside_keeps_the_tenants_apart(tmp_path: Path) -> None:
    made = variant(tmp_path, "x05-transaction-rls")

    told = rehearse(made, status=0)

    assert told.consumer(WEB)["pool_mode"] == "session"
    verdict, observed = told.check(WEB, "row-security")
    assert verdict == "pass"
    assert (
        observed == "acme reads acme; globex reads globex; a client without a tenant reads nothing"
    )

    add(made, "repoint.yaml", FORCED)
    red = rehearse(made, status=1)
    assert red.check(WEB, "row-security")[0] == "fail"


def test_a_setting_made_for_one_transaction_is_right_in_a_transaction_pool(tmp_path: Path) -> None:
    made = variant(tmp_path, "x05-transaction-rls")
    text = made.text("app/db.py")
    local = text.replace("%s, false)", "%s, true)").replace("SET app", "SET LOCAL app")
    (made.root / "app" / "db.py").write_text(local)
    add(made, "repoint.yaml", FORCED)

    told = rehearse(made)

    assert told.consumer(WEB)["pool_mode"] == "transaction"
    assert told.check(WEB, "row-security")[0] == "pass"


def test_row_x15_a_name_that_the_certificate_does_not_carry_is_refused(tmp_path: Path) -> None:
    made = variant(tmp_path, "x15-verify-full")
    assert rehearse(made, status=0).check(WEB, "login")[0] == "pass"

    apply(made)
    manifests = [*(made.root / "deploy").rglob("*.yaml")]
    [cluster] = [one for one in manifests if "serverAltDNSNames" in one.read_text()]
    names = ("serverAltDNSNames:", "serverAltDNSNames: []\n    repointTest:")
    cluster.write_text(cluster.read_text().replace(*names))
    made.commit("without the names")

    told = rehearse(made, status=1)

    verdict, observed = told.check(WEB, "login")
    assert verdict == "fail" and "shop-postgres-pooler-rw" in observed
    assert told.check(MIGRATE, "login")[0] == "pass"  # the direct name is there


def test_row_x16_libpq_refuses_a_setting_in_a_url(tmp_path: Path) -> None:
    made = variant(tmp_path, "x01-transaction-pg17-shared-role")
    add(made, "web/requirements.txt", "psycopg==3.2\n")

    told = rehearse(made, status=1)

    expected = 'psycopg: invalid URI query parameter: "search_path"'
    assert told.check(WEB, "login") == ("fail", expected)
    assert told.consumer(WEB)["driver"] == "psycopg"


@pytest.mark.parametrize(
    ("parameter", "verdict"),
    [("", "fail"), ("&binary_parameters=yes", "pass")],
    ids=["two round trips", "binary_parameters"],
)
def test_lib_pq_gets_another_clients_rows_in_a_transaction_pool(
    tmp_path: Path, parameter: str, verdict: str
) -> None:
    """PS1: its Bind runs what another client parsed."""
    made = variant(tmp_path, "x05-transaction-rls")
    add(made, "web/go.mod", GO_MOD)
    add(made, "repoint.yaml", FORCED)
    url = "postgres.shop.svc.cluster.local:5432/shop?sslmode=disable"
    change(made, "deploy/base/secrets.yaml", url, url + parameter)

    told = rehearse(made)

    assert "lib/pq" in told.consumer(WEB)["driver"]
    assert told.check(WEB, "statements")[0] == verdict


def test_without_prepared_statements_in_the_pooler_named_ones_break(tmp_path: Path) -> None:
    """PS2, with a driver that names its statements."""
    made = variant(tmp_path, "x05-transaction-rls")
    add(made, "web/go.mod", GO_MOD.replace("lib/pq v1.10.9", "jackc/pgx/v5 v5.7.1"))
    add(made, "repoint.yaml", FORCED)
    name = 'max_prepared_statements: "200"'
    for path in ("app/db.py", "migrations/0001_orders.sql"):
        (made.root / path).unlink()
    made.commit("no source")
    apply(made)
    change(made, "deploy/base/cnpg.yaml", name, name.replace("200", "0"))
    told = rehearse(made, status=1)

    verdict, observed = told.check(WEB, "statements")
    assert verdict == "fail" and "prepared statement" in observed


def test_what_nothing_is_known_of_is_unknown_in_a_transaction_pool(tmp_path: Path) -> None:
    made = variant(tmp_path, "x05-transaction-rls")
    for path in ("app/db.py", "migrations/0001_orders.sql"):
        (made.root / path).unlink()
    made.commit("no source")

    told = rehearse(made, status=1)

    assert told.verdict == "unknown"
    assert told.consumer(WEB)["pool_mode"] == "transaction"
    verdict, observed = told.check(WEB, "session-setting")
    assert verdict == "unknown" and "nothing tells" in observed
    assert told.check(WEB, "isolation")[0] == "pass"


def test_a_sealed_value_without_a_key_is_unknown_with_the_reason(tmp_path: Path) -> None:
    from tests.servers.rehearsing import BACKEND, example

    made = example(tmp_path)
    keys = tmp_path / "none.txt"
    keys.write_text((made.root / "keys" / "staging.txt").read_text())
    made = type(made)(made.root, keys)

    told: Told = rehearse(made, "--env", "local", status=1)

    verdict, observed = told.check(BACKEND, "login")
    assert verdict == "unknown"
    assert observed == (
        "`deploy/secrets/local/backend-secret.yaml` is sealed, and no key at hand opens it"
    )


EVERYTHING = """\
import psycopg


def work(connection: psycopg.Connection) -> None:
    connection.execute("SELECT pg_advisory_lock(42)")
    connection.execute("LISTEN jobs")
    connection.execute("CREATE TEMPORARY TABLE batch (id bigint)")
    connection.execute("PREPARE fetch AS SELECT 1")
    connection.execute("SET ROLE auditor")
    connection.execute("SET statement_timeout = '5s'")
"""
LEAKS = (
    "session-setting",
    "set-role",
    "advisory-lock",
    "listen",
    "temporary-table",
    "sql-prepare",
)


def test_each_leak_fails_the_consumer_whose_source_does_it(tmp_path: Path) -> None:
    """ST1, ST4, ST5, ST8, ST11, ST12 and PS5; the same source passes in a session pool."""
    made = variant(tmp_path, "x05-transaction-rls")
    (made.root / "migrations/0001_orders.sql").unlink()
    (made.root / "app/db.py").write_text(EVERYTHING)
    made.commit("all of it")

    green = rehearse(made).verdicts(WEB)
    assert [green[name] for name in LEAKS] == ["pass"] * len(LEAKS)

    add(made, "repoint.yaml", FORCED)
    told = rehearse(made, status=1)
    assert [told.verdicts(WEB)[name] for name in LEAKS] == ["fail"] * len(LEAKS)
    assert "app/db.py:" in told.check(WEB, "listen")[1]


def test_a_role_that_may_not_write_or_make_tables_is_seen(tmp_path: Path) -> None:
    made = variant(tmp_path, "x15-verify-full")
    path = "deploy/base/secret.yaml"
    change(made, path, "postgresql://shop:", "postgresql://guest:")
    sql = "ALTER ROLE shop SET default_transaction_read_only = 'on';\n"
    add(made, "db/roles.sql", sql)

    told = rehearse(made, status=1)

    # The pre-check and the owner of the database is `shop`; `guest` may not make tables in public.
    verdict, observed = told.check(MIGRATE, "schema-change")
    assert verdict == "fail" and "permission denied for schema public" in observed
    worker = "Deployment/shop/worker/worker"
    assert told.check(worker, "read-write") == ("fail", "it is read only")


def test_what_the_plan_leaves_to_a_person_is_unknown_and_needs_no_server(tmp_path: Path) -> None:
    made = variant(tmp_path, "anchors")

    told = rehearse(made, status=1)

    assert told.verdict == "unknown" and told.document["postgres"] == ""
    verdict, observed = told.check(WEB, "login")
    assert verdict == "unknown"
    assert "still names `postgres.shop.svc.cluster.local`" in observed


def test_each_connection_of_a_container_is_tried_with_its_own_schema(tmp_path: Path) -> None:
    """One ConfigMap holds several, and only one of them names a schema."""
    made = variant(tmp_path, "base64-and-generators")

    told = rehearse(made, status=0)

    reports = "Deployment/shop/reports/reports"
    assert told.check(reports, "current-schema")[0] == "pass"
    assert "pgjdbc" in told.consumer(reports)["driver"]


MIGRATIONS = """\
migrations:
  - consumer: web-migrate
    files: ["db/*.sql"]
"""


def test_the_repositorys_own_migrations_run_through_the_direct_route(tmp_path: Path) -> None:
    made = variant(tmp_path, "x15-verify-full")
    add(made, "repoint.yaml", MIGRATIONS)
    add(made, "db/0001.sql", "CREATE TABLE orders (id bigint); INSERT INTO orders VALUES (1);\n")
    add(made, "db/0002.sql", "ALTER TABLE orders ADD COLUMN total bigint;\n")

    told = rehearse(made, status=0)
    assert told.check(MIGRATE, "migrations") == ("pass", "2 files")

    add(made, "db/0003.sql", "ALTER TABLE orderz ADD COLUMN note text;\n")
    verdict, observed = rehearse(made, status=1).check(MIGRATE, "migrations")
    assert verdict == "fail"
    assert observed == '`db/0003.sql`: relation "orderz" does not exist (42P01)'


def test_a_command_of_the_repository_runs_only_when_it_is_asked_for(tmp_path: Path) -> None:
    made = variant(tmp_path, "x15-verify-full")
    command = "migrations:\n  - {command: [sh, migrate.sh], env: MIGRATE_URL}\n"
    add(made, "repoint.yaml", command)
    script = (
        "case $MIGRATE_URL in postgresql://shop:*@127.0.0.1:*) touch ran ;; *) exit 3 ;; esac\n"
    )
    add(made, "migrate.sh", script)

    told = rehearse(made)
    assert told.check(MIGRATE, "migrations")[0] == "skipped"
    assert not (made.root / "ran").exists()

    told = rehearse(made, "--run-migrations", status=0)
    assert told.check(MIGRATE, "migrations") == ("pass", "the command ended well")
    assert (made.root / "ran").exists()
