"""The rehearsal of the worked example, and of what somebody breaks in it, on real servers."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from repoint.adapters import servers as programs
from tests.acceptance.example import EXAMPLE, Checkout, password_of
from tests.servers.rehearsing import (
    BACKEND,
    HYDRA,
    OVERLAY,
    Told,
    add,
    apply,
    below,
    change,
    everything,
    example,
    rehearse,
)

pytestmark = pytest.mark.servers

POOLER_PATCH = f"{OVERLAY}/naytife-postgres-pooler-rw-local-patch.yaml"
POOLER = "deploy/base/cnpg-pooler/pooler.yaml"
MIGRATIONS = (
    "Job/naytife/backend-migrate/backend-migrate",
    "Job/naytife-auth/hydra-migrate/hydra-migrate",
)


@pytest.fixture(scope="module")
def naytife(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return example(tmp_path_factory.mktemp("example"))


@pytest.fixture(scope="module")
def told(naytife: Checkout) -> Told:
    """The rehearsal of the local environment."""
    return rehearse(naytife, "--env", "local", status=0)


@pytest.fixture
def moved(naytife: Checkout, tmp_path: Path) -> Checkout:
    """The example after the local environment moved, for a test to break."""
    made = naytife.copy(tmp_path / "naytife")
    apply(made, "--env", "local")
    return made


def test_hydra_and_the_backend_are_pooled_and_the_migrations_direct(told: Told) -> None:
    rows = {one["id"]: (one["route"], one["pool_mode"]) for one in told.document["consumers"]}

    assert rows[HYDRA] == rows[BACKEND] == ("pooled", "session")
    assert [rows[one] for one in MIGRATIONS] == [("direct", "")] * 2
    assert told.verdict == "pass" and told.bad() == {}


def test_the_checks_of_a_pooled_runtime_were_really_asked(told: Told) -> None:
    asked = {name for name, verdict in told.verdicts(BACKEND).items() if verdict == "pass"}

    assert asked >= {
        *("login", "server", "current-schema", "search-path", "tls", "read-write", "statements"),
        *("isolation", "session-setting", "row-security", "advisory-lock", "listen"),
        *("long-transaction", "restart", "wrong-password", "wrong-database", "capacity"),
    }
    assert told.verdicts(MIGRATIONS[0])["schema-change"] == "pass"


def test_every_negative_control_failed_as_it_must(told: Told) -> None:
    held = {(one["id"], one["verdict"]) for one in told.document["controls"]}
    names = {"letter", "leak", "identity", "certificate", "wait-loop"}

    assert held == {(name, "pass") for name in names}
    assert len(told.controls("identity")) == 2


def test_drivers_are_those_of_the_programs(told: Told) -> None:
    driver = {one["id"]: one["driver"] for one in told.document["consumers"]}

    assert driver[BACKEND] == driver[HYDRA] == "pgx"
    assert driver[MIGRATIONS[0]] == "lib/pq"  # atlas
    assert driver["Job/naytife/backend-migrate/migration-pre-check"] == "libpq"


def test_versions_gaps_and_files_are_told(told: Told) -> None:
    document = told.document
    ini = {one["file"]: one["text"] for one in document["configuration"]}

    assert document["postgres"].startswith("18.") and document["pgbouncer"]
    assert any("password" in note for note in document["fidelity"])
    assert "track_extra_parameters = IntervalStyle,search_path" in ini["pgbouncer.ini"]
    assert document["phases"]


def test_row_x1_without_the_planned_parameter_every_login_is_refused(moved: Checkout) -> None:
    change(moved, POOLER_PATCH, 'track_extra_parameters: "IntervalStyle,search_path"', "{}")
    change(moved, POOLER_PATCH, "parameters:\n      {}", "parameters: {}")

    told = rehearse(moved, "--env", "local", status=1)

    for consumer in (BACKEND, HYDRA):
        verdict, observed = told.check(consumer, "login")
        assert verdict == "fail"
        assert "unsupported startup parameter: search_path (08P01)" in observed
        assert told.check(consumer, "current-schema") == ("skipped", "the login failed")


def test_row_x1_a_parameter_that_is_ignored_reads_the_wrong_schema(moved: Checkout) -> None:
    ignored = 'ignore_startup_parameters: "search_path"'
    change(moved, POOLER_PATCH, 'track_extra_parameters: "IntervalStyle,search_path"', ignored)

    told = rehearse(moved, "--env", "local", status=1)

    assert told.check(HYDRA, "login")[0] == "pass"
    assert told.check(HYDRA, "current-schema") == ("fail", "public")
    assert told.check(HYDRA, "search-path")[0] == "fail"


def test_row_x4_two_schemas_of_one_role_stay_apart_on_one_server_connection(
    told: Told, moved: Checkout
) -> None:
    row = told.consumer(HYDRA)
    [check] = [one for one in row["checks"] if one["id"] == "isolation"]
    assert check["verdict"] == "pass" and check["observed"] == "hydra"
    assert "beside a client in naytife_schema" in check["expected"]

    ignored = 'ignore_startup_parameters: "search_path"'
    change(moved, POOLER_PATCH, 'track_extra_parameters: "IntervalStyle,search_path"', ignored)
    sql = "ALTER ROLE naytife IN DATABASE naytifedb SET search_path = naytife_schema;\n"
    add(moved, "backend/internal/db/roles.sql", sql)

    red = rehearse(moved, "--env", "local", status=1)

    # One role cannot have two defaults: it is right for one of them, and wrong for the other.
    assert red.check(BACKEND, "isolation")[0] == "pass"
    assert red.check(HYDRA, "isolation") == ("fail", "naytife_schema in one of them")


def test_row_x5_row_level_security_crosses_tenants_in_a_transaction_pool(
    naytife: Checkout, tmp_path: Path
) -> None:
    made = naytife.copy(tmp_path / "naytife")
    change(made, POOLER, "poolMode: session", "poolMode: transaction")
    forced = "consumers:\n  backend: {route: pooled, pool: transaction}\n"
    add(made, "repoint.yaml", forced)

    told = rehearse(made, "--env", "local", status=1)

    assert told.consumer(BACKEND)["pool_mode"] == "transaction"
    verdict, observed = told.check(BACKEND, "row-security")
    assert verdict == "fail" and "acme reads globex" in observed
    verdict, observed = told.check(BACKEND, "session-setting")
    assert verdict == "fail" and "backend/internal/db/db.go:" in observed
    # A leak that the consumer does not use is no failure of it.
    assert told.check(BACKEND, "listen")[0] == "skipped"
    assert told.check(BACKEND, "restart")[0] == "pass"


def test_row_x8_a_wait_loop_is_answered_while_postgresql_is_down(told: Told) -> None:
    pooled, direct = told.controls("wait-loop")

    assert pooled["observed"] == "it answers" and direct["observed"] == "no answer"
    wait = "Deployment/naytife/backend/wait-for-postgres"
    assert told.check(wait, "answers")[0] == "pass"
    assert told.check(wait, "login") == ("skipped", "it logs nobody in")


@pytest.mark.slow
def test_row_x11_a_pool_below_the_consumers_own_is_seen_to_be_too_small(
    naytife: Checkout, tmp_path: Path
) -> None:
    made = naytife.copy(tmp_path / "naytife")
    add(made, "repoint.yaml", "consumers:\n  backend: {pool_size: 30}\n")
    green = rehearse(made, "--env", "local", status=0)
    assert green.check(BACKEND, "capacity") == ("pass", "60 served at once")  # one in a rollout

    apply(made, "--env", "local")
    change(made, POOLER_PATCH, 'default_pool_size: "60"', 'default_pool_size: "25"')

    red = rehearse(made, "--env", "local", status=1)

    verdict, observed = red.check(BACKEND, "capacity")
    assert verdict == "fail" and observed.startswith("25, and then ")


def test_pgbouncer_1_26_before_postgresql_17_mixes_two_schemas(
    moved: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SP6: one client alone passes every check; two on one server connection do not."""
    newest = programs.find_pgbouncer((1, 26))
    if newest is None or newest.version < (1, 26) or programs.find_postgres(17) is None:
        pytest.skip("PgBouncer 1.26 or PostgreSQL 17 is not here")
    monkeypatch.setenv("REPOINT_PGBOUNCER", str(newest.path))
    change(moved, "deploy/base/cnpg-cluster/cluster.yaml", "postgresql:18.1", "postgresql:17.6")

    told = rehearse(moved, "--env", "local", status=1)

    assert told.document["pgbouncer"].startswith("1.26")
    assert told.document["postgres"].startswith("17.")
    for consumer in (BACKEND, HYDRA):
        assert told.check(consumer, "login")[0] == "pass"
    mixed = {told.check(consumer, "isolation")[0] for consumer in (BACKEND, HYDRA)}
    assert "fail" in mixed


