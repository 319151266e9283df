"""Variables of a container that are parameters of its connection, and those that are none."""

from __future__ import annotations

from dataclasses import replace
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


PARTS = connection(style="split-env", user="", database="", key="DB_HOST")


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        pytest.param(PARTS, ("crm", "crmdb"), id="both from elsewhere"),
        pytest.param(replace(PARTS, user="own"), ("own", "crmdb"), id="its own role first"),
        pytest.param(replace(PARTS, style="url"), ("", ""), id="a URL tells it all itself"),
        pytest.param(replace(PARTS, key="MAIL_DB_HOST"), ("", ""), id="another family"),
    ],
)
def test_parts_of_a_connection_come_from_several_objects(
    one: Connection, expected: tuple[str, str]
) -> None:
    given = [("DB_USERNAME", "crm"), ("DB_PASSWORD", "canary-p"), ("DB_DATABASE", "crmdb")]

    found = with_variables(one, given)

    assert (found.user, found.database) == expected
    assert "canary-p" not in repr(found)


@pytest.mark.parametrize(
    ("secret", "reads"),
    [
        pytest.param(
            "stringData: {DB_USERNAME: crm, DB_PASSWORD: canary-p}",
            "envFrom: [{configMapRef: {name: config}}, {secretRef: {name: login}}]",
            id="envFrom",
        ),
        pytest.param(
            "data: {DB_USERNAME: Y3Jt, DB_PASSWORD: Y2FuYXJ5LXA=}",
            "envFrom: [{configMapRef: {name: config}}, {secretRef: {name: login}}]",
            id="base64",
        ),
        pytest.param(
            "stringData: {username: crm, password: canary-p}",
            "envFrom: [{configMapRef: {name: config}}], "
            "env: [{name: DB_USERNAME, valueFrom: {secretKeyRef: {name: login, key: username}}}]",
            id="a key of it",
        ),
    ],
)
def test_a_role_in_a_secret_is_known_beside_a_host_in_a_config_map(
    tmp_path: Path, secret: str, reads: str
) -> None:
    """A default of the role can be planned, and the password is nowhere."""
    config = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config}\n"
        "data: {DB_HOST: postgres, DB_DATABASE: crm, PGOPTIONS: -c search_path=crm}\n"
    )
    login = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: login}}\n{secret}\n"
    web = workload("Deployment", "web", f"containers: [{{name: web, image: acme/web, {reads}}}]")
    files = repository({"web.yaml": web, "config.yaml": config, "login.yaml": login}, {})
    files["base/targets.yaml"] = files["base/targets.yaml"].replace(
        "postgresql:18.1", "postgresql:17"
    )

    plan = Trial(tmp_path, files).plan("dev")

    [task] = [one for one in plan.tasks if "ALTER ROLE" in one.put]
    assert task.put == "ALTER ROLE crm IN DATABASE crm SET search_path = 'crm';"
    assert "canary-p" not in repr(plan) and "Y2FuYXJ5LXA" not in repr(plan)


@pytest.mark.parametrize(
    ("key", "beside"),
    [
        ("SPRING_DATASOURCE_URL", "SPRING_DATASOURCE_USERNAME"),
        ("KC_DB_URL", "KC_DB_USERNAME"),
        ("QUARKUS_DATASOURCE_JDBC_URL", "QUARKUS_DATASOURCE_USERNAME"),
    ],
)
def test_a_jdbc_url_gets_the_role_beside_it(key: str, beside: str) -> None:
    plain = connection(user="", style="jdbc", key=key)
    assert with_variables(plain, ((beside, "billing"), ("OTHER_USERNAME", "x"))).user == "billing"
    assert with_variables(plain, (("OTHER_USERNAME", "x"), ("PGUSER", "x"))).user == ""
    told = connection(user="own", style="jdbc", key=key)
    assert with_variables(told, ((beside, "billing"),)).user == "own"
