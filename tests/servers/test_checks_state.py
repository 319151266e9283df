"""Each check of what a client leaves on a server connection, green and red, by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from repoint.flows.rehearsing.checks_state import QUESTIONS, isolation, row_security, tenant_setting
from repoint.flows.rehearsing.stage import Answer, Stage
from repoint.flows.rehearsing.traces import left_behind, setting_trace
from repoint.model.rehearsal import Verdict
from repoint.rehearsal.cast import Client
from repoint.rehearsal.setup import tenants
from repoint.rules.facts import Hazard, HazardKind
from tests.servers.fix_lab import Ground, GroundFactory, Pool, PoolerFactory
from tests.servers.staging import client, seen, staged

pytestmark = pytest.mark.servers

PASS, FAIL, UNKNOWN, SKIPPED = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN, Verdict.SKIPPED
BY_ID = {question.id: question for question in QUESTIONS}
TRACKED = {"track_extra_parameters": "IntervalStyle,search_path"}
NO_RESET = {"server_reset_query": ""}
LEAKS = {
    "session-setting": HazardKind.SESSION_GUC,
    "set-role": HazardKind.SET_ROLE,
    "advisory-lock": HazardKind.ADVISORY_LOCK,
    "listen": HazardKind.LISTEN,
    "temporary-table": HazardKind.TEMP_TABLE,
    "sql-prepare": HazardKind.SQL_PREPARE,
}
each_leak = pytest.mark.parametrize("name", LEAKS)


def ask(name: str, stage: Stage, one: Client) -> Answer:
    return BY_ID[name].ask(stage, one)


@each_leak
def test_a_leak_is_weighed_by_what_the_consumer_does(pooler: PoolerFactory, name: str) -> None:
    """ST1, ST4, ST8, ST11, ST12, PS5: the server's answer is one for all, its weight is not."""
    pool = pooler(mode="transaction")
    kind = LEAKS[name]
    does = client(pool, seen(kind))
    does_not = client(pool, seen(HazardKind.DRIVER, "pgx"))
    stranger = client(pool)
    somebody = client(pool, seen(kind, linked=False), seen(HazardKind.DRIVER, "pgx"))
    stage = staged(pool, does)

    found = {one: ask(name, stage, one) for one in (does, does_not, stranger, somebody)}

    verdicts = [FAIL, SKIPPED, UNKNOWN, UNKNOWN]
    assert [answer.verdict for answer in found.values()] == verdicts
    assert found[does].observed.endswith(", and app.py:7 does it")
    assert found[does_not].observed.endswith("; what is known of it does none of this")
    assert found[stranger].observed.endswith("nothing tells whether the consumer does this")
    assert found[somebody].observed.endswith("; app.py:7 does it, and nothing tells for whom")


@each_leak
def test_a_session_pool_keeps_each_to_its_client(pooler: PoolerFactory, name: str) -> None:
    pool = pooler(mode="session", parameters={"default_pool_size": "2"})
    one = client(pool, seen(LEAKS[name]), mode="session")

    assert ask(name, staged(pool, one), one).verdict is PASS


@pytest.mark.parametrize("name", sorted(LEAKS.keys() - {"listen"}))
def test_a_session_pool_that_resets_nothing_leaks_whoever_asks(
    pooler: PoolerFactory, name: str
) -> None:
    pool = pooler(mode="session")
    one = client(pool, mode="session")

    found = ask(name, staged(pool, one, parameters=NO_RESET), one)

    assert found.verdict is FAIL
    assert found.observed.endswith("reaches the next client")


@each_leak
def test_an_experiment_leaves_nothing_behind(pooler: PoolerFactory, name: str) -> None:
    """The next question is asked on the same server connection."""
    pool = pooler(mode="transaction", parameters={"default_pool_size": "1"})
    one = client(pool, seen(LEAKS[name]))
    stage = staged(pool, one)
    ask(name, stage, one)

    for talk in (stage.alone, stage.talk):
        with talk(one) as conversation:
            left = conversation.query(STATE)
        assert left in [(("none", value, "0", "0", "0", None),) for value in (None, "")]


STATE = (
    "SELECT current_setting('role'), current_setting('repoint.rehearsal', true), "
    "(SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND granted "
    "AND pid = pg_backend_pid()), "
    "(SELECT count(*)::text FROM pg_prepared_statements), "
    "(SELECT count(*)::text FROM pg_listening_channels()), "
    "to_regclass('pg_temp.repoint_temporary')::text"
)