def test_ctrl_c_ends_it_and_leaves_no_server(naytife: Checkout) -> None:
    running = subprocess.Popen(
        naytife.argv("rehearse", "--no-record", "--env", "local"),
        env=naytife.environment,
        cwd=naytife.root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    servers: set[str] = set()
    until = time.monotonic() + 60
    while time.monotonic() < until and running.poll() is None:
        servers |= below(running.pid)
        if any("pgbouncer" in text for text in servers):
            break
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)

    assert running.returncode == 130 and "interrupted" in said
    assert servers
    left = {text.split()[0] for text in servers} & {text.split()[0] for text in everything()}
    assert left == set()


def test_an_applied_environment_is_rehearsed_as_it_is(moved: Checkout) -> None:
    told = rehearse(moved, "--env", "local", status=0)

    assert told.bad() == {}
    assert told.consumer(BACKEND)["route"] == "pooled"
    # The Pooler is as it was before the run, so another parameter is what must be refused.
    [letter] = told.controls("letter")
    assert "unsupported startup parameter: work_mem" in letter["expected"]


def test_a_plan_is_refused_when_a_file_changed_since(naytife: Checkout, tmp_path: Path) -> None:
    made = naytife.copy(tmp_path / "naytife")
    made.run("plan", "--env", "local", "--output", str(tmp_path / "plan.json"))
    add(made, POOLER, "# later\n")

    done = made.run("rehearse", str(tmp_path / "plan.json"), status=4)

    assert POOLER in done.stderr and done.stdout == ""


