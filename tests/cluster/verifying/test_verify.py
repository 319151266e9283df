"""What `verify` tells of an environment on a real API server, with real servers behind it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from repoint.adapters.lab.certificates import Authority
from repoint.model.rehearsal import Verdict
from repoint.model.sensitive import Sensitive
from repoint.views import comments, machine
from repoint.views.verification import verification
from tests.cluster.objects import service
from tests.cluster.verifying.town import (
    DIRECT_PORT,
    ENCODED,
    PASSWORD,
    Town,
    check,
    row,
)
from tests.documents import validated
from tests.servers.fix_lab import GroundFactory

pytestmark = [pytest.mark.cluster, pytest.mark.servers]
ROOT = Path(__file__).parents[3]


def test_an_environment_that_moved_passes(town: Town) -> None:
    town.moved()

    found = town.verify()

    assert found.verdict is Verdict.PASS, machine.verification(found)
    web, migrate = row(found, "web"), row(found, "migrate")
    assert (web.route, migrate.route) == ("pooled", "direct")
    assert web.read_from == "Secret/db key DATABASE_URL"
    assert migrate.read_from == "Secret/db key DATABASE_URL_DIRECT"
    assert check(found, "server", "web").observed == "PgBouncer"
    assert check(found, "server", "migrate").observed == "PostgreSQL itself"
    assert check(found, "health", "web").expected == "http://web:80/health answers 2xx"
    assert check(found, "current-schema", "web").observed == "shop"
    assert {one.id for one in found.controls} == {"other-route-pooled", "other-route-direct"}
    shown = (machine.verification(found), comments.verification(found), verification(found))
    assert not any(text in one for one in shown for text in (PASSWORD, ENCODED))


def test_a_secret_that_still_names_the_source(town: Town) -> None:
    town.moved()
    town.stand(*town.source_objects(), town.own_secret(pooled=town.old))

    found = town.verify()

    told = check(found, "connection", "web")
    assert told.verdict is Verdict.FAIL
    assert told.observed == "the live workload names no server of it"
    named = check(found, "source-named")
    assert named.verdict is Verdict.FAIL and "db/DATABASE_URL" in named.observed
    assert PASSWORD not in machine.verification(found) and ENCODED not in named.observed


def test_a_text_that_is_no_connection_but_names_the_source(town: Town) -> None:
    town.moved()
    town.stand(*town.source_objects(), town.web(args=["--peer", f"{town.old}:7000/x"]))
    assert check(town.verify(), "source-named").verdict is Verdict.UNKNOWN


def test_a_live_connection_unlike_the_repository_s(town: Town) -> None:
    town.moved()
    text = town.url(town.pooled, query="sslmode=disable").replace(ENCODED, "other")
    town.stand(town.secret(DATABASE_URL=text, DATABASE_URL_DIRECT=town.url(town.direct)))

    found = town.verify()

    told = check(found, "connection", "web")
    assert told.verdict is Verdict.FAIL
    assert told.observed.endswith("unlike the repository's: `sslmode`, password")
    assert check(found, "login", "web").verdict is Verdict.FAIL
    assert check(found, "server", "web").verdict is Verdict.SKIPPED
    assert check(found, "login", "migrate").verdict is Verdict.PASS


def test_a_consumer_that_goes_direct_where_it_should_be_pooled(town: Town) -> None:
    town.moved()
    town.stand(town.own_secret(pooled=town.direct))

    told = check(town.verify(), "connection", "web")

    assert (told.verdict, told.expected) == (Verdict.FAIL, town.pooled)
    assert told.observed == f"Secret/db key DATABASE_URL names `{town.direct}`"


def test_a_pooler_s_service_that_leads_past_it(town: Town) -> None:
    town.moved()
    town.stand(service(town.namespace, "pooler", port=5432, target=DIRECT_PORT))

    found = town.verify()

    told = check(found, "server", "web")
    assert (told.verdict, told.expected, told.observed) == (
        *(Verdict.FAIL, "PgBouncer"),
        "PostgreSQL itself",
    )
    [control] = [one for one in found.controls if one.id == "other-route-direct"]
    assert control.verdict is Verdict.UNKNOWN, "the control tells that it cannot tell them apart"


def test_another_postgresql_behind_the_service(town: Town, ground: GroundFactory) -> None:
    town.moved()
    status = {"status": {"systemID": "7000000000000000000"}}
    path = f"/apis/postgresql.cnpg.io/v1/namespaces/{town.namespace}/clusters/pg/status"
    assert town.api.call("PATCH", path, status, content_type="application/merge-patch+json")[0]

    told = check(town.verify(), "primary", "web")

    assert told.verdict is Verdict.FAIL
    assert told.observed == "a PostgreSQL with another system identifier"


def test_the_right_postgresql_by_its_identifier(town: Town) -> None:
    town.moved()
    [(system,)] = town.ground.sql("SELECT system_identifier::text FROM pg_control_system()")
    path = f"/apis/postgresql.cnpg.io/v1/namespaces/{town.namespace}/clusters/pg/status"
    patch = {"status": {"systemID": system}}
    assert town.api.call("PATCH", path, patch, content_type="application/merge-patch+json")[0]

    told = check(town.verify(), "primary", "migrate")

    assert told.verdict is Verdict.PASS and "the system identifier" in told.observed


def test_a_schema_that_is_not_there(town: Town) -> None:
    town.settings = {"consumers": {"web": {"schema": "elsewhere"}}}
    town.moved()

    found = town.verify()

    told = check(found, "current-schema", "web")
    assert (told.verdict, told.expected) == (Verdict.FAIL, "elsewhere")
    assert check(found, "search-path", "web").verdict is Verdict.FAIL


def _authority(town: Town, text: str) -> dict[str, Any]:
    """The Secret in which CloudNativePG keeps the CA of a Cluster."""
    metadata = {"name": "pg-ca", "namespace": town.namespace}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "stringData": {"ca.crt": text},
    }


def _trusting(town: Town, mode: str, text: str) -> None:
    """The consumer mounts a CA, and demands that the server's certificate is by it."""
    town.moved()
    query = f"sslmode={mode}&sslrootcert=/ca/ca.crt"
    values = {
        "DATABASE_URL": town.url(town.pooled, query=query),
        "DATABASE_URL_DIRECT": town.url("pg-rw", query="sslmode=verify-full"),
    }
    web = town.web(volumeMounts=[{"name": "ca", "mountPath": "/ca"}])
    pod = web["spec"]["template"]["spec"]
    pod["volumes"] = [{"name": "ca", "secret": {"secretName": "pg-ca"}}]
    town.stand(town.secret(**values), _authority(town, text), web)


