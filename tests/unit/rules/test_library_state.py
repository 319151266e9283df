"""RP272 to RP278: state that libraries and settings keep, and what keeps none."""

from __future__ import annotations

import pytest

from repoint.model.plan import Severity
from repoint.model.source import Location
from repoint.rules.facts import OF_IMAGE, ConsumerFacts, EnvironmentFacts, HazardKind, RoleDefault
from repoint.rules.library_state import ASKS_AT_START, LATE_DEFAULT, MIGRATES_ITSELF
from repoint.rules.pool_mode import session_remedy
from repoint.rules.session_state import check, consumer_findings
from tests.unit.rules.build import (
    cluster,
    codes,
    consumer,
    driver,
    environment,
    hazard,
    pooler,
)

K = HazardKind
TRACKS = (("track_extra_parameters", "IntervalStyle,search_path"),)
IGNORES = (("ignore_startup_parameters", "statement_timeout"),)


def keeping(
    kind: HazardKind, subject: str = "", *more: HazardKind, mode: str = "transaction", pg: int = 18,
    **pooler_given: object,
) -> EnvironmentFacts:  # fmt: skip
    """One pooled consumer whose source text tells this."""
    one = consumer("web", hazards=(hazard(kind, subject), *(hazard(k) for k in more)))
    return environment(one, pooler=pooler(mode=mode, **pooler_given), cluster=cluster(postgres=pg))


FOUND = [
    pytest.param(keeping(K.LAST_ID), ["RP272"], id="ST13 lastval"),
    pytest.param(keeping(K.EMPTY_PATH, parameters=TRACKS), ["RP273"], id="SP8 tracked"),
    pytest.param(keeping(K.EMPTY_PATH, pgbouncer=(1, 26, 1)), ["RP273"], id="SP8 1.26"),
    pytest.param(keeping(K.STARTUP_SETTING, "statement_timeout"), ["RP274"], id="SP1 MG4 refused"),
    pytest.param(
        keeping(K.STARTUP_SETTING, "statement_timeout", mode="session"), ["RP274"], id="MG4 session"
    ),
    pytest.param(
        keeping(K.STARTUP_SETTING, "options=-c search_path", mode="session"), ["RP274"], id="SP2"
    ),
    pytest.param(
        keeping(K.STARTUP_SETTING, "statement_timeout", parameters=IGNORES), ["RP274"], id="SP3"
    ),
    pytest.param(
        keeping(K.STARTUP_SETTING, "search_path", parameters=TRACKS, pg=17), ["RP274"], id="SP5"
    ),
    pytest.param(keeping(K.POOL_RESET, "asyncpg"), ["RP275"], id="ST10 asyncpg's pool"),
    pytest.param(keeping(K.SERVER_CURSOR), ["RP276"], id="ST12 Django's iterator"),
    pytest.param(keeping(K.MIGRATOR), ["RP277"], id="MG1 MG5 MG8 it migrates itself"),
    pytest.param(keeping(K.TWO_TRIPS, "pg8000"), ["RP227"], id="PS1 pg8000 with autocommit"),
]

FINE = [
    pytest.param(keeping(K.LAST_ID, mode="session"), id="ST13 session"),
    pytest.param(keeping(K.EMPTY_PATH), id="SP8 nothing tracks search_path"),
    pytest.param(keeping(K.EMPTY_PATH, parameters=TRACKS, pg=17), id="SP8 not reported before 18"),
    pytest.param(keeping(K.EMPTY_PATH, parameters=TRACKS, mode="session"), id="SP8 session mode"),
    pytest.param(
        keeping(K.STARTUP_SETTING, "search_path", parameters=TRACKS), id="SP4 tracked on 18"
    ),
    pytest.param(keeping(K.STARTUP_SETTING, "application_name"), id="SP12 kept by itself"),
    pytest.param(keeping(K.STARTUP_SETTING, "options=-c timezone"), id="SP12 in options, too"),
    pytest.param(keeping(K.POOL_RESET, "asyncpg", mode="session"), id="ST10 session"),
    pytest.param(keeping(K.SERVER_CURSOR, "", K.CLIENT_CURSORS), id="ST12 switched off"),
    pytest.param(keeping(K.SERVER_CURSOR, mode="session"), id="ST12 session"),
    pytest.param(keeping(K.MIGRATOR, mode="session"), id="MG1 session pooler: ok"),
    pytest.param(keeping(K.LOCAL_GUC, "app.tenant"), id="ST3 for a transaction"),
]


