"""RP21x: cases that are found, and as many that are left alone."""

from __future__ import annotations

import pytest

from repoint.model.plan import Severity
from repoint.rules.facts import EnvironmentFacts, RoleDefault
from repoint.rules.startup_params import check
from tests.unit.rules.build import (
    HERE,
    cluster,
    codes,
    connection,
    consumer,
    driver,
    environment,
    pooler,
)


def asking(
    *params: tuple[str, str],
    style: str = "url",
    drivers: tuple[str, ...] = (),
    pg: int = 18,
    **pooler_given: object,
) -> EnvironmentFacts:
    """One pooled consumer whose connection string has these parameters."""
    evidence = tuple(driver(name) for name in drivers)
    one = consumer("web", connection(*params, style=style), hazards=evidence)
    return environment(one, pooler=pooler(**pooler_given), cluster=cluster(postgres=pg))


def listing(text: str, name: str = "track_extra_parameters") -> tuple[tuple[str, str], ...]:
    """A Pooler parameter that is a list."""
    return ((name, text),)


PATH = ("search_path", "shop_schema")
TRACKED = listing("IntervalStyle,search_path")

FOUND = [
    pytest.param(asking(PATH), ["RP211"], id="SP1 X1 search_path in a session pool"),
    pytest.param(asking(PATH, mode="transaction"), ["RP211"], id="SP1 search_path in a tx pool"),
    pytest.param(asking(("statement_timeout", "5s")), ["RP211"], id="SP1 statement_timeout"),
    pytest.param(asking(("lock_timeout", "5s")), ["RP211"], id="SP1 lock_timeout"),
    pytest.param(asking(("role", "app")), ["RP211"], id="SP1 role"),
    pytest.param(
        asking(("currentSchema", "s"), style="jdbc"), ["RP211"], id="SP1 pgjdbc sends currentSchema"
    ),
    pytest.param(
        asking(("Search Path", "s"), style="keyword-value"), ["RP211"], id="SP1 ADO spelling"
    ),
    pytest.param(
        asking(("statement_timeout", "5000"), drivers=("node-postgres",)),
        ["RP211"],
        id="MG4 node-postgres sends timeouts",
    ),
    pytest.param(
        asking(PATH, drivers=("node-postgres", "pgx")), ["RP211"], id="SP1 one of two drivers sends"
    ),
    pytest.param(asking(("pool_max_conns", "9")), ["RP211"], id="SP1 pgxpool takes it out"),
    pytest.param(asking(("options", "-c search_path=s")), ["RP212"], id="SP2 options with a space"),
    pytest.param(
        asking(("options", "-csearch_path%3Ds")), ["RP212"], id="SP2 options percent-encoded"
    ),
    pytest.param(
        asking(("options", "--statement_timeout=5s")), ["RP212"], id="SP2 options in long form"
    ),
    pytest.param(
        asking(PATH, parameters=listing("search_path", "ignore_startup_parameters")),
        ["RP213", "RP213"],
        id="SP3 ignored and asked for",
    ),
    pytest.param(
        asking(parameters=listing("role", "ignore_startup_parameters")),
        ["RP213"],
        id="SP3 ignored and nobody asks",
    ),
    pytest.param(
        asking(PATH, parameters=(*TRACKED, *listing("search_path", "ignore_startup_parameters"))),
        ["RP213"],
        id="SP13 in both lists works until 1.26",
    ),
    pytest.param(
        asking(
            PATH,
            parameters=(*TRACKED, *listing("search_path", "ignore_startup_parameters")),
            pgbouncer=(1, 26, 1),
        ),
        ["RP213", "RP213"],
        id="SP13 in both lists with 1.26",
    ),
    pytest.param(
        asking(PATH, pg=17, parameters=TRACKED), ["RP214", "RP214"], id="SP5 tracking on 17"
    ),
    pytest.param(
        asking(parameters=listing("search_path")), ["RP214"], id="SP7 IntervalStyle left out"
    ),
    pytest.param(
        asking(("statement_timeout", "1"), parameters=listing("IntervalStyle,statement_timeout")),
        ["RP214", "RP214"],
        id="SP10 what is not reported",
    ),
    pytest.param(
        asking(PATH, parameters=TRACKED, pgbouncer=(1, 24, 1)),
        ["RP216"],
        id="SP4 CVE-2025-12819 before 1.25.1",
    ),
    pytest.param(asking(PATH, pg=17, pgbouncer=(1, 26, 1)), ["RP216"], id="SP6 1.26 on 17"),
    pytest.param(
        asking(("options", "-c search_path=s"), pg=17, pgbouncer=(1, 26, 1)),
        ["RP216"],
        id="SP6 the same inside options",
    ),
    pytest.param(
        environment(
            consumer("web", connection(("sslmode", "require"), schema="a")),
            consumer("auth", connection(("sslmode", "require"), schema="b")),
        ),
        ["RP215"],
        id="X4 one role serves two schemas",
    ),
]

