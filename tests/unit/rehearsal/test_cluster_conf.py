"""The files and the SQL of a private PostgreSQL."""

from __future__ import annotations

import pytest

from repoint.model.sensitive import Sensitive
from repoint.rehearsal.cluster_conf import (
    INTEGRATION,
    Instance,
    database_sql,
    parameters_conf,
    postgres_hba,
    postgres_ident,
    postgresql_conf,
    role_sql,
    takeable,
)
from repoint.rehearsal.lab import DatabaseSpec, PostgresSpec, RoleSpec

SECRET = "hunter2-hunter2"


def cluster(parameters: dict[str, str] | None = None, pg_hba: tuple[str, ...] = ()) -> PostgresSpec:
    given = tuple((parameters or {}).items())
    return PostgresSpec(18, "pg-rw", ("pg-rw",), (), (), given, pg_hba)


def instance() -> Instance:
    return Instance("/lab/s", "/lab/certificates", 15432, "ann")


@pytest.mark.parametrize(
    "name",
    ["max_connections", "statement_timeout", "work_mem", "wal_level", "ssl_min_protocol_version"],
)
def test_parameters_that_a_client_can_see_are_tried(name: str) -> None:
    assert takeable(cluster({name: "1"})) == ({name: "1"}, ())


@pytest.mark.parametrize(
    "name",
    ["shared_buffers", "archive_command", "log_statement", "LOG_STATEMENT", "ssl_key_file", "port"],
)
def test_parameters_of_the_machine_and_the_log_are_left_out(name: str) -> None:
    assert takeable(cluster({name: "1", "jit": "off"})) == ({"jit": "off"}, (name,))


def test_the_clusters_parameters_replace_defaults_and_not_what_is_forced() -> None:
    lines = postgresql_conf(instance()).splitlines()

    include = lines.index("include 'cluster.conf'")
    assert lines.index("ssl_min_protocol_version = 'TLSv1.3'") < include
    assert include < lines.index("listen_addresses = '127.0.0.1'")
    assert include < lines.index("log_min_error_statement = 'panic'")
    assert "port = '15432'" in lines


def test_values_are_quoted_for_a_configuration_file() -> None:
    written = parameters_conf({"a": "it's", "b": "c:\\x", "c": "one\ntwo"})

    assert written == "a = 'it''s'\nb = 'c:\\\\x'\nc = 'one\\ntwo'\n"


def test_the_pooler_logs_in_by_certificate_and_all_others_by_password() -> None:
    own = cluster(pg_hba=("hostnossl all all all reject",))

    assert postgres_hba(own).splitlines() == [
        "local all postgres peer map=local",
        "hostssl all cnpg_pooler_pgbouncer all cert",
        "hostnossl all all all reject",
        "host all all all scram-sha-256",
    ]
    assert postgres_ident(instance()) == 'local "ann" postgres\n'


def test_a_roles_password_is_in_no_statement() -> None:
    role = RoleSpec('o"dd', Sensitive(SECRET), createdb=True, connection_limit=3)

    statements = list(role_sql(role))

    assert statements[0] == 'CREATE ROLE "o""dd" WITH LOGIN CONNECTION LIMIT 3 CREATEDB'
    assert statements[1].startswith("""ALTER ROLE "o""dd" PASSWORD 'SCRAM-SHA-256$4096:""")
    assert SECRET not in "".join(statements)


@pytest.mark.parametrize(
    ("setting", "value", "statements"),
    [
        pytest.param(
            "app.tenant", "a'b", ['ALTER ROLE "r" SET "app"."tenant" TO \'a\'\'b\''], id="custom"
        ),
        pytest.param("role", "x", ['ALTER ROLE "r" SET "role" TO \'x\''], id="not switched to"),
        pytest.param("jit", "a\\b", ['ALTER ROLE "r" SET "jit" TO E\'a\\\\b\''], id="backslash"),
        pytest.param(
            "search_path",
            'a, "B"',
            [
                "SELECT pg_catalog.set_config('search_path', 'a, \"B\"', false)",
                'ALTER ROLE "r" SET "search_path" FROM CURRENT',
                'RESET "search_path"',
            ],
            id="a list",
        ),
    ],
)
def test_a_roles_settings(setting: str, value: str, statements: list[str]) -> None:
    role = RoleSpec("r", Sensitive(SECRET), settings=((setting, value),))

    assert list(role_sql(role))[2:] == statements


def test_a_database_has_its_owner() -> None:
    assert database_sql(DatabaseSpec("a b", "o")) == 'CREATE DATABASE "a b" OWNER "o"'
    assert database_sql(DatabaseSpec("d", "")) == 'CREATE DATABASE "d"'


def test_the_pooler_may_look_up_users_and_nobody_else() -> None:
    assert INTEGRATION[0] == "CREATE ROLE cnpg_pooler_pgbouncer WITH LOGIN"
    assert INTEGRATION[-2:] == (
        "REVOKE ALL ON FUNCTION public.user_search(text) FROM public",
        "GRANT EXECUTE ON FUNCTION public.user_search(text) TO cnpg_pooler_pgbouncer",
    )
