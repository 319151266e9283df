"""RP22x: hazards behind a transaction pool, and the same ones where they do no harm."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repoint.model.plan import Severity
from repoint.rules.facts import EnvironmentFacts, Hazard, HazardKind
from repoint.rules.session_state import check
from tests.unit.rules.build import (
    cluster,
    codes,
    connection,
    consumer,
    driver,
    environment,
    hazard,
    pooler,
)

K = HazardKind
TENANT_POLICY = hazard(K.RLS_GUC, "app.tenant")
TENANT_SET = hazard(K.SESSION_GUC, "app.tenant")
TENANT_LOCAL = hazard(K.LOCAL_GUC, "app.tenant")


def with_hazards(
    *hazards: Hazard,
    mode: str = "transaction",
    pg: int = 18,
    params: tuple[tuple[str, str], ...] = (),
    **pooler_given: object,
) -> EnvironmentFacts:
    """One pooled consumer whose source text tells this."""
    one = consumer("web", connection(*params), hazards=hazards)
    return environment(one, pooler=pooler(mode=mode, **pooler_given), cluster=cluster(postgres=pg))


OFF = (("max_prepared_statements", "0"),)
BOUNCED = ("pgbouncer", "true")
TRACKS_PATH = (("track_extra_parameters", "IntervalStyle,search_path"),)

FOUND = [
    pytest.param(with_hazards(TENANT_POLICY, TENANT_SET), ["RP221"], id="ST2 X5 per session"),
    pytest.param(with_hazards(TENANT_POLICY), ["RP221"], id="ST2 policy, and nobody sets it local"),
    pytest.param(
        with_hazards(TENANT_POLICY, TENANT_SET, TENANT_LOCAL), ["RP221"], id="ST2 one path is local"
    ),
    pytest.param(
        with_hazards(hazard(K.RLS), TENANT_SET), ["RP221"], id="ST2 row security and a setting"
    ),
    pytest.param(with_hazards(hazard(K.SESSION_GUC, "work_mem")), ["RP222"], id="ST1 a setting"),
    pytest.param(
        with_hazards(hazard(K.SESSION_GUC, "search_path"), pg=17), ["RP222"], id="ST7 search_path"
    ),
    pytest.param(
        with_hazards(hazard(K.SESSION_GUC, "search_path")),
        ["RP222"],
        id="ST7 search_path on 18 untracked",
    ),
    pytest.param(with_hazards(hazard(K.SET_ROLE, "role")), ["RP222"], id="ST4 SET ROLE"),
    pytest.param(with_hazards(hazard(K.LISTEN)), ["RP223"], id="ST11 LISTEN"),
    pytest.param(with_hazards(hazard(K.ADVISORY_LOCK)), ["RP224"], id="ST8 advisory lock"),
    pytest.param(with_hazards(hazard(K.TEMP_TABLE)), ["RP225"], id="ST12 temporary table"),
    pytest.param(with_hazards(hazard(K.WITH_HOLD)), ["RP225"], id="ST12 WITH HOLD"),
    pytest.param(with_hazards(hazard(K.SQL_PREPARE)), ["RP226"], id="PS5 PREPARE"),
    pytest.param(with_hazards(driver("lib/pq")), ["RP227"], id="PS1 lib/pq"),
    pytest.param(
        with_hazards(driver("pgx"), params=(("default_query_exec_mode", "describe_exec"),)),
        ["RP227"],
        id="PS1 pgx describe_exec",
    ),
    pytest.param(with_hazards(driver("pgx"), parameters=OFF), ["RP228"], id="PS2 switched off"),
    pytest.param(with_hazards(driver("prisma"), parameters=OFF), ["RP228"], id="PS2 MG10 Prisma"),
    pytest.param(with_hazards(driver("activerecord"), parameters=OFF), ["RP228"], id="PS2 Rails"),
    pytest.param(
        with_hazards(driver("prisma"), params=(("schema", "shop"), BOUNCED)),
        ["RP222"],
        id="ST7 Prisma sets the path by a statement",
    ),
    pytest.param(
        with_hazards(driver("pgjdbc"), pgbouncer=(1, 23, 1)), ["RP228"], id="PS2 PgBouncer 1.23"
    ),
    pytest.param(
        with_hazards(
            driver("asyncpg"), parameters=OFF, params=(("prepared_statement_cache_size", "0"),)
        ),
        ["RP228"],
        id="PS2 SQLAlchemy names statements without a cache too",
    ),
    pytest.param(with_hazards(), ["RP229"], id="P3 no source text at all"),
    pytest.param(
        with_hazards(TENANT_POLICY, TENANT_SET, mode="session"),
        ["RP221"],
        id="ST2 session mode: a note that it must stay",
    ),
]

FINE = [
    pytest.param(with_hazards(TENANT_POLICY, TENANT_LOCAL), id="ST3 tenant per transaction"),
    pytest.param(with_hazards(hazard(K.RLS), driver("pgx")), id="ST2 policy without a setting"),
    pytest.param(with_hazards(TENANT_LOCAL), id="ST3 local only"),
    pytest.param(with_hazards(hazard(K.SESSION_GUC, "timezone")), id="SP12 kept per client"),
    pytest.param(
        with_hazards(hazard(K.SESSION_GUC, "search_path"), parameters=TRACKS_PATH),
        id="SP4 ST7 tracked on 18",
    ),
    pytest.param(
        with_hazards(hazard(K.SESSION_GUC, "search_path"), pgbouncer=(1, 26, 1)),
        id="ST7 1.26 on 18",
    ),
    pytest.param(with_hazards(hazard(K.LISTEN), mode="session"), id="ST11 session mode"),
    pytest.param(with_hazards(hazard(K.ADVISORY_LOCK), mode="session"), id="ST8 session mode"),
    pytest.param(with_hazards(hazard(K.TEMP_TABLE), mode="session"), id="ST12 session mode"),
    pytest.param(with_hazards(hazard(K.SQL_PREPARE), mode="session"), id="PS5 session mode"),
    pytest.param(with_hazards(driver("lib/pq"), mode="session"), id="PS1 session mode"),
    pytest.param(
        with_hazards(driver("lib/pq"), params=(("binary_parameters", "yes"),)),
        id="PS1 binary_parameters",
    ),
    pytest.param(with_hazards(driver("pgx")), id="PS7 default since 1.24"),
    pytest.param(with_hazards(driver("psycopg2"), parameters=OFF), id="PS2 psycopg2 names none"),
    pytest.param(
        with_hazards(
            driver("activerecord"), parameters=OFF, params=(("prepared_statements", "false"),)
        ),
        id="PS2 Rails without them",
    ),
    pytest.param(
        with_hazards(driver("prisma"), parameters=OFF, params=(BOUNCED,)), id="PS2 MG10 pgbouncer"
    ),
    pytest.param(
        with_hazards(
            driver("prisma"), parameters=TRACKS_PATH, params=(("schema", "shop"), BOUNCED)
        ),
        id="SP4 the path that Prisma sets is tracked",
    ),
    pytest.param(
        with_hazards(driver("prisma"), params=(("schema", "public"), BOUNCED)),
        id="Prisma's usual schema is everybody's",
    ),
    pytest.param(
        with_hazards(
            driver("pgx"), parameters=OFF, params=(("default_query_exec_mode", "simple_protocol"),)
        ),
        id="PS2 the string switches them off",
    ),
    pytest.param(
        with_hazards(
            driver("pgx"), parameters=OFF, params=(("default_query_exec_mode", "cache_describe"),)
        ),
        id="PS2 pgx describes, and names nothing",
    ),
    pytest.param(with_hazards(mode="session"), id="P3 nothing known, session mode"),
    pytest.param(environment(pooler=None), id="no Pooler"),
]


@pytest.mark.parametrize(("facts", "expected"), FOUND)
def test_finds(facts: EnvironmentFacts, expected: list[str]) -> None:
    assert codes(check(facts)) == expected


@pytest.mark.parametrize("facts", FINE)
def test_leaves_alone(facts: EnvironmentFacts) -> None:
    assert codes(check(facts)) == []


def test_ST2_is_a_security_stop_in_transaction_mode_and_a_note_in_session_mode() -> None:
    (error,) = check(with_hazards(TENANT_POLICY, TENANT_SET))
    (note,) = check(with_hazards(TENANT_POLICY, TENANT_SET, mode="session"))
    assert (error.severity, note.severity) == (Severity.ERROR, Severity.NOTE)
    assert "must stay in session mode" in note.message
    assert error.location is not None
    assert (error.location.path, error.location.line) == ("db.py", 4)


def test_PS4_a_migration_beside_a_transaction_pool_asks_to_recycle_it() -> None:
    web = consumer("web", hazards=(driver("pgx"),))
    job = consumer("migrate", route="direct", purpose="migration")
    tx = pooler(mode="transaction")
    assert codes(check(environment(web, job, pooler=tx))) == ["RP271"]
    assert codes(check(environment(web, job))) == []
    assert codes(check(environment(web, pooler=tx))) == []
    (told,) = check(environment(web, job, replace(job, id="Job/shop/migrate/wait"), pooler=tx))
    assert told.message.endswith("across the migrations of `migrate`")


def test_ST1_another_setting_is_told_beside_the_tenant() -> None:
    facts = with_hazards(TENANT_POLICY, TENANT_SET, hazard(K.SESSION_GUC, "work_mem"))
    assert codes(check(facts)) == ["RP221", "RP222"]


def test_ST1_a_custom_setting_counts_without_row_security() -> None:
    facts = with_hazards(TENANT_SET)
    assert codes(check(facts)) == ["RP222"]
