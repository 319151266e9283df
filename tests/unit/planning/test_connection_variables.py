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
