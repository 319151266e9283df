"""The SQL that stands in PostgreSQL before the first client comes."""

from __future__ import annotations

import pytest

from repoint.model.source import Location
from repoint.rehearsal.setup import first_schema, quoted, role_defaults, schemas_in
from repoint.rules.facts import RoleDefault

HERE = Location("roles.sql", 3, 1, "line/3")


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ('psql -c "CREATE SCHEMA IF NOT EXISTS hydra;"', ("hydra",)),
        ("create schema if not exists Hydra; CREATE SCHEMA IF NOT EXISTS b", ("hydra", "b")),
        ('CREATE SCHEMA IF NOT EXISTS "Mixed Case"', ("Mixed Case",)),
        ("CREATE SCHEMA hydra", ()),
        ("DROP SCHEMA IF EXISTS hydra", ()),
    ],
)  # fmt: skip
def test_schemas_of_pre_checks(command: str, found: tuple[str, ...]) -> None:
    assert schemas_in([command]) == found


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("hydra", "hydra"),
        ("hydra, public", "hydra"),
        ('"Mixed",public', "Mixed"),
        ('"$user", public', "public"),
        ("", "public"),
    ],
)
def test_first_schema_of_a_path(path: str, schema: str) -> None:
    assert first_schema(path) == schema


def test_defaults_of_roles_that_take_part() -> None:
    defaults = [
        RoleDefault("web", "shop", "search_path", "shop_schema, public", HERE),
        RoleDefault("web", "", "statement_timeout", "5s", HERE),
        RoleDefault("other", "shop", "search_path", "other", HERE),
    ]

    made = [one.sql for one in role_defaults(defaults, {"web"})]

    assert made == [
        'ALTER ROLE "web" IN DATABASE "shop" SET search_path = "shop_schema", "public"',
        "ALTER ROLE \"web\" SET statement_timeout = '5s'",
    ]


def test_a_name_cannot_leave_its_quotes() -> None:
    assert quoted('a"; DROP TABLE x; --') == '"a""; DROP TABLE x; --"'
