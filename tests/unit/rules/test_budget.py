"""RP24x: arithmetic that does not add up, and that does."""

from __future__ import annotations

import pytest

from repoint.model.plan import Severity
from repoint.rules.budget import check, pool_remedy
from repoint.rules.declared import DeclaredCluster
from repoint.rules.facts import EnvironmentFacts
from tests.unit.rules.build import cluster, codes, connection, consumer, environment, pooler


def web(**given: object) -> EnvironmentFacts:
    """One consumer; keywords of the Pooler's parameters start with `p_`."""
    parameters = tuple(
        (key[2:], str(value)) for key, value in given.items() if key.startswith("p_")
    )
    return environment(
        consumer("web", pool_size=given.get("size", 4), replicas=given.get("replicas", 2)),
        pooler=pooler(
            parameters=parameters,
            mode=given.get("mode", "session"),
            instances=given.get("pods", 1),
        ),
        cluster=cluster(max_connections=given.get("slots", 100)),
    )


FOUND = [
    pytest.param(web(size=11), ["RP241"], id="CA1 X11 22 of 20"),
    pytest.param(web(size=25, replicas=1), ["RP241"], id="CA1 an app pool of 25"),
    pytest.param(web(size=30, pods=2), ["RP241"], id="CA1 30 on each of two pods"),
    pytest.param(web(size=51, mode="transaction"), ["RP242"], id="CA2 X11 102 clients of 100"),
    pytest.param(
        web(size=10, mode="transaction", p_max_client_conn=15), ["RP242"], id="CA2 a limit of 15"
    ),
    pytest.param(
        web(size=41, replicas=1, pods=2, slots=200), ["RP241"], id="CA1 the odd one of two pods"
    ),
    pytest.param(
        web(size=31, replicas=1, pods=2, slots=200, mode="transaction", p_max_client_conn=15),
        ["RP242"],
        id="CA2 the odd one of two pods",
    ),
    pytest.param(web(slots=27), ["RP243"], id="CA4 20 + 5 + 3 of 27"),
    pytest.param(web(pods=4, slots=100), ["RP243"], id="CA4 X11 four pods"),
    pytest.param(web(size=0), ["RP241"], id="CA1 nothing tells the pool size: a note"),
]

FINE = [
    pytest.param(web(size=10), id="CA1 20 of 20"),
    pytest.param(web(size=25, mode="transaction"), id="CA1 transaction mode shares"),
    pytest.param(web(size=11, p_default_pool_size=22), id="CA1 the pool is raised"),
    pytest.param(web(size=20, pods=2, slots=200), id="CA1 two pods share"),
    pytest.param(web(size=50, mode="transaction"), id="CA2 100 clients of 100"),
    pytest.param(web(slots=28), id="CA4 28 of 28"),
    pytest.param(
        web(pods=4, slots=100, p_max_db_connections=15), id="CA4 capped by max_db_connections"
    ),
    pytest.param(environment(pooler=None), id="no Pooler, no pool"),
    pytest.param(
        environment(consumer("web"), consumer("wait", pool_size=200, purpose="probe")),
        id="CA1 a wait loop is gone before the pool is full",
    ),
]


@pytest.mark.parametrize(("facts", "expected"), FOUND)
def test_finds(facts: EnvironmentFacts, expected: list[str]) -> None:
    assert codes(check(facts)) == expected


@pytest.mark.parametrize("facts", FINE)
def test_leaves_alone(facts: EnvironmentFacts) -> None:
    assert codes(check(facts)) == []


def test_CA1_two_consumers_of_one_role_share_one_pool() -> None:
    one = consumer("web", pool_size=6)
    facts = environment(one, consumer("api", pool_size=6))
    assert codes(check(facts)) == ["RP241"]
    apart = environment(one, consumer("api", connection(user="api"), pool_size=6))
    assert codes(check(apart)) == []


def test_CA4_direct_consumers_take_slots_too() -> None:
    job = consumer("migrate", route="direct", pool_size=10, replicas=1)
    facts = environment(consumer("web"), job, cluster=cluster(max_connections=37))
    assert codes(check(facts)) == ["RP243"]
    facts = environment(consumer("web"), job, cluster=cluster(max_connections=38))
    assert codes(check(facts)) == []


def test_CA4_a_ceiling_is_a_warning_and_known_demand_an_error() -> None:
    (ceiling,) = check(web(pods=4, slots=100))
    assert ceiling.severity is Severity.WARNING
    (certain,) = check(web(size=10, slots=20))
    assert certain.severity is Severity.ERROR


def test_CA1_an_unknown_pool_size_is_asked_for_and_never_assumed() -> None:
    (finding,) = check(web(size=0))
    assert finding.severity is Severity.NOTE
    assert "`consumers.web.pool_size`" in finding.hint