def test_the_settings_of_the_source_are_tried_by_name(pooler: PoolerFactory) -> None:
    """ST5, ST6: one of several is enough, and a tracked one does not leak."""
    pool = pooler(mode="transaction")
    guc = HazardKind.SESSION_GUC
    several = client(pool, seen(guc, "TimeZone"), seen(guc, "statement_timeout"))
    stage = staged(pool, several)

    found = ask("session-setting", stage, several)

    assert found.verdict is FAIL
    assert "the setting `statement_timeout` reaches the next client" in found.observed
    assert not left_behind(stage, several, setting_trace("TimeZone"))
    assert left_behind(stage, several, setting_trace("work_mem"))


@pytest.mark.parametrize(
    ("hazards", "verdict"),
    [
        pytest.param((("TimeZone", True),), PASS, id="only what PgBouncer keeps apart"),
        pytest.param((("a setting", True),), FAIL, id="a name that nothing tells"),
        pytest.param((("enable_seqscan", True),), FAIL, id="one without a value of ours"),
        pytest.param((("TimeZone", True), ("work_mem", False)), UNKNOWN, id="somebody else's"),
        pytest.param((("jit", False), ("work_mem", True)), FAIL, id="its own counts more"),
    ],
)
def test_each_setting_is_weighed_by_its_own_evidence(
    pooler: PoolerFactory, hazards: tuple[tuple[str, bool], ...], verdict: Verdict
) -> None:
    """SP12: a consumer that sets its time zone alone loses nothing."""
    pool = pooler(mode="transaction")
    guc = HazardKind.SESSION_GUC
    one = client(pool, *(seen(guc, name, linked=linked) for name, linked in hazards))

    assert ask("session-setting", staged(pool, one), one).verdict is verdict


@pytest.mark.parametrize("name", ["a setting", "enable_seqscan", "session characteristics"])
def test_a_setting_that_has_no_value_of_ours_is_stood_in_for(
    pooler: PoolerFactory, name: str
) -> None:
    pool = pooler(mode="session")
    one = client(pool, seen(HazardKind.SESSION_GUC, name), mode="session")

    found = ask("session-setting", staged(pool, one), one)

    assert (found.verdict, found.observed) == (PASS, "a session setting stays with its client")


def test_a_client_of_another_schema_takes_turns(ground: GroundFactory) -> None:
    """SP4: side by side in a pool of one connection that tracks search_path."""
    here = ground()
    pool = here.pooler(parameters=TRACKED)
    hydra = client(pool, schema="hydra", startup={"search_path": "hydra"})
    shop = client(pool, schema="shop", startup={"search_path": "shop"})
    stage = staged(pool, hydra, shop, parameters=TRACKED)

    found = isolation(stage, hydra)

    assert found.verdict is PASS
    assert found.expected == "hydra in every one of 6 turns, beside a client in shop"


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_a_path_that_is_set_for_whoever_comes_next_is_found(
    ground: GroundFactory, mode: str
) -> None:
    """SP9 with one role for two: its default is right for one of them alone."""
    here = ground()
    ignored = {"ignore_startup_parameters": "search_path"}
    pool = here.pooler(mode=mode, parameters=ignored)
    here.sql(f'ALTER ROLE "{here.owner}" IN DATABASE "{here.database}" SET search_path = shop')
    hydra = client(pool, mode=mode, schema="hydra", startup={"search_path": "hydra"})
    shop = client(pool, mode=mode, schema="shop", startup={"search_path": "shop"})
    stage = staged(pool, hydra, shop, parameters=ignored)

    assert isolation(stage, shop).verdict is PASS
    found = isolation(stage, hydra)
    assert (found.verdict, found.observed) == (FAIL, "shop in one of them")


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_sp6_shows_whoever_is_asked(ground: GroundFactory, mode: str) -> None:
    """It is always the first on a server connection who is wrong."""
    here = ground(17)
    pool = here.pooler(mode=mode, pgbouncer="1.26")
    hydra = client(pool, mode=mode, schema="hydra", startup={"search_path": "hydra"})
    shop = client(pool, mode=mode, schema="shop", startup={"search_path": "shop"})
    stage = staged(pool, hydra, shop, pgbouncer="1.26")

    found = [isolation(stage, one) for one in (hydra, shop)]

    assert [one.verdict for one in found] == [FAIL, FAIL]
    others = ("public", "public") if mode == "session" else ("shop", "hydra")
    assert [one.observed for one in found] == [f"{other} in one of them" for other in others]


