"""Each check of a pool, green and red, by itself on real servers; and the restart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from repoint.flows.rehearsing.asking import asked
from repoint.flows.rehearsing.checks_pool import (
    QUESTIONS,
    Restart,
    answers,
    capacity,
    long_transaction,
)
from repoint.flows.rehearsing.controls import while_down
from repoint.model.rehearsal import Verdict
from repoint.model.source import Location
from repoint.rehearsal.cast import Client
from repoint.rehearsal.spec import beside_host, narrow
from repoint.rules.facts import Connection
from repoint.wire.login import Login
from repoint.wire.refusals import ServerRefusal
from tests.servers.fix_lab import Ground, GroundFactory, PoolerFactory
from tests.servers.staging import client, staged

pytestmark = pytest.mark.servers

PASS, FAIL = Verdict.PASS, Verdict.FAIL
GOES_ON = "it does not notice, and its next query is answered"


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_long_transaction(pooler: PoolerFactory, mode: str) -> None:
    """CA3."""
    pool = pooler(mode=mode)
    one = client(pool, mode=mode)

    found = long_transaction(staged(pool, one), one)

    assert found.verdict is PASS
    assert found.observed == "FATAL: query_wait_timeout (08P01), then served"


def test_long_transaction_in_a_pool_where_nobody_has_to_wait(pooler: PoolerFactory) -> None:
    pool = pooler()
    one = client(pool)

    found = long_transaction(staged(pool, one, narrow={"default_pool_size": "2"}), one)

    assert (found.verdict, found.observed) == (FAIL, "served at once, then served")


class Impatient:
    """A laboratory whose clients wait for half a second."""

    def __init__(self, lab: Any) -> None:
        self._lab = lab

    def connect(self, host: str, login: Login, **_how: Any) -> Any:
        """Log in, and give up soon."""
        return self._lab.connect(host, login, timeout_s=0.5)


def test_long_transaction_in_a_pool_that_lets_the_next_one_wait_and_says_nothing(
    pooler: PoolerFactory,
) -> None:
    """CNPG's two minutes: whoever gives up before knows nothing of the pool."""
    pool = pooler()
    one = client(pool)
    stage = staged(pool, one, narrow={"query_wait_timeout": "120"})
    stage.lab = Impatient(stage.lab)  # type: ignore[assignment]

    found = long_transaction(stage, one)

    assert found.verdict is FAIL
    assert "query_wait_timeout" not in found.observed


def test_long_transaction_that_is_ended_by_the_pooler_for_being_idle(pooler: PoolerFactory) -> None:
    """The one that holds the pool is the one that goes: its COMMIT has nobody to talk to."""
    pool = pooler()
    one = client(pool)
    stage = staged(pool, one, narrow={"idle_transaction_timeout": "1", "query_wait_timeout": "9"})

    with pytest.raises(ServerRefusal, match="idle transaction timeout"):
        long_transaction(stage, one)


@pytest.mark.parametrize(
    ("mode", "parameters", "expected", "verdict"),
    [
        pytest.param("session", {"default_pool_size": "4"}, 4, PASS, id="as many as it needs"),
        pytest.param("session", {"default_pool_size": "3"}, 4, FAIL, id="CA1"),
        pytest.param("transaction", {"default_pool_size": "1"}, 4, PASS, id="they share"),
        pytest.param("transaction", {"max_client_conn": "3"}, 4, FAIL, id="CA2"),
    ],
)
def test_capacity(
    pooler: PoolerFactory, mode: str, parameters: dict[str, str], expected: int, verdict: Verdict
) -> None:
    given = {**parameters, "query_wait_timeout": "1"}
    pool = pooler(mode=mode, parameters=given)
    one = client(pool, mode=mode, pool_size=1, replicas=3)
    other = client(pool, mode=mode, pool_size=1)
    probe = client(pool, mode=mode, pool_size=9, purpose="probe")
    elsewhere = client(pool, mode=mode, pool_size=9, pooler="other")
    guest = client(pool, mode=mode, pool_size=9, login=pool.login(user=pool.ground.role("guest")))

    stage = staged(pool, one, other, probe, elsewhere, guest, parameters=given)
    found = capacity(stage, one)

    assert found.expected.startswith(f"{expected} clients served at once")
    assert found.verdict is verdict
    if verdict is FAIL:
        assert found.observed.startswith("3, then FATAL: ")
    else:
        assert found.observed == "4 served at once"


