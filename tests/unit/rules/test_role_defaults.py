"""When a default of a role may stand for a parameter, where it goes, and how SQL spells it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from repoint.rules.declared import Bootstrap, PreCheck
from repoint.rules.facts import Connection, ConsumerFacts, RoleDefault
from repoint.rules.remedies import startup_remedy
from repoint.rules.role_defaults import RoleSetting, default_path, elements, precheck_for
from repoint.rules.rule import Remedy
from tests.unit.rules.build import HERE, cluster, connection, consumer, driver, pooler

MADE = Bootstrap("shopdb", "shop")
CHECK = PreCheck("shop", "shopdb", HERE, "Job/shop/migrate#spec", 2)
PATH = connection(("search_path", "a"))
TIMEOUT = connection(("statement_timeout", "5s"))


def remedy(
    one: Connection, *others: ConsumerFacts, bootstrap: Any = MADE, checks: Any = (), **given: Any
) -> Remedy:
    """What to do about one pooled consumer on PostgreSQL 17."""
    web = consumer("web", one)
    return startup_remedy(
        web,
        given.get("bouncer", pooler()),
        cluster(postgres=given.get("postgres", 17), bootstrap=bootstrap),
        consumers=(web, *others),
        prechecks=checks,
    )


@pytest.mark.parametrize(
    ("found", "by"),
    [
        pytest.param(remedy(PATH), "bootstrap", id="SP9 the owner of a new Cluster"),
        pytest.param(remedy(PATH, checks=(CHECK,)), "pre-check", id="SP9 a pre-check comes first"),
        pytest.param(remedy(PATH, bootstrap=None, checks=(CHECK,)), "pre-check", id="no bootstrap"),
        pytest.param(remedy(TIMEOUT), "bootstrap", id="SP10 a timeout"),
        pytest.param(remedy(TIMEOUT, postgres=18), "bootstrap", id="SP10 a timeout on 18"),
        pytest.param(remedy(connection(("role", "b"))), "bootstrap", id="a role"),
        pytest.param(remedy(PATH, postgres=0), "bootstrap", id="an unknown version"),
        pytest.param(
            remedy(PATH, postgres=18, bouncer=pooler(pgbouncer=(1, 24, 1))),
            "bootstrap",
            id="SP4 PgBouncer too old to track",
        ),
        pytest.param(
            remedy(PATH, bouncer=pooler(pgbouncer=(1, 26, 1))), "bootstrap", id="SP6 1.26 on 17"
        ),
        pytest.param(
            remedy(PATH, consumer("auth", PATH)), "bootstrap", id="two that ask for the same"
        ),
        pytest.param(
            remedy(PATH, consumer("job", connection(("search_path", "b")), route="direct")),
            "bootstrap",
            id="a direct one says its own",
        ),
        pytest.param(
            remedy(PATH, consumer("auth", connection(("search_path", "b"), user="auth"))),
            "bootstrap",
            id="another role",
        ),
        pytest.param(
            remedy(PATH, consumer("auth", connection(("search_path", "b"), database="other"))),
            "bootstrap",
            id="another database",
        ),
        pytest.param(
            remedy(PATH, consumer("wait", connection(), purpose="probe")),
            "bootstrap",
            id="a wait loop does not care",
        ),
        pytest.param(
            remedy(PATH, consumer("exporter", connection(), purpose="monitoring")),
            "bootstrap",
            id="an exporter reads the catalog",
        ),
        pytest.param(
            remedy(PATH, consumer("pgadmin", connection(), purpose="admin", route="direct")),
            "bootstrap",
            id="a console names its schemas",
        ),
        pytest.param(
            remedy(PATH, bootstrap=Bootstrap("shopdb", "app", ("CREATE ROLE shop LOGIN;",))),
            "bootstrap",
            id="CN8 a role that the same SQL makes",
        ),
    ],
)
def test_SP9_a_default_is_planned(found: Remedy, by: str) -> None:
    assert (found.kind, found.by) == ("role-default", by)
    assert found.drop and found.statements
    assert "new server connections only" in found.reason


@pytest.mark.parametrize(
    ("found", "told"),
    [
        pytest.param(remedy(PATH, bootstrap=None), "", id="nowhere to write it"),
        pytest.param(remedy(PATH, bootstrap=Bootstrap("shopdb", "app")), "", id="CN8 no such role"),
        pytest.param(
            remedy(PATH, bootstrap=Bootstrap("app", "shop")), "", id="CN8 no such database"
        ),
        pytest.param(
            remedy(connection(("log_statement", "all")), bootstrap=None, checks=(CHECK,)),
            "",
            id="only a superuser may",
        ),
        pytest.param(
            remedy(connection(("app.tenant", "x")), bootstrap=None, checks=(CHECK,)),
            "",
            id="a setting of an extension",
        ),
        pytest.param(
            remedy(PATH, consumer("auth", connection(("search_path", "b")))),
            "one default cannot separate them",
            id="X4 two schemas under one role",
        ),
        pytest.param(
            remedy(PATH, consumer("report", connection())),
            "asks for no search_path and would get this one",
            id="another one relies on what there is",
        ),
        pytest.param(
            remedy(TIMEOUT, consumer("migrate", connection(), route="direct", purpose="migration")),
            "asks for no statement_timeout",
            id="a migration would be cut off",
        ),
        pytest.param(
            remedy(TIMEOUT, consumer("pgadmin", connection(), purpose="admin")),
            "asks for no statement_timeout",
            id="a console would be cut off",
        ),
        pytest.param(
            remedy(PATH, consumer("load", connection(), kind="Job", purpose="admin")),
            "asks for no search_path and would get this one",
            id="a script of an administrator relies on what there is",
        ),
        pytest.param(
            remedy(PATH, consumer("web", connection(), purpose="admin", logs_in=True)),
            "asks for no search_path and would get this one",
            id="an init container with psql, too",
        ),
        pytest.param(
            remedy(connection(("search_path", "a"), user="")), "no role and database", id="no role"
        ),
        pytest.param(
            remedy(connection(("search_path", "a"), database="")),
            "no role and database",
            id="no database",
        ),
        pytest.param(
            remedy(connection(("search_path", "$(SCHEMA)"))),
            "nothing tells the value",
            id="a variable",
        ),
        pytest.param(
            remedy(connection(("pool_max_conns", "5"), ("search_path", "$(S)"))),
            "nothing tells the value",
            id="one of two",
        ),
    ],
)
def test_SP9_no_default_is_planned(found: Remedy, told: str) -> None:
    assert (found.kind, found.by) == ("direct", "")
    assert told in found.reason
    assert bool(found.statements) is (told == "")


def test_prisma_s_schema_has_to_stay() -> None:
    web = consumer("web", connection(("schema", "a")), hazards=(driver("prisma"),))

    found = startup_remedy(web, pooler(), cluster(postgres=17, bootstrap=MADE), consumers=(web,))

    assert found.kind == "direct"
    assert "`schema` also tells Prisma where its tables are" in found.reason


def test_SP2_everything_in_options_becomes_a_default_where_options_go() -> None:
    found = remedy(connection(("options", "-c search_path=a -c TimeZone=UTC")))

    assert found.drop == ("options",)
    assert "SET search_path = 'a';" in found.statements
    assert "SET timezone = 'UTC';" in found.statements


def test_the_last_pre_check_carries_it_for_it_runs_last() -> None:
    setting = RoleSetting("shop", "shopdb", "search_path", "a")
    later, other = replace(CHECK, number=5), replace(CHECK, role="auth", number=7)

    assert precheck_for(setting, (CHECK, later, other)) == later


def test_SP4_tracking_comes_before_a_default() -> None:
    assert remedy(PATH, postgres=18, checks=(CHECK,)).kind == "track"


@pytest.mark.parametrize(
    ("setting", "sql"),
    [
        (
            RoleSetting("shop", "shopdb", "search_path", "a"),
            "ALTER ROLE shop IN DATABASE shopdb SET search_path = 'a';",
        ),
        (
            RoleSetting("shop", "shopdb", "search_path", '"$user", Public,"A b"'),
            "ALTER ROLE shop IN DATABASE shopdb SET search_path = '$user', 'public', 'A b';",
        ),
        (
            RoleSetting("my-app", "user", "statement_timeout", "5s"),
            'ALTER ROLE "my-app" IN DATABASE "user" SET statement_timeout = \'5s\';',
        ),
        (
            RoleSetting("shop", "Shop", "work_mem", "1'; DROP"),
            "ALTER ROLE shop IN DATABASE \"Shop\" SET work_mem = '1''; DROP';",
        ),
    ],
    ids=["a schema", "a list", "names that need quotes", "a value that needs them"],
)
def test_the_statement(setting: RoleSetting, sql: str) -> None:
    assert setting.statement == sql


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a", ("a",)),
        ("a, B", ("a", "b")),
        ('"$user", public', ("$user", "public")),
        ("'a', 'b c'", ("a", "b c")),
        ("", ()),
    ],
)
def test_a_list_as_postgresql_reads_it(text: str, names: tuple[str, ...]) -> None:
    assert elements(text) == names


@pytest.mark.parametrize(
    ("written", "path"),
    [
        pytest.param([("", "a"), ("", "b,public")], "b,public", id="the last one holds"),
        pytest.param([("shopdb", "a"), ("", "b")], "a", id="the database's own wins"),
        pytest.param([("other", "a")], "", id="of another database"),
        pytest.param([("", "a"), ("", "$user,public")], "", id="whichever schema there is"),
        pytest.param([], "", id="nothing is told"),
    ],
)
def test_the_search_path_that_a_role_has_by_default(
    written: list[tuple[str, str]], path: str
) -> None:
    """tests/servers/test_role_defaults.py asks PostgreSQL."""
    found = [RoleDefault("shop", database, "search_path", v, HERE) for database, v in written]
    others = [
        RoleDefault("keeper", "", "search_path", "kept", HERE),
        RoleDefault("shop", "", "jit", "off", HERE),
    ]

    assert default_path([*found, *others], "shop", "shopdb") == path
