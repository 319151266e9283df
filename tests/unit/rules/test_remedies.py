"""What the plan does about refused parameters, and when it has nothing to do."""

from __future__ import annotations

import pytest

from repoint.rules.facts import ClusterFacts, Connection, PoolerFacts, RoleDefault
from repoint.rules.remedies import (
    remedy_findings,
    search_path_remedy,
    startup_remedies,
    startup_remedy,
    tracking,
)
from repoint.rules.rule import Remedy
from repoint.rules.startup_params import check
from tests.unit.rules.build import (
    HERE,
    cluster,
    connection,
    consumer,
    driver,
    environment,
    pooler,
)

PATH = connection(("search_path", "a"))
BOTH = ("track_extra_parameters", "IntervalStyle,search_path")
IGNORES = ("ignore_startup_parameters", "search_path")
SHOP_DEFAULT = RoleDefault("shop", "", "search_path", "a", HERE)


@pytest.mark.parametrize(
    ("one", "bouncer", "server", "kind"),
    [
        pytest.param(PATH, pooler(), cluster(), "track", id="SP4 18 and 1.25.1"),
        pytest.param(
            PATH, pooler(pgbouncer=(1, 25, 2)), cluster(), "track", id="SP4 18 and 1.25.2"
        ),
        pytest.param(
            connection(("options", "-c search_path=a")),
            pooler(),
            cluster(),
            "track",
            id="SP4 inside options",
        ),
        pytest.param(PATH, pooler(), cluster(postgres=17), "direct", id="SP5 17"),
        pytest.param(
            PATH, pooler(pgbouncer=(1, 25, 0)), cluster(), "direct", id="SP4 CVE before 1.25.1"
        ),
        pytest.param(
            PATH, pooler(pgbouncer=(1, 26, 1)), cluster(postgres=17), "direct", id="SP6 1.26 on 17"
        ),
        pytest.param(PATH, pooler(), cluster(postgres=0), "direct", id="unknown version"),
        pytest.param(PATH, None, cluster(), "direct", id="no Pooler seen"),
        pytest.param(PATH, pooler(), None, "direct", id="no Cluster seen"),
        pytest.param(
            PATH,
            pooler(pgbouncer=(1, 26, 1), parameters=(IGNORES,)),
            cluster(),
            "track",
            id="SP13 1.26 ignores it",
        ),
        pytest.param(connection(), pooler(), cluster(), "none", id="nothing asked"),
        pytest.param(PATH, pooler(parameters=(BOTH,)), cluster(), "none", id="tracked already"),
        pytest.param(PATH, pooler(pgbouncer=(1, 26, 1)), cluster(), "none", id="SP6 1.26 on 18"),
        pytest.param(
            connection(("statement_timeout", "5s")),
            pooler(),
            cluster(),
            "none",
            id="another parameter is not this remedy's",
        ),
    ],
)
def test_search_path(
    one: Connection, bouncer: PoolerFacts | None, server: ClusterFacts | None, kind: str
) -> None:
    assert search_path_remedy((one,), bouncer, server).kind == kind


@pytest.mark.parametrize(
    ("parameters", "names", "expected"),
    [
        pytest.param((), ("search_path",), (BOTH,), id="SP7 nothing set"),
        pytest.param(
            (("track_extra_parameters", "Role, IntervalStyle"),),
            ("search_path",),
            (("track_extra_parameters", "Role,IntervalStyle,search_path"),),
            id="keeps the rest",
        ),
        pytest.param(
            (("track_extra_parameters", "intervalstyle,SEARCH_PATH"),),
            ("search_path",),
            (("track_extra_parameters", "intervalstyle,SEARCH_PATH"),),
            id="adds nothing twice",
        ),
        pytest.param(
            (("ignore_startup_parameters", "search_path"),),
            ("search_path",),
            (BOTH, ("ignore_startup_parameters", "extra_float_digits")),
            id="SP13 alone in it",
        ),
        pytest.param(
            (("ignore_startup_parameters", "role, search_path"),),
            ("search_path",),
            (BOTH, ("ignore_startup_parameters", "role")),
            id="SP13 among others",
        ),
    ],
)
def test_tracking(
    parameters: tuple[tuple[str, str], ...],
    names: tuple[str, ...],
    expected: tuple[tuple[str, str], ...],
) -> None:
    assert tracking(pooler(parameters=parameters), names) == expected