@pytest.mark.parametrize(
    ("mode", "verdict"), [("verify-ca", Verdict.PASS), ("verify-full", Verdict.FAIL)]
)
def test_the_pooler_s_certificate_by_the_host_s_own_name(
    town: Town, mode: str, verdict: Verdict
) -> None:
    """The certificate does not carry the Pooler's name (TL1), and carries the Cluster's."""
    _trusting(town, mode, town.ground.lab.ca_file.read_text())
    found = town.verify()
    told = check(found, "login", "web")
    assert told.verdict is verdict, told
    assert (
        verdict is Verdict.PASS or "certificate verify failed: Hostname mismatch" in told.observed
    )
    assert check(found, "login", "migrate").verdict is Verdict.PASS


def test_a_certificate_of_another_authority(town: Town) -> None:
    _trusting(town, "verify-ca", Authority("other").certificate.decode())
    told = check(town.verify(), "login", "web")
    assert told.verdict is Verdict.FAIL and "certificate verify failed" in told.observed


def test_a_search_path_that_the_pooler_refuses(town: Town) -> None:
    town.moved()
    text = town.url(town.pooled, query="sslmode=require&search_path=shop")
    town.stand(town.secret(DATABASE_URL=text, DATABASE_URL_DIRECT=town.url(town.direct)))

    told = check(town.verify(), "login", "web")

    assert told.verdict is Verdict.FAIL
    assert "unsupported startup parameter: search_path" in told.observed


def test_a_consumer_that_is_not_well(town: Town) -> None:
    town.moved()
    town.health.status = 503  # type: ignore[attr-defined]
    told = check(town.verify(), "health", "web")
    assert (told.verdict, told.observed) == (Verdict.FAIL, "503")


def test_health_where_the_configuration_says(town: Town) -> None:
    """T3."""
    url = f"http://web.{town.namespace}:80/nowhere"
    town.settings = {"consumers": {"web": {"health": url}}}
    town.moved()
    told = check(town.verify(), "health", "web")
    assert (told.verdict, told.observed) == (Verdict.FAIL, "404")


def test_a_pod_that_began_before_its_secret_changed(town: Town) -> None:
    town.moved()
    changed = town.own_secret()
    tokens = json.dumps({"DATABASE_URL": "21000101T000000Z-abc"})
    changed["metadata"]["annotations"] = {"repoint.dev/changed": tokens}
    town.stand(changed)

    told = check(town.verify(), "restarted", "web")

    assert (
        told.verdict is Verdict.FAIL and "began before Secret/db key DATABASE_URL" in told.observed
    )