def test_capacity_of_a_full_pool_is_told_at_once_and_not_asked_again(pooler: PoolerFactory) -> None:
    """CA1 with CloudNativePG's `query_wait_timeout` of two minutes."""
    given = {"default_pool_size": "2"}
    pool = pooler(mode="session", parameters=given)
    one = client(pool, mode="session", pool_size=3)
    stage = staged(pool, one, parameters=given)
    stage.patience_s = 0.5

    [question] = [each for each in QUESTIONS if each.id == "capacity"]
    found = asked(stage, one, question)

    assert found.verdict is FAIL
    assert found.observed == "2, and then the pool is full: the next waits until one leaves"


def test_capacity_counts_by_who_logs_in_whatever_the_strings_leave_out(
    pooler: PoolerFactory,
) -> None:
    """One string does not tell its database: the login does, and it is the same pool."""
    pool = pooler(mode="session")
    one = client(pool, mode="session", pool_size=2)
    other = client(pool, mode="session", pool_size=3)
    told = Connection("s", Location("a.yaml", 1, 1, ""), "url", "h", "web", "", "", (), False)
    other = replace(other, facts=replace(other.facts, connections=(told,)))

    assert capacity(staged(pool, one, other), one).observed == "5 served at once"


def test_no_more_clients_are_opened_than_a_laptop_can_hold(pooler: PoolerFactory) -> None:
    pool = pooler(parameters={"max_client_conn": "210", "default_pool_size": "1"})
    one = client(pool, pool_size=5000)

    assert capacity(staged(pool, one), one).observed == "200 served at once"


def test_what_a_wait_loop_is_told(ground: GroundFactory) -> None:
    """OP1; what a Pooler says without PostgreSQL is a control of the restart."""
    here = ground()
    pool = here.pooler()
    pooled, plain = client(pool), client(here.direct, mode="")
    stage = staged(pool, pooled)
    assert [answers(stage, one).verdict for one in (pooled, plain)] == [PASS, PASS]

    here.lab.stop_postgres()
    try:
        found = answers(stage, plain)
    finally:
        here.lab.start_postgres()
    assert (found.verdict, found.observed) == (FAIL, "no answer")


@pytest.mark.parametrize(
    ("mode", "observed"),
    [
        ("transaction", "its next query is answered"),
        ("session", "its connection ended with 08P01; a new login is taken"),
        ("", "its connection ended; a new login is taken"),
    ],
)
def test_restart(ground: GroundFactory, mode: str, observed: str) -> None:
    """OP4, and OP1 while it is down."""
    here = ground()
    pool = here.pooler(mode=mode) if mode else here.direct
    one = client(pool, mode=mode)
    stage = staged(pool, one)
    restart = Restart(stage, [one], [one] if mode else [])

    found = restart.run()[0]

    assert (found.verdict, found.observed) == (PASS, observed)
    assert not restart.direct_answered
    held = while_down(stage, restart)
    assert [(one.id, one.verdict) for one in held] == [("wait-loop", PASS)] * (2 if mode else 0)


def test_restart_that_an_idle_client_of_a_transaction_pool_notices(ground: GroundFactory) -> None:
    """A pool that says transaction and does as a session's."""
    here = ground()
    pool = here.pooler(mode="session")
    one = client(pool, mode="transaction")
    stage = staged(pool, one)

    found = Restart(stage, [one], []).run()[0]

    assert (found.verdict, found.expected) == (FAIL, GOES_ON)
    assert found.observed == "its connection ended with 08P01"


