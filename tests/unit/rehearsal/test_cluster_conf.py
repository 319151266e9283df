"""The files and the SQL of a private PostgreSQL."""

from __future__ import annotations

import pytest

from repoint.model.sensitive import Sensitive
from repoint.rehearsal.cluster_conf import (
    Instance,
    database_sql,
    integration_sql,
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
        "local all repoint_superuser,postgres peer map=local",
        "hostssl all cnpg_pooler_pgbouncer all cert",
        "hostnossl all all all reject",
        "host all all all scram-sha-256",
    ]
    assert postgres_ident(instance()).splitlines() == [
        'local "ann" repoint_superuser',
        'local "ann" postgres',
    ]


def test_a_roles_password_is_in_no_statement() -> None:
    role = RoleSpec('o"dd', Sensitive(SECRET), createdb=True, connection_limit=3)

    statements = list(role_sql(role, 18))

    assert statements[0] == 'CREATE ROLE "o""dd" WITH LOGIN CONNECTION LIMIT 3 CREATEDB'
    assert statements[1].startswith("""ALTER ROLE "o""dd" PASSWORD 'SCRAM-SHA-256$4096:""")
    assert statements[2:] == ['GRANT "o""dd" TO postgres WITH ADMIN OPTION']
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

    assert list(role_sql(role, 18))[3:] == statements


def test_a_database_has_its_owner() -> None:
    assert database_sql(DatabaseSpec("a b", "o")) == 'CREATE DATABASE "a b" OWNER "o"'
    assert database_sql(DatabaseSpec("d", "")) == 'CREATE DATABASE "d"'


def test_the_pooler_may_look_up_users_and_nobody_else() -> None:
    statements = list(integration_sql(18))

    assert "CREATE ROLE cnpg_pooler_pgbouncer WITH LOGIN" in statements
    assert statements[-3:] == [
        "ALTER FUNCTION public.user_search(text) OWNER TO repoint_lookup",
        "REVOKE ALL ON FUNCTION public.user_search(text) FROM public",
        "GRANT EXECUTE ON FUNCTION public.user_search(text) TO cnpg_pooler_pgbouncer",
    ]


def test_nobody_is_made_a_superuser() -> None:
    roles = (RoleSpec("postgres", Sensitive(SECRET), superuser=True),)
    roles += (RoleSpec("root", Sensitive(SECRET), superuser=True),)
    statements = [*integration_sql(18), *(one for role in roles for one in role_sql(role, 18))]

    assert not any("SUPERUSER" in one for one in statements)
    assert 'GRANT postgres TO "root"' in statements
    assert any(one.startswith('ALTER ROLE "postgres" WITH LOGIN') for one in statements)


@pytest.mark.parametrize(("major", "given"), [(13, False), (15, False), (16, True), (18, True)])
def test_a_role_that_makes_roles_cannot_give_away_those_that_run_programs(
    major: int, given: bool
) -> None:
    role = RoleSpec("root", Sensitive(SECRET), superuser=True)
    statements = [*integration_sql(major), *role_sql(role, major)]

    assert any("CREATEROLE" in one for one in statements) is given