def test_nothing_is_written_but_the_record_and_no_password_is_told(
    naytife: Checkout, tmp_path: Path
) -> None:
    made = naytife.copy(tmp_path / "naytife")
    before = made.files()
    done = made.run("rehearse", "--env", "staging", "--format", "json")

    [record] = [*(made.root / ".repoint" / "rehearsals").iterdir()]
    assert made.files() == before
    assert record.name.startswith("staging-") and record.name in done.stderr
    told = done.stdout + done.stderr + record.read_text()
    for path in sorted(EXAMPLE.glob("deploy/secrets/staging/*.yaml")):
        name = str(path.relative_to(EXAMPLE))
        for key, value in made.secret(name).items():
            secret = password_of(value) if "://" in value else value
            assert not secret or secret not in told, key


@pytest.mark.slow
def test_a_record_is_the_same_twice_and_opens_the_gate(naytife: Checkout, tmp_path: Path) -> None:
    made = naytife.copy(tmp_path / "naytife")
    add(made, "repoint.yaml", "gates: {apply: [rehearsed]}\n")
    done = made.run("apply", "--env", "local", "--yes", status=1)
    assert "`gates.apply` asks for a rehearsal of `local`: it was not rehearsed" in done.stderr
    assert "repoint rehearse --env local" in done.stderr

    made.run("rehearse", "--env", "local")
    [record] = [*(made.root / ".repoint" / "rehearsals").iterdir()]
    first = record.read_bytes()
    made.run("rehearse", "--env", "local")
    assert record.read_bytes() == first
    assert json.loads(first)["content"].startswith(record.stem.removeprefix("local-"))

    done = made.run("apply", "--env", "local", "--yes")
    assert "rehearsed for local: pass" in done.stderr


def test_files_can_be_shown_without_any_server(naytife: Checkout) -> None:
    done = naytife.run("rehearse", "--show-ini", "--env", "local").stdout

    assert "track_extra_parameters = IntervalStyle,search_path" in done
    assert "auth_query = SELECT usename, passwd FROM public.user_search($1)" in done
    assert "pool_mode = session" in done