FINE = [
    pytest.param(asking(), id="no parameter"),
    pytest.param(asking(("sslmode", "require"), ("connect_timeout", "5")), id="TL10 client side"),
    pytest.param(
        asking(
            ("application_name", "a"),
            ("client_encoding", "UTF8"),
            ("TimeZone", "UTC"),
            ("DateStyle", "ISO"),
            ("IntervalStyle", "iso_8601"),
            ("standard_conforming_strings", "on"),
        ),
        id="SP12 the six tracked names",
    ),
    pytest.param(asking(("extra_float_digits", "2")), id="SP11 ignored and harmless"),
    pytest.param(asking(("options", "-c TimeZone=UTC")), id="SP2 tracked names inside options"),
    pytest.param(asking(PATH, drivers=("psycopg",)), id="X16 libpq never sends it"),
    pytest.param(asking(PATH, drivers=("node-postgres",)), id="SP1 node-postgres ignores it"),
    pytest.param(asking(PATH, style="jdbc"), id="SP1 pgjdbc ignores search_path"),
    pytest.param(asking(PATH, parameters=TRACKED), id="SP4 tracked on 18"),
    pytest.param(
        asking(("options", "-c search_path=s"), parameters=TRACKED), id="SP4 tracked inside options"
    ),
    pytest.param(asking(PATH, pgbouncer=(1, 26, 1)), id="SP6 1.26 on 18"),
    pytest.param(asking(PATH, pgbouncer=(1, 26)), id="SP6 the first 1.26 on 18"),
    pytest.param(
        asking(
            ("default_transaction_read_only", "on"),
            pg=14,
            parameters=listing("IntervalStyle,default_transaction_read_only"),
        ),
        id="SP10 default_transaction_read_only on 14",
    ),
    pytest.param(
        asking(parameters=listing("extra_float_digits,options", "ignore_startup_parameters")),
        id="SP3 what CNPG ignores anyway",
    ),
    pytest.param(
        asking(parameters=listing("TimeZone"), pgbouncer=(1, 26, 1)), id="SP7 no default in 1.26"
    ),
    pytest.param(
        environment(
            consumer("web", connection(schema="a")),
            consumer("auth", connection(schema="b", user="auth")),
        ),
        id="X4 two roles",
    ),
    pytest.param(
        environment(
            consumer("web", connection(schema="a")), consumer("api", connection(schema="a"))
        ),
        id="X4 one role and one schema",
    ),
    pytest.param(
        environment(consumer("migrate", connection(PATH), route="direct")),
        id="SP1 a direct consumer may ask",
    ),
]


@pytest.mark.parametrize(("facts", "expected"), FOUND)
def test_finds(facts: EnvironmentFacts, expected: list[str]) -> None:
    assert codes(check(facts)) == expected


@pytest.mark.parametrize("facts", FINE)
def test_leaves_alone(facts: EnvironmentFacts) -> None:
    assert codes(check(facts)) == []


def test_SP3_SP9_a_default_of_the_role_answers_what_the_pool_ignores() -> None:
    facts = asking(PATH, parameters=listing("search_path", "ignore_startup_parameters"))
    given = RoleDefault("shop", "shopdb", "search_path", "shop_schema", HERE)
    answered = check(environment(*facts.consumers, pooler=facts.pooler, role_defaults=(given,)))
    assert [f.severity for f in answered] == [Severity.WARNING]
    other = RoleDefault("shop", "elsewhere", "search_path", "shop_schema", HERE)
    not_answered = check(environment(*facts.consumers, pooler=facts.pooler, role_defaults=(other,)))
    assert Severity.ERROR in [f.severity for f in not_answered]


def test_a_key_that_postgresql_refuses_too_is_a_note() -> None:
    (finding,) = check(asking(("pool_max_conns", "9")))
    assert "nothing is needed" in finding.hint
    assert "ALTER ROLE" not in finding.hint
    assert finding.severity is Severity.NOTE


def test_an_unknown_version_is_no_pass() -> None:
    findings = check(asking(PATH, pg=0, parameters=TRACKED))
    assert codes(findings, Severity.ERROR) == ["RP214"]
    assert "version" in findings[0].message


def test_a_finding_names_the_key_and_never_the_value() -> None:
    (finding,) = check(asking(("search_path", "canary-schema")))
    assert "search_path" in finding.message
    assert "canary" not in finding.message + finding.hint
    assert finding.location == HERE
    assert finding.environment == "local"


def test_SP7_1_26_is_the_first_without_a_default_list() -> None:
    tracked = listing("TimeZone")
    assert codes(check(asking(parameters=tracked, pgbouncer=(1, 26)))) == []
    assert codes(check(asking(parameters=tracked, pgbouncer=(1, 25, 9)))) == ["RP214"]


def test_SP13_is_an_error_where_ignoring_wins() -> None:
    both = (*TRACKED, *listing("search_path", "ignore_startup_parameters"))
    newer = check(asking(parameters=both, pgbouncer=(1, 26)))
    older = check(asking(parameters=both))
    assert [f.severity for f in newer] == [Severity.ERROR]
    assert [f.severity for f in older] == [Severity.WARNING]


def test_X4_a_connection_without_a_role_names_nobody() -> None:
    pair = (
        consumer("web", connection(schema="a", user="")),
        consumer("auth", connection(schema="b", user="")),
    )
    assert codes(check(environment(*pair))) == []
