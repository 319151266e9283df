"""Which pool a consumer goes through: the smallest remedy that the facts know, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repoint.model.plan import Severity
from repoint.rules import session_state, startup_params, tls
from repoint.rules.facts import ConsumerFacts, EnvironmentFacts, Hazard, HazardKind, PoolerFacts
from repoint.rules.pool_mode import (
    BINARY,
    FOLLOW,
    Beside,
    Decision,
    decide,
    earns_transaction,
    remedied,
    statement_remedy,
    unmet,
)
from tests.unit.rules.build import (
    cluster,
    connection,
    consumer,
    driver,
    environment,
    hazard,
    pooler,
)

K = HazardKind
TENANT = (hazard(K.RLS_GUC, "app.tenant"), hazard(K.SESSION_GUC, "app.tenant"))
PGX, LIB_PQ = driver("pgx"), driver("lib/pq")
OFF = (("max_prepared_statements", "0"),)
SESSION = "pg-pooler-rw-session"


def named(**given: object) -> PoolerFacts:
    return pooler(mode="transaction", **given)


def new(**given: object) -> Beside:
    """A session Pooler that the plan can write."""
    return Beside(pooler(name=SESSION, **given), planned=True)


def web(*hazards: Hazard, name: str = "web", **given: object) -> ConsumerFacts:
    return consumer(name, hazards=hazards, **given)


def decided(
    *consumers: ConsumerFacts,
    beside: Beside | None = None,
    wanted: dict[str, str] | None = None,
    takes: bool = True,
    **given: object,
) -> Decision:
    facts = environment(*consumers, **{"pooler": named(), **given})
    return decide(facts, new() if beside is None else beside, wanted or {}, lambda _: takes)


def kinds(decision: Decision, one: str = "Deployment/shop/web") -> list[str]:
    return [remedy.kind for name, remedy in decision.remedies if name == one]


SESSION_STATE = [
    pytest.param(TENANT, id="ST2 tenant in the session"),
    pytest.param((hazard(K.LISTEN),), id="ST11 LISTEN"),
    pytest.param((hazard(K.ADVISORY_LOCK),), id="ST8 advisory lock"),
    pytest.param((hazard(K.TEMP_TABLE),), id="ST12 temporary table"),
    pytest.param((hazard(K.SQL_PREPARE),), id="PS5 PREPARE"),
    pytest.param((LIB_PQ, hazard(K.LISTEN)), id="PS1 lib/pq with more than that"),
    pytest.param((LIB_PQ, PGX), id="PS1 lib/pq beside a driver that refuses its parameter"),
]


@pytest.mark.parametrize("hazards", SESSION_STATE)
def test_state_of_the_session_goes_to_a_session_pooler(hazards: tuple[Hazard, ...]) -> None:
    decision = decided(web(*hazards))
    assert kinds(decision) == ["session"]
    assert decision.session is not None
    assert decision.session.name == SESSION


def test_the_reason_names_rule_and_place() -> None:
    ((_, remedy),) = decided(web(*TENANT)).remedies
    assert remedy.by == SESSION
    assert remedy.reason == (
        f"goes through the session Pooler `{SESSION}`, because a transaction pool breaks it: "
        "row-level security rests on a session setting (RP221, db.py:4)"
    )


def test_nobody_moves_without_evidence_and_no_pooler_is_written() -> None:
    for one in (web(), web(PGX), web(hazard(K.LOCAL_GUC, "app.tenant"), PGX)):
        assert decided(one) == Decision(())
    assert decided(web(*TENANT), pooler=pooler()) == Decision(())
    assert decided(web(*TENANT), pooler=None, beside=Beside(None)) == Decision(())


def test_PS1_lib_pq_alone_gets_its_parameter_where_its_strings_take_one() -> None:
    ((_, remedy),) = decided(web(LIB_PQ)).remedies
    assert (remedy.kind, remedy.parameters) == ("dsn", (BINARY,))
    assert kinds(decided(web(LIB_PQ), takes=False)) == ["session"]
    assert kinds(decided(web(LIB_PQ, **{"connections": (connection(BINARY),)}))) == []


def test_PS2_the_pooler_follows_statements_where_its_version_can() -> None:
    assert statement_remedy(named(parameters=OFF), [web(PGX)]) == (FOLLOW,)
    assert statement_remedy(named(pgbouncer=(1, 21, 0)), [web(PGX)]) == (FOLLOW,)
    assert statement_remedy(named(pgbouncer=(1, 20, 1)), [web(PGX)]) == ()
    assert statement_remedy(named(parameters=OFF), [web(driver("psycopg2"))]) == ()
    assert statement_remedy(named(), [web(PGX)]) == ()
    assert statement_remedy(pooler(parameters=OFF), [web(PGX)]) == ()
    assert kinds(decided(web(PGX), pooler=named(parameters=OFF))) == []
    assert kinds(decided(web(PGX), pooler=named(pgbouncer=(1, 20, 1)))) == ["session"]


def test_CA1_a_new_pooler_is_as_large_as_the_known_pools_over_its_pods() -> None:
    def size(*consumers: ConsumerFacts, **given: object) -> str:
        session = decided(*consumers, beside=new(**given)).session
        assert session is not None
        return session.parameter("default_pool_size")

    assert size(web(*TENANT, pool_size=12)) == "24"
    assert size(web(*TENANT, pool_size=12), instances=2) == "12"
    assert size(web(*TENANT, pool_size=3)) == "6"
    assert size(web(*TENANT, pool_size=0)) == "20"
    other = web(*TENANT, name="api", pool_size=0)
    assert size(web(*TENANT, pool_size=12), other) == "24"
    assert size(web(*TENANT, pool_size=3), other) == "20"
    calm = web(PGX, name="api", pool_size=30)
    assert size(web(*TENANT, pool_size=3), calm) == "6"


def test_CA2_a_new_pooler_takes_as_many_clients() -> None:
    big = web(*TENANT, pool_size=60)
    room = cluster(max_connections=400)
    session = decided(big, cluster=room).session
    assert session is not None and session.parameter("max_client_conn") == "120"
    enough = new(parameters=(("max_client_conn", "400"),))
    session = decided(big, cluster=room, beside=enough).session
    assert session is not None and session.parameter("max_client_conn") == "400"


def test_CA4_what_postgresql_cannot_hold_goes_direct_and_says_why() -> None:
    calm = web(PGX, name="api", pool_size=4)
    # 20 of the named pool, 24 of the new one, 2 x 5 logins, 3 reserved.
    fits = decided(web(*TENANT, pool_size=12), calm, cluster=cluster(max_connections=57))
    assert kinds(fits) == ["session"]
    short = decided(web(*TENANT, pool_size=12), calm, cluster=cluster(max_connections=56))
    assert kinds(short) == ["direct"]
    assert short.session is None
    ((_, remedy),) = short.remedies
    assert "cannot hold a session pool of 24 beside the others (CA4)" in remedy.reason
    assert remedy.reason.startswith("goes direct, because a transaction pool breaks it")


def test_a_rendered_pooler_is_raised_not_lowered_and_must_be_held_as_well() -> None:
    rendered = pooler(name=SESSION, parameters=(("default_pool_size", "30"),))
    assert decided(web(*TENANT), beside=Beside(rendered)).session == rendered
    tight = cluster(max_connections=37)  # 30 + 5 + 3
    calm = decided(web(*TENANT), beside=Beside(rendered), cluster=tight)
    assert kinds(calm) == ["direct"]


def test_a_rendered_pooler_is_told_as_it_stands() -> None:
    """Its own plan raises it, where somebody renders it."""
    rendered = pooler(name=SESSION, parameters=(("default_pool_size", "30"),))
    assert decided(web(*TENANT, pool_size=20), beside=Beside(rendered)).session == rendered


def test_a_wait_loop_is_never_moved_by_itself() -> None:
    wait = web(*TENANT, name="wait", purpose="probe")
    assert kinds(decided(web(PGX), wait), wait.id) == []


def test_a_wish_for_sessions_is_met_by_a_pooler_of_sessions() -> None:
    one = web(PGX)
    assert decided(one, wanted={one.id: "session"}, pooler=pooler()) == Decision(())


def test_without_a_session_pooler_it_goes_direct_and_says_why() -> None:
    ((_, remedy),) = decided(web(*TENANT), beside=Beside(None, why_not="nowhere to put")).remedies
    assert remedy.kind == "direct"
    assert remedy.reason.endswith("; no session Pooler can take it: nowhere to put")
    ((_, remedy),) = decided(web(*TENANT), cluster=None).remedies
    assert "renders no Cluster" in remedy.reason


PATH = connection(("search_path", "shop"))


def test_SP1_what_no_pool_keeps_goes_direct_from_a_session_pooler_too() -> None:
    one = web(*TENANT, connections=(PATH,))
    shared = consumer("other", connection(), route="direct")
    decision = decided(one, shared, cluster=cluster(postgres=17))
    assert kinds(decision) == ["direct", "direct"]
    assert decision.session is None


def test_SP4_a_session_pooler_tracks_what_its_consumers_ask_for() -> None:
    one = web(*TENANT, connections=(PATH,))
    decision = decided(one)
    assert kinds(decision) == ["track", "session"]
    ((_, track), _) = decision.remedies
    assert track.parameters == (("track_extra_parameters", "IntervalStyle,search_path"),)


def test_a_lib_pq_consumer_that_goes_direct_gets_no_parameter() -> None:
    one = web(LIB_PQ, connections=(PATH,))
    shared = consumer("other", connection(), route="direct")
    assert kinds(decided(one, shared, cluster=cluster(postgres=17))) == ["direct"]


def test_a_word_in_the_configuration_wins() -> None:
    one = web(*TENANT)
    for word in ("route", "transaction"):
        assert decided(one, wanted={one.id: word}) == Decision(())
    calm = web(PGX)
    asked = decided(calm, wanted={calm.id: "session"})
    assert kinds(asked) == ["session"]
    assert "repoint.yaml asks" in asked.remedies[0][1].reason


def test_RP206_a_word_that_nothing_can_keep_is_an_error() -> None:
    one = web(PGX)
    facts = environment(one)
    (finding,) = unmet(facts, {one.id: "transaction"}, Decision(()))
    assert (finding.code, finding.severity) == ("RP206", Severity.ERROR)
    assert unmet(environment(one, pooler=named()), {one.id: "transaction"}, Decision(())) == ()
    wishes = {one.id: "session"}
    stuck = decided(one, beside=Beside(None, why_not="nowhere to put"), wanted=wishes)
    (finding,) = unmet(environment(one, pooler=named()), wishes, stuck)
    assert "nowhere to put" in finding.message
    met = decided(one, wanted=wishes)
    assert unmet(environment(one, pooler=named()), wishes, met) == ()


def test_what_is_remedied_is_a_warning_that_says_how() -> None:
    one = web(*TENANT)
    facts = environment(one, pooler=named())
    ((_, remedy),) = decided(one).remedies
    (told,) = remedied(facts, one, remedy)
    assert (told.code, told.severity) == ("RP221", Severity.WARNING)
    assert told.message.endswith(f"remedied by the session Pooler `{SESSION}`")
    (direct,) = remedied(facts, one, replace(remedy, kind="direct"))
    assert direct.message.endswith("remedied by going direct")
    ((_, dsn),) = decided(web(LIB_PQ)).remedies
    (note,) = remedied(facts, web(LIB_PQ), dsn)
    assert (note.code, note.severity) == ("RP227", Severity.NOTE)


def test_rules_look_at_each_consumers_own_pooler() -> None:
    one = replace(web(*TENANT), pooler=SESSION)
    facts = environment(one, pooler=named(), poolers=(named(), pooler(name=SESSION)))
    assert facts.pooler_of(one) == pooler(name=SESSION)
    assert facts.host_of(one) == f"{SESSION}.shop.svc.cluster.local"
    (note,) = session_state.check(facts)
    assert (note.severity, SESSION in note.message) == (Severity.NOTE, True)
    lost = replace(facts, poolers=(named(),))
    assert lost.pooler_of(one) is None
    assert lost.pools == ()


def test_TL1_a_pooler_beside_the_named_one_may_share_a_certificate_of_other_names() -> None:
    full = connection(("sslmode", "verify-full"))
    one = replace(web(connections=(full,)), pooler=SESSION)
    own = pooler(name=SESSION, client_tls_secret=True)
    facts = environment(one, pooler=named(client_tls_secret=True), poolers=(own,))
    (told,) = [finding for finding in tls.check(facts) if finding.code == "RP231"]
    assert (told.severity, f"`{SESSION}.shop" in told.hint) == (Severity.WARNING, True)
    assert not tls.check(replace(facts, consumers=(replace(one, pooler=""),)))


def test_SP13_the_lists_of_every_pooler_in_use_are_read() -> None:
    both = (
        ("track_extra_parameters", "IntervalStyle,search_path"),
        ("ignore_startup_parameters", "search_path"),
    )
    beside = pooler(name=SESSION, parameters=both)
    facts = environment(web(PGX), pooler=named(), poolers=(named(), beside))
    assert not [f for f in startup_params.check(facts) if f.code == "RP213"]
    moved = replace(facts, consumers=(replace(web(PGX), pooler=SESSION),))
    assert [SESSION in f.message for f in startup_params.check(moved) if f.code == "RP213"]


def without(facts: EnvironmentFacts, *names: str) -> EnvironmentFacts:
    return replace(facts, consumers=tuple(c for c in facts.consumers if c.name not in names))


def test_a_transaction_pooler_is_earned_by_every_runtime() -> None:
    tx = named()
    assert earns_transaction(environment(web(PGX)), tx)
    job = consumer("migrate", route="direct", purpose="migration")
    assert earns_transaction(environment(web(PGX), job), tx)
    assert not earns_transaction(environment(web()), tx)
    assert not earns_transaction(environment(web(hazard(K.LOCAL_GUC, "app.x"))), tx)
    assert not earns_transaction(environment(web(replace(PGX, linked=False))), tx)
    assert not earns_transaction(environment(web(PGX), web(name="api")), tx)
    assert not earns_transaction(environment(web(PGX), web(*TENANT, PGX, name="api")), tx)
    assert not earns_transaction(environment(web(LIB_PQ)), tx)
    strange = consumer("tool", purpose="unknown", route="unknown")
    assert not earns_transaction(environment(web(PGX), strange), tx)
    assert not earns_transaction(without(environment(web(PGX)), "web"), tx)


BINDING = ("channel_binding", "require")


@pytest.mark.parametrize(
    ("params", "version", "mode", "kind"),
    [
        pytest.param(BINDING, (1, 25, 1), "session", ["direct"], id="TL4 channel binding"),
        pytest.param(BINDING, (1, 25, 1), "transaction", ["direct"], id="TL4 in either mode"),
        pytest.param(
            ("min_protocol_version", "3.2"), (1, 25, 1), "session", ["direct"], id="TL6 protocol"
        ),
        pytest.param(
            ("sslnegotiation", "direct"), (1, 24, 1), "session", ["direct"], id="TL5 before 1.25"
        ),
        pytest.param(("sslnegotiation", "direct"), (1, 25, 1), "session", [], id="TL5 from 1.25"),
        pytest.param(("channel_binding", "prefer"), (1, 25, 1), "session", [], id="TL4 prefer"),
    ],
)
def test_what_demands_more_than_a_pooler_has_goes_direct(
    params: tuple[str, str], version: tuple[int, ...], mode: str, kind: list[str]
) -> None:
    one = consumer("web", connection(params))
    place = pooler(mode=mode, pgbouncer=version)
    facts = environment(one, pooler=place)

    decision = decide(facts, new(), {}, lambda _: True)

    assert kinds(decision) == kind
    for _, remedy in decision.remedies:
        [told] = remedied(facts, one, remedy)
        assert told.severity is Severity.WARNING and told.code in remedy.reason
        assert "remedied by going direct" in told.message
        assert (told.hint or "").startswith("to pool it after all, ")


def test_TL4_a_wish_for_a_session_pool_does_not_make_channel_binding_possible() -> None:
    one = web(connections=(connection(BINDING),))

    assert kinds(decided(one, wanted={one.id: "session"})) == ["direct"]


def test_TL4_who_fixes_the_route_is_told_the_error() -> None:
    one = web(connections=(connection(BINDING),))

    assert kinds(decided(one, wanted={one.id: "route"})) == []
    assert [found.code for found in tls.check(environment(one))] == ["RP232"]