def test_SP9_a_default_seen_in_the_repository_lets_the_key_go() -> None:
    remedy = search_path_remedy(
        (PATH,), pooler(), cluster(postgres=17), role_defaults=(SHOP_DEFAULT,)
    )
    assert (remedy.kind, remedy.drop) == ("role-default", ("search_path",))


def prisma(postgres: int, *defaults: RoleDefault) -> Remedy:
    """What becomes of Prisma with `?schema=a`."""
    one = consumer("web", connection(("schema", "a")), hazards=(driver("prisma"),))
    return startup_remedy(one, pooler(), cluster(postgres=postgres), role_defaults=defaults)


def test_prismas_schema_is_tracked_or_goes_direct_and_never_leaves_the_string() -> None:
    """SP1: it is sent as search_path; and it tells Prisma where its tables are."""
    assert prisma(18).kind == "track"
    assert prisma(17).kind == "direct"
    assert prisma(17, SHOP_DEFAULT).kind == "direct"


def test_X4_a_default_for_another_schema_does_not_count() -> None:
    other = connection(("search_path", "b"))
    remedy = search_path_remedy(
        (PATH, other), pooler(), cluster(postgres=17), role_defaults=(SHOP_DEFAULT,)
    )
    assert remedy.kind == "direct"


def test_one_parameter_that_cannot_be_tracked_sends_the_consumer_direct() -> None:
    both = consumer("web", connection(("search_path", "a"), ("statement_timeout", "5s")))
    assert startup_remedy(both, pooler(), cluster()).kind == "direct"


def test_SP10_read_only_can_be_tracked_from_14() -> None:
    one = consumer("web", connection(("default_transaction_read_only", "on")))
    assert startup_remedy(one, pooler(), cluster(postgres=14)).kind == "track"
    assert startup_remedy(one, pooler(), cluster(postgres=13)).kind == "direct"


def test_consumers_of_one_pooler_get_one_list() -> None:
    web = consumer("web", connection(("search_path", "a")))
    report = consumer("report", connection(("default_transaction_read_only", "on")))
    plain = consumer("plain")
    remedies = dict(startup_remedies((web, report, plain), pooler(), cluster()))
    expected = (
        ("track_extra_parameters", "IntervalStyle,search_path,default_transaction_read_only"),
    )
    assert remedies[web.id].parameters == remedies[report.id].parameters == expected
    assert remedies[plain.id].kind == "none"


def test_the_remedy_mends_what_the_check_finds() -> None:
    facts = environment(consumer("web", PATH))
    assert check(facts)
    remedy = search_path_remedy((PATH,), facts.pooler, facts.cluster)
    mended = environment(consumer("web", PATH), pooler=pooler(parameters=remedy.parameters))
    assert check(mended) == ()


def test_X4_the_hint_tells_that_a_shared_role_cannot_be_pooled_by_defaults() -> None:
    web = consumer("web", PATH)
    auth = consumer("auth", connection(("search_path", "b")))
    facts = environment(web, auth, cluster=cluster(postgres=17))
    remedy = startup_remedy(web, facts.pooler, facts.cluster)
    (finding,) = remedy_findings(facts, web, remedy)
    assert "its own role" in finding.hint
    timeout = consumer("web", connection(("statement_timeout", "5s"), schema="a"))
    other = environment(timeout, auth)
    remedy_of_timeout = startup_remedy(timeout, other.pooler, other.cluster)
    (finding,) = remedy_findings(other, timeout, remedy_of_timeout)
    assert "SET statement_timeout" in finding.hint
    alone = environment(web, cluster=cluster(postgres=17))
    (finding,) = remedy_findings(alone, web, remedy)
    assert "ALTER ROLE shop IN DATABASE shopdb SET" in finding.hint
    nothing = startup_remedy(consumer(), facts.pooler, facts.cluster)
    assert remedy_findings(alone, web, nothing) == ()
