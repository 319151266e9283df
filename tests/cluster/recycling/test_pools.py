"""What a migration does to a pool, and what a rollout makes good: PS4, ST14 and OP9."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Mapping

import pytest

from repoint.rollout.names import RECYCLED, START_DUE
from repoint.wire.refusals import ConnectionLost, ServerRefusal
from tests.cluster.recycling.conftest import OpenStore
from tests.cluster.recycling.store import POOLER, ROLE, Store, Waiter, steps_of

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

_TABLE = "CREATE TABLE goods (id int PRIMARY KEY, name text); INSERT INTO goods VALUES (1, 'tea')"
_WIDER = "ALTER TABLE goods ADD COLUMN price int DEFAULT 3"
_GOODS = "SELECT * FROM goods WHERE id = $1"
_POISONED = "0A000 cached plan must not change result type"
_DRIVERS = ("node-postgres", "lib/pq", "pgx")
_LEFT = ["recycle Pooler/pooler"]
_RESTARTED = "restart Pooler/pooler"
_TRACKED = "track_extra_parameters"


def _first_rollout(store: Store) -> None:
    """Bring a store up, with a table; its pool has a server connection."""
    store.migration(_TABLE)
    done = store.rollout()
    assert done.status == 0, str(done)
    store.world.plane.until("the pool reaches its server", lambda: _answers(store))


def _migrated_only(store: Store, statement: str) -> None:
    """Roll a migration out, but for what comes after its Job: the run is killed."""
    store.migration(f"SELECT pg_sleep(1); {statement}")
    store.cut_off("] wait for Job/")
    store.finish_job()


def test_a_pool_that_a_migration_poisoned_is_healed_by_a_rollout(
    open_store: OpenStore, request: pytest.FixtureRequest
) -> None:
    store = open_store()
    _first_rollout(store)
    clients = [store.client(driver) for driver in _DRIVERS]
    for client in clients:
        assert client.run(_GOODS, ["1"]) == (("1", "tea"),)
    _migrated_only(store, _WIDER)
    # Those that come later are no better off.
    for client in [*clients, *(store.client(driver) for driver in _DRIVERS)]:
        with pytest.raises(ServerRefusal, match=_POISONED):
            client.run(_GOODS, ["1"])

    with store.pauses() as pauses, Waiter(store) as waiter:
        done = store.rollout()
    assert done.status == 0, str(done)
    assert steps_of(done)[:1] == _LEFT
    assert pauses == [False, True, False]
    assert "its metrics cannot be read" not in done.err
    assert not waiter.failures and waiter.answers
    request.node.user_properties.append(("longest wait in s", waiter.longest_s))
    for client in [*clients, *(store.client(driver) for driver in _DRIVERS)]:
        assert client.run(_GOODS, ["1"]) == (("1", "tea", "3"),)


def test_a_pause_lasts_until_the_metrics_tell_of_no_server_connection(
    open_store: OpenStore,
) -> None:
    store = open_store(default_pool_size="4")
    _first_rollout(store)
    busy = store.client()
    busy.query("BEGIN")
    _migrated_only(store, _WIDER)
    with store.pauses() as pauses, store.rolling_out() as ended:
        store.world.plane.until("the pool is paused", lambda: store.is_paused)
        # Without metrics to read it would be let go by now.
        time.sleep(5)
        assert store.is_paused
        busy.query("COMMIT")
    assert ended[0].status == 0, str(ended[0])
    assert "its metrics cannot be read" not in ended[0].err
    assert pauses == [False, True, False]


def test_a_transaction_that_outlasts_the_bound_stops_it_and_a_second_run_goes_on(
    open_store: OpenStore,
) -> None:
    store = open_store(default_pool_size="4", query_wait_timeout="10")
    _first_rollout(store)
    before = _marks(store)
    other = store.client(timeout_s=2)
    assert other.run(_GOODS, ["1"]) == (("1", "tea"),)
    late = store.client()
    late.query("BEGIN")
    _migrated_only(store, _WIDER)
    with store.pauses() as pauses:
        done = store.rollout()
    assert done.status == 5, str(done)
    assert "still has server connections after 5 s: a transaction runs that long" in done.err
    assert pauses == [False, True, False]
    assert _marks(store) == before

    # CloudNativePG's manager is still in its PAUSE, so what the error says is true.
    assert "its clients wait until that transaction ends" in done.err
    with pytest.raises(ConnectionLost, match="timeout expired"):
        other.query("SELECT 1")
    late.query("COMMIT")
    store.world.plane.until("clients are let through", lambda: _answers(store))
    again = store.rollout()
    assert again.status == 0, str(again)
    assert steps_of(again)[0] == _LEFT[0]
    assert late.run(_GOODS, ["1"]) == (("1", "tea", "3"),)
    assert not store.is_paused


def test_pods_that_wait_for_a_transaction_are_replaced_as_the_error_says(
    open_store: OpenStore,
) -> None:
    store = open_store(default_pool_size="4", query_wait_timeout="10")
    _first_rollout(store)
    late = store.client()
    late.query("BEGIN")
    _migrated_only(store, _WIDER)
    done = store.rollout()
    assert done.status == 5, str(done)
    told = re.search(r"kubectl (rollout restart deployment/\S+ -n \S+)", done.err)
    assert told is not None, done.err
    store.world.kubectl(*told[1].split())
    store.world.plane.until("clients are let through", lambda: _answers(store))
    again = store.rollout()
    assert again.status == 0, str(again)
    assert not store.is_paused


@pytest.mark.parametrize("pool_mode", ["transaction", "session"])
def test_a_role_s_new_default_reaches_new_clients_after_a_rollout(
    open_store: OpenStore, pool_mode: str
) -> None:
    store = open_store(pool_mode)
    _first_rollout(store)
    assert _default(store) == "0"
    _migrated_only(store, f"ALTER ROLE {ROLE} SET statement_timeout = '7s'")
    pods = set(store.bouncers())
    assert _default(store) == "0", "the server connection is older than the default"
    with store.pauses() as pauses:
        done = store.rollout()
    assert done.status == 0, str(done)
    assert steps_of(done)[:1] == _LEFT
    assert _default(store) == "7s"
    session = pool_mode == "session"
    assert pauses == ([False] if session else [False, True, False])
    assert (set(store.bouncers()) == pods) is not session


def test_a_session_pool_is_left_alone_by_other_migrations(open_store: OpenStore) -> None:
    store = open_store("session")
    _first_rollout(store)
    client = store.client()
    assert client.run(_GOODS, ["1"]) == (("1", "tea"),)
    client.close()
    pods = set(store.bouncers())
    store.migration(_WIDER)
    with store.pauses() as pauses:
        done = store.rollout()
    assert done.status == 0, str(done)
    assert steps_of(done) == ["run Job/migrate", "wait for Job/migrate"]
    assert set(store.bouncers()) == pods and pauses == [False]
    assert store.client().run(_GOODS, ["1"]) == (("1", "tea", "3"),)


def test_a_parameter_that_pgbouncer_takes_at_its_start_only_reaches_its_clients(
    open_store: OpenStore,
) -> None:
    store = open_store()
    _first_rollout(store)
    wanted = {_TRACKED: "IntervalStyle,search_path", "default_pool_size": "3"}
    # CloudNativePG has PgBouncer reload, which is not enough.
    _patch(store, wanted)
    store.world.plane.until("it is reloaded", lambda: _running(store, "default_pool_size") == "3")
    assert _running(store, _TRACKED) == "IntervalStyle"
    with pytest.raises(ServerRefusal, match="unsupported startup parameter: search_path"):
        store.client(search_path="pg_catalog")
    _patch(store, {_TRACKED: None})

    store.objects["pooler"]["spec"]["pgbouncer"]["parameters"].update(wanted)
    store.write()
    done = store.rollout()
    assert done.status == 0, str(done)
    assert steps_of(done) == ["apply Pooler/pooler", "wait for Pooler/pooler", _RESTARTED]
    assert _running(store, _TRACKED) == wanted[_TRACKED]
    assert store.client(search_path="pg_catalog").query("SHOW search_path") == (("pg_catalog",),)
    pods = set(store.bouncers())
    assert json.loads(store.rollout().out)["outcome"] == "nothing"
    assert set(store.bouncers()) == pods


def test_a_start_that_is_due_is_not_forgotten_when_a_run_is_killed(open_store: OpenStore) -> None:
    store = open_store()
    _first_rollout(store)
    store.objects["pooler"]["spec"]["pgbouncer"]["parameters"][_TRACKED] = "IntervalStyle,role"
    store.write()
    store.cut_off("] done: apply Pooler/")
    again = store.rollout()
    assert again.status == 0, str(again)
    assert steps_of(again)[-1] == _RESTARTED
    assert _running(store, _TRACKED) == "IntervalStyle,role"
    assert START_DUE not in store.get("pooler", POOLER)["metadata"]["annotations"]


def _patch(store: Store, parameters: Mapping[str, str | None]) -> None:
    """What somebody's kubectl does to the Pooler's parameters."""
    patch = json.dumps({"spec": {"pgbouncer": {"parameters": parameters}}})
    where = ("patch", "pooler", POOLER, "-n", store.namespace, "--type=merge", "-p", patch)
    store.world.kubectl(*where)


def _running(store: Store, parameter: str) -> str:
    """A parameter as PgBouncer has it, once its console lets anybody in."""
    from tests.cluster.world.pooler_manager import console

    [pod] = store.bouncers().values()

    def shown() -> str | None:
        try:
            with contextlib.closing(console(pod)) as session:
                return str({row[0]: row[1] for row in session.query("SHOW CONFIG")}[parameter])
        except ServerRefusal:  # while the server behind it is out of reach
            return None

    found: str = store.world.plane.until("its console answers", shown)
    return found


def _default(store: Store) -> str:
    """The statement timeout of a new client."""
    with contextlib.closing(store.client()) as client:
        ((found,),) = client.query("SHOW statement_timeout")
    return str(found)


def _marks(store: Store) -> dict[str, str]:
    marks: dict[str, str] = store.get("pooler", POOLER)["metadata"]["annotations"]
    assert set(marks) == {RECYCLED}
    return marks


def _answers(store: Store) -> bool:
    """Whether a new client gets an answer."""
    try:
        with contextlib.closing(store.client(timeout_s=2)) as client:
            return bool(client.query("SELECT 1"))
    except (ConnectionLost, ServerRefusal, AssertionError):
        return False
