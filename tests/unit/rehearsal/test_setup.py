"""The SQL that stands in PostgreSQL before the first client comes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from repoint.model.source import Location
from repoint.rehearsal.cast import Client
from repoint.rehearsal.setup import (
    first_schema,
    literal,
    quoted,
    role_defaults,
    schemas,
    schemas_in,
    tenants,
)
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
    assert literal("a'; DROP TABLE x; --") == "'a''; DROP TABLE x; --'"


def test_each_schema_is_made_once_and_belongs_to_the_first_who_wants_it() -> None:
    web, hydra, nobody = (
        cast(Client, SimpleNamespace(login=login, schema=schema))
        for login, schema in (
            (SimpleNamespace(user="web", database="shop"), "shop_schema, public"),
            (SimpleNamespace(user="hydra", database="shop"), "auth"),
            (None, "nowhere"),
        )
    )

    made = list(schemas([web, hydra, nobody], [("shop", "keeper", "auth")]))

    assert [(one.database, one.what, one.must) for one in made] == [
        ("shop", "a pre-check's CREATE SCHEMA", True),
        ("shop", "a connection string's schema", True),
        ("shop", "a connection string's schema", True),
        ("shop", "a schema called like its role", True),
        ("shop", "a schema called like its role", True),
    ]
    auth, shop, public, own, _ = (one.sql for one in made)
    assert own.startswith("DO 'BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_namespace")
    assert "nspname = ''web'')" in own
    assert auth.startswith('CREATE SCHEMA IF NOT EXISTS "auth" AUTHORIZATION "keeper"; ')
    assert 'GRANT USAGE ON SCHEMA "auth" TO "hydra"' in auth
    assert '"shop_schema" AUTHORIZATION "web"' in shop
    assert public.startswith('CREATE SCHEMA IF NOT EXISTS "public"; GRANT USAGE')
    assert "INSERT INTO \"public\".repoint_rehearsal VALUES ('public', NULL, NULL)" in public


def test_a_table_of_two_tenants_reads_the_setting() -> None:
    made = tenants("shop", "app.tenant")

    assert (made.database, made.must) == ("shop", True)
    assert "ENABLE ROW LEVEL SECURITY" in made.sql
    assert "USING (tenant = current_setting('app.tenant', true))" in made.sql