@pytest.mark.parametrize(("facts", "expected"), FOUND)
def test_finds(facts: EnvironmentFacts, expected: list[str]) -> None:
    assert codes(check(facts)) == expected


@pytest.mark.parametrize("facts", FINE)
def test_leaves_alone(facts: EnvironmentFacts) -> None:
    assert codes(check(facts)) == []


def test_MG1_a_library_is_the_migration_job_s_where_there_is_one() -> None:
    job = consumer("migrate", route="direct", purpose="migration")
    tx = pooler(mode="transaction")
    own = consumer("web", hazards=(hazard(K.MIGRATOR), driver("pgx")))
    image = consumer("auth", hazards=(hazard(K.MIGRATOR, app_dir=OF_IMAGE),))
    assert MIGRATES_ITSELF.code not in codes(check(environment(own, job, pooler=tx)))
    assert MIGRATES_ITSELF.code in codes(check(environment(image, job, pooler=tx)))
    script = consumer("web", hazards=(hazard(K.MIGRATOR, path="bin/docker-entrypoint"),))
    assert MIGRATES_ITSELF.code in codes(check(environment(script, job, pooler=tx)))


def test_ST14_a_default_of_a_role_is_late_in_session_mode_too() -> None:
    said = RoleDefault("shop", "", "statement_timeout", "5s", Location("roles.sql", 3, 1, ""))
    other = RoleDefault("admin", "", "work_mem", "1GB", Location("roles.sql", 4, 1, ""))
    assert codes(check(environment(role_defaults=(said, other)))) == [LATE_DEFAULT.code]
    assert codes(check(environment(role_defaults=(other,)))) == []
    (note,) = check(environment(role_defaults=(said,)))
    assert note.location is not None and note.location.line == 3


def test_SP1_what_the_code_asks_for_no_pool_gives() -> None:
    one = consumer("web", hazards=(hazard(K.STARTUP_SETTING, "statement_timeout"),))
    for mode in ("session", "transaction"):
        remedy = session_remedy(one, pooler(mode=mode))
        assert (remedy.kind, remedy.rules) == ("direct", (ASKS_AT_START.code,))


LOOSE = {"linked": False}


@pytest.mark.parametrize(
    ("kind", "subject", "expected"),
    [
        pytest.param(K.LISTEN, "", Severity.WARNING, id="ST11 is told"),
        pytest.param(K.SESSION_GUC, "work_mem", Severity.WARNING, id="ST1 is told"),
        pytest.param(K.LAST_ID, "", Severity.WARNING, id="ST13 is told"),
        pytest.param(K.DRIVER, "lib/pq", Severity.WARNING, id="PS1 is told"),
        pytest.param(K.RLS_GUC, "app.tenant", Severity.ERROR, id="ST2 a tenant leak stays a stop"),
        pytest.param(K.SET_ROLE, "role", Severity.ERROR, id="ST4 rights stay a stop"),
    ],
)
def test_what_nothing_links_is_a_warning_but_for_leaks(
    kind: HazardKind, subject: str, expected: Severity
) -> None:
    one = consumer("web", hazards=(hazard(kind, subject, **LOOSE),))
    worst = [f for f in consumer_findings("", one, pooler(mode="transaction")) if f.code != "RP229"]
    assert [f.severity for f in worst] == [expected]
    assert ("nothing links" in worst[0].message) == (kind is not K.RLS_GUC)


def test_P3_an_unlinked_component_tells_nothing_for_sure() -> None:
    def told(one: ConsumerFacts) -> list[str]:
        return codes(consumer_findings("", one, pooler(mode="transaction")))

    loose = consumer("web", hazards=(hazard(K.DRIVER, "pgx", **LOOSE),))
    known = consumer("web", hazards=(hazard(K.DRIVER, "pgx", app_dir=OF_IMAGE),))
    own = consumer("web", hazards=(driver("pgx"),))
    assert (told(loose), told(known), told(own)) == (["RP229"], ["RP229"], [])
    assert (loose.drivers, known.drivers) == ((), ("pgx",))