def test_a_workload_that_is_not_there(town: Town) -> None:
    town.moved()
    town.api.kubectl("delete", "deployment/web", "-n", town.namespace, "--wait")

    told = check(town.verify(), "connection", "web")

    assert (told.verdict, told.observed) == (Verdict.FAIL, "there is no such workload")


def _source(town: Town, ground: GroundFactory) -> Any:
    """The old PostgreSQL, with the consumer's role and database."""
    source = ground(17)
    quoted = PASSWORD.replace("'", "''")
    source.sql(f"CREATE ROLE {town.role} LOGIN PASSWORD '{quoted}'")
    source.sql(f"CREATE DATABASE {town.ground.database} OWNER {town.role}")
    town.source = source
    return source


def _forget(town: Town, source: Any) -> None:
    with closing(source.lab.superuser()) as session:
        session.query(f'DROP DATABASE "{town.ground.database}" WITH (FORCE)')
        session.query(f'DROP ROLE "{town.role}"')


def test_who_is_left_at_the_source(town: Town, ground: GroundFactory) -> None:
    source = _source(town, ground)
    try:
        town.moved()
        town.stand(*town.source_objects())
        before = town.verify()
        assert check(before, "source-sessions").verdict is Verdict.PASS
        assert "source-shows-sessions" in {
            one.id for one in before.controls if one.verdict is Verdict.PASS
        }
        login = source.direct.login(
            user=town.role, database=town.ground.database, password=Sensitive(PASSWORD)
        )
        with closing(source.lab.connect(source.direct.host, login)):
            after = check(town.verify(), "source-sessions")
        assert after.verdict is Verdict.UNKNOWN
        assert f"connected as `{town.role}`" in after.observed
        assert "no pod of a consumer" in after.observed
    finally:
        _forget(town, source)


def test_a_source_without_tls_is_asked_though_the_target_demands_it(
    town: Town, ground: GroundFactory
) -> None:
    source = _source(town, ground)
    try:
        town.moved()
        town.stand(*town.source_objects())
        with closing(source.lab.superuser()) as session:
            session.query("ALTER SYSTEM SET ssl = off")
            session.query("SELECT pg_reload_conf()")

        told = check(town.verify(), "source-sessions")

        assert (told.verdict, "SSL" in told.observed) == (Verdict.PASS, False)
    finally:
        with closing(source.lab.superuser()) as session:
            session.query("ALTER SYSTEM RESET ssl")
            session.query("SELECT pg_reload_conf()")
        _forget(town, source)


def test_a_source_that_was_taken_down(town: Town) -> None:
    town.moved()
    town.stand(*town.source_objects())
    town.api.kubectl("scale", "deployment/postgres", "-n", town.namespace, "--replicas=0")
    town.api.kubectl("wait", "--for=delete", "pod", "-l", "app=postgres", "-n", town.namespace)
    told = check(town.verify(), "source-sessions")
    assert (told.verdict, told.observed) == (Verdict.PASS, "the source has no pod")


def test_a_source_in_another_namespace(town: Town, ground: GroundFactory) -> None:
    elsewhere = town.api.namespace("shared")
    town.old_namespace = elsewhere
    town.moved()
    shared = [
        {**one, "metadata": {**one["metadata"], "namespace": elsewhere}}
        for one in town.source_objects()
    ]
    town.api.create(*shared)
    told = check(town.verify(), "source-sessions")
    assert told.verdict is Verdict.UNKNOWN, "its pods have no PostgreSQL behind them"


def test_the_command(town: Town) -> None:
    town.moved()
    argv = [sys.executable, "-m", "repoint", "-C", str(town.folder), "verify"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    subprocess.run(["git", "init", "-q"], cwd=town.folder, check=True)

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*argv, *more], env=environment, capture_output=True, text=True, check=False
        )

    done = run("--env", "local", "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert validated("verify", done.stdout)["verdict"] == "pass"
    [line] = (town.folder / ".repoint" / "ledger.jsonl").read_text().splitlines()
    assert (json.loads(line)["phase"], json.loads(line)["verdict"]) == ("verified", "pass")
    town.health.status = 500  # type: ignore[attr-defined]
    failed = run("--no-record")
    assert failed.returncode == 1
    assert "verify: FAIL" in failed.stdout
    assert "the way back: repoint rollback --env local --rollout" in failed.stderr
    for text in (done.stdout, done.stderr, failed.stdout, failed.stderr):
        assert PASSWORD not in text and ENCODED not in text
