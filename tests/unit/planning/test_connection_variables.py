"""Variables of a container that are parameters of its connection, and those that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoint.planning.connection_variables import with_variables
from repoint.rules.facts import Connection
from repoint.rules.sent import sent
from repoint.rules.tls import checks_name
from tests.unit.planning.small_repository import Trial, repository, workload
from tests.unit.rules.build import connection

PLAIN = connection()
JDBC = connection(style="jdbc")


@pytest.mark.parametrize(
    ("one", "variables", "expected"),
    [
        pytest.param(
            PLAIN,
            [("PGOPTIONS", "-c search_path=a")],
            ("options", "-c search_path=a"),
            id="options",
        ),
        pytest.param(PLAIN, [("PGSSLMODE", "verify-full")], ("sslmode", "verify-full"), id="TLS"),
        pytest.param(
            PLAIN, [("PGCHANNELBINDING", "require")], ("channel_binding", "require"), id="binding"
        ),
        pytest.param(
            PLAIN,
            [("PGTARGETSESSIONATTRS", "read-write")],
            ("target_session_attrs", "read-write"),
            id="session attributes",
        ),
        pytest.param(PLAIN, [("PGTZ", "UTC")], ("TimeZone", "UTC"), id="time zone"),
        pytest.param(
            connection(("sslmode", "require")),
            [("PGSSLROOTCERT", "/ca.crt")],
            ("sslrootcert", "/ca.crt"),
            id="beside what the string says",
        ),
    ],
)
def test_a_variable_is_a_parameter(
    one: Connection, variables: list[tuple[str, str]], expected: tuple[str, str]
) -> None:
    assert with_variables(one, variables).params[-1] == expected


@pytest.mark.parametrize(
    ("one", "variables"),
    [
        pytest.param(PLAIN, [], id="none"),
        pytest.param(PLAIN, [("OPTIONS", "-c search_path=a")], id="another name"),
        pytest.param(PLAIN, [("PGOPTIONS", "")], id="empty"),
        pytest.param(PLAIN, [("PGPASSWORD", "canary-p")], id="a password is none of ours"),
        pytest.param(
            connection(("sslmode", "require")),
            [("PGSSLMODE", "disable")],
            id="the string comes first",
        ),
        pytest.param(JDBC, [("PGOPTIONS", "-c role=a")], id="pgjdbc reads none"),
    ],
)
def test_a_variable_changes_nothing(one: Connection, variables: list[tuple[str, str]]) -> None:
    assert with_variables(one, variables) == one


def test_what_they_make_of_a_connection() -> None:
    optioned = with_variables(PLAIN, [("PGOPTIONS", "-c search_path=a --work_mem=1MB")])
    assert [(s.name, s.value) for s in sent(optioned)] == [
        ("search_path", "a"),
        ("work_mem", "1MB"),
    ]
    assert checks_name(with_variables(PLAIN, [("PGSSLMODE", "verify-full")]))


WEB = workload(
    "Deployment",
    "web",
    """
    containers:
      - name: web
        image: acme/web
        envFrom: [{configMapRef: {name: settings}}]
        env:
          - {name: DATABASE_URL, value: "postgresql://shop@postgres:5432/shop"}
          - {name: PGCHANNELBINDING, value: require}
    """,
)
SETTINGS = (
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"
    'data: {PGOPTIONS: "-c statement_timeout=5s"}\n'
)


def test_a_plan_sees_the_variables_of_a_container(tmp_path: Path) -> None:
    files = repository({"web.yaml": WEB, "settings.yaml": SETTINGS}, {})
    plan = Trial(tmp_path, files).plan("dev")
    (row,) = plan.consumers
    assert row.route == "direct"
    assert "statement_timeout" in " ".join(row.reasons)
    (task,) = plan.tasks
    assert task.put == "ALTER ROLE shop IN DATABASE shop SET statement_timeout = '5s';"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        pytest.param([("NODE_EXTRA_CA_CERTS", "/etc/pg/ca.crt")], True, id="a CA for Node"),
        pytest.param([("NODE_EXTRA_CA_CERTS", "")], False, id="empty"),
        pytest.param([("SSL_CERT_FILE", "/ca.crt")], False, id="another program's"),
    ],
)
def test_the_environment_may_give_a_ca(variables: list[tuple[str, str]], expected: bool) -> None:
    assert with_variables(PLAIN, variables).extra_ca is expected


def test_a_string_that_node_postgres_reads_keeps_its_sslmode(tmp_path: Path) -> None:
    """TL2: raised to `require`, it would be refused; what pgx reads alone is raised."""
    url = "postgresql://shop:canary-x@postgres:5432/shop"
    secret = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\n"
        f"stringData: {{NODE_URL: '{url}', GO_URL: '{url}'}}\n"
    )
    one = "containers:\n  - name: %s\n    image: acme/%s\n    env:\n"
    key = "      - name: URL\n        valueFrom: {secretKeyRef: {name: db, key: %s}}"
    objects = {
        f"{name}.yaml": workload("Deployment", name, one % (name, name) + key % variable)
        for name, variable in (("web", "NODE_URL"), ("api", "GO_URL"))
    }
    files = repository(objects, {"secret.yaml": secret})
    files["web/package.json"] = '{"dependencies": {"pg": "^8.13.0"}}'
    files["api/go.mod"] = "module api\nrequire github.com/jackc/pgx/v5 v5.7.1\n"
    repo = Trial(tmp_path, files)

    plan, written = repo.plan("dev"), repo.apply("dev")["overlays/dev/secret.yaml"]

    assert ":5432/shop'" in written and "sslmode=require" in written
    assert "NODE_URL: 'postgresql://shop:canary-x@pg-pooler.shop-dev" in written
    assert [f.consumer for f in plan.findings if f.code == "RP233"] == [
        "Deployment/shop-dev/web/web"
    ]