def test_X11_the_message_has_every_number_and_its_source() -> None:
    (finding,) = check(web(pods=4, slots=100))
    for part in (
        "1 pool(s)",
        "20 (PgBouncer's default)",
        "4 Pooler pod(s)",
        "20 for the Pooler's",
        "3 reserved",
        "= 103",
        "100 (Cluster)",
    ):
        assert part in finding.message


def test_CA4_demand_that_just_fits_is_not_certain_to_fail() -> None:
    (finding,) = check(web(size=10, slots=23))
    assert finding.severity is Severity.WARNING
    (finding,) = check(web(size=10, slots=22))
    assert finding.severity is Severity.ERROR


def test_CA1_a_pool_is_raised_only_as_far_as_postgresql_holds_it() -> None:
    def remedy(slots: int, **given: object) -> int:
        facts = web(size=15, slots=slots, **given)
        assert facts.pooler is not None
        return pool_remedy(facts, facts.pooler)

    assert remedy(38) == 30  # 30 + 5 + 3
    assert remedy(37) == 0
    assert remedy(38, mode="transaction") == 0
    assert remedy(38, p_default_pool_size=30) == 0


def test_X11_terms_add_up_in_words() -> None:
    facts = environment(consumer("web", pool_size=9), consumer("api", pool_size=3, replicas=1))
    (finding,) = check(facts)
    assert "web 2 replica(s) x pool_size 9 + api 1 replica(s) x pool_size 3 = 21" in finding.message


def sized(**given: object) -> EnvironmentFacts:
    """One consumer of four connections on two replicas, with more of what is given."""
    return environment(
        consumer("web", **{k: v for k, v in given.items() if k in ("surge", "scaled_by")}),
        pooler=pooler(parameters=tuple(given.get("parameters", ()))),
        cluster=cluster(
            max_connections=given.get("slots", 100),
            declared=DeclaredCluster(
                parameters=tuple(given.get("set", ())), limits=tuple(given.get("limits", ()))
            ),
        ),
    )


@pytest.mark.parametrize(
    ("facts", "code", "told"),
    [
        pytest.param(
            sized(surge=4),
            "RP241",
            "web (2 replica(s) + 4 in a rollout) x pool_size 4 = 24 connections",
            id="CA1 a rollout adds pods",
        ),
        pytest.param(
            sized(surge=4, scaled_by="HorizontalPodAutoscaler `web`"),
            "RP241",
            "2 replica(s) (HorizontalPodAutoscaler `web`)",
            id="CA1 who says how many",
        ),
        pytest.param(
            sized(slots=30, set=(("superuser_reserved_connections", "8"),)),
            "RP243",
            "8 reserved (superuser_reserved_connections of the Cluster) = 33",
            id="CA4 more reserved",
        ),
        pytest.param(
            sized(slots=30, set=(("reserved_connections", "4"),)),
            "RP243",
            "7 reserved (reserved_connections of the Cluster) = 32",
            id="CA4 reserved for a role",
        ),
        pytest.param(
            sized(slots=30, parameters=(("reserve_pool_size", "5"),)),
            "RP243",
            "default_pool_size 20 (PgBouncer's default) + reserve_pool_size 5 (Pooler)",
            id="CA4 a reserve pool",
        ),
        pytest.param(
            sized(limits=(("shop", 10),)),
            "RP244",
            "= 20, above its connectionLimit 10 (managed.roles of the Cluster)",
            id="CA4 a role's own limit",
        ),
        pytest.param(
            environment(
                consumer("web"),
                pooler=pooler(instances=2),
                cluster=cluster(declared=DeclaredCluster(limits=(("shop", 30),))),
            ),
            "RP244",
            "x 2 Pooler pod(s) for database `shopdb` = 40",
            id="CA4 a role's limit is for all pods together",
        ),
    ],
)
def test_says_where_each_number_is_from(facts: EnvironmentFacts, code: str, told: str) -> None:
    (finding,) = check(facts)
    assert finding.code == code
    assert told in finding.message


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(sized(surge=3), id="CA1 20 of 20 in a rollout"),
        pytest.param(sized(slots=30, set=(("reserved_connections", "2"),)), id="CA4 30 of 30"),
        pytest.param(
            sized(
                slots=28,
                parameters=(("reserve_pool_size", "5"), ("max_user_connections", "20")),
            ),
            id="CA4 capped by max_user_connections",
        ),
        pytest.param(sized(limits=(("shop", 20),)), id="CA4 a limit of the pool's size"),
        pytest.param(sized(limits=(("other", 1),)), id="CA4 another role's limit"),
    ],
)
def test_it_adds_up(facts: EnvironmentFacts) -> None:
    assert check(facts) == ()