def test_who_takes_turns_with_a_client(ground: GroundFactory) -> None:
    """One of the same pool in another schema who can log in; else itself without its schema."""
    here = ground()
    pool = here.pooler(parameters=TRACKED)
    plain = client(pool)
    app = client(pool, schema="app", startup={"search_path": "app", "application_name": "app"})
    stage = staged(pool, plain, app, parameters=TRACKED)
    others = (
        replace(plain, schema="app"),
        replace(plain, schema="elsewhere", pooler="other"),
        replace(plain, schema="elsewhere", variable="$PASSWORD"),
        replace(plain, schema="elsewhere", login=None),
        replace(plain, schema="elsewhere", login=pool.login(user=here.role("guest"))),
    )
    stage.scene = replace(stage.scene, clients=others)

    assert isolation(stage, app).expected.endswith("beside a client in public")
    assert isolation(stage, app).verdict is PASS


def rls(
    pool: Pool, *hazards: Hazard, mode: str, parameters: Mapping[str, str] | None = None
) -> Answer:
    """What the check of row-level security says of a consumer with these hazards."""
    here: Ground = pool.ground
    one = client(pool, seen(HazardKind.RLS_GUC, "app.tenant"), *hazards, mode=mode)
    stage = staged(pool, one, parameters=parameters)
    here.sql(tenants(here.database, "app.tenant").sql)
    return row_security(stage, one)


def test_row_security_in_a_transaction_pool(pooler: PoolerFactory) -> None:
    """ST2."""
    found = rls(pooler(mode="transaction"), mode="transaction")

    assert found.verdict is FAIL
    assert found.observed == (
        "acme reads globex; globex reads globex; a client without a tenant reads globex"
    )


def test_row_security_of_a_setting_made_for_a_transaction(pooler: PoolerFactory) -> None:
    """ST3; where the source does both, the worse of them counts."""
    local, session = seen(HazardKind.LOCAL_GUC), seen(HazardKind.SESSION_GUC, "app.tenant")

    assert rls(pooler(), local, mode="transaction").verdict is PASS
    assert rls(pooler(), local, session, mode="transaction").verdict is FAIL


@pytest.mark.parametrize("mode", ["session", ""])
def test_row_security_where_each_has_a_session_of_its_own(ground: GroundFactory, mode: str) -> None:
    here = ground()
    pool = here.pooler(mode=mode) if mode else here.direct

    found = rls(pool, mode=mode)

    assert found.verdict is PASS
    assert found.observed == (
        "acme reads acme; globex reads globex; a client without a tenant reads nothing"
    )


def test_row_security_in_a_session_pool_that_resets_nothing(pooler: PoolerFactory) -> None:
    found = rls(pooler(mode="session"), mode="session", parameters=NO_RESET)

    assert found.verdict is FAIL
    assert found.observed.endswith("a client without a tenant reads acme")


@pytest.mark.parametrize(
    ("hazards", "setting"),
    [
        ((seen(HazardKind.RLS_GUC, "app.tenant"),), "app.tenant"),
        ((seen(HazardKind.RLS), seen(HazardKind.SESSION_GUC, "app.tenant")), "app.tenant"),
        ((seen(HazardKind.RLS_GUC), seen(HazardKind.SESSION_GUC, "app.tenant")), "app.tenant"),
        ((seen(HazardKind.RLS), seen(HazardKind.SESSION_GUC, "work_mem")), ""),
        ((seen(HazardKind.SESSION_GUC, "app.tenant"),), ""),
        ((seen(HazardKind.RLS),), ""),
        ((), ""),
    ],
)
def test_the_setting_that_tells_the_tenant(
    ground: GroundFactory, hazards: tuple[Hazard, ...], setting: str
) -> None:
    assert tenant_setting(client(ground().direct, *hazards)) == setting


def test_who_is_asked_which_question_of_state(ground: GroundFactory) -> None:
    direct = ground().direct
    tenant = seen(HazardKind.RLS_GUC, "app.tenant")

    def asked(one: Client) -> set[str]:
        return {question.id for question in QUESTIONS if not question.skips(one)}

    assert asked(client(direct, tenant)) == set(BY_ID)
    assert asked(client(direct)) == set(BY_ID) - {"row-security"}
    assert asked(client(direct, tenant, mode="")) == {"row-security"}
    assert asked(client(direct, tenant, mode="", purpose="migration")) == set()
    assert asked(client(direct, tenant, purpose="probe")) == set()