def test_restart_beside_which_there_is_no_room_for_another(ground: GroundFactory) -> None:
    here = ground()
    one = client(here.direct, mode="")
    stage = staged(here.direct, one)
    here.sql(f'ALTER ROLE "{here.owner}" CONNECTION LIMIT 1')

    found = Restart(stage, [one, one], []).run()

    assert [found[number].verdict for number in (0, 1)] == [PASS, Verdict.UNKNOWN]
    assert found[1].observed.startswith("not beside the others: FATAL: too many connections")


class Relocking:
    """A laboratory whose PostgreSQL comes back with a role that may not log in any more."""

    def __init__(self, here: Ground) -> None:
        self._here = here

    def __getattr__(self, name: str) -> Any:
        return getattr(self._here.lab, name)

    def start_postgres(self) -> None:
        """Start it and take the login away."""
        self._here.lab.start_postgres()
        self._here.sql(f'ALTER ROLE "{self._here.owner}" NOLOGIN')


@pytest.mark.parametrize("mode", ["session", ""])
def test_restart_after_which_nobody_may_log_in(ground: GroundFactory, mode: str) -> None:
    here = ground()
    pool = here.pooler(mode=mode) if mode else here.direct
    one = client(pool, mode=mode)
    stage = staged(pool, one)
    stage.lab = Relocking(here)  # type: ignore[assignment]

    found = Restart(stage, [one], []).run()[0]

    assert found.verdict is FAIL
    assert found.observed.startswith("its connection ended")
    assert "; then FATAL: " in found.observed


def test_wait_loops_told_the_truth_or_a_lie_are_no_control(pooler: PoolerFactory) -> None:
    """X8 red: a pooler falls silent, and a PostgreSQL that is down answers."""
    pool = pooler()
    one = client(pool)
    stage = staged(pool, one)
    restart = Restart(stage, [], [])
    restart.answered_while_down[one.pooler] = (one, False)
    restart.direct_answered = True

    found = while_down(stage, restart)

    assert [(each.verdict, each.observed) for each in found] == [
        (FAIL, "no answer"),
        (FAIL, "it answers"),
    ]


def test_who_is_asked_which_question_of_a_pool(ground: GroundFactory) -> None:
    direct = ground().direct
    size = "set `consumers.{}.pool_size`"

    def reasons(one: Client) -> dict[str, str]:
        return {question.id: question.skips(one) for question in QUESTIONS}

    pooled = client(direct)
    assert reasons(pooled)["long-transaction"] == ""
    assert size.format(pooled.facts.name) in reasons(pooled)["capacity"]
    assert reasons(client(direct, pool_size=1)) == {"long-transaction": "", "capacity": ""}
    assert set(reasons(client(direct, mode="", pool_size=1)).values()) == {"no pool in between"}
    probe = client(direct, purpose="probe", pool_size=1)
    assert set(reasons(probe).values()) == {"a wait loop asks no more than this"}


def test_the_narrow_pooler_has_one_connection_whatever_the_plan_says(pooler: PoolerFactory) -> None:
    """Two clients of it always meet, and the second does not wait two minutes."""
    pool = pooler(
        parameters={"default_pool_size": "30", "min_pool_size": "5", "reserve_pool_size": "4"}
    )
    assert pool.spec is not None
    spec = narrow(pool.spec, beside_host(pool.spec, "-narrow"))
    with pool.ground.lab.beside(spec):
        told = {row[0]: row[1] for row in replace(pool, host=spec.host).console("SHOW CONFIG")}

    assert spec.host == pool.host.replace(".", "-narrow.", 1)
    assert {name: told[name] for name in ("default_pool_size", "min_pool_size")} == {
        "default_pool_size": "1",
        "min_pool_size": "0",
    }
    assert (told["reserve_pool_size"], told["query_wait_timeout"]) == ("0", "1")
